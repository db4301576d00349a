"""Figures on the sphere: against the plane, onto which half of the sphere is thrown so that great circles are straight.

Seen from the middle of the earth, a plane that touches it shows every great circle as a straight line. There polygons,
lines and points are compared by exact fractions, with rules that share nothing with those of the sphere.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise, permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from amongo.mql.geo.cells import Cell
from amongo.mql.geo.chains import Chain, pairs
from amongo.mql.geo.edges import crossing, turn
from amongo.mql.geo.geometry import Geometry, Point
from amongo.mql.geo.parse import Malformed, geojson
from amongo.mql.geo.vectors import angle, vector

Flat = tuple[Fraction, Fraction]

degrees = st.integers(-3000, 3000).map(lambda hundredths: hundredths / 100)
spots = st.tuples(degrees, degrees)
rough = st.tuples(st.sampled_from([-180, -90, -45, 0, 1, 45, 90, 179, 180]), st.sampled_from([-90, -45, 0, 1, 45, 90]))
anywhere = st.one_of(rough, st.tuples(st.floats(-180, 180), st.floats(-90, 90)))


def thrown(spot: tuple[float, float]) -> Flat:
    """Where a point within 90 degrees of (0, 0) is seen on the plane that touches the sphere there."""
    x, y, z = map(Fraction, vector(*spot))
    return y / x, z / x


def side(a: Flat, b: Flat, c: Flat) -> int:
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (area > 0) - (area < 0)


def sides_meet(a: Flat, b: Flat, c: Flat, d: Flat) -> bool:
    return side(a, b, c) != side(a, b, d) and side(c, d, a) != side(c, d, b)


def is_inside(point: Flat, ring: list[Flat]) -> bool:
    inside = False
    for a, b in pairwise([*ring, ring[0]]):
        if (a[1] > point[1]) != (b[1] > point[1]):
            inside ^= point[0] < a[0] + (point[1] - a[1]) * (b[0] - a[0]) / (b[1] - a[1])
    return inside


def is_clear(point: Flat, ring: list[Flat]) -> bool:
    """Whether a point is well off the lines through the sides: on a boundary the sphere has rules of its own."""
    return all(
        abs((b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])) > Fraction(1, 10**7)
        for a, b in pairwise([*ring, ring[0]])
    )


def polygon(ring: list[tuple[float, float]]) -> Geometry:
    try:
        return geojson({"type": "Polygon", "coordinates": [[list(spot) for spot in [*ring, ring[0]]]]})
    except Malformed:
        assume(False)
        raise


def line(spots: list[tuple[float, float]]) -> Geometry:
    return geojson({"type": "LineString", "coordinates": [list(spot) for spot in spots]})


def point(spot: tuple[float, float]) -> Geometry:
    return geojson({"type": "Point", "coordinates": list(spot)})


rings = st.lists(spots, min_size=3, max_size=4, unique=True)


@settings(max_examples=100)
@given(rings, spots)
def test_a_point_is_in_a_polygon_as_it_is_on_the_plane(ring: list[tuple[float, float]], spot: tuple[float, float]):
    area, flat = polygon(ring), [thrown(each) for each in ring]
    assume(is_clear(thrown(spot), flat))
    expected = is_inside(thrown(spot), flat)
    assert area.contains(point(spot)) is expected
    assert area.intersects(point(spot)) is point(spot).intersects(area) is expected


@settings(max_examples=80)
@given(rings, st.lists(spots, min_size=2, max_size=2, unique=True))
def test_a_line_meets_a_polygon_as_it_does_on_the_plane(
    ring: list[tuple[float, float]], ends: list[tuple[float, float]]
):
    area, flat = polygon(ring), [thrown(each) for each in ring]
    a, b = map(thrown, ends)
    assume(is_clear(a, flat) and is_clear(b, flat) and all(is_clear(corner, [a, b]) for corner in flat))
    crosses = any(sides_meet(a, b, c, d) for c, d in pairwise([*flat, flat[0]]))
    assert area.intersects(line(ends)) is line(ends).intersects(area) is (crosses or is_inside(a, flat))
    assert area.contains(line(ends)) is (not crosses and is_inside(a, flat))


@settings(max_examples=60)
@given(rings, rings)
def test_polygons_lie_to_one_another_as_on_the_plane(one: list[tuple[float, float]], two: list[tuple[float, float]]):
    first, second = polygon(one), polygon(two)
    a, b = [thrown(each) for each in one], [thrown(each) for each in two]
    assume(all(is_clear(corner, b) for corner in a) and all(is_clear(corner, a) for corner in b))
    crosses = any(sides_meet(*s, *t) for s in pairwise([*a, a[0]]) for t in pairwise([*b, b[0]]))
    overlaps = crosses or is_inside(a[0], b) or is_inside(b[0], a)
    assert first.intersects(second) is second.intersects(first) is overlaps
    assert first.contains(second) is (not crosses and is_inside(b[0], a))


@given(anywhere, anywhere, anywhere)
def test_three_points_turn_the_same_way_from_wherever_one_begins(
    one: tuple[float, float], two: tuple[float, float], three: tuple[float, float]
):
    a, b, c = vector(*one), vector(*two), vector(*three)
    assert turn(a, b, c) == turn(b, c, a) == turn(c, a, b) == -turn(c, b, a) == -turn(b, a, c)
    assert (turn(a, b, c) == 0) is (len({a, b, c}) < 3)


@given(anywhere)
def test_the_cell_of_a_point_is_there_and_a_centimetre_wide(spot: tuple[float, float]):
    cell = Cell(vector(*spot))
    assert all(angle(cell.point, corner) * 6378100 < 0.02 for corner in cell.corners)


@settings(max_examples=30)
@given(st.lists(spots, min_size=30, max_size=60), st.lists(spots, min_size=30, max_size=60))
def test_no_pair_of_edges_that_meet_is_missed_where_they_are_many(
    one: list[tuple[float, float]], two: list[tuple[float, float]]
):
    first, second = (Chain(tuple(vector(*spot) for spot in spots)) for spots in (one, two))
    found = list(pairs(first, second))
    assert found == sorted(found)
    meeting = {
        (i, j)
        for i in range(first.edge_count)
        for j in range(second.edge_count)
        if crossing(*first.edge(i), *second.edge(j)) >= 0
    }
    assert meeting <= set(found)


def test_many_vertices_give_the_same_answers_as_few():
    few = polygon([(0, 0), (10, 0), (10, 10), (0, 10)])
    # Points on a meridian lie on its great circle; those on a parallel do not.
    many = polygon(
        [(0, 0), (10, 0), *((10, k / 10) for k in range(1, 100)), (10, 10), (0, 10)]
        + [(0, k / 10) for k in range(99, 0, -1)]
    )
    assert not many.polygons[0].shell.fault()
    for spot in ((5, 5), (9.99, 9.9), (0.01, 0.01), (10.01, 5), (-0.01, 5), (5, 10.2), (100, 5)):
        assert many.contains(point(spot)) is few.contains(point(spot)), spot


@pytest.mark.parametrize("order", list(permutations([(0, 0), (10, 0), (0, 10)])))
def test_a_polygon_is_the_smaller_side_whichever_way_it_is_written(order: tuple[tuple[float, float], ...]):
    area = polygon(list(order))
    assert area.contains(point((2, 2)))
    assert not area.contains(point((50, 50)))


def big(ring: list[tuple[float, float]]) -> Geometry:
    name = "urn:x-mongodb:crs:strictwinding:EPSG:4326"
    crs = {"type": "name", "properties": {"name": name}}
    return geojson({"type": "Polygon", "coordinates": [[list(spot) for spot in [*ring, ring[0]]]], "crs": crs})


def test_strict_winding_takes_what_is_left_of_the_boundary():
    ring = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
    small, rest = big(ring), big(ring[::-1])
    inner, outer = polygon([(2, 2), (4, 2), (4, 4), (2, 4)]), polygon([(20, 20), (24, 20), (24, 24), (20, 24)])
    across = line([(5, 5), (20, 5)])
    assert small.contains(inner) and not small.contains(outer)
    assert rest.contains(outer) and not rest.contains(inner)
    assert small.intersects(inner) and not small.intersects(outer)
    assert rest.intersects(outer) and not rest.intersects(inner)
    assert small.intersects(across) and rest.intersects(across)
    assert not small.contains(across) and not rest.contains(across)
    assert rest.contains(line([(20, 20), (30, 30)])) and small.contains(line([(2, 2), (3, 3)]))


@pytest.mark.parametrize(
    ("geometry", "spot", "meters"),
    [
        pytest.param(point((1, 0)), (0, 0), 111318.84502145034, id="a degree"),
        pytest.param(point((0, 90)), (0, 0), 10018696.051930532, id="to the pole"),
        pytest.param(point((180, 0)), (-180, 0), 0.0, id="the same meridian"),
        pytest.param(line([(0, 0), (2, 0)]), (1, 1), 111318.84502145031, id="beside a line"),
        pytest.param(line([(0, 0), (2, 0)]), (3, 0), 111318.84502145034, id="beyond the end of a line"),
        pytest.param(polygon([(0, 0), (2, 0), (2, 2), (0, 2)]), (1, 1), 0.0, id="in a polygon"),
        pytest.param(polygon([(0, 0), (2, 0), (2, 2), (0, 2)]), (1, -1), 111318.84502145031, id="below a polygon"),
    ],
)
def test_distances(geometry: Geometry, spot: tuple[float, float], meters: float):
    found = geometry.distance_meters(Point(spot, is_flat=False))
    assert math.isclose(found, meters, rel_tol=1e-12, abs_tol=1e-6)
