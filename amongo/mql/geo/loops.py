"""Loops: closed chains of edges, whose inside is what lies left of them.

A loop knows whether a fixed point of the sphere, the origin, is inside; any other point is inside if the way to it
crosses the loop an odd number of times more. How two loops lie to one another follows from whether their edges cross,
and from the order of the edges at vertices that they share. The rules are those of S2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Final

from amongo.mql.geo.cells import Cell
from amongo.mql.geo.chains import Chain, pairs
from amongo.mql.geo.edges import are_ordered, corner_angle, crossing
from amongo.mql.geo.vectors import Vector, add, dot, orthogonal, unit

_ORIGIN: Final = (0.00456762077230, 0.99947476613078, 0.03208315302933)
_HALF_SPHERE_ERROR: Final = 1e-14  # a half of the sphere always counts as not more than that
_NEVER: Final = -2.0

Corner = tuple[Vector, Vector, Vector, Vector, Vector]
"""A vertex that two loops share: (vertex of A before, the vertex, vertex of A behind, of B before, of B behind)."""


class Loop:
    """A loop of at least three vertices, all different."""

    def __init__(self, vertices: tuple[Vector, ...]) -> None:
        self.vertices = vertices
        self.chain = Chain((*vertices, vertices[0]))

    @cached_property
    def _has_origin(self) -> bool:
        """Whether the origin is inside: told from the corner at the second vertex."""
        vertices = self.vertices
        is_in = are_ordered(orthogonal(vertices[1]), vertices[0], vertices[2], vertices[1])
        return is_in != bool(self.chain.crossings(_ORIGIN, vertices[1]) & 1)

    def contains(self, point: Vector) -> bool:
        """Whether a point is inside; of the points on the boundary, some are."""
        center, least = self._bounds
        if dot(center, point) < least:
            return False
        return self._has_origin != bool(self.chain.crossings(_ORIGIN, point) & 1)

    @cached_property
    def _bounds(self) -> tuple[Vector, float]:
        """(center, least cosine) of a cap round the loop; of one of half the sphere or more, round everything."""
        total = (0.0, 0.0, 0.0)
        for vertex in self.vertices:
            total = add(total, vertex)
        center = unit(total)
        least = min(dot(center, vertex) for vertex in self.vertices)
        is_small = least > 0.01 and self.is_normalized
        return center, least - 1e-12 if is_small else _NEVER

    def may_touch(self, other: Loop) -> bool:
        """False if the caps round two loops lie apart."""
        (center, least), (other_center, other_least) = self._bounds, other._bounds
        if least < 0 or other_least < 0:
            return True
        # cos(a + b) of the two radii
        sines = max(0.0, 1 - least * least) * max(0.0, 1 - other_least * other_least)
        reach = least * other_least - math.sqrt(sines)
        return dot(center, other_center) >= reach - 1e-9

    @cached_property
    def is_normalized(self) -> bool:
        """Whether the inside is half the sphere or less."""
        vertices = self.vertices
        count = len(vertices)
        first = min(range(count), key=vertices.__getitem__)
        # From the least vertex, in the direction of its lesser neighbour: the same sum for the same loop reversed.
        step = 1 if vertices[(first + 1) % count] < vertices[first - 1] else -1
        turned, place = 0.0, first
        for _ in range(count):
            before, behind = vertices[(place - step) % count], vertices[(place + step) % count]
            turned += corner_angle(before, vertices[place], behind)
            place = (place + step) % count
        return step * turned >= -_HALF_SPHERE_ERROR

    def normalized(self) -> Loop:
        """The loop, or the same one the other way round: with an inside of half the sphere or less."""
        return self if self.is_normalized else Loop(self.vertices[::-1])

    def fault(self) -> str | None:
        """What makes this no loop, in the server's words; None for nothing."""
        places: dict[Vector, int] = {}
        for place, vertex in enumerate(self.vertices):
            if vertex in places:
                return f"Duplicate vertices: {places[vertex]} and {place}"
            places[vertex] = place
        for i, j in pairs(self.chain, self.chain):
            if j > i + 1 and crossing(*self.chain.edge(i), *self.chain.edge(j)) > 0:
                return f"Edges {i} and {j} cross."
        return None

    def contains_loop(self, other: Loop) -> bool:
        """Whether the other's inside is in this one's; boundaries may touch."""
        if not self.may_touch(other):
            return False
        if not self.contains(other.vertices[0]) and other.vertices[0] not in self._places:
            return False
        if not self._agrees_at_corners(other, contains_corner):
            return False
        # Both together may be the whole sphere.
        return not (other.contains(self.vertices[0]) and self.vertices[0] not in other._places)

    def intersects_loop(self, other: Loop) -> bool:
        """Whether the insides have something in common; boundaries alone do not count."""
        if not self.may_touch(other):
            return False
        if len(other.vertices) > len(self.vertices):
            return other.intersects_loop(self)
        if self.contains(other.vertices[0]) and other.vertices[0] not in self._places:
            return True
        if not self._agrees_at_corners(other, are_corners_apart):
            return True
        return other.contains(self.vertices[0]) and self.vertices[0] not in other._places

    def contains_or_crosses(self, other: Loop) -> int:
        """1 if the other's inside is in this one's, -1 if the boundaries cross, else 0; of loops that are no more than
        half the sphere."""
        if not self.may_touch(other):
            return 0
        is_wider = other_is_wider = is_apart = False
        for corner in self._corners(other):
            if corner is None:
                return -1
            how = corner_relation(*corner)
            is_wider = is_wider or how == CONTAINS
            other_is_wider = other_is_wider or how == IS_CONTAINED
            is_apart = is_apart or how == APART
            if how == OVERLAPS or (is_wider and other_is_wider):
                return -1
        if is_apart or other_is_wider:
            return 0
        return int(self.contains(other.vertices[0]) or other.vertices[0] in self._places)

    @cached_property
    def _places(self) -> frozenset[Vector]:
        return frozenset(self.vertices)

    def _agrees_at_corners(self, other: Loop, agrees: Callable[[Vector, Vector, Vector, Vector, Vector], bool]) -> bool:
        """Whether no edges cross, and each shared vertex is as it should be."""
        return all(corner is not None and agrees(*corner) for corner in self._corners(other))

    def _corners(self, other: Loop) -> list[Corner | None]:
        """The shared vertices, each once; None as the last for edges that cross."""
        found: list[Corner | None] = []
        mine, theirs = self.vertices, other.vertices
        for j, i in pairs(other.chain, self.chain):
            how = crossing(*other.chain.edge(j), *self.chain.edge(i))
            if how > 0:
                return [*found, None]
            if how == 0 and mine[(i + 1) % len(mine)] == (shared := theirs[(j + 1) % len(theirs)]):
                behind, other_behind = mine[(i + 2) % len(mine)], theirs[(j + 2) % len(theirs)]
                found.append((mine[i], shared, behind, theirs[j], other_behind))
        return found

    def touches(self, cell: Cell) -> bool:
        """Whether the loop and its inside have something in common with a leaf cell."""
        return self.contains(cell.point) or self.boundary_touches(cell)

    def boundary_touches(self, cell: Cell) -> bool:
        """`touches`, of a cell whose point is known not to be inside."""
        center, least = self._bounds
        if dot(center, cell.point) < least - 1e-8 or not self.chain.passes(cell.point):
            return False
        return Loop(cell.corners).intersects_loop(self)

    def share_count(self, other: Loop) -> int:
        """How many vertices two loops have in common."""
        return len(self._places & other._places)


