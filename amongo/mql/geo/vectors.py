"""Points of the sphere as unit vectors, and the arithmetic of three numbers.

Plain tuples: a query looks at a few points of each document, which numpy would be slower at.
"""

from __future__ import annotations

import math
from typing import Final

Vector = tuple[float, float, float]

EARTH_RADIUS_METERS: Final = 6378100.0
"""The radius that the server counts with. Source: manual, $centerSphere, $nearSphere."""

_RADIANS: Final = math.pi / 180
_HALF_TURN: Final = math.pi / 2
_WHOLE_TURN: Final = 2 * math.pi


def vector(longitude: float, latitude: float) -> Vector:
    """The point at these degrees."""
    across = math.remainder(longitude * _RADIANS, _WHOLE_TURN)
    up = max(-_HALF_TURN, min(_HALF_TURN, latitude * _RADIANS))
    level = math.cos(up)
    return math.cos(across) * level, math.sin(across) * level, math.sin(up)


def is_on_sphere(longitude: float, latitude: float) -> bool:
    """Whether there is a place at these degrees."""
    return abs(longitude) <= 180 and abs(latitude) <= 90


def add(a: Vector, b: Vector) -> Vector:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def subtract(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def scale(a: Vector, factor: float) -> Vector:
    return a[0] * factor, a[1] * factor, a[2] * factor


def dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def length(a: Vector) -> float:
    return math.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2])


def square(a: Vector) -> float:
    """The square of the length."""
    return a[0] * a[0] + a[1] * a[1] + a[2] * a[2]


def unit(a: Vector) -> Vector:
    """The vector of length 1 in this direction; the null vector stays."""
    size = length(a)
    return scale(a, 1.0 / size) if size else a


def angle(a: Vector, b: Vector) -> float:
    """The angle between two vectors, in radians; between points, their distance on the sphere."""
    return math.atan2(length(cross(a, b)), dot(a, b))


def largest_component(a: Vector) -> int:
    """0, 1 or 2: which component is the largest in amount."""
    x, y, z = abs(a[0]), abs(a[1]), abs(a[2])
    if x > y:
        return 0 if x > z else 2
    return 1 if y > z else 2


def orthogonal(a: Vector) -> Vector:
    """Some unit vector at a right angle to this one, always the same."""
    place = largest_component(a) - 1
    other = [0.012, 0.0053, 0.00457]
    other[place if place >= 0 else 2] = 1.0
    return unit(cross(a, (other[0], other[1], other[2])))


def normal(a: Vector, b: Vector) -> Vector:
    """A vector at a right angle to both, of any length; right also where they are next to each other or opposite."""
    found = cross(add(b, a), subtract(b, a))
    return found if found != (0.0, 0.0, 0.0) else orthogonal(a)
