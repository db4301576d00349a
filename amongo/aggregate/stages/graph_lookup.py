"""$graphLookup: to each document an array of what can be reached from it, step by step, in another collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from bson import Int64

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.joining import Partners, open_partners
from amongo.aggregate.plan.reading import filter_fields
from amongo.aggregate.stages.foreign import check_collection_name
from amongo.aggregate.stages.memory import MemoryBound
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.running import RunningVariables
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.aggregate.stages.unwind import with_value
from amongo.errors import stages as errors
from amongo.mql.expressions import Expression
from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.runtime.limits import BLOCKING_STAGE_BYTES
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.numbers import to_double, truncated_integer
from amongo.values.order import Collator
from amongo.values.paths import FieldPath, expand, field_path
from amongo.values.types import alias, is_number


@dataclass(frozen=True, slots=True)
class GraphLookup(Stage):
    """A search in breadth: of each step's documents, `source` leads to those of the next by `target`.

    start       the values that the first step looks for
    most_steps  `maxDepth`: how many steps follow the first one, or None
    depth       where the step that found a document is written, or None
    filter      what every document of the search has to satisfy, or None
    filter_fields   the fields that it looks at; None for all
    """

    collection: str
    into: FieldPath
    start: Expression
    source: FieldPath
    target: FieldPath
    most_steps: int | None
    depth: FieldPath | None
    filter: MatchExpression | None
    filter_fields: frozenset[str] | None
    variables: RunningVariables
    collator: Collator | None

    def bind(self) -> Run:
        start = self.start.bind()

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            self.variables.values_now = environment.variables
            partners: Partners | None = None
            try:
                for document in documents:
                    if partners is None:
                        partners = self._open(environment)
                    value = start(document, environment.variables)
                    first = value if type(value) is list else [value] if value is not MISSING else []
                    found = list(self._reached(first, partners, environment))
                    yield with_value(document, self.into.parts, found)
            finally:
                if partners is not None:
                    partners.close()

        return run

    def _open(self, environment: Environment) -> Partners:
        """The other collection's documents by the values at `target`."""
        accepts = None if self.filter is None else self.filter.bind()
        return open_partners(environment, self.collection, self.target, self.collator, accepts, self.filter_fields)

    def _reached(self, values: list[Any], partners: Partners, environment: Environment) -> Iterator[Document]:
        """The documents that the search finds, each once, the nearest first.

        errors   GRAPH_WITHOUT_ID, GRAPH_MEMORY
        """
        held_bytes = min(environment.memory_bytes, BLOCKING_STAGE_BYTES)  # this stage never spills
        bound = MemoryBound("$graphLookup", held_bytes, errors.GRAPH_MEMORY)
        visited: set[bytes] = set()
        asked: set[bytes] = set()
        step = 0
        while values and (self.most_steps is None or step <= self.most_steps):
            new = self._not_asked(values, asked, environment)
            values = []
            for document in environment.interrupt.watch(partners.find(new)):
                if "_id" not in document:
                    raise errors.GRAPH_WITHOUT_ID(namespace=f"{environment.database}.{self.collection}")
                key = key_bytes(document["_id"], self.collator)
                if key in visited:
                    continue
                visited.add(key)
                bound.add(document)
                values.extend(_values_at(document, self.source))
                yield document if self.depth is None else with_value(document, self.depth.parts, Int64(step))
            step += 1

    def _not_asked(self, values: list[Any], asked: set[bytes], environment: Environment) -> Iterator[Any]:
        """The values that no step has looked for: what they lead to is known already."""
        for value in environment.interrupt.watch(values):
            key = key_bytes(value, self.collator)
            if key not in asked:
                asked.add(key)
                yield value


def _values_at(document: Document, path: FieldPath) -> Iterator[Any]:
    """The values that lead on: those that the path reaches, an array at its end element by element."""
    for value in expand(document, path, leaf_arrays=False):
        if type(value) is list:
            yield from value
        elif value is not MISSING:
            yield value


_STRINGS: Final = ("from", "as", "connectFromField", "connectToField", "depthField")


@stage("$graphLookup")
def parse_graph_lookup(spec: Any, surroundings: Surroundings) -> GraphLookup:
    """To each document an array of what can be reached from it.

    spec     {from, startWith: expression, connectFromField, connectToField, as, maxDepth, depthField,
             restrictSearchWithMatch: filter}: the first step finds the documents with the value of `startWith` (any
             element of an array) at connectToField, each next one those with a value at connectFromField of a
             document just found; at most maxDepth steps after the first
    result   each document with the array at the path `as`: every document found, once, the nearest first (the server
             promises no order), at depthField the number of steps before it, as a long
    errors   the GRAPH_ conditions, INVALID_NAMESPACE, path errors, those of the expression and the filter
    source   manual, $graphLookup
    """
    if type(spec) is not dict:
        raise _invalid(f"the $graphLookup stage specification must be an object, but found {alias(spec)}")
    if "from" not in spec:
        raise _invalid(f"missing 'from' option to $graphLookup stage specification: {spec}")
    if type(spec["from"]) is not str:
        raise _invalid(f"'from' option to $graphLookup must be a string, but was type {alias(spec['from'])}")
    collection = check_collection_name(spec["from"])
    start: Expression | None = None
    paths: dict[str, FieldPath] = {}
    most_steps: int | None = None
    restriction: MatchExpression | None = None
    variables = RunningVariables(surroundings.scope.names)
    for field, given in spec.items():
        if field == "startWith":
            start = surroundings.parse(given)
        elif field == "maxDepth":
            most_steps = _parse_depth(given)
        elif field == "restrictSearchWithMatch":
            if type(given) is not dict:
                raise errors.GRAPH_FILTER_TYPE(kind=alias(given))
            restriction = parse_filter(given, variables=variables, collator=surroundings.scope.collator)
        elif type(given) is not str:
            raise errors.GRAPH_STRING(field=field, kind=alias(given))
        elif field not in _STRINGS:
            raise errors.GRAPH_UNKNOWN_FIELD(field=field)
        elif field != "from":
            paths[field] = field_path(given)
    if start is None or not {"as", "connectFromField", "connectToField"} <= paths.keys():
        raise errors.GRAPH_INCOMPLETE()
    return GraphLookup(
        collection,
        paths["as"],
        start,
        paths["connectFromField"],
        paths["connectToField"],
        most_steps,
        paths.get("depthField"),
        restriction,
        filter_fields(spec.get("restrictSearchWithMatch", {})),
        variables,
        surroundings.scope.collator,
    )


def _invalid(message: str) -> Exception:
    return errors.GRAPH_INVALID(message=message)


def _parse_depth(given: Any) -> int:
    """A whole number, not negative.

    errors   GRAPH_DEPTH_TYPE, GRAPH_DEPTH_NEGATIVE, GRAPH_DEPTH_NOT_LONG
    """
    if not is_number(given):
        raise errors.GRAPH_DEPTH_TYPE(kind=alias(given))
    depth = truncated_integer(given)
    if depth < 0:
        raise errors.GRAPH_DEPTH_NEGATIVE(value=depth)
    if float(depth) != to_double(given):
        raise errors.GRAPH_DEPTH_NOT_LONG(value=given)
    return depth
