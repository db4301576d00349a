"""Caps: what lies within a distance of a point of the sphere (`$centerSphere`)."""

from __future__ import annotations

import math

from amongo.mql.geo.cells import Cell
from amongo.mql.geo.chains import Chain
from amongo.mql.geo.edges import distance_to_edge
from amongo.mql.geo.lines import Line
from amongo.mql.geo.polygons import Polygon
from amongo.mql.geo.vectors import Vector, cross, dot, normal, scale, square, subtract


class Cap:
    """A cap.

    center   its middle
    radius   in radians, 0 or more; from half a turn on it is the whole sphere
    """

    def __init__(self, center: Vector, radius: float) -> None:
        self.center = center
        self.height = 2.0 if radius >= math.pi else 2 * math.sin(0.5 * radius) ** 2
        self.radius = min(radius, math.pi)

    def contains(self, point: Vector) -> bool:
        """Whether a point is in the cap or on its border."""
        return square(subtract(self.center, point)) <= 2 * self.height

    def touches(self, cell: Cell) -> bool:
        """Whether the cap has something in common with a leaf cell."""
        corners = cell.corners
        if any(map(self.contains, corners)):
            return True
        if self.height >= 1:
            return False
        if cell.contains(self.center):
            return True
        reach = self.height * (2 - self.height)  # the square of the sine of the radius
        for place in range(4):
            edge = normal(corners[place], corners[(place + 1) % 4])
            side = dot(self.center, edge)
            if side > 0:
                continue
            if side * side > reach * square(edge):
                return False
            along = cross(edge, self.center)
            if dot(along, corners[place]) < 0 < dot(along, corners[(place + 1) % 4]):
                return True
        return False

    def contains_line(self, line: Line) -> bool:
        """Whether the whole line is in the cap."""
        return self._contains_chain(line.chain)

    def contains_polygon(self, polygon: Polygon) -> bool:
        """Whether the whole polygon is in the cap."""
        if self.height >= 2:
            return True
        return self._contains_chain(polygon.shell.chain) and not polygon.contains(scale(self.center, -1.0))

    def _contains_chain(self, chain: Chain) -> bool:
        """Whether all vertices are in the cap, and no edge takes a way outside, as it can if the cap is large."""
        if not all(map(self.contains, chain.vertices)):
            return False
        if self.height <= 1 or self.height >= 2:
            return True
        opposite, left_out = scale(self.center, -1.0), math.pi - self.radius
        edges = (chain.edge(place) for place in range(chain.edge_count))
        return all(distance_to_edge(opposite, a, b) >= left_out for a, b in edges)
