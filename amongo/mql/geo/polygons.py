"""Polygons on the sphere: an outer loop with holes, or one loop that may enclose more than half of the sphere.

A polygon in general is a set of loops, each of no more than half the sphere, that do not cross: a point is in it if it
is in an odd number of them. `Polygon` is what GeoJSON can say: a shell, and holes that do not lie in one another. Which
figures count as containing or meeting each other is as in S2.
"""

from __future__ import annotations

from functools import cached_property
from itertools import combinations
from typing import Final

from amongo.mql.geo.cells import Cell
from amongo.mql.geo.chains import meet, pairs
from amongo.mql.geo.edges import INTERSECTION_TOLERANCE, crossing, intersection, share, vertex_crossing
from amongo.mql.geo.lines import Line, chain_distance
from amongo.mql.geo.loops import Loop
from amongo.mql.geo.vectors import Vector, angle

_SAME_PLACE: Final = 1e-10 * 3.141592653589793 / 180  # radians by which a line may be short and yet be the whole


class Polygon:
    """A polygon.

    loops   the shell first, then its holes; each of no more than half the sphere
    """

    def __init__(self, loops: tuple[Loop, ...]) -> None:
        self.loops = loops

    @property
    def shell(self) -> Loop:
        return self.loops[0]

    def fault(self) -> str | None:
        """What makes these loops no polygon, in the server's words; None for nothing."""
        edges: dict[tuple[Vector, Vector], tuple[int, int]] = {}
        for number, loop in enumerate(self.loops if len(self.loops) > 1 else ()):
            for place in range(len(loop.vertices)):
                edge = loop.chain.edge(place)
                found = edges.get(edge) or edges.get(edge[::-1])
                if found:
                    return f"Duplicate edge: loop {found[0]}, edge {found[1]} and loop {number}, edge {place}"
                edges[edge] = (number, place)
        for (one, loop), (two, other) in combinations(enumerate(self.loops), 2):
            if loop.contains_or_crosses(other) < 0:
                return f"Loop {one} crosses loop {two}"
        return None

    def nesting_fault(self) -> str | None:
        """What of the holes GeoJSON does not allow; None for nothing."""
        for number, hole in enumerate(self.loops[1:], 1):
            if hole.share_count(self.shell) > 1:
                return f"Loop {number} shares more than one vertex with its parent loop 0"
        for one, other in combinations(self.loops[1:], 2):
            if one.contains_loop(other) or other.contains_loop(one):
                return "Polygon interior loops cannot be nested"
        return None

    def contains(self, point: Vector) -> bool:
        """Whether a point is inside; of the points on the boundary, some are."""
        return self.shell.contains(point) and not any(hole.contains(point) for hole in self.loops[1:])

    def touches(self, cell: Cell) -> bool:
        """Whether the polygon, its boundary included, has something in common with a leaf cell."""
        if self.contains(cell.point):
            return True
        if not any(loop.chain.passes(cell.point) for loop in self.loops):
            return False
        if len(self.loops) == 1:
            return self.shell.boundary_touches(cell)
        return self.intersects(Polygon((Loop(cell.corners),)))

    def contains_polygon(self, other: Polygon) -> bool:
        """Whether the other lies in this one; boundaries may touch."""
        if len(self.loops) == len(other.loops) == 1:
            return self.shell.contains_loop(other.shell)
        if self._contains_or_crosses(other.shell) <= 0:
            return False
        return all(other._contains_or_crosses(hole) == 0 for hole in self.loops[1:])

    def intersects(self, other: Polygon) -> bool:
        """Whether the insides have something in common."""
        if len(self.loops) == len(other.loops) == 1:
            return self.shell.intersects_loop(other.shell)
        return self._contains_or_crosses(other.shell) != 0 or other._contains_or_crosses(self.shell) != 0

    def _contains_or_crosses(self, loop: Loop) -> int:
        """1 if the polygon contains a loop, -1 if their boundaries cross, else 0."""
        is_inside = False
        for mine in self.loops:
            how = mine.contains_or_crosses(loop)
            if how < 0:
                return -1
            is_inside ^= how > 0
        return int(is_inside)

    def contains_line(self, line: Line) -> bool:
        """Whether the whole line is in the polygon."""
        pieces = self._clip(line)
        if len(pieces) != 1:
            return False
        first, last = pieces[0]
        return angle(first, line.vertices[0]) <= _SAME_PLACE and angle(last, line.vertices[-1]) <= _SAME_PLACE

    def intersects_line(self, line: Line) -> bool:
        """Whether some of the line is in the polygon."""
        return bool(self._clip(line))

    def _clip(self, line: Line) -> list[tuple[Vector, Vector]]:
        """(begin, end) of the pieces of a line that are in the polygon, in their order."""
        pieces: list[tuple[Vector, Vector]] = []
        is_inside = self.contains(line.vertices[0])
        met: dict[int, list[tuple[float, Vector]]] = {}
        for loop in self.loops:
            for place, edge in pairs(line.chain, loop.chain):
                found = _meeting(*line.chain.edge(place), *loop.chain.edge(edge))
                if found is not None:
                    met.setdefault(place, []).append(found)
        for place in range(line.chain.edge_count):
            a, b = line.chain.edge(place)
            points = met.get(place, [])
            if is_inside:
                points.append((0.0, a))
            is_inside = bool(len(points) & 1)
            if is_inside:
                points.append((1.0, b))
            points.sort()
            for begin, end in zip(points[::2], points[1::2], strict=True):
                if begin == end:
                    continue
                start, stop = begin[1], end[1]
                if pieces and angle(pieces[-1][1], start) <= INTERSECTION_TOLERANCE:
                    pieces[-1] = (pieces[-1][0], stop)
                else:
                    pieces.append((start, stop))
        return pieces

    def distance(self, point: Vector) -> float:
        """How far a point is from the polygon, in radians; 0 inside."""
        if self.contains(point):
            return 0.0
        return min((chain_distance(loop.chain, point) for loop in self.loops), key=lambda found: found[0])[1]


