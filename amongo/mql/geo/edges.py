"""Edges on the sphere: on which side points lie, whether edges cross, how far they are.

Every question has an answer, and the answers fit together: no three different points count as lying on one great
circle. Where the arithmetic cannot tell, they count as if each had been moved by a very small amount, the same in all
questions. That is what makes "inside a polygon" right for every point. The rules are those of S2.
"""

from __future__ import annotations

import math
from typing import Final

from amongo.mql.geo.vectors import (
    Vector,
    add,
    angle,
    cross,
    dot,
    length,
    normal,
    orthogonal,
    scale,
    square,
    subtract,
    unit,
)

_SURE: Final = 1e-15  # a determinant beyond this has the right sign whatever was rounded
_Planar = tuple[float, float]

INTERSECTION_TOLERANCE: Final = 1.5e-15
"""Radians by which a computed intersection may be off; vertices nearer than that are one."""


def turn(a: Vector, b: Vector, c: Vector) -> int:
    """1 if a, b, c go round counterclockwise (c lies left of the edge ab), -1 if clockwise; 0 if two are the same."""
    determinant = (
        (a[1] * b[2] - a[2] * b[1]) * c[0] + (a[2] * b[0] - a[0] * b[2]) * c[1] + (a[0] * b[1] - a[1] * b[0]) * c[2]
    )
    if determinant > _SURE:
        return 1
    if determinant < -_SURE:
        return -1
    return _careful_turn(a, b, c)


def _careful_turn(a: Vector, b: Vector, c: Vector) -> int:
    """`turn` of points that lie nearly on one great circle: from the differences, which are exact."""
    if a == b or b == c or c == a:
        return 0
    sign_ab, sign_bc, sign_ca = (-1.0 if dot(p, q) > 0 else 1.0 for p, q in ((a, b), (b, c), (c, a)))
    ab, bc, ca = add(a, scale(b, sign_ab)), add(b, scale(c, sign_bc)), add(c, scale(a, sign_ca))
    long_ab, long_bc, long_ca = square(ab), square(bc), square(ca)
    # The corner opposite the longest side is the origin; ties fall the same way whatever the order of the points.
    if long_ca < long_bc or (long_ca == long_bc and a < b):
        if long_ab < long_bc or (long_ab == long_bc and a < c):
            volume = dot(cross(ab, ca), a) * sign_ab
        else:
            volume = dot(cross(ca, bc), c) * sign_ca
    elif long_ab < long_ca or (long_ab == long_ca and b < c):
        volume = dot(cross(bc, ab), b) * sign_bc
    else:
        volume = dot(cross(ca, bc), c) * sign_ca
    if volume:
        return 1 if volume > 0 else -1
    # All moved by (e, e**2, e**3): what counts is how they go round in the three coordinate planes.
    return (
        _planar_turn((a[1], a[2]), (b[1], b[2]), (c[1], c[2]))
        or _planar_turn((a[2], a[0]), (b[2], b[0]), (c[2], c[0]))
        or _planar_turn((a[0], a[1]), (b[0], b[1]), (c[0], c[1]))
    )


def _planar_turn(a: _Planar, b: _Planar, c: _Planar) -> int:
    """1 or -1 for the way that most of the edges go round the origin, 0 for neither."""
    balance = _planar_side(a, b) + _planar_side(b, c) + _planar_side(c, a)
    return (balance > 0) - (balance < 0)


def _planar_side(a: _Planar, b: _Planar) -> int:
    sign = -1.0 if a[0] * b[0] + a[1] * b[1] > 0 else 1.0
    side = a[0] + sign * b[0], a[1] + sign * b[1]
    long_a, long_b = a[0] * a[0] + a[1] * a[1], b[0] * b[0] + b[1] * b[1]
    if long_a < long_b or (long_a == long_b and a < b):
        area = (a[0] * side[1] - a[1] * side[0]) * sign
    else:
        area = side[0] * b[1] - side[1] * b[0]
    return (area > 0) - (area < 0)


