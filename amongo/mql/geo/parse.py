"""Reading geometries: GeoJSON, old coordinate pairs, and the figures of `$geoWithin`.

What is wrong with one is told in the server's words, by `Malformed`: an error in a query, no geometry in a document.
Source: manual, GeoJSON Objects; $geometry, $box, $center, $centerSphere, $polygon.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from amongo.mql.geo.caps import Cap
from amongo.mql.geo.geometry import Geometry, Point
from amongo.mql.geo.lines import Line
from amongo.mql.geo.loops import Loop
from amongo.mql.geo.planar import Box, Circle, FlatPolygon, Pair
from amongo.mql.geo.polygons import BigPolygon, Polygon
from amongo.mql.geo.vectors import Vector, is_on_sphere, vector
from amongo.values.missing import MISSING
from amongo.values.numbers import to_double
from amongo.values.types import alias, is_number
from amongo.values.wording import shown

Document = dict[str, Any]

_SPHERES: Final = frozenset({"urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326"})
_STRICT: Final = "urn:x-mongodb:crs:strictwinding:EPSG:4326"


class Malformed(Exception):
    """A value is no geometry; the message says why."""


def stored_geometry(value: Any) -> Geometry:
    """The geometry of a document's value: a coordinate pair (further coordinates are left aside), or GeoJSON.

    errors   Malformed
    """
    kind = type(value)
    if kind is not list and kind is not dict:
        raise Malformed(f"geo element must be an array or object: {shown(value)}")
    if kind is list or _begins_with_number(value):
        return Geometry((Point(_pair(value, takes_more=True), is_flat=True),))
    return geojson(value)


def query_geometry(value: Document | list[Any]) -> Geometry:
    """The geometry of `$geometry`: GeoJSON, or one coordinate pair.

    errors   Malformed
    """
    if type(value) is list or _begins_with_number(value):
        return Geometry((query_point(value),))
    assert type(value) is dict
    return geojson(value)


def query_point(value: Any) -> Point:
    """The point from which `$near` and `$geoNear` count: a coordinate pair, or GeoJSON, whose type may be left out.

    errors   Malformed
    """
    if type(value) is not list and type(value) is not dict:
        raise Malformed(f"Point must be an array or object, instead got type {alias(value)}")
    if type(value) is list or _begins_with_number(value):
        return Point(_pair(value), is_flat=True)
    assert type(value) is dict
    if value.get("type", "Point") != "Point":
        raise Malformed(f"Expected geojson geometry with type 'Point', but got type {shown(value['type'])}")
    return _point(value)


def _begins_with_number(value: Document | list[Any]) -> bool:
    return bool(value) and is_number(_items(value)[0])


def _items(value: Document | list[Any]) -> list[Any]:
    """The elements of an array, the values of a document."""
    return list(value.values()) if isinstance(value, dict) else value


# Coordinates


def _pair(value: Any, *, takes_more: bool = False) -> Pair:
    """(x, y) of an array or document that begins with two numbers."""
    if type(value) is not list and type(value) is not dict:
        raise Malformed(f"Point must be an array or object, instead got type {alias(value)}")
    items = _items(value)
    for item in [*items, MISSING, MISSING][:2]:
        if not is_number(item):
            raise Malformed(f"Point must only contain numeric elements, instead got type {alias(item)}")
    if len(items) > 2 and not takes_more:
        raise Malformed("Point must only contain two numeric elements")
    x, y = to_double(items[0]), to_double(items[1])
    if not (math.isfinite(x) and math.isfinite(y)):
        raise Malformed("Point coordinates must be finite numbers")
    return x, y


def _vector(pair: Pair) -> Vector:
    """The point of the sphere at a longitude and latitude."""
    if not is_on_sphere(*pair):
        raise Malformed(f"longitude/latitude is out of bounds, lng: {pair[0]:g} lat: {pair[1]:g}")
    return vector(*pair)


def _position(value: Any) -> Pair:
    """One GeoJSON position; altitudes are left aside."""
    if type(value) is not list:
        raise Malformed(f"GeoJSON coordinates must be an array of coordinates, instead got type {alias(value)}")
    pair = _pair(value, takes_more=True)
    _vector(pair)
    return pair


def _positions(value: Any) -> list[Pair]:
    if type(value) is not list:
        raise Malformed(f"GeoJSON coordinates must be an array of coordinates, instead got type {alias(value)}")
    return [_position(each) for each in value]


def _vertices(value: Any) -> list[Vector]:
    """The positions on the sphere, one for several in a row that are the same."""
    vertices: list[Vector] = []
    for pair in _positions(value):
        place = vector(*pair)
        if not vertices or vertices[-1] != place:
            vertices.append(place)
    return vertices


# GeoJSON


def geojson(value: Document) -> Geometry:
    """The geometry of a GeoJSON object.

    errors   Malformed
    """
    read = _types().get(_type(value))
    if read is None:
        raise Malformed(f"unknown GeoJSON type: {shown(value)}")
    return read(value)


def _type(value: Document) -> str:
    name = value.get("type")
    return name if type(name) is str else ""


def _types() -> Mapping[str, Callable[[Document], Geometry]]:
    return {**_SINGLE_TYPES, "GeometryCollection": _collection}


def _check_crs(value: Document, *, takes_strict: bool = False) -> bool:
    """Whether the geometry is to be read with strict winding order."""
    if "crs" not in value:
        return False
    crs = value["crs"]
    if type(crs) not in (dict, list):
        raise Malformed(f"GeoJSON CRS must be an object, instead got type {alias(crs)}")
    crs = crs if type(crs) is dict else {}
    if crs.get("type") != "name":
        raise Malformed('GeoJSON CRS must have field "type": "name"')
    properties = crs.get("properties", MISSING)
    if type(properties) not in (dict, list):
        raise Malformed(f'CRS must have field "properties" which is an object, instead got type {alias(properties)}')
    name = properties.get("name", MISSING) if type(properties) is dict else MISSING
    if type(name) is not str:
        raise Malformed(f'In CRS, "properties.name" must be a string, instead got type {alias(name)}')
    if name in _SPHERES:
        return False
    if name != _STRICT:
        raise Malformed(f"Unknown CRS name: {name}")
    if not takes_strict:
        raise Malformed("Strict winding order is only supported by polygon")
    return True


def _coordinates(value: Document, what: str) -> list[Any]:
    """The array of the coordinates of a Multi… geometry, not empty."""
    _check_crs(value)
    coordinates = value.get("coordinates", MISSING)
    if type(coordinates) is not list:
        raise Malformed(f"{what} coordinates must be an array, instead got type {alias(coordinates)}")
    if not coordinates:
        raise Malformed(f"{what} coordinates must have at least 1 element")
    return coordinates


def _point(value: Document) -> Point:
    _check_crs(value)
    pair = _pair(value.get("coordinates", MISSING), takes_more=True)
    _vector(pair)
    return Point(pair, is_flat=False)


def _single_point(value: Document) -> Geometry:
    return Geometry((_point(value),))


def _line_string(value: Document) -> Geometry:
    _check_crs(value)
    return Geometry(lines=(_line(value.get("coordinates", MISSING)),))


def _polygon_or_big(value: Document) -> Geometry:
    is_strict = _check_crs(value, takes_strict=True)
    coordinates = value.get("coordinates", MISSING)
    if is_strict:
        return Geometry(big=_big_polygon(coordinates))
    return Geometry(polygons=(_polygon(coordinates),))


def _multi_point(value: Document) -> Geometry:
    _check_crs(value)
    pairs = _positions(value.get("coordinates", MISSING))
    if not pairs:
        raise Malformed("MultiPoint coordinates must have at least 1 element")
    return Geometry(tuple(Point(pair, is_flat=False) for pair in pairs))


def _multi_line(value: Document) -> Geometry:
    return Geometry(lines=tuple(map(_line, _coordinates(value, "MultiLineString"))))


def _multi_polygon(value: Document) -> Geometry:
    return Geometry(polygons=tuple(map(_polygon, _coordinates(value, "MultiPolygon"))))


def _collection(value: Document) -> Geometry:
    """All figures of a GeometryCollection's geometries."""
    geometries = value.get("geometries", MISSING)
    if type(geometries) is not list:
        raise Malformed(f"GeometryCollection geometries must be an array, instead got type {alias(geometries)}")
    if not geometries:
        raise Malformed("GeometryCollection geometries must have at least 1 element")
    parts = []
    for number, each in enumerate(geometries):
        if type(each) is not dict:
            raise Malformed(f'Element {number} of "geometries" is not an object')
        kind = _type(each)
        if kind == "GeometryCollection":
            raise Malformed(f"GeometryCollections cannot be nested: {shown(each)}")
        if kind not in _SINGLE_TYPES:
            raise Malformed(f"Unknown GeoJSON type: {shown(each)}")
        if kind == "Polygon" and _check_crs(each, takes_strict=True):
            raise Malformed("Strict winding order is only supported by polygon")
        parts.append(_SINGLE_TYPES[kind](each))
    return Geometry(
        tuple(point for part in parts for point in part.points),
        tuple(line for part in parts for line in part.lines),
        tuple(polygon for part in parts for polygon in part.polygons),
    )


