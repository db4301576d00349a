"""Geospatial operators: `$geoWithin`, `$geoIntersects`, and `$near`, `$nearSphere`, which also put an order.

What geometries are and how they lie to one another is `mql.geo`'s. Here stand the nodes that a plan reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from amongo.errors import geo as errors
from amongo.errors import query as query_errors
from amongo.mql.geo.geometry import Geometry
from amongo.mql.geo.near import NEAR_OPERATORS, NearQuery, near_query
from amongo.mql.geo.predicates import intersecting_geometry, place_test, within_geometry
from amongo.mql.matcher.registry import Clause, field_operator
from amongo.mql.matcher.tree import Document, Located, Match, MatchExpression, Predicate, Test
from amongo.values.wording import shown

PLACE_OPERATORS: Final = frozenset({"$geoWithin", "$within", "$geoIntersects"}) | NEAR_OPERATORS


@dataclass(frozen=True, slots=True)
class GeoWithin(Predicate):
    """The value, or an element of an array, is a place in the operand.

    spec   the operators as they were written
    """

    operand: Geometry = field(compare=False)
    spec: Document = field(default_factory=dict)

    def value_test(self) -> Test:
        return place_test(self.operand.contains)


@dataclass(frozen=True, slots=True)
class GeoIntersects(Predicate):
    """The value, or an element of an array, is a place that has something in common with the operand.

    spec   the operators as they were written
    """

    operand: Geometry = field(compare=False)
    spec: Document = field(default_factory=dict)

    def value_test(self) -> Test:
        return place_test(self.operand.intersects)


@dataclass(frozen=True, slots=True)
class Near(MatchExpression):
    """The document has a place at a wanted distance; found by an index alone, and the nearest first.

    spec   the operators as they were written
    """

    operand: NearQuery = field(compare=False)
    spec: Document = field(default_factory=dict)

    def bind(self) -> Match:
        measure = self.operand.measure
        return lambda document: measure(document) is not None

    def value_test(self) -> Test:
        raise AssertionError("$near is refused below $elemMatch")

    def locate(self, document: Document) -> Located:
        return self.bind()(document), None


@field_operator("$geoWithin")
def geo_within(clause: Clause) -> MatchExpression:
    """The place lies in a geometry, on its border included.

    operand   a document with one of `$geometry` (Polygon, MultiPolygon, GeometryCollection with one), `$box`,
              `$center`, `$centerSphere`, `$polygon`
    errors    those of `within_geometry`
    source    manual, $geoWithin
    """
    operators = clause.siblings
    return GeoWithin("$geoWithin", clause.path, within_geometry(clause.operator, operators), operators)


@field_operator("$within")
def within(clause: Clause) -> MatchExpression:
    """The old name of `$geoWithin`. source: manual, $geoWithin."""
    operators = clause.siblings
    return GeoWithin("$geoWithin", clause.path, within_geometry(clause.operator, operators), operators)


@field_operator("$geoIntersects")
def geo_intersects(clause: Clause) -> MatchExpression:
    """The place has something in common with a geometry of the sphere.

    operand   a document with `$geometry`
    errors    those of `intersecting_geometry`
    source    manual, $geoIntersects
    """
    operators = clause.siblings
    return GeoIntersects("$geoIntersects", clause.path, intersecting_geometry(clause.operator, operators), operators)


@field_operator("$near")
def near(clause: Clause) -> MatchExpression:
    """The place is near a point; nearest first.

    operand   `{$geometry, $minDistance, $maxDistance}` in meters, or a coordinate pair in units of the plane, with
              `$minDistance` and `$maxDistance` beside it
    errors    NEAR_NOT_FIRST, NEAR_NOT_ALLOWED, and those of `near_query`
    source    manual, $near
    """
    return _near(clause)


def _near(clause: Clause) -> Near:
    operators = clause.siblings
    if next(iter(operators)) not in NEAR_OPERATORS or type(next(iter(operators.values()))) not in (dict, list):
        raise errors.NEAR_NOT_FIRST(operators=shown(operators))
    if not clause.scope.allows_near:
        raise errors.NEAR_NOT_ALLOWED()
    return Near("$near", clause.path, near_query(clause.path, operators), operators)


@field_operator("$nearSphere")
def near_sphere(clause: Clause) -> MatchExpression:
    """The place is near a point of the sphere; nearest first.

    operand   as for `$near`, but with a coordinate pair distances are in radians
    errors    those of `$near`
    source    manual, $nearSphere
    """
    return _near(clause)


@field_operator("$geoNear")
def geo_near(clause: Clause) -> MatchExpression:
    """An old name of `$near`. source: manual, $near."""
    return _near(clause)


@field_operator("$minDistance")
def min_distance(clause: Clause) -> None:
    """What `$near` reads beside its coordinate pair. errors: UNKNOWN_OPERATOR anywhere else. source: manual, $near."""
    if next(iter(clause.siblings)) not in NEAR_OPERATORS:
        raise query_errors.UNKNOWN_OPERATOR(name=clause.operator)


@field_operator("$maxDistance")
def max_distance(clause: Clause) -> None:
    """What `$near` reads beside its coordinate pair. errors: UNKNOWN_OPERATOR anywhere else. source: manual, $near."""
    min_distance(clause)


@field_operator("$uniqueDocs")
def unique_docs(clause: Clause) -> None:
    """What `$near` once read beside its coordinate pair.

    errors   UNKNOWN_OPERATOR anywhere else
    source   manual, $near
    """
    min_distance(clause)


def near_nodes(expression: MatchExpression) -> list[Near]:
    """The `$near`s of a filter, at any depth."""
    if isinstance(expression, Near):
        return [expression]
    return [near for child in expression.children for near in near_nodes(child)]
