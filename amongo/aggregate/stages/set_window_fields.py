"""$setWindowFields: to each document fields that are computed from its neighbours in a partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.spilling import DOCUMENTS, Kept, in_order_within
from amongo.aggregate.stages.computed_fields import ComputedFields, fields_at
from amongo.aggregate.stages.options import ANY, parse_options
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import command as command_errors
from amongo.errors import window as errors
from amongo.mql.expressions import Evaluate, Expression, Literal
from amongo.mql.metadata import metadata_field
from amongo.mql.sort_keys import SortPattern, parse_sort
from amongo.mql.windows import Partition, Setting, WindowFunction, parse_window_function
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.order import Collator
from amongo.values.types import alias

_NO_SORT: Final = SortPattern((), ())

_PARTITION: Final = metadata_field("partition")
"""Under this name a document carries the key of its partition while it is sorted."""


@dataclass(frozen=True, slots=True)
class Computed(Expression):
    """The value of a window function, handed over under the path that it is for."""

    path: str

    def fold(self) -> Expression:
        return self

    def compile(self) -> Evaluate:
        path = self.path
        return lambda document, values: values[path]


@dataclass(frozen=True, slots=True)
class SetWindowFields(Stage):
    """Sort by partition and pattern; run every function over each partition.

    partition   what tells partitions apart; None for one
    sort        None for the order in which the documents come
    functions   by the path of their field
    """

    partition: Expression | None
    sort: SortPattern | None
    functions: tuple[tuple[str, WindowFunction], ...]
    fields: ComputedFields
    collator: Collator | None

    def bind(self) -> Run:
        partition = self.partition.bind() if self.partition is not None else None
        paths = [path for path, _ in self.functions]
        runs = [function.bind() for _, function in self.functions]
        add_fields = self.fields.bind()

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            variables, interrupt = environment.variables, environment.interrupt
            keyed = self._keyed(interrupt.watch(documents), partition, environment)
            if partition is not None or (self.sort is not None and self.sort.paths):
                ordered = in_order_within(keyed, environment, "$setWindowFields", DOCUMENTS)
            else:
                ordered = (document for _, document in keyed)
            for _, members in groupby(ordered, key=lambda document: document.get(_PARTITION)):
                kept = Kept.of(map(_unmarked, members), environment, "$setWindowFields")
                try:
                    now = Partition(kept.documents, variables, interrupt)
                    for document, *values in zip(kept, *(each(now) for each in runs), strict=True):
                        yield add_fields(document, dict(zip(paths, values, strict=True)))
                finally:
                    kept.close()

        return run

    def _keyed(
        self, documents: Iterable[Document], partition: Evaluate | None, environment: Environment
    ) -> Iterator[tuple[bytes, Document]]:
        """The documents with their sort keys, marked with their partition; missing belongs to that of null.

        errors   PARTITION_ARRAY, those of the sort pattern
        """
        sort, collator = self.sort or _NO_SORT, self.collator
        for document in documents:
            key = sort.key(document, collator) if sort.paths else b""
            if partition is not None:
                value = partition(document, environment.variables)
                if type(value) is list:
                    raise errors.PARTITION_ARRAY()
                part = key_bytes(None if value is MISSING else value, collator)
                key, document = part + key, {**document, _PARTITION: part}
            yield key, document


def _unmarked(document: Document) -> Document:
    """The document without the mark of its partition; those that bear one are copies."""
    document.pop(_PARTITION, None)
    return document


@stage("$setWindowFields")
def parse_set_window_fields(spec: Any, surroundings: Surroundings) -> SetWindowFields:
    """To each document fields that are computed from its neighbours in a partition.

    spec     {partitionBy: expression, sortBy: pattern, output: {path: {$function: argument, window: bounds}, …}}
    result   all documents, ordered by partition and pattern, with the fields set as $addFields does
    errors   the conditions of `amongo.errors.window`, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE, those of the sort
             pattern and of the paths; when run MEMORY_EXCEEDED, SPILL_TOO_LARGE, SPILL_DISK_FULL
    order    fields; partition; sort pattern; output fields one by one; their paths
    source   manual, $setWindowFields
    """
    if type(spec) is not dict:
        raise errors.SPEC_NOT_OBJECT(kind=alias(spec))
    options = parse_options("$setWindowFields", spec, {"partitionBy": ANY, "sortBy": "object", "output": "object"})
    if "output" not in spec:
        raise command_errors.MISSING_FIELD(command="$setWindowFields", field="output")
    partition = parse_partition(options["partitionBy"], surroundings) if "partitionBy" in options else None
    return build(partition, options.get("sortBy"), options.get("output", {}), surroundings)


def parse_partition(spec: Any, surroundings: Surroundings) -> Expression | None:
    """The expression that tells partitions apart; None for a constant: there is one partition.

    errors   PARTITION_CONSTANT_ARRAY
    """
    expression = surroundings.parse(spec)
    folded = expression.fold()
    if not isinstance(folded, Literal):
        return expression
    if type(folded.value) is list:
        raise errors.PARTITION_CONSTANT_ARRAY()
    return None


def build(
    partition: Expression | None, order: Document | None, output: Document, surroundings: Surroundings
) -> SetWindowFields:
    """The stage of parsed and unparsed parts; see `parse_set_window_fields`.

    order    the sort pattern as it was written; None for none
    output   the output fields as they were written
    """
    sort = None if order is None else parse_sort(order, is_stage=True) if order else _NO_SORT
    setting = Setting(surroundings.scope, sort)
    functions: list[tuple[str, WindowFunction]] = []
    taken: set[tuple[str, ...]] = set()
    for path, given in output.items():
        _check_conflict(tuple(path.split(".")), taken)
        functions.append((path, parse_window_function(path, given, setting)))
    fields = fields_at({path: Computed(path) for path in output})
    return SetWindowFields(partition, sort, tuple(functions), fields, surroundings.scope.collator)


def _check_conflict(parts: tuple[str, ...], taken: set[tuple[str, ...]]) -> None:
    """Refuse a path above or below one that is taken, and take it.

    errors   OUTPUT_CONFLICT
    """
    for other in taken:
        length = min(len(parts), len(other))
        if parts[:length] == other[:length]:
            raise errors.OUTPUT_CONFLICT()
    taken.add(parts)
