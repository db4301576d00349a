"""Leaf cells: the finest squares into which the sphere is divided, about a centimetre wide.

A point is tested as the cell it lies in, so that what is meant to lie on a boundary does. Two points intersect if they
lie in one cell. The six faces of a cube are laid round the sphere, each divided 2**30 times in both directions.
Source: s2geometry.io, S2 Cells.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Final

from amongo.mql.geo.vectors import Vector, largest_component, unit

LEAF_LEVEL: Final = 30
"""How often a face is divided."""

_SIDE: Final = 1 << LEAF_LEVEL

# Face -> (which component is 1 on it, and those of its axes u and v as (component, sign)).
_FACES: Final = (
    (0, 1, (1, 1), (2, 1)),
    (1, 1, (0, -1), (2, 1)),
    (2, 1, (0, -1), (1, -1)),
    (0, -1, (2, -1), (1, -1)),
    (1, -1, (2, -1), (0, 1)),
    (2, -1, (1, 1), (0, 1)),
)


class Cell:
    """The leaf cell of a point.

    place   (face, column, row): equal for points in one cell
    """

    __slots__ = ("__dict__", "place", "point")

    def __init__(self, point: Vector) -> None:
        self.point = point
        face = largest_component(point)
        face += 3 if point[face] < 0 else 0
        u, v = on_face(point, face)
        self.place = (face, _column(u), _column(v))

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """(lowest u, highest u, lowest v, highest v)."""
        _, i, j = self.place
        return border(i), border(i + 1), border(j), border(j + 1)

    @cached_property
    def corners(self) -> tuple[Vector, Vector, Vector, Vector]:
        """Its corners, counterclockwise."""
        face = self.place[0]
        low_u, high_u, low_v, high_v = self.bounds
        places = ((low_u, low_v), (high_u, low_v), (high_u, high_v), (low_u, high_v))
        first, second, third, fourth = (unit(off_face(u, v, face)) for u, v in places)
        return first, second, third, fourth

    def contains(self, point: Vector) -> bool:
        """Whether a point lies in the cell or on its border."""
        face = self.place[0]
        main, sign, _, _ = _FACES[face]
        if point[main] * sign <= 0:
            return False
        u, v = on_face(point, face)
        low_u, high_u, low_v, high_v = self.bounds
        return low_u <= u <= high_u and low_v <= v <= high_v


def on_face(point: Vector, face: int) -> tuple[float, float]:
    """(u, v) of a point on the plane of a face; from -1 to 1 within the face."""
    main, sign, (u_from, u_sign), (v_from, v_sign) = _FACES[face]
    size = point[main]
    return u_sign * sign * point[u_from] / size, v_sign * sign * point[v_from] / size


def off_face(u: float, v: float, face: int) -> Vector:
    """The point of the cube at a place on the plane of a face."""
    main, sign, (u_from, u_sign), (v_from, v_sign) = _FACES[face]
    found = [0.0, 0.0, 0.0]
    found[main] = float(sign)
    found[u_from] = u_sign * u
    found[v_from] = v_sign * v
    return found[0], found[1], found[2]


def _column(u: float) -> int:
    """In which of the 2**30 columns a coordinate lies; columns have nearly the same width on the sphere."""
    part = 0.5 * math.sqrt(1 + 3 * u) if u >= 0 else 1 - 0.5 * math.sqrt(1 - 3 * u)
    return max(0, min(_SIDE - 1, round(_SIDE * part - 0.5)))


def border(column: int) -> float:
    """The coordinate, from -1 to 1, at which a column of leaf cells begins."""
    part = column / _SIDE
    if part >= 0.5:
        return (1 / 3.0) * (4 * part * part - 1)
    return (1 / 3.0) * (1 - 4 * (1 - part) * (1 - part))
