"""A geometry: a place of a document or of a query, made of figures on the sphere or one on the plane.

Old coordinate pairs are points of the plane, and of the sphere too where they can be a longitude and a latitude;
GeoJSON points are points of the sphere, and of the plane too. Everything else belongs to the one or the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Final

from amongo.mql.geo.caps import Cap
from amongo.mql.geo.cells import Cell
from amongo.mql.geo.lines import Line
from amongo.mql.geo.planar import Box, FlatPolygon, Pair, distance
from amongo.mql.geo.planar import Circle as FlatCircle
from amongo.mql.geo.polygons import BigPolygon, Polygon
from amongo.mql.geo.squares import Circle, Square, covering
from amongo.mql.geo.vectors import EARTH_RADIUS_METERS, Vector, add, angle, is_on_sphere, unit, vector
from amongo.runtime.limits import GEO_EXACT_VERTICES

FlatRegion = Box | FlatCircle | FlatPolygon

_LARGE: Final = 1.5  # radians: a little less than a quarter turn


class Point:
    """A point.

    pair      (x, y), or (longitude, latitude)
    is_flat   it was written as an old coordinate pair
    """

    def __init__(self, pair: Pair, *, is_flat: bool) -> None:
        self.pair = pair
        self.is_flat = is_flat

    @property
    def is_on_sphere(self) -> bool:
        """Whether it can be a longitude and a latitude."""
        return not self.is_flat or is_on_sphere(*self.pair)

    @cached_property
    def vector(self) -> Vector:
        """The point on the sphere."""
        return vector(*self.pair)

    @cached_property
    def cell(self) -> Cell:
        """The leaf cell it lies in."""
        return Cell(self.vector)


@dataclass(frozen=True, eq=False)
class Geometry:
    """Figures that are one place.

    points, lines, polygons   what there is of them: one, or those of a Multi… or of a GeometryCollection
    big      a polygon with strict winding order
    cap      of `$centerSphere`
    region   of `$box`, `$center`, `$polygon`
    """

    points: tuple[Point, ...] = ()
    lines: tuple[Line, ...] = ()
    polygons: tuple[Polygon, ...] = ()
    big: BigPolygon | None = None
    cap: Cap | None = None
    region: FlatRegion | None = None

    @property
    def is_flat(self) -> bool:
        """Whether it was written as a figure of the plane."""
        return self.region is not None or (bool(self.points) and self.points[0].is_flat)

    @property
    def is_on_sphere(self) -> bool:
        """Whether it is, or can be taken as, a figure of the sphere."""
        return self.region is None and all(point.is_on_sphere for point in self.points)

    @property
    def has_inside(self) -> bool:
        """Whether other places can lie in it."""
        return bool(self.polygons or self.big or self.cap or self.region)

    @property
    def is_single_point(self) -> bool:
        """Whether it is one point, and so a figure of the plane too."""
        return len(self.points) == 1 and not (self.lines or self.polygons or self.big)

    def contains(self, other: Geometry) -> bool:
        """Whether the other lies in this one, its boundary included: each of its figures in some figure of this."""
        if self.region is not None:
            return other.is_single_point and self.region.contains(other.points[0].pair)
        if not other.is_on_sphere:
            return False
        return (
            all(any(area.touches(point.cell) for area in self._areas) for point in other.points)
            and all(any(area.contains_line(line) for area in self._areas) for line in other.lines)
            and all(any(area.contains_polygon(polygon) for area in self._areas) for polygon in other.polygons)
        )

    @cached_property
    def _areas(self) -> tuple[Polygon | BigPolygon | Cap, ...]:
        if self.cap is not None:
            return (self.cap,)
        return self.polygons if self.big is None else (self.big,)

    def intersects(self, other: Geometry) -> bool:
        """Whether the two have something in common: some figure of the one with some of the other."""
        if not other.is_on_sphere or self.cap is not None:
            return False
        return (
            any(map(self._meets_point, other.points))
            or any(map(self._meets_line, other.lines))
            or any(map(self._meets_polygon, other.polygons))
        )

    def _meets_point(self, point: Point) -> bool:
        cell = point.cell
        return (
            any(mine.cell.place == cell.place for mine in self.points)
            or any(line.touches(cell) for line in self.lines)
            or any(area.touches(cell) for area in self._areas)
        )

    def _meets_line(self, line: Line) -> bool:
        areas = self.polygons if self.big is None else (self.big,)
        return (
            any(line.touches(mine.cell) for mine in self.points)
            or any(line.intersects(mine) for mine in self.lines)
            or any(area.intersects_line(line) for area in areas)
        )

    def _meets_polygon(self, polygon: Polygon) -> bool:
        areas = self.polygons if self.big is None else (self.big,)
        return (
            any(polygon.touches(mine.cell) for mine in self.points)
            or any(polygon.intersects_line(mine) for mine in self.lines)
            or any(area.intersects(polygon) for area in areas)
        )

    def distance_meters(self, point: Point) -> float:
        """How far a point of the sphere is from the nearest figure."""
        return self.distance(point.vector) * EARTH_RADIUS_METERS

    def distance(self, place: Vector) -> float:
        """How far a point of the sphere is from the nearest figure, in radians; 0 inside, and from a polygon with
        strict winding order."""
        if self.cap is not None:
            return max(0.0, angle(place, self.cap.center) - self.cap.radius)
        if self.big is not None:
            return 0.0
        distances = [angle(place, mine.vector) for mine in self.points]
        distances += [line.distance(place) for line in self.lines]
        distances += [polygon.distance(place) for polygon in self.polygons]
        return min(distances)

    def squares(self, most: int) -> list[Square]:
        """At most `most` squares that cover it, or the faces that it reaches.

        The circle round it is covered instead where it has many vertices: each square is asked how far it is from all.
        """
        circle = self._circle
        if len(self._vertices) <= GEO_EXACT_VERTICES:
            return covering(self.distance, circle, most)
        if circle is None:
            return covering(lambda place: 0.0, None, most)
        return covering(lambda place: max(0.0, angle(place, circle.middle) - circle.radius), circle, most)

    @cached_property
    def _vertices(self) -> list[Vector]:
        vertices = [point.vector for point in self.points]
        vertices += [each for line in self.lines for each in line.vertices]
        vertices += [each for polygon in self.polygons for loop in polygon.loops for each in loop.vertices]
        return vertices

    @property
    def _circle(self) -> Circle | None:
        """A circle in which it lies; None where that would be a large one, or is not known.

        What lies in less than half of the sphere with its vertices does so with its edges, and with its insides, which
        are less than half of the sphere themselves.
        """
        if self.cap is not None:
            middle, radius = self.cap.center, self.cap.radius
        else:
            middle = unit(reduce(add, self._vertices, (0.0, 0.0, 0.0)))
            radius = max((angle(middle, each) for each in self._vertices), default=_LARGE)
        return None if self.big is not None or radius > _LARGE else Circle(middle, radius)

    def flat_distance(self, point: Point) -> float | None:
        """How far a point of the plane is; None for a place that is none of the plane."""
        return distance(self.points[0].pair, point.pair) if self.is_single_point else None
