"""Squares of the sphere, of any size: the numbers by which an index on the sphere has its places.

A face of the cube round the sphere is a square, and each square is divided into four, thirty times; the last are the
leaf cells. A curve that passes through all of them in order numbers them, so that what lies in one square has numbers
that follow each other. A figure is covered by a few squares: every place of it lies in one of them, and they may hold
more. Whether a figure reaches into a square is asked of the square's circle: how far its middle is from the figure.
Source: s2geometry.io, S2 Cells; manual, 2dsphere Indexes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from amongo.mql.geo.cells import LEAF_LEVEL, Cell, border, off_face, on_face
from amongo.mql.geo.vectors import Vector, angle, unit

FINEST_LEVEL: Final = 23
"""The squares of an index are no finer; they are about a meter wide. Source: manual, 2dsphere Indexes."""

_WIDEST_RADIUS: Final = 1.3  # radians; a square of level 0 is the widest for its level, with 0.96, but for those below
_MARGIN: Final = 1e-8  # radians; a leaf cell, as which points are tested, is smaller than this
_FACES: Final = 6
_SIGN: Final = 1 << 63

# The curve: in which order the four parts of a square come, and how the curve lies in each of them.
_ORDER: Final = ((0, 1, 3, 2), (0, 3, 1, 2), (2, 3, 1, 0), (2, 1, 3, 0))
_TURN: Final = (1, 0, 0, 3)


class Square(NamedTuple):
    """A square.

    level    how often its face was divided
    column, row   its place in the face, in squares of this level
    """

    face: int
    level: int
    column: int
    row: int

    @property
    def number(self) -> int:
        """Its number on the curve: between the numbers of the squares in it; signed, of 64 bits."""
        position, lie = 0, self.face & 1
        for bit in range(self.level - 1, -1, -1):
            part = _ORDER[lie][(self.column >> bit & 1) << 1 | self.row >> bit & 1]
            position = position << 2 | part
            lie ^= _TURN[part]
        below = 2 * (LEAF_LEVEL - self.level)
        return _signed(self.face << 61 | position << below + 1 | 1 << below)

    @property
    def range(self) -> tuple[int, int]:
        """The least and the greatest number of what lies in it, itself included."""
        reach = (1 << 2 * (LEAF_LEVEL - self.level)) - 1
        number = self.number
        return number - reach, number + reach

    @property
    def parts(self) -> Iterator[Square]:
        """The four squares that it is divided into."""
        for column in (2 * self.column, 2 * self.column + 1):
            for row in (2 * self.row, 2 * self.row + 1):
                yield Square(self.face, self.level + 1, column, row)

    @property
    def above(self) -> Iterator[Square]:
        """The squares that it lies in, the smallest first."""
        for up in range(1, self.level + 1):
            yield Square(self.face, self.level - up, self.column >> up, self.row >> up)

    @property
    def middle(self) -> Vector:
        """A point in its middle: nothing of the square is farther away than `RADII` says."""
        below = LEAF_LEVEL - self.level
        u = (border(self.column << below) + border(self.column + 1 << below)) / 2
        v = (border(self.row << below) + border(self.row + 1 << below)) / 2
        return unit(off_face(u, v, self.face))

    def holds(self, circle: Circle) -> bool:
        """Whether a whole circle whose middle lies in it does."""
        u, v, size = _plane(circle.middle, self.face)
        below = LEAF_LEVEL - self.level
        far = math.sin(circle.radius + _MARGIN)
        sides = (
            (u, border(self.column << below)),
            (-u, -border(self.column + 1 << below)),
            (v, border(self.row << below)),
            (-v, -border(self.row + 1 << below)),
        )
        return all((at - side * size) > far * math.sqrt(1 + side * side) for at, side in sides)


class Circle(NamedTuple):
    """A circle on the sphere.

    radius   in radians, less than a quarter turn
    """

    middle: Vector
    radius: float


RADII: Final = tuple(_WIDEST_RADIUS / (1 << level) for level in range(LEAF_LEVEL + 1))
"""For each level, radians within which all of a square lies round its middle."""


def _plane(point: Vector, face: int) -> tuple[float, float, float]:
    """(u, v, size) of a point: on the plane of the face it stands at u / size, v / size."""
    u, v = on_face(point, face)
    size = abs(point[face % 3])
    return u * size, v * size, size


def _signed(number: int) -> int:
    return number - 2 * _SIGN if number >= _SIGN else number


def square_of(cell: Cell, level: int = FINEST_LEVEL) -> Square:
    """The square of a level that a leaf cell lies in."""
    face, column, row = cell.place
    below = LEAF_LEVEL - level
    return Square(face, level, column >> below, row >> below)


def covering(distance: Callable[[Vector], float], circle: Circle | None, most: int) -> list[Square]:
    """At most `most` squares of one level that cover a figure; the faces that it reaches, where even these are more.

    distance   of a point from the figure, in radians; 0 inside
    circle     in which the figure lies; None for one that is larger
    """

    def reaches(square: Square) -> bool:
        middle, radius = square.middle, RADII[square.level] + _MARGIN
        if circle is not None and angle(middle, circle.middle) > circle.radius + radius:
            return False
        return distance(middle) <= radius

    found = _around(circle)
    for _ in range(found[0].level, FINEST_LEVEL):
        finer: list[Square] = []
        for square in found:
            finer += filter(reaches, square.parts)
            if len(finer) > most:
                return found
        found = finer
    return found


def _around(circle: Circle | None) -> list[Square]:
    """The smallest square that holds a whole circle, or all faces."""
    if circle is not None:
        cell = Cell(circle.middle)
        levels = range(FINEST_LEVEL + 1)
        level = bisect_left(levels, True, key=lambda level: not square_of(cell, level).holds(circle)) - 1
        if level >= 0:
            return [square_of(cell, level)]
    return [Square(face, 0, 0, 0) for face in range(_FACES)]
