"""`$geoWithin` and `$geoIntersects`: which values they find, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128

from amongo.errors import ServerError
from amongo.mql.matcher import parse_filter

Document = dict[str, Any]


def geo(kind: str, coordinates: Any, **more: Any) -> Document:
    return {"type": kind, "coordinates": coordinates, **more}


SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[2, 2], [4, 2], [4, 4], [2, 4], [2, 2]]
IN_SQUARE = {"$geoWithin": {"$geometry": geo("Polygon", [SQUARE])}}
IN_RING = {"$geoWithin": {"$geometry": geo("Polygon", [SQUARE, HOLE])}}
MEETS_SQUARE = {"$geoIntersects": {"$geometry": geo("Polygon", [SQUARE])}}
IN_BOX = {"$geoWithin": {"$box": [[10, 10], [0, 0]]}}
IN_TRIANGLE = {"$geoWithin": {"$polygon": [[4, 4], [6, 4], [5, 6]]}}
IN_CORNERS = {"$geoWithin": {"$polygon": [[0, 0], [0, 9], [9, 9], [9, 0]]}}
IN_CIRCLE = {"$geoWithin": {"$center": [[0, 0], 5]}}
IN_CAP = {"$geoWithin": {"$centerSphere": [[0, 0], 0.1]}}
IN_MOST = {"$geoWithin": {"$centerSphere": [[0, 0], 3]}}
STRICT = {"type": "name", "properties": {"name": "urn:x-mongodb:crs:strictwinding:EPSG:4326"}}

CASES = {
    "a GeoJSON point": (geo("Point", [5, 5]), IN_SQUARE, True),
    "a coordinate pair": ([5, 5], IN_SQUARE, True),
    "a pair as a document": ({"lng": 5, "lat": 5}, IN_SQUARE, True),
    "a pair of decimals": ([Decimal128("5"), 5.0], IN_SQUARE, True),
    "a pair with altitude": ([5, 5, 100], IN_SQUARE, True),
    "a pair with a note": ({"x": 5, "y": 5, "type": "Point"}, IN_SQUARE, True),
    "a pair that is no place of the sphere": ([500, 5], IN_SQUARE, False),
    "some of several pairs": ([[50, 50], [5, 5]], IN_SQUARE, True),
    "none of several pairs": ([[50, 50], [60, 60]], IN_SQUARE, False),
    "a corner": ([0, 0], IN_SQUARE, True),
    "on a side": ([10, 3], IN_SQUARE, True),
    "in a hole": ([3, 3], IN_RING, False),
    "on the border of a hole": ([2, 3], IN_RING, True),
    "beside a hole": ([5, 5], IN_RING, True),
    "a line inside": (geo("LineString", [[1, 1], [2, 2]]), IN_SQUARE, True),
    "a line that leaves": (geo("LineString", [[1, 1], [20, 2]]), IN_SQUARE, False),
    "a line over a hole": (geo("LineString", [[1, 3], [5, 3]]), IN_RING, False),
    "a polygon inside": (geo("Polygon", [HOLE]), IN_SQUARE, True),
    "a polygon itself": (geo("Polygon", [SQUARE]), IN_SQUARE, True),
    "a polygon in a hole": (geo("Polygon", [HOLE]), IN_RING, False),
    "all of a MultiPoint": (geo("MultiPoint", [[1, 1], [2, 2]]), IN_SQUARE, True),
    "some of a MultiPoint": (geo("MultiPoint", [[1, 1], [20, 2]]), IN_SQUARE, False),
    "some of a MultiPoint meets": (geo("MultiPoint", [[1, 1], [20, 2]]), MEETS_SQUARE, True),
    "all of a collection": (
        {"type": "GeometryCollection", "geometries": [geo("Point", [1, 1]), geo("Polygon", [HOLE])]},
        IN_SQUARE,
        True,
    ),
    "some of a collection": (
        {"type": "GeometryCollection", "geometries": [geo("Point", [1, 1]), geo("Point", [50, 1])]},
        IN_SQUARE,
        False,
    ),
    "a polygon that crosses itself": (geo("Polygon", [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]), MEETS_SQUARE, False),
    "a polygon that is not closed": (geo("Polygon", [[[0, 0], [2, 0], [2, 2]]]), MEETS_SQUARE, False),
    "a polygon with strict winding": (geo("Polygon", [HOLE], crs=STRICT), MEETS_SQUARE, False),
    "lines that touch": (
        geo("LineString", [[0, 0], [1, 1]]),
        {"$geoIntersects": {"$geometry": geo("LineString", [[1, 1], [2, 0]])}},
        True,
    ),
    "polygons side by side": (
        geo("Polygon", [[[10, 0], [20, 0], [20, 10], [10, 10], [10, 0]]]),
        MEETS_SQUARE,
        False,
    ),
    "a point of a query": ([3, 3], {"$geoIntersects": {"$geometry": [3, 3]}}, True),
    "nothing is in a cap by $geoIntersects": ([0, 0], {"$geoIntersects": {"$centerSphere": [[0, 0], 1]}}, False),
    "in a box": ([5, 5], IN_BOX, True),
    "a corner of a box": ([10, 0], IN_BOX, True),
    "beyond the earth, in a box": ([500, 500], {"$geoWithin": {"$box": [[400, 400], [600, 600]]}}, True),
    "a GeoJSON point in a box": (geo("Point", [5, 5]), IN_BOX, True),
    "a GeoJSON line in a box": (geo("LineString", [[1, 1], [2, 2]]), IN_BOX, False),
    "a corner of a triangle": ([5, 6], IN_TRIANGLE, True),
    "the level side of a triangle": ([5, 4], IN_TRIANGLE, True),
    "the right side of a triangle": ([5.5, 5], IN_TRIANGLE, True),
    "the left side of a triangle": ([4.5, 5], IN_TRIANGLE, False),
    "the upright side of four corners": ([0, 5], IN_CORNERS, True),
    "on a circle": ([3, 4], IN_CIRCLE, True),
    "off a circle": ([3, 4.01], IN_CIRCLE, False),
    "in a cap": ([5, 0], IN_CAP, True),
    "off a cap": ([6, 0], IN_CAP, False),
    "a line in a cap": (geo("LineString", [[0, 0], [1, 1]]), IN_CAP, True),
    "a line that leaves a cap": (geo("LineString", [[0, 0], [20, 1]]), IN_CAP, False),
    "a line round the back of a large cap": (geo("LineString", [[165, 1], [-165, 1]]), IN_MOST, False),
    "a line on the front of a large cap": (geo("LineString", [[-80, 1], [80, 1]]), IN_MOST, True),
    "a polygon round the back of a large cap": (
        geo("Polygon", [[[165, -15], [-165, -15], [-165, 15], [165, 15], [165, -15]]]),
        IN_MOST,
        False,
    ),
    "the whole sphere": (geo("Polygon", [SQUARE]), {"$geoWithin": {"$centerSphere": [[0, 0], float("inf")]}}, True),
    "null": (None, IN_SQUARE, False),
    "an empty array": ([], IN_SQUARE, False),
    "an empty document": ({}, IN_SQUARE, False),
    "one coordinate": ([5], IN_SQUARE, False),
    "a text": ("here", IN_SQUARE, False),
    "not a number": ([float("nan"), 5], IN_BOX, False),
    "the old name": ([5, 5], {"$within": {"$box": [[0, 0], [10, 10]]}}, True),
    "the last of two shapes": ([5, 5], {"$within": {"$center": [[0, 0], 1], "$box": [[0, 0], [10, 10]]}}, True),
    "with $uniqueDocs": ([5, 5], {"$geoWithin": {"$uniqueDocs": True, "$box": [[0, 0], [10, 10]]}}, True),
}


@pytest.mark.parametrize(("value", "operators", "expected"), CASES.values(), ids=CASES.keys())
def test_matching(value: Any, operators: Document, expected: bool):
    assert parse_filter({"at": operators}).bind()({"at": value}) is expected


def test_a_missing_place_is_nowhere():
    assert not parse_filter({"at": IN_SQUARE}).bind()({})
    assert parse_filter({"at": {"$not": IN_SQUARE}}).bind()({})


def test_places_in_an_array_of_documents():
    match = parse_filter({"stops.at": IN_SQUARE}).bind()
    assert match({"stops": [{"at": [50, 50]}, {"at": geo("Point", [5, 5])}]})
    assert not match({"stops": [{"at": [50, 50]}]})


def within(**shapes: Any) -> Document:
    return {"$geoWithin": {f"${name}": value for name, value in shapes.items()}}


REFUSED = {
    "no document": ({"$geoWithin": 1}, "geometry must be an object"),
    "no geometry": ({"$geoWithin": {}}, "geo query doesn't have any geometry"),
    "unknown specifier": (within(geomtry={}), "unknown geo specifier: $geomtry: {}"),
    "geometry of another type": (within(geometry=1), "unknown geo specifier: $geometry: 1"),
    "several shapes": (
        within(box=[[0, 0], [1, 1]], center=[[0, 0], 1]),
        "$geoWithin doesn't accept multiple shapes $geoWithin: "
        "{ $box: [ [ 0, 0 ], [ 1, 1 ] ], $center: [ [ 0, 0 ], 1 ] }",
    ),
    "another operator beside": (IN_BOX | {"$eq": 1}, "can't parse extra field: $eq: 1"),
    "a point has no inside": (
        within(geometry=geo("Point", [0, 0])),
        '$within not supported with provided geometry: { $geoWithin: { $geometry: { type: "Point", coordinates: '
        "[ 0, 0 ] } } }",
    ),
    "a box is not of the sphere": (
        {"$geoIntersects": {"$box": [[0, 0], [1, 1]]}},
        "$geoIntersect not supported with provided geometry: { $geoIntersects: { $box: [ [ 0, 0 ], [ 1, 1 ] ] } }",
    ),
    "unknown type": (within(geometry={"type": "Circle"}), 'unknown GeoJSON type: { type: "Circle" }'),
    "three coordinates": (within(geometry={"x": 0, "y": 0, "z": 0}), "Point must only contain two numeric elements"),
    "text for a coordinate": (
        within(box=[["a", 0], [1, 1]]),
        "Point must only contain numeric elements, instead got type string",
    ),
    "one corner": (within(box=[[0, 0]]), "Point must be an array or object, instead got type missing"),
    "no number": (within(box=[[float("inf"), 0], [1, 1]]), "Point coordinates must be finite numbers"),
    "two corners": (within(polygon=[[0, 0], [1, 1]]), "Polygon must have at least 3 points"),
    "negative radius": (within(center=[[0, 0], -1]), "radius must be a non-negative number"),
    "circle with more": (within(center=[[0, 0], 1, 1]), "Only 2 fields allowed for circular region"),
    "cap off the earth": (within(centerSphere=[[181, 0], 1]), "longitude/latitude is out of bounds, lng: 181 lat: 0"),
    "polygon off the earth": (
        within(geometry=geo("Polygon", [[[0, 91]]])),
        "longitude/latitude is out of bounds, lng: 0 lat: 91",
    ),
    "polygon without loops": (within(geometry=geo("Polygon", [])), "Polygon has no loops."),
    "polygon not closed": (
        within(geometry=geo("Polygon", [[[0, 0], [1, 0], [1, 1]]])),
        "Loop is not closed: [ [ 0, 0 ], [ 1, 0 ], [ 1, 1 ] ]",
    ),
    "polygon of two corners": (
        within(geometry=geo("Polygon", [[[0, 0], [1, 0], [0, 0]]])),
        "Loop must have at least 3 different vertices: [ [ 0, 0 ], [ 1, 0 ], [ 0, 0 ] ]",
    ),
    "polygon that crosses itself": (
        within(geometry=geo("Polygon", [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]])),
        "Loop is not valid: [ [ 0, 0 ], [ 2, 2 ], [ 2, 0 ], [ 0, 2 ], [ 0, 0 ] ] Edges 0 and 2 cross.",
    ),
    "polygon through a corner twice": (
        within(geometry=geo("Polygon", [[[0, 0], [1, 0], [1, 1], [1, 0], [0, 1], [0, 0]]])),
        "Loop is not valid: [ [ 0, 0 ], [ 1, 0 ], [ 1, 1 ], [ 1, 0 ], [ 0, 1 ], [ 0, 0 ] ] Duplicate vertices: 1 and 3",
    ),
    "strict winding of a line": (
        {"$geoIntersects": {"$geometry": geo("LineString", [[0, 0], [1, 1]], crs=STRICT)}},
        "Strict winding order is only supported by polygon",
    ),
    "strict winding with holes": (within(geometry=geo("Polygon", [SQUARE, HOLE], crs=STRICT)), None),
    "unknown crs": (
        within(geometry=geo("Polygon", [SQUARE], crs={"type": "name", "properties": {"name": "x"}})),
        "Unknown CRS name: x",
    ),
    "line of one place": (
        {"$geoIntersects": {"$geometry": geo("LineString", [[0, 0], [0, 0]])}},
        "GeoJSON LineString must have at least 2 vertices: [ [ 0, 0 ], [ 0, 0 ] ]",
    ),
    "empty MultiPoint": (
        {"$geoIntersects": {"$geometry": geo("MultiPoint", [])}},
        "MultiPoint coordinates must have at least 1 element",
    ),
    "collection in a collection": (
        within(geometry={"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection"}]}),
        'GeometryCollections cannot be nested: { type: "GeometryCollection" }',
    ),
    "collection of texts": (
        {"$geoIntersects": {"$geometry": {"type": "GeometryCollection", "geometries": ["x"]}}},
        'Element 0 of "geometries" is not an object',
    ),
}


@pytest.mark.parametrize(("operators", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(operators: Document, message: str | None):
    with pytest.raises(ServerError) as failure:
        parse_filter({"at": operators})
    assert failure.value.code == 2
    assert message is None or failure.value.message == message


HOLES = {
    "beside the shell": ([[[20, 20], [30, 20], [30, 30], [20, 30], [20, 20]]], "Secondary loops not contained"),
    "across the shell": ([[[5, 5], [30, 5], [30, 6], [5, 6], [5, 5]]], "Secondary loops not contained"),
    "across each other": ([HOLE, [[3, 3], [6, 3], [6, 6], [3, 6], [3, 3]]], "Polygon isn't valid: Loop 1 crosses"),
    "in each other": ([HOLE, [[2.5, 2.5], [3, 2.5], [3, 3], [2.5, 3], [2.5, 2.5]]], "Polygon interior loops"),
    "the same twice": ([HOLE, HOLE], "Polygon isn't valid: Duplicate edge: loop 1, edge 0 and loop 2, edge 0"),
    "at two corners of the shell": ([[[0, 0], [10, 10], [3, 5], [0, 0]]], "Loop 1 shares more than one vertex"),
}


@pytest.mark.parametrize(("holes", "message"), HOLES.values(), ids=HOLES.keys())
def test_holes_that_are_refused(holes: list[Any], message: str):
    with pytest.raises(ServerError) as failure:
        parse_filter({"at": within(geometry=geo("Polygon", [SQUARE, *holes]))})
    assert failure.value.message.startswith(message)
