"""Squares and grids: their numbers, and that what covers a figure leaves none of it out."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.mql.geo.caps import Cap
from amongo.mql.geo.cells import LEAF_LEVEL, Cell, border, off_face
from amongo.mql.geo.geometry import Geometry
from amongo.mql.geo.parse import stored_geometry
from amongo.mql.geo.planar import Box
from amongo.mql.geo.plane_grid import PlaneGrid, cap_boxes
from amongo.mql.geo.squares import FINEST_LEVEL, RADII, Square, square_of
from amongo.mql.geo.vectors import angle, is_on_sphere, unit, vector

longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)
points = st.tuples(longitudes, latitudes)


@st.composite
def squares(draw: st.DrawFn, finest: int = FINEST_LEVEL) -> Square:
    level = draw(st.integers(0, finest))
    places = st.integers(0, (1 << level) - 1)
    return Square(draw(st.integers(0, 5)), level, draw(places), draw(places))


# Numbers. Source: s2geometry.io, S2 Cells.


def test_the_numbers_are_those_of_s2():
    assert [Square(face, 0, 0, 0).number % (1 << 64) for face in range(3)] == [1 << 60, 3 << 60, 5 << 60]
    assert square_of(Cell(vector(0.0, 0.0)), LEAF_LEVEL).number == 0x1000000000000001
    assert Square(4, 0, 0, 0).number < 0  # of 64 bits, with a sign


@given(squares())
def test_parts_have_numbers_in_the_range_of_the_whole(square: Square):
    low, high = square.range
    assert low <= square.number <= high
    if square.level < LEAF_LEVEL:
        ranges = sorted(part.range for part in square.parts)
        assert ranges[0][0] == low and ranges[-1][1] == high
        assert all(one[1] < other[0] for one, other in pairwise(ranges))
        assert all(square in part.above for part in square.parts)


@given(squares(), squares())
def test_squares_apart_have_ranges_apart(one: Square, other: Square):
    is_nested = one == other or one in other.above or other in one.above
    assert (one.range[0] <= other.range[1] and other.range[0] <= one.range[1]) == is_nested


@settings(max_examples=500)
@given(squares(LEAF_LEVEL))
def test_nothing_of_a_square_is_farther_from_its_middle_than_its_radius(square: Square):
    below = LEAF_LEVEL - square.level
    us = border(square.column << below), border(square.column + 1 << below)
    vs = border(square.row << below), border(square.row + 1 << below)
    corners = [unit(off_face(u, v, square.face)) for u in us for v in vs]
    assert max(angle(square.middle, corner) for corner in corners) <= RADII[square.level]


# Coverings


def covers(geometry: Geometry, most: int, point: tuple[float, float]) -> bool:
    found = geometry.squares(most)
    assert 1 <= len(found) <= max(most, 6)
    own = square_of(Cell(vector(*point)))
    return any(own == each or each in own.above for each in found)


@settings(max_examples=200, deadline=None)
@given(points, st.floats(0, math.pi), points, st.sampled_from([1, 8, 20]))
def test_what_lies_in_a_cap_lies_in_its_squares(
    middle: tuple[float, float], radius: float, point: tuple[float, float], most: int
):
    cap = Cap(vector(*middle), radius)
    if cap.touches(Cell(vector(*point))):
        assert covers(Geometry(cap=cap), most, point)


@st.composite
def shapes(draw: st.DrawFn) -> dict[str, Any]:
    size = draw(st.sampled_from([1e-5, 0.1, 5.0]))
    x, y = draw(st.floats(-170, 170)), draw(st.floats(-80, 80))
    near = st.tuples(st.floats(0.1, 1), st.floats(0.1, 1))
    corners = [
        [x + sign_x * across * size, y + sign_y * up * size]
        for (sign_x, sign_y), (across, up) in zip(
            ((-1, -1), (1, -1), (1, 1), (-1, 1)), [draw(near) for _ in range(4)], strict=True
        )
    ]
    if draw(st.booleans()):
        return {"type": "LineString", "coordinates": corners}
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}


@settings(max_examples=150, deadline=None)
@given(shapes(), st.floats(-1.2, 1.2), st.floats(-1.2, 1.2), st.sampled_from([1, 8, 20]))
def test_what_meets_a_shape_lies_in_its_squares(shape: dict[str, Any], across: float, up: float, most: int):
    geometry = stored_geometry(shape)
    chain = shape["coordinates"] if shape["type"] == "LineString" else shape["coordinates"][0]
    center = [sum(each) / len(chain) for each in zip(*chain, strict=True)]
    reach = max(abs(chain[0][0] - center[0]), abs(chain[0][1] - center[1]))
    candidates = [*map(tuple, chain), (center[0] + across * reach, max(-90, min(90, center[1] + up * reach)))]
    for x, y in candidates:
        point = stored_geometry({"type": "Point", "coordinates": [x, y]})
        if geometry.intersects(point):
            assert covers(geometry, most, (x, y))


# The plane

GRIDS = [PlaneGrid(26, -180.0, 180.0), PlaneGrid(1, 0.0, 1.0), PlaneGrid(32, -1e6, 1e-3)]


@pytest.mark.parametrize("grid", GRIDS)
@given(data=st.data())
def test_what_lies_in_a_box_lies_in_its_ranges(grid: PlaneGrid, data: st.DataObject):
    coordinates = st.floats(grid.low, grid.high)
    pairs = st.tuples(coordinates, coordinates)
    box = Box.between(data.draw(pairs), data.draw(pairs))
    point = data.draw(pairs)
    most = data.draw(st.sampled_from([1, 4, 20]))
    ranges = grid.ranges(box, most)
    assert 1 <= len(ranges) <= most
    assert all(-(1 << 63) <= low <= high < 1 << 63 for low, high in ranges)
    if box.contains(point):
        assert any(low <= grid.number(point) <= high for low, high in ranges)


@settings(max_examples=300)
@given(points, st.floats(0, 3.2), points)
def test_what_lies_in_a_cap_lies_in_its_boxes(middle: tuple[float, float], radius: float, point: tuple[float, float]):
    assert is_on_sphere(*point)
    cap = Cap(vector(*middle), radius)
    if cap.touches(Cell(vector(*point))):
        assert any(box.contains(point) for box in cap_boxes(cap))