def _meeting(a: Vector, b: Vector, c: Vector, d: Vector) -> tuple[float, Vector] | None:
    """(which part of the edge ab lies before, the point) where the edge cd crosses it; None if it does not."""
    how = crossing(a, b, c, d)
    if how > 0:
        point = intersection(a, b, c, d)
        return share(point, a, b), point
    if how == 0 and vertex_crossing(a, b, c, d):
        return (0.0, a) if a in (c, d) else (1.0, b)
    return None


class BigPolygon:
    """A polygon without holes whose inside is left of its boundary, however much of the sphere that is."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.is_small = loop.is_normalized

    @cached_property
    def _border(self) -> Polygon:
        """The polygon itself if it is small, else what it leaves out."""
        return Polygon((self.loop.normalized(),))

    def contains(self, point: Vector) -> bool:
        """Whether a point is inside."""
        return self.loop.contains(point)

    def touches(self, cell: Cell) -> bool:
        """Whether the polygon, its boundary included, has something in common with a leaf cell."""
        return self.loop.touches(cell)

    def contains_polygon(self, other: Polygon) -> bool:
        """Whether the other lies in this one."""
        return self._border.contains_polygon(other) if self.is_small else not self._border.intersects(other)

    def intersects(self, other: Polygon) -> bool:
        """Whether the insides have something in common."""
        return self._border.intersects(other) if self.is_small else not self._border.contains_polygon(other)

    def contains_line(self, line: Line) -> bool:
        """Whether the whole line is in the polygon."""
        return self._border.contains_line(line) if self.is_small else not self._border.intersects_line(line)

    def intersects_line(self, line: Line) -> bool:
        """Whether some of the line is in the polygon."""
        return self.loop.contains(line.vertices[0]) or meet(self.loop.chain, line.chain)
