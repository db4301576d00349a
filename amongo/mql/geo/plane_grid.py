"""The grid of an index on the plane: the numbers by which it has its points.

The region between the bounds of the index is a square, divided into four `bits` times. A curve in the shape of a Z
numbers the last squares, so that those of one larger square have numbers that follow each other. Source: manual, 2d
Index Internals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from amongo.mql.geo.caps import Cap
from amongo.mql.geo.planar import Box, Circle, FlatPolygon, Pair
from amongo.values.numbers import to_double

DEFAULT_BOUNDS: Final = (-180.0, 180.0)
"""Between which coordinates a 2d index has its points, unless it says otherwise."""

_DEFAULT_BITS: Final = 26
_MARGIN: Final = 1e-9  # of the size of a figure: more than what rounding can add to it


@dataclass(frozen=True, slots=True)
class PlaneGrid:
    """A grid.

    bits        how often the region is divided in both directions
    low, high   between which coordinates it lies
    """

    bits: int
    low: float
    high: float

    def number(self, point: Pair) -> int:
        """The number of the square that a point lies in."""
        return self._number(self._place(point[0]), self._place(point[1]), 0)[0]

    def ranges(self, box: Box, most: int) -> list[tuple[int, int]]:
        """(least, greatest) number of each of at most `most` squares that cover a box, or the whole region."""
        left, right = self._place(box.low[0]), self._place(box.high[0])
        bottom, top = self._place(box.low[1]), self._place(box.high[1])
        below = 0
        while ((right >> below) - (left >> below) + 1) * ((top >> below) - (bottom >> below) + 1) > most:
            below += 1
        return [
            self._number(column, row, below)
            for column in range(left >> below, (right >> below) + 1)
            for row in range(bottom >> below, (top >> below) + 1)
        ]

    def _place(self, coordinate: float) -> int:
        """In which of the columns, or rows, a coordinate lies; the nearest one for a coordinate outside."""
        share = (min(max(coordinate, self.low), self.high) - self.low) / (self.high - self.low)
        return min(int(share * (1 << self.bits)), (1 << self.bits) - 1)

    def _number(self, column: int, row: int, below: int) -> tuple[int, int]:
        """(least, greatest) number in a square that was divided `below` times less."""
        number = 0
        for bit in range(self.bits - below - 1, -1, -1):
            number = number << 2 | (column >> bit & 1) << 1 | row >> bit & 1
        least = (number << 2 * below) - (1 << 2 * self.bits - 1)  # of 64 bits at most, with the sign
        return least, least + (1 << 2 * below) - 1


def plane_grid(definition: Mapping[str, Any]) -> PlaneGrid:
    """The grid of a 2d index, by its definition."""
    low, high = definition.get("min", DEFAULT_BOUNDS[0]), definition.get("max", DEFAULT_BOUNDS[1])
    return PlaneGrid(int(definition.get("bits", _DEFAULT_BITS)), to_double(low), to_double(high))


def flat_boxes(region: Box | Circle | FlatPolygon) -> list[Box]:
    """A box in which every point of a figure of the plane lies."""
    if isinstance(region, Box):
        return [region]
    if isinstance(region, Circle):
        return [circle_box(region.center, region.radius)]
    across, up = zip(*region.corners, strict=True)
    return [_wider(min(across), min(up), max(across), max(up))]


def circle_box(center: Pair, radius: float) -> Box:
    """The box round a circle."""
    return _wider(center[0] - radius, center[1] - radius, center[0] + radius, center[1] + radius)


def cap_boxes(cap: Cap) -> list[Box]:
    """Boxes of longitudes and latitudes in which every point of a cap lies."""
    x, y, z = cap.center
    longitude, latitude = math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))
    reach = math.degrees(cap.radius) + _MARGIN
    low, high = max(latitude - reach, -90.0), min(latitude + reach, 90.0)
    if low == -90 or high == 90:
        return [_wider(-180.0, low, 180.0, high)]
    aside = (
        math.degrees(math.asin(min(1.0, math.sin(math.radians(reach)) / math.cos(math.radians(latitude))))) + _MARGIN
    )
    boxes = [_wider(longitude - aside, low, longitude + aside, high)]
    if longitude - aside <= -180:
        boxes.append(_wider(longitude - aside + 360, low, 180.0, high))
    if longitude + aside >= 180:
        boxes.append(_wider(-180.0, low, longitude + aside - 360, high))
    return boxes


def _wider(left: float, bottom: float, right: float, top: float) -> Box:
    margin = _MARGIN * (1 + max(abs(left), abs(bottom), abs(right), abs(top)))
    if math.isnan(left + bottom) or math.isinf(margin):
        return Box((-math.inf, -math.inf), (math.inf, math.inf))
    return Box((left - margin, bottom - margin), (right + margin, top + margin))
