"""Lines: open chains of edges on the sphere."""

from __future__ import annotations

from itertools import pairwise

from amongo.mql.geo.cells import Cell
from amongo.mql.geo.chains import Chain, meet
from amongo.mql.geo.edges import crossing, distance_to_edge, nearest_on_edge
from amongo.mql.geo.vectors import Vector, angle, scale


class Line:
    """A line of at least two vertices, no two in a row alike."""

    def __init__(self, vertices: tuple[Vector, ...]) -> None:
        self.vertices = vertices
        self.chain = Chain(vertices)

    def fault(self) -> str | None:
        """What makes this no line, in the server's words; None for nothing."""
        for place, (a, b) in enumerate(pairwise(self.vertices), 1):
            if a == b or a == scale(b, -1.0):
                return f"Vertices {place - 1} and {place} are identical or antipodal"
        return None

    def touches(self, cell: Cell) -> bool:
        """Whether the line passes through a leaf cell."""
        if not self.chain.passes(cell.point):
            return False
        if any(map(cell.contains, self.vertices)):
            return True
        corners = cell.corners
        return any(
            crossing(corners[place - 1], corners[place], *self.chain.edge(edge)) >= 0
            for place in range(4)
            for edge in range(self.chain.edge_count)
        )

    def intersects(self, other: Line) -> bool:
        """Whether two lines cross, or touch at a vertex of both."""
        return meet(self.chain, other.chain)

    def distance(self, point: Vector) -> float:
        """How far a point is from the line, in radians."""
        return chain_distance(self.chain, point)[1]


def chain_distance(chain: Chain, point: Vector) -> tuple[float, float]:
    """(for comparing with other chains, as it is) the distance of a point from a chain, in radians."""
    edges = pairwise(chain.vertices)
    distance, a, b = min(((distance_to_edge(point, a, b), a, b) for a, b in edges), key=lambda found: found[0])
    return distance, angle(point, nearest_on_edge(point, a, b))
