"""Chains of edges, and which edges of two chains, or of a chain and a place, can meet at all.

Figures have few vertices as a rule, and each pair of edges is looked at. Where they have many, numpy finds the pairs
that may cross, and only these are looked at with care.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise, product
from typing import Any, Final

import numpy as np

from amongo.mql.geo.edges import counts_as_crossing, crossing
from amongo.mql.geo.vectors import Vector, cross, dot, normal, unit

_FEW_PAIRS: Final = 256
_FEW_VERTICES: Final = 24
_BLOCK: Final = 1 << 14  # pairs held at a time, about
_UNSURE: Final = 1e-14  # a determinant below this may have any sign
_CELL_RADIANS: Final = 1e-8  # no leaf cell reaches so far from its point


class Chain:
    """Vertices joined by edges; a closed one ends with its first vertex.

    vertices   at least one
    """

    def __init__(self, vertices: tuple[Vector, ...]) -> None:
        self.vertices = vertices

    @property
    def edge_count(self) -> int:
        return len(self.vertices) - 1

    @cached_property
    def axes(self) -> list[Vector]:
        """For each edge the unit vector at a right angle to it."""
        vertices = self.vertices
        return [unit(normal(a, b)) for a, b in pairwise(vertices)]

    @cached_property
    def _points(self) -> Any:
        return np.array(self.vertices)

    @cached_property
    def _planes(self) -> Any:
        return np.cross(self._points[:-1], self._points[1:])

    def _ranges(self, axis: int) -> tuple[Any, Any]:
        """(least, greatest) value of each edge on one coordinate: of its ends, and what the arc bulges beyond them."""
        begins, ends = self._points[:-1], self._points[1:]
        chords = np.sum((ends - begins) ** 2, axis=1) / 4
        bulge = 1 - np.sqrt(np.maximum(0.0, 1 - chords)) + 1e-12
        one, other = begins[:, axis], ends[:, axis]
        return np.minimum(one, other) - bulge, np.maximum(one, other) + bulge

    def edge(self, place: int) -> tuple[Vector, Vector]:
        """The ends of an edge."""
        return self.vertices[place], self.vertices[place + 1]

    def passes(self, point: Vector) -> bool:
        """Whether some edge's great circle passes through the leaf cell of a point, or near it."""
        if self.edge_count > _FEW_VERTICES:
            return bool(np.any(np.abs(self._axis_array @ point) < _CELL_RADIANS))
        return any(abs(dot(axis, point)) < _CELL_RADIANS for axis in self.axes)

    @cached_property
    def _axis_array(self) -> Any:
        return np.array(self.axes)

    def crossings(self, a: Vector, b: Vector) -> int:
        """How many edges count as crossing the edge ab."""
        vertices = self.vertices
        if self.edge_count <= _FEW_VERTICES:
            return sum(counts_as_crossing(a, b, c, d) for c, d in pairwise(vertices))
        sides = self._points @ cross(a, b)
        edges = np.nonzero(_may_differ(sides[:-1], sides[1:]))[0]
        return sum(counts_as_crossing(a, b, *self.edge(int(place))) for place in edges)


def _may_differ(one: Any, other: Any) -> Any:
    """Where two determinants may have different signs, or be null."""
    return (one * other <= 0) | (np.minimum(np.abs(one), np.abs(other)) < _UNSURE)


def pairs(first: Chain, second: Chain) -> Iterator[tuple[int, int]]:
    """(edge of the first, edge of the second) of all that may meet; in order."""
    if first.edge_count * second.edge_count <= _FEW_PAIRS:
        yield from product(range(first.edge_count), range(second.edge_count))
        return
    for rows, columns in _side_by_side(first, second):
        a, b, c, d = first._points[rows], first._points[rows + 1], second._points[columns], second._points[columns + 1]
        from_first, from_second = first._planes[rows], second._planes[columns]
        may_meet = _may_differ(_dots(from_first, c), _dots(from_first, d))
        may_meet &= _may_differ(_dots(from_second, a), _dots(from_second, b))
        yield from sorted(zip(rows[may_meet].tolist(), columns[may_meet].tolist(), strict=True))


def _dots(one: Any, other: Any) -> Any:
    return np.einsum("ij,ij->i", one, other)


def _side_by_side(first: Chain, second: Chain) -> Iterator[tuple[Any, Any]]:
    """(edges of the first, edges of the second), in blocks, of all pairs whose ranges on one coordinate overlap."""
    axis = int(np.argmax(np.ptp(first._points, axis=0)))
    (low, high), (other_low, other_high) = first._ranges(axis), second._ranges(axis)
    order = np.argsort(other_low)
    lows = other_low[order]
    begins = np.searchsorted(lows, low - (other_high - other_low).max())
    counts = np.searchsorted(lows, high, side="right") - begins
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _BLOCK, side="right")))
        rows = np.repeat(np.arange(start, stop), counts[start:stop])
        places = np.arange(len(rows)) - np.repeat(ends[start:stop] - counts[start:stop] - done, counts[start:stop])
        columns = order[places + np.repeat(begins[start:stop], counts[start:stop])]
        overlap = other_high[columns] >= low[rows]
        yield rows[overlap], columns[overlap]
        start = stop


def meet(first: Chain, second: Chain) -> bool:
    """Whether an edge of the one crosses or touches at an end an edge of the other."""
    return any(crossing(*first.edge(i), *second.edge(j)) >= 0 for i, j in pairs(first, second))
