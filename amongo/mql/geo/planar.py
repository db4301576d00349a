"""Figures of the plane, of the old coordinate pairs: boxes, circles and polygons, which contain points alone.

Source: manual, $box, $center, $polygon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

Pair = tuple[float, float]


def distance(a: Pair, b: Pair) -> float:
    """How far two points of the plane are from each other."""
    across, up = a[0] - b[0], a[1] - b[1]
    if across == 0:
        return abs(up)
    if up == 0:
        return abs(across)
    return math.sqrt(across * across + up * up)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with sides along the axes, between two corners in any order."""

    low: Pair
    high: Pair

    @classmethod
    def between(cls, a: Pair, b: Pair) -> Box:
        """The box with these corners."""
        return cls((min(a[0], b[0]), min(a[1], b[1])), (max(a[0], b[0]), max(a[1], b[1])))

    def contains(self, point: Pair) -> bool:
        """Whether a point is in the box or on its border."""
        return self.low[0] <= point[0] <= self.high[0] and self.low[1] <= point[1] <= self.high[1]


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle and what is in it."""

    center: Pair
    radius: float

    def contains(self, point: Pair) -> bool:
        """Whether a point is in the circle or on it."""
        return distance(self.center, point) <= self.radius


@dataclass(frozen=True, slots=True)
class FlatPolygon:
    """A polygon of at least three corners; it need not be closed, and may cross itself."""

    corners: tuple[Pair, ...]

    def contains(self, point: Pair) -> bool:
        """Whether a ray from the point to the right crosses an odd number of sides.

        Corners and level or upright sides belong to the polygon; of slanting sides, those on the right do.
        """
        x, y = point
        count = 0
        for (from_x, from_y), (to_x, to_y) in pairwise((*self.corners, self.corners[0])):
            if (x, y) == (from_x, from_y) or (from_y == to_y == y and min(from_x, to_x) <= x <= max(from_x, to_x)):
                return True
            if not min(from_y, to_y) < y <= max(from_y, to_y) or x > max(from_x, to_x):
                continue
            if from_x == to_x == x:
                return True
            count += from_x == to_x or x <= (y - from_y) * (to_x - from_x) / (to_y - from_y) + from_x
        return bool(count & 1)