def are_ordered(a: Vector, b: Vector, c: Vector, origin: Vector) -> bool:
    """Whether the edges from the origin to a, b, c come in this order counterclockwise; so for a = b and b = c."""
    right = (turn(b, origin, a) >= 0) + (turn(c, origin, b) >= 0) + (turn(a, origin, c) > 0)
    return right >= 2


def crossing(a: Vector, b: Vector, c: Vector, d: Vector) -> int:
    """1 if the edges ab and cd cross inside, 0 if they share an end, -1 if neither."""
    acb = -turn(a, b, c)
    bda = turn(a, b, d)
    if bda == -acb and bda:
        return -1
    if not bda or not acb:
        return 0
    if -turn(c, d, b) != acb:
        return -1
    return 1 if turn(c, d, a) == acb else -1


def vertex_crossing(a: Vector, b: Vector, c: Vector, d: Vector) -> bool:
    """Whether edges that share an end count as crossing there: so that a path through a vertex crosses as often as one
    beside it."""
    if a == b or c == d:
        return False
    if a == d:
        return are_ordered(orthogonal(a), c, b, a)
    if b == c:
        return are_ordered(orthogonal(b), d, a, b)
    if a == c:
        return are_ordered(orthogonal(a), d, b, a)
    return b == d and are_ordered(orthogonal(b), c, a, b)


def counts_as_crossing(a: Vector, b: Vector, c: Vector, d: Vector) -> bool:
    """Whether edges cross, inside or at an end."""
    how = crossing(a, b, c, d)
    return how > 0 or (how == 0 and vertex_crossing(a, b, c, d))


def intersection(a: Vector, b: Vector, c: Vector, d: Vector) -> Vector:
    """The point where two edges cross."""
    first, second = unit(normal(a, b)), unit(normal(c, d))
    found = unit(normal(first, second))
    if dot(found, add(add(a, b), add(c, d))) < 0:
        found = scale(found, -1.0)
    if are_ordered(a, found, b, first) and are_ordered(c, found, d, second):
        return found
    # On nearly the same great circle, rounding may have moved it off the edges: the nearest end between them is better.
    ends = [
        end
        for end, start, other, axis in ((a, c, d, second), (b, c, d, second), (c, a, b, first), (d, a, b, first))
        if are_ordered(start, end, other, axis)
    ]
    return min(ends, key=lambda end: square(subtract(end, found)), default=found)


def share(point: Vector, a: Vector, b: Vector) -> float:
    """Which part of the edge ab lies before a point of it."""
    before, behind = angle(point, a), angle(point, b)
    return before / (before + behind)


def is_left(a: Vector, b: Vector, c: Vector) -> bool:
    """The quick `turn`: false also where it cannot tell."""
    return dot(cross(c, a), b) > 0


def distance_to_edge(point: Vector, a: Vector, b: Vector) -> float:
    """How far a point is from the nearest point of an edge, in radians; for finding the nearest edge."""
    axis = normal(a, b)
    if is_left(axis, a, point) and is_left(point, b, axis):
        return math.asin(min(1.0, abs(dot(point, axis)) / length(axis)))
    nearest = min(square(subtract(point, a)), square(subtract(point, b)))
    return 2 * math.asin(min(1.0, 0.5 * math.sqrt(nearest)))


def nearest_on_edge(point: Vector, a: Vector, b: Vector) -> Vector:
    """The point of an edge that is nearest to a point."""
    axis = normal(a, b)
    found = subtract(point, scale(axis, dot(point, axis) / square(axis)))
    if is_left(axis, a, found) and is_left(found, b, axis):
        return unit(found)
    return a if square(subtract(point, a)) <= square(subtract(point, b)) else b


def corner_angle(a: Vector, b: Vector, c: Vector) -> float:
    """By how much a path from a over b to c turns at b, in radians; to the left is positive."""
    amount = angle(normal(b, a), normal(c, b))
    return amount if turn(a, b, c) > 0 else -amount
