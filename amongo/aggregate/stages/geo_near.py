"""$geoNear: the documents of a collection by their distance from a point, with that distance in a field."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.running import RunningVariables
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.aggregate.stages.unwind import with_value
from amongo.errors import command as command_errors
from amongo.errors import geo as errors
from amongo.mql.expressions import Expression
from amongo.mql.expressions.nodes import FieldPath as FieldReference
from amongo.mql.expressions.nodes import Variable
from amongo.mql.expressions.truth import is_true
from amongo.mql.geo.near import Measured, NearQuery, near_query
from amongo.mql.geo.near_index import only_geo_path
from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.mql.metadata import metadata_field
from amongo.mql.sorting import in_order
from amongo.planner.near_scan import search, serving_index
from amongo.runtime.limits import GEO_RING_ENTRIES, NEAR_KEY_COMPONENTS, PATH_COMPONENTS
from amongo.values.codec import decode
from amongo.values.key_bytes import key_bytes
from amongo.values.numbers import to_double
from amongo.values.paths import FieldPath, field_path
from amongo.values.types import alias, is_number

_NO_LONGER: Final = {
    "collation": errors.GEO_NEAR_COLLATION,
    "limit": errors.GEO_NEAR_LIMIT,
    "num": errors.GEO_NEAR_NUM,
    "start": errors.GEO_NEAR_START,
}
_UNSEARCHED: Final = frozenset({"$text", "$where"})


@dataclass(frozen=True, slots=True)
class GeoNear(Stage):
    """A search for what is near.

    near          the point
    bounds        `minDistance` and `maxDistance`, those that are given
    key           the field that is measured; None for that of the only geospatial index
    distance      where the distance is written, or None; and where the place that was measured
    locations     is
    carries       documents carry the distance and the place beside their fields too, for `$meta`
    """

    near: Expression
    bounds: Mapping[str, Expression]
    key: str | None
    is_spherical: bool
    filter: MatchExpression | None
    variables: RunningVariables
    distance: FieldPath | None
    locations: FieldPath | None
    multiplier: float = 1.0
    carries: bool = False

    def carrying(self) -> GeoNear:
        """The same stage, for stages behind it that ask for `$meta`."""
        return replace(self, carries=True)

    def bind(self) -> Run:
        near = self.near.bind()
        bounds = {name: bound.bind() for name, bound in self.bounds.items()}
        matches = None if self.filter is None else self.filter.bind()
        rest = [] if self.filter is None else [self.filter]

        def question(environment: Environment) -> tuple[NearQuery, str]:
            variables = environment.variables
            point = _checked_point(near({}, variables))
            limits = {f"${name}": _checked_bound(name, bound({}, variables)) for name, bound in bounds.items()}
            namespace = f"{environment.database}.{environment.collection}"
            indexes = environment.indexes(environment.database, environment.collection)
            if indexes is None:
                raise errors.GEO_NEAR_NO_COLLECTION(namespace=namespace)
            path = only_geo_path(namespace, indexes) if self.key is None else self.key
            found = near_query(path, {"$nearSphere" if self.is_spherical else "$near": point, **limits})
            return found, serving_index(namespace, indexes, found, rest)["name"]

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            self.variables.values_now = environment.variables
            found, index_name = question(environment)
            wanted = _by_index(found, index_name, matches, environment)
            if wanted is None:
                wanted = _by_measuring(found, documents if matches is None else filter(matches, documents), environment)
            return (self._shown(document, measured) for measured, document in wanted)

        return run

    def _shown(self, document: Document, found: Measured) -> Document:
        """The document with what was measured."""
        distance = found.distance * self.multiplier
        for path, value in ((self.distance, distance), (self.locations, found.value)):
            if path is not None:
                if len(path.parts) >= PATH_COMPONENTS:
                    raise errors.GEO_NEAR_RESULT_TOO_DEEP(limit=PATH_COMPONENTS)
                document = with_value(document, path.parts, value)
        if not self.carries:
            return document
        beside = {metadata_field("geoNearDistance"): found.distance, metadata_field("geoNearPoint"): found.value}
        return {**document, **beside}


_Found = Iterator[tuple[Measured, Document]]


def _by_index(
    near: NearQuery, index_name: str, matches: Callable[[Document], bool] | None, environment: Environment
) -> _Found | None:
    """What is found, the nearest first, as the index has it; None where there is no index to go through, or less to
    measure than the first circle would hold (such pipelines run on the event loop, and to cover a circle does not)."""
    stored = environment.stored(environment.database, environment.collection)
    if stored is None or stored.collection.count <= GEO_RING_ENTRIES:
        return None
    scan = search(stored.collection, near, index_name, None, matches)
    if scan is None:
        return None
    records = scan.records(stored.store, stored.collection, environment.interrupt)
    decoded = (decode(raw) for _, raw in records)
    return ((measured, document) for document in decoded if (measured := near.measure(document)) is not None)


def _by_measuring(near: NearQuery, documents: Iterable[Document], environment: Environment) -> _Found:
    """The same of documents that are all looked at."""
    measured = ((near.measure(document), document) for document in documents)
    keyed = ((key_bytes(found.meters), (found, document)) for found, document in measured if found is not None)
    return in_order(keyed, environment.interrupt)


@stage("$geoNear")
def parse_geo_near(spec: Any, surroundings: Surroundings) -> GeoNear:
    """The documents of a collection, the nearest first; the first stage of a pipeline.

    spec     {near: GeoJSON point or coordinate pair, distanceField, spherical, key, minDistance, maxDistance, query,
             distanceMultiplier, includeLocs}; near and the distances are constant expressions
    result   the documents with a place in the field, with the distance as a double; of places as far, in natural order
    errors   those of `amongo.errors.geo` under "Near" and "$geoNear", those of the query, path errors
    source   manual, $geoNear (aggregation)
    """
    if type(spec) is list:
        spec = {str(position): value for position, value in enumerate(spec)}
    if type(spec) is not dict:
        raise errors.GEO_NEAR_NOT_OBJECT()
    for name, refusal in _NO_LONGER.items():
        if name in spec:
            raise refusal()
    if "near" not in spec:
        raise errors.GEO_NEAR_WITHOUT_NEAR()
    found = _Options(surroundings)
    for name, value in spec.items():
        read = _OPTIONS.get(name)
        if read is None:
            raise errors.GEO_NEAR_UNKNOWN(name=name)
        read(found, value)
    assert found.near is not None
    return GeoNear(
        found.near,
        found.bounds,
        found.key,
        found.is_spherical,
        found.filter,
        found.variables,
        found.distance,
        found.locations,
        found.multiplier,
    )


class _Options:
    """The options of a $geoNear, read one after the other in the order in which they are written."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.near: Expression | None = None
        self.bounds: dict[str, Expression] = {}
        self.key: str | None = None
        self.is_spherical = False
        self.filter: MatchExpression | None = None
        self.variables = RunningVariables(surroundings.scope.names)
        self.distance: FieldPath | None = None
        self.locations: FieldPath | None = None
        self.multiplier = 1.0

    def read_near(self, value: Any) -> None:
        expression = self.surroundings.parse(value).fold()
        if _reads_document(expression):
            raise errors.GEO_NEAR_POINT_VARIES()
        if expression.is_constant:
            _checked_point(expression.bind()({}, {}))
        self.near = expression

    def read_least(self, value: Any) -> None:
        expression = self.surroundings.parse(value).fold()
        if _reads_document(expression):
            raise errors.GEO_NEAR_LEAST_VARIES()
        self._read_bound("minDistance", expression)

    def read_most(self, value: Any) -> None:
        expression = self.surroundings.parse(value).fold()
        if _reads_document(expression):
            raise errors.GEO_NEAR_MOST_VARIES()
        self._read_bound("maxDistance", expression)

    def _read_bound(self, name: str, expression: Expression) -> None:
        if expression.is_constant:
            _checked_bound(name, expression.bind()({}, {}))
        self.bounds[name] = expression

    def read_distance_field(self, value: Any) -> None:
        if type(value) is not str:
            raise errors.GEO_NEAR_DISTANCE_FIELD()
        self.distance = field_path(value)

    def read_locations_field(self, value: Any) -> None:
        if type(value) is not str:
            raise errors.GEO_NEAR_LOCATIONS_FIELD()
        self.locations = field_path(value)

    def read_multiplier(self, value: Any) -> None:
        if not is_number(value):
            raise errors.GEO_NEAR_MULTIPLIER_TYPE()
        self.multiplier = to_double(value)
        if not self.multiplier >= 0:
            raise errors.GEO_NEAR_MULTIPLIER_NEGATIVE()

    def read_query(self, value: Any) -> None:
        if type(value) is not dict:
            raise errors.GEO_NEAR_QUERY_TYPE()
        _check_searches(value)
        if value:
            self.filter = parse_filter(value, variables=self.variables, collator=self.surroundings.scope.collator)

    def read_spherical(self, value: Any) -> None:
        self.is_spherical = is_true(value)

    def read_key(self, value: Any) -> None:
        if type(value) is not str:
            raise errors.GEO_NEAR_KEY_TYPE(kind=alias(value))
        if not value:
            raise errors.GEO_NEAR_KEY_EMPTY()
        if len(field_path(value).parts) > NEAR_KEY_COMPONENTS:
            raise errors.GEO_NEAR_KEY_TOO_DEEP(limit=NEAR_KEY_COMPONENTS)
        self.key = value


