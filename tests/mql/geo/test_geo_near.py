"""`$near` and `$nearSphere`: what they ask, what they refuse, and what a geospatial index takes."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64

from amongo.errors import ServerError
from amongo.mql.geo.index_values import plane_numbers, sphere_numbers
from amongo.mql.geo.near import near_query
from amongo.mql.geo.near_index import near_index, only_geo_path
from amongo.mql.geo.plane_grid import plane_grid
from amongo.values.paths import query_path

Document = dict[str, Any]
Indexes = dict[str, Document]

ORIGIN = {"type": "Point", "coordinates": [0, 0]}
FROM_ORIGIN = {"$near": {"$geometry": ORIGIN}}


def distance(operators: Document, place: Any) -> float | None:
    measured = near_query("at", operators).measure({"at": place})
    return None if measured is None else measured.distance


MEASURED = {
    "meters from a GeoJSON point": (FROM_ORIGIN, [1, 0], 111318.84502145034),
    "meters, without $geometry": ({"$near": ORIGIN}, [1, 0], 111318.84502145034),
    "meters by $nearSphere": ({"$nearSphere": {"$geometry": ORIGIN}}, [1, 0], 111318.84502145034),
    "radians from a pair": ({"$nearSphere": [0, 0]}, [1, 0], 0.017453292519943295),
    "units of the plane": ({"$near": [0, 0]}, [3, 4], 5.0),
    "units of the plane to a GeoJSON point": ({"$near": [0, 0]}, {"type": "Point", "coordinates": [3, 4]}, 5.0),
    "the nearest of several": ({"$near": [0, 0]}, [[30, 40], [3, 4]], 5.0),
    "no place of the plane": ({"$near": [0, 0]}, {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, None),
    "no place of the sphere": ({"$nearSphere": [0, 0]}, [500, 0], None),
    "no place": ({"$near": [0, 0]}, "here", None),
    "as far as asked": ({"$near": [0, 0], "$maxDistance": 5}, [3, 4], 5.0),
    "farther than asked": ({"$near": [0, 0], "$maxDistance": 4.9}, [3, 4], None),
    "nearer than asked": ({"$near": [0, 0], "$minDistance": Int64(6)}, [3, 4], None),
    "as far as the third number": ({"$near": [0, 0, 4.9]}, [3, 4], None),
    "a bound in radians": ({"$nearSphere": [0, 0], "$maxDistance": 0.01}, [1, 0], None),
    "a bound in meters": ({"$near": {"$geometry": ORIGIN, "$maxDistance": Decimal128("9e4")}}, [1, 0], None),
    "a bound beyond the earth": ({"$near": {"$geometry": ORIGIN, "$minDistance": 4e7}}, [1, 0], None),
    "no bound": ({"$nearSphere": [0, 0], "$maxDistance": float("inf")}, [1, 0], 0.017453292519943295),
}


@pytest.mark.parametrize(("operators", "place", "expected"), MEASURED.values(), ids=MEASURED.keys())
def test_distances(operators: Document, place: Any, expected: float | None):
    assert distance(operators, place) == expected


def with_geometry(**bounds: Any) -> Document:
    return {"$near": {"$geometry": ORIGIN, **{f"${name}": value for name, value in bounds.items()}}}


REFUSED = {
    "no point": ({"$near": {}}, 2, "invalid point provided to geo near query: {}"),
    "no coordinates": ({"$near": {"type": "Point"}}, 2, 'invalid point provided to geo near query: { type: "Point" }'),
    "a type in small letters": ({"$near": {"type": "point", "coordinates": [0, 0]}}, 2, None),
    "four numbers": ({"$near": [1, 2, 3, 4]}, 2, "invalid point provided to geo near query: [ 1, 2, 3, 4 ]"),
    "a negative third number": ({"$near": [1, 2, -3]}, 18522, "max distance must be non-negative"),
    "a pair off the earth": ({"$nearSphere": [181, 0]}, 2, "Legacy point is out of bounds for spherical query"),
    "text for $minDistance": ({"$near": [0, 0], "$minDistance": "1"}, 16893, "$minDistance must be a number"),
    "negative $minDistance": ({"$near": [0, 0], "$minDistance": -1}, 16894, "$minDistance must be non-negative"),
    "NaN for $minDistance": ({"$near": [0, 0], "$minDistance": float("nan")}, 16894, None),
    "text for $maxDistance": ({"$near": [0, 0], "$maxDistance": "1"}, 16895, "$maxDistance must be a number"),
    "negative $maxDistance": ({"$near": [0, 0], "$maxDistance": -1}, 16896, "$maxDistance must be non-negative"),
    "another operator": (FROM_ORIGIN | {"$eq": 1}, 34413, "invalid argument in geo near query: $eq"),
    "$maxDistance beside $geometry": (
        FROM_ORIGIN | {"$maxDistance": 1},
        2,
        "geo near accepts just one argument when querying for a GeoJSON point. Extra field found: $maxDistance: 1",
    ),
    "no point in $geometry": (
        {"$near": {"$geometry": {"type": "Point"}}},
        2,
        'invalid point in geo near query $geometry argument: { type: "Point" }  '
        "Point must be an array or object, instead got type missing",
    ),
    "a pair in $geometry": ({"$near": {"$geometry": [0, 0]}}, 2, "$near requires geojson point, given [ 0, 0 ]"),
    "no $geometry": ({"$near": {"$geometry": 1}}, 2, "$geometry is required for geo near query"),
    "unknown argument": (with_geometry(box=1), 2, "invalid argument in geo near query: $box"),
    "text within": (with_geometry(maxDistance="1"), 2, "$maxDistance must be a number"),
    "infinite within": (with_geometry(minDistance=float("inf")), 2, "$minDistance must be non-negative"),
    "negative within": (with_geometry(maxDistance=-0.5), 2, "$maxDistance must be non-negative"),
}


@pytest.mark.parametrize(("operators", "code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(operators: Document, code: int, message: str | None):
    with pytest.raises(ServerError) as failure:
        near_query("at", operators)
    assert failure.value.code == code
    assert message is None or failure.value.message == message


def indexes(*patterns: Document, **options: Any) -> Indexes:
    return {f"i{number}": {"name": f"i{number}", "key": key, **options} for number, key in enumerate(patterns)}


PLANE, SPHERE = {"at": "2d"}, {"at": "2dsphere"}
SERVED = {
    "a GeoJSON point by the sphere": (FROM_ORIGIN, indexes(PLANE, SPHERE), "2dsphere"),
    "a GeoJSON point not by the plane": (FROM_ORIGIN, indexes(PLANE), None),
    "a pair by the plane": ({"$near": [0, 0]}, indexes(SPHERE, PLANE), "2d"),
    "a pair not by the sphere": ({"$near": [0, 0]}, indexes(SPHERE), None),
    "a pair on the sphere by the sphere": ({"$nearSphere": [0, 0]}, indexes(SPHERE), "2dsphere"),
    "a pair on the sphere by the plane": ({"$nearSphere": [0, 0]}, indexes(PLANE), "2d"),
    "by no index of another field": (FROM_ORIGIN, indexes({"there": "2dsphere"}), None),
    "by no hidden index": (FROM_ORIGIN, indexes(SPHERE, hidden=True), None),
    "by no partial index": (FROM_ORIGIN, indexes(SPHERE, partialFilterExpression={"a": 1}), None),
    "by the second field": (FROM_ORIGIN, indexes({"kind": 1, "at": "2dsphere"}), "2dsphere"),
    "by no second field behind one not asked for": (FROM_ORIGIN, indexes({"size": 1, "at": "2dsphere"}), None),
}


@pytest.mark.parametrize(("operators", "found", "kind"), SERVED.values(), ids=SERVED.keys())
def test_which_index_serves(operators: Document, found: Indexes, kind: str | None):
    near = near_query("at", operators)
    if kind is None:
        with pytest.raises(ServerError) as failure:
            near_index("db.coll", found, near, {"kind"})
        assert failure.value.code == 291
    else:
        assert near_index("db.coll", found, near, {"kind"})["key"]["at"] == kind


def test_a_point_beside_the_region_of_a_2d_index():
    near = near_query("at", {"$near": [181, 0]})
    with pytest.raises(ServerError) as failure:
        near_index("db.coll", indexes(PLANE), near)
    assert (failure.value.code, failure.value.message) == (16433, "point not in interval of [ -180, 180 ]")
    assert near_index("db.coll", indexes(PLANE, min=-200.0, max=200.0), near)


def test_the_field_of_geo_near_is_that_of_the_only_index():
    assert only_geo_path("db.coll", indexes({"a": 1}, {"there": "2dsphere"}, PLANE)) == "at"
    assert only_geo_path("db.coll", indexes({"there": "2dsphere"})) == "there"
    for several in (indexes(PLANE, {"there": "2d"}), indexes(SPHERE, {"there": "2dsphere"}), indexes({"a": 1})):
        with pytest.raises(ServerError) as failure:
            only_geo_path("db.coll", several)
        assert failure.value.code == 27


LOOP = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [0, 0]]]}
STRICT = {"type": "name", "properties": {"name": "urn:x-mongodb:crs:strictwinding:EPSG:4326"}}
GRID = plane_grid({})

TAKEN = {
    "GeoJSON": (ORIGIN, True, 16804),
    "a pair": ([1, 2], True, True),
    "a pair as a document": ({"a": 1, "b": 2}, True, True),
    "several pairs": ([[1, 2], [3, 4]], 16755, True),
    "several GeoJSON points": ([ORIGIN, ORIGIN], 16755, 13026),
    "off the earth": ([181, 0], 16755, 13027),
    "null": (None, False, False),
    "an empty array": ([], False, False),
    "an empty document": ({}, False, False),
    "a number": (5, 16755, False),
    "one coordinate": ([5], 16755, 13068),
    "a text for a coordinate": ([5, "x"], 16755, 13026),
    "a polygon": (LOOP, True, 16804),
    "a polygon with strict winding": (LOOP | {"crs": STRICT}, 16755, 16804),
}


@pytest.mark.parametrize(("value", "on_sphere", "on_plane"), TAKEN.values(), ids=TAKEN.keys())
def test_what_an_index_takes(value: Any, on_sphere: bool | int, on_plane: bool | int):
    document, path = {"at": value}, query_path("at")
    for expected, take in (
        (on_sphere, lambda: bool(sphere_numbers(document, path))),
        (on_plane, lambda: bool(plane_numbers(document, path, GRID))),
    ):
        if expected is True or expected is False:
            assert take() is expected
        else:
            with pytest.raises(ServerError) as failure:
                take()
            assert failure.value.code == expected


def test_a_document_without_the_field_has_no_place():
    assert sphere_numbers({}, query_path("at")) == []
    assert plane_numbers({}, query_path("at"), GRID) == []
