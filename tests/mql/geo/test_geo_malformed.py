"""Whatever is written for a geometry is read, or refused with an error of the server; nothing else comes out."""

from __future__ import annotations

import contextlib
from typing import Any

from bson import Decimal128, Int64
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.mql.geo.index_values import plane_numbers, sphere_numbers
from amongo.mql.geo.plane_grid import plane_grid
from amongo.mql.matcher import parse_filter
from amongo.values.paths import query_path

KINDS = ["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection", "X"]
OPERATORS = ["$geoWithin", "$within", "$geoIntersects", "$near", "$nearSphere", "$geoNear"]
SHAPES = ["$geometry", "$box", "$polygon", "$center", "$centerSphere", "$minDistance", "$maxDistance", "$uniqueDocs"]
CRS = [
    {"type": "name", "properties": {"name": "urn:x-mongodb:crs:strictwinding:EPSG:4326"}},
    {"type": "name", "properties": {"name": "EPSG:4326"}},
    {"type": "name", "properties": []},
    [],
]

numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from(
        [0.0, -0.0, 1.5, 90, 180, 181, -90, 1e308, float("inf"), float("nan"), Int64(2), Decimal128("NaN")]
    ),
)
scalars = st.one_of(numbers, st.none(), st.booleans(), st.sampled_from(["", "a", "Point"]))
pairs = st.lists(numbers, min_size=1, max_size=3)
rings = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)).map(list), min_size=2, max_size=6).map(
    lambda ring: [*ring, ring[0]]
)
arrays: st.SearchStrategy[Any] = st.recursive(
    st.one_of(pairs, rings), lambda inner: st.lists(st.one_of(inner, scalars), max_size=3), max_leaves=6
)
figures = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS), "coordinates": st.one_of(arrays, rings.map(lambda ring: [ring]), scalars)},
    optional={"crs": st.sampled_from(CRS)},
)
collections = st.builds(
    lambda parts: {"type": "GeometryCollection", "geometries": parts}, st.lists(st.one_of(figures, scalars), max_size=3)
)
values = st.one_of(figures, collections, arrays, scalars, st.dictionaries(st.sampled_from("xyz"), numbers, max_size=3))
operands = st.one_of(values, st.dictionaries(st.sampled_from(SHAPES), values, max_size=2))
filters = st.builds(
    lambda name, operand, beside: {"at": {name: operand, **beside}},
    st.sampled_from(OPERATORS),
    operands,
    st.dictionaries(st.sampled_from(SHAPES), scalars, max_size=1),
)


@settings(max_examples=300)
@given(filters, values)
def test_a_filter_is_read_or_refused_and_answers(filter: dict[str, Any], value: Any) -> None:
    with contextlib.suppress(ServerError):
        assert parse_filter(filter, allows_near=True).bind()({"at": value}) in (True, False)


@settings(max_examples=200)
@given(values)
def test_an_index_takes_a_value_or_refuses_it(value: Any) -> None:
    path = query_path("at")
    for take in (sphere_numbers, lambda document, path: plane_numbers(document, path, plane_grid({}))):
        with contextlib.suppress(ServerError):
            assert all(-(1 << 63) <= number < 1 << 63 for number in take({"at": value}, path))