_OPTIONS: Final[Mapping[str, Callable[[_Options, Any], None]]] = {
    "near": _Options.read_near,
    "distanceField": _Options.read_distance_field,
    "minDistance": _Options.read_least,
    "maxDistance": _Options.read_most,
    "distanceMultiplier": _Options.read_multiplier,
    "query": _Options.read_query,
    "spherical": _Options.read_spherical,
    "includeLocs": _Options.read_locations_field,
    "key": _Options.read_key,
    "uniqueDocs": lambda options, value: None,  # what old drivers send; the server does not look at it either
}


def _reads_document(expression: Expression) -> bool:
    """Whether an expression reads the document, of which there is none yet."""
    if isinstance(expression, FieldReference) or (isinstance(expression, Variable) and expression.name == "ROOT"):
        return True
    return any(map(_reads_document, expression.children()))


def _checked_point(value: Any) -> Any:
    """errors   GEO_NEAR_POINT_TYPE"""
    if type(value) not in (dict, list):
        raise errors.GEO_NEAR_POINT_TYPE(kind=alias(value))
    return value


def _checked_bound(name: str, value: Any) -> float:
    """errors   GEO_NEAR_BOUND_TYPE, GEO_NEAR_BOUND_NEGATIVE"""
    if not is_number(value):
        raise errors.GEO_NEAR_BOUND_TYPE(name=name)
    bound = to_double(value)
    if math.isnan(bound) or bound < 0:
        raise errors.GEO_NEAR_BOUND_NEGATIVE(name=name)
    return bound


def _check_searches(filter: Document) -> None:
    """Refuse `$text` and `$where`: there is one search in a query, and this stage is it.

    errors   BAD_VALUE
    """
    for name, operand in filter.items():
        if name in _UNSEARCHED:
            raise command_errors.BAD_VALUE(message=f"{name} is not allowed in this context")
        for each in operand if name.startswith("$") and type(operand) is list else ():
            if type(each) is dict:
                _check_searches(each)
