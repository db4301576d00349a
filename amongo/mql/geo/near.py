"""What `$near`, `$nearSphere` and `$geoNear` ask: from where, how far, and counted how.

Distances of GeoJSON points are in meters, those of old coordinate pairs in radians (`$nearSphere`) or in the units of
the plane (`$near`). Source: manual, $near, $nearSphere, $geoNear (aggregation).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from amongo.errors import geo as errors
from amongo.mql.geo.geometry import Geometry, Point
from amongo.mql.geo.parse import Malformed, query_point, stored_geometry
from amongo.mql.geo.vectors import EARTH_RADIUS_METERS
from amongo.values.numbers import to_double
from amongo.values.paths import FieldPath, expand, query_path
from amongo.values.types import is_number
from amongo.values.wording import element, shown

Document = dict[str, Any]

NEAR_OPERATORS: Final = frozenset({"$near", "$nearSphere", "$geoNear"})

_FARTHEST_METERS: Final = math.pi * EARTH_RADIUS_METERS
_UNBOUNDED: Final = sys.float_info.max


class Measured(NamedTuple):
    """The place of a document that is nearest.

    meters     how far it is, or the units of the plane
    distance   how far it is, in the unit that the query counts in: what `geoNearDistance` shows
    value      the document's own value: what `geoNearPoint` shows
    """

    meters: float
    distance: float
    value: Any


@dataclass(frozen=True, slots=True)
class NearQuery:
    """A question for what is near.

    path              the field whose places are measured
    point             from where
    is_spherical      distances are measured on the sphere
    is_in_radians     the query counts in radians, though on the sphere
    is_wrapping       a GeoJSON point: only an index on the sphere serves
    least, most       distances between which places are wanted, both included, in the unit of the query
    """

    path: FieldPath
    point: Point
    is_spherical: bool
    is_in_radians: bool
    is_wrapping: bool
    least: float = 0.0
    most: float = _UNBOUNDED

    def measure(self, document: Document) -> Measured | None:
        """The nearest place of a document; None if it has none, or none between the bounds."""
        nearest: tuple[float, Any] | None = None
        for value, geometry in _places(document, self.path):
            meters = self._distance(geometry)
            if meters is not None and (nearest is None or meters < nearest[0]):
                nearest = meters, value
        if nearest is None or not self._is_wanted(nearest[0]):
            return None
        meters = nearest[0]
        return Measured(meters, meters / EARTH_RADIUS_METERS if self.is_in_radians else meters, nearest[1])

    def _distance(self, geometry: Geometry) -> float | None:
        if not self.is_spherical:
            return geometry.flat_distance(self.point)
        return geometry.distance_meters(self.point) if geometry.is_on_sphere and geometry.big is None else None

    @property
    def nearest(self) -> float:
        """The least distance that is wanted, in meters or units of the plane."""
        return min(self.least * self._unit, _FARTHEST_METERS) if self.is_spherical else self.least

    @property
    def farthest(self) -> float:
        """The greatest distance that is wanted, in meters or units of the plane."""
        return min(self.most * self._unit, _FARTHEST_METERS) if self.is_spherical else self.most

    @property
    def _unit(self) -> float:
        return EARTH_RADIUS_METERS if self.is_in_radians else 1.0

    def _is_wanted(self, meters: float) -> bool:
        return self.nearest <= meters <= self.farthest


def _places(document: Document, path: FieldPath) -> Iterator[tuple[Any, Geometry]]:
    """(value, geometry) of what a document has at a path: one place, or those of an array."""
    for value in expand(document, path, leaf_arrays=False):
        try:
            yield value, stored_geometry(value)
        except Malformed:
            for each in value if type(value) is list else ():
                try:
                    yield each, stored_geometry(each)
                except Malformed:
                    continue


def near_query(path: str, operators: Document) -> NearQuery:
    """The question of `{$near: …}` or `{$nearSphere: …}`.

    operators   the document of operators below the field: one of `NEAR_OPERATORS`, and beside an old coordinate pair
                `$minDistance`, `$maxDistance`
    errors      those of `amongo.errors.geo` under "Near"
    """
    return _beside_pair(path, operators) or _with_geometry(path, operators)


def _beside_pair(path: str, operators: Document) -> NearQuery | None:
    """`{$near: [x, y], $maxDistance: d}`, `{$near: [x, y, d]}`, and `{$near: <GeoJSON point>}` without `$geometry`."""
    point, is_spherical, least, most = None, False, 0.0, _UNBOUNDED
    for name, operand in operators.items():
        if name in NEAR_OPERATORS:
            if type(operand) not in (dict, list):
                return None
            found = _point_with_distance(operand)
            if found is None:
                if type(operand) is dict and "$geometry" in operand:
                    continue
                raise errors.NEAR_POINT(point=shown(operand))
            point, is_spherical = found[0], name == "$nearSphere"
            most = most if found[1] is None else found[1]
            if not most >= 0:
                raise errors.NEAR_TRIPLE_NEGATIVE()
        elif name == "$minDistance":
            if not is_number(operand):
                raise errors.NEAR_LEAST_TYPE()
            least = to_double(operand)
            if not least >= 0:
                raise errors.NEAR_LEAST_NEGATIVE()
        elif name == "$maxDistance":
            if not is_number(operand):
                raise errors.NEAR_MOST_TYPE()
            most = to_double(operand)
            if not most >= 0:
                raise errors.NEAR_MOST_NEGATIVE()
        elif name != "$uniqueDocs":
            raise errors.NEAR_SIBLING(name=name)
    return None if point is None else _question(path, point, is_spherical, least, most)


def _point_with_distance(operand: Any) -> tuple[Point, float | None] | None:
    """(point, distance or None) of a point, or of three numbers: a pair and how far to go; None for neither."""
    try:
        return query_point(operand), None
    except Malformed:
        items = list(operand.values()) if type(operand) is dict else operand
        if len(items) != 3 or not all(map(is_number, items)):
            return None
        x, y, most = map(to_double, items)
        return (Point((x, y), is_flat=True), most) if math.isfinite(x) and math.isfinite(y) else None


def _with_geometry(path: str, operators: Document) -> NearQuery:
    """`{$near: {$geometry: <GeoJSON point>, $minDistance: d, $maxDistance: d}}`."""
    (name, operand), *others = operators.items()
    if others:
        raise errors.NEAR_EXTRA(element=element(*others[0]))
    if type(operand) not in (dict, list):
        raise errors.NEAR_NOT_OBJECT()
    point, bounds = None, {"$minDistance": 0.0, "$maxDistance": _UNBOUNDED}
    for field, value in operand.items() if type(operand) is dict else ():
        if field == "$geometry":
            if type(value) in (dict, list):
                point = _geojson_point(value)
        elif field in bounds:
            if not is_number(value):
                raise errors.NEAR_BOUND_TYPE(name=field)
            bounds[field] = to_double(value)
            if not (bounds[field] >= 0 and math.isfinite(bounds[field])):
                raise errors.NEAR_BOUND_NEGATIVE(name=field)
        else:
            raise errors.NEAR_ARGUMENT(name=field)
    if point is None:
        raise errors.NEAR_WITHOUT_GEOMETRY()
    return _question(path, point, name == "$nearSphere", bounds["$minDistance"], bounds["$maxDistance"])


def _geojson_point(value: Any) -> Point:
    try:
        point = query_point(value)
    except Malformed as fault:
        raise errors.NEAR_GEOMETRY(geometry=shown(value), reason=fault) from None
    if point.is_flat:
        raise errors.NEAR_FLAT_GEOMETRY(geometry=shown(value))
    return point


def _question(path: str, point: Point, is_spherical: bool, least: float, most: float) -> NearQuery:
    if is_spherical and not point.is_on_sphere:
        raise errors.NEAR_OUT_OF_BOUNDS()
    is_wrapping = not point.is_flat
    return NearQuery(
        query_path(path),
        point,
        is_spherical or is_wrapping,
        is_spherical and point.is_flat,
        is_wrapping,
        least,
        most,
    )