_SINGLE_TYPES: Final[Mapping[str, Callable[[Document], Geometry]]] = {
    "Point": _single_point,
    "LineString": _line_string,
    "Polygon": _polygon_or_big,
    "MultiPoint": _multi_point,
    "MultiLineString": _multi_line,
    "MultiPolygon": _multi_polygon,
}


def _line(value: Any) -> Line:
    vertices = _vertices(value)
    if len(vertices) < 2:
        raise Malformed(f"GeoJSON LineString must have at least 2 vertices: {shown(value)}")
    line = Line(tuple(vertices))
    if fault := line.fault():
        raise Malformed(f"GeoJSON LineString is not valid: {fault} {shown(value)}")
    return line


def _loop(value: Any, whole: Any) -> Loop:
    """A closed loop; its last vertex is the first.

    whole   what messages show of a loop that has too few vertices, or crosses itself
    """
    vertices = _vertices(value)
    if not vertices:
        raise Malformed(f"Loop has no vertices: {shown(value)}")
    if vertices[0] != vertices[-1]:
        raise Malformed(f"Loop is not closed: {shown(value)}")
    if len(vertices) < 4:
        raise Malformed(f"Loop must have at least 3 different vertices: {shown(whole)}")
    loop = Loop(tuple(vertices[:-1]))
    if fault := loop.fault():
        raise Malformed(f"Loop is not valid: {shown(whole)} {fault}")
    return loop