CONTAINS: Final = "contains"
IS_CONTAINED: Final = "is contained"
APART: Final = "apart"
OVERLAPS: Final = "overlaps"
EQUALS: Final = "equals"


def contains_corner(a_before: Vector, shared: Vector, a_behind: Vector, b_before: Vector, b_behind: Vector) -> bool:
    """Whether at a shared vertex the inside of A holds that of B."""
    return are_ordered(a_behind, b_behind, b_before, shared) and are_ordered(b_before, a_before, a_behind, shared)


def are_corners_apart(a_before: Vector, shared: Vector, a_behind: Vector, b_before: Vector, b_behind: Vector) -> bool:
    """Whether at a shared vertex the insides of A and B have nothing in common."""
    return are_ordered(a_before, b_behind, b_before, shared) and are_ordered(b_before, a_behind, a_before, shared)


def corner_relation(a_before: Vector, shared: Vector, a_behind: Vector, b_before: Vector, b_behind: Vector) -> str:
    """How the insides of A and B lie to one another at a shared vertex: one of the words above."""
    if a_before == b_before and a_behind == b_behind:
        return EQUALS
    if are_ordered(a_before, a_behind, b_behind, shared):
        if are_ordered(b_behind, b_before, a_before, shared):
            return CONTAINS
        return IS_CONTAINED if a_behind == b_behind else OVERLAPS
    if are_ordered(a_before, b_before, b_behind, shared):
        return IS_CONTAINED
    return APART if are_ordered(a_before, b_before, a_behind, shared) else OVERLAPS