def _polygon(value: Any) -> Polygon:
    """A shell and its holes; each loop encloses its smaller side, whichever way round it is written."""
    if type(value) is not list:
        raise Malformed(f"Polygon coordinates must be an array, instead got type {alias(value)}")
    loops: list[Loop] = []
    for each in value:
        loop = _loop(each, each).normalized()
        if loops and not loops[0].contains_loop(loop):
            raise Malformed(
                "Secondary loops not contained by first exterior loop - secondary loops must be holes: "
                f"{shown(each)} first loop: {shown(value[0])}"
            )
        loops.append(loop)
    if not loops:
        raise Malformed("Polygon has no loops.")
    polygon = Polygon(tuple(loops))
    if len(loops) > 1:
        if fault := polygon.fault():
            raise Malformed(f"Polygon isn't valid: {fault} {shown(value)}")
        if fault := polygon.nesting_fault():
            raise Malformed(f"{fault}: {shown(value)}")
    return polygon


def _big_polygon(value: Any) -> BigPolygon:
    """A polygon whose one loop encloses what is left of it."""
    if type(value) is not list:
        raise Malformed(f"Coordinates of polygon must be an array, instead got type {alias(value)}")
    if len(value) != 1:
        raise Malformed(f"Only one simple loop is allowed in a big polygon: {shown(value)}")
    return BigPolygon(_loop(value[0], value))


# The figures of $geoWithin


def box(value: Document | list[Any]) -> Geometry:
    """`$box`: two corners; what follows is left aside.

    errors   Malformed
    """
    first, second = [*_items(value), MISSING, MISSING][:2]
    return Geometry(region=Box.between(_pair(first), _pair(second)))


def polygon(value: Document | list[Any]) -> Geometry:
    """`$polygon`: three corners or more.

    errors   Malformed
    """
    corners = tuple(map(_pair, _items(value)))
    if len(corners) < 3:
        raise Malformed("Polygon must have at least 3 points")
    return Geometry(region=FlatPolygon(corners))


def center(value: Document | list[Any]) -> Geometry:
    """`$center`: a point of the plane and a radius.

    errors   Malformed
    """
    middle, radius = _circle(value)
    return Geometry(region=Circle(middle, radius))


def center_sphere(value: Document | list[Any]) -> Geometry:
    """`$centerSphere`: a point of the sphere and a radius in radians.

    errors   Malformed
    """
    middle, radius = _circle(value, on_sphere=True)
    return Geometry(cap=Cap(vector(*middle), radius))


def _circle(value: Document | list[Any], *, on_sphere: bool = False) -> tuple[Pair, float]:
    items = _items(value)
    middle, radius = [*items, MISSING, MISSING][:2]
    pair = _pair(middle)
    if on_sphere:
        _vector(pair)
    if not is_number(radius) or not to_double(radius) >= 0:
        raise Malformed("radius must be a non-negative number")
    if len(items) > 2:
        raise Malformed("Only 2 fields allowed for circular region")
    return pair, to_double(radius)
