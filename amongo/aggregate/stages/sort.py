"""$sort: the documents in the order of a sort pattern; with a $limit behind it, only the first ones are kept."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.memory import MemoryBound
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.mql.sort_keys import SortPattern, parse_sort
from amongo.mql.sorting import in_order

_HEAP_MOST: Final = 10_000  # past this many kept documents sorting them all is cheaper than a heap


@dataclass(frozen=True, slots=True)
class Sort(Stage):
    """Documents by their sort key; ties keep the order in which they came.

    spec    the sort document as it was written
    limit   how many of the first documents are wanted by the stages behind, None for all
    """

    spec: Document
    pattern: SortPattern
    collator: Callable[[str], bytes] | None = None
    limit: int | None = None

    def keeping(self, count: int) -> Sort:
        """The same sort when only the first `count` documents are wanted."""
        return replace(self, limit=count)

    def bind(self) -> Run:
        pattern, collator, limit = self.pattern, self.collator, self.limit

        def key(document: Document) -> bytes:
            return pattern.key(document, collator)

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            if limit is not None and limit <= _HEAP_MOST:
                yield from heapq.nsmallest(limit, environment.interrupt.watch(documents), key)
                return
            bound = MemoryBound("$sort", environment.memory_bytes)
            keyed = ((key(document), document) for document in bound.watch(documents))
            yield from islice(in_order(keyed, environment.interrupt), limit)

        return run


@stage("$sort")
def parse_sort_stage(spec: Any, surroundings: Surroundings) -> Sort:
    """The documents in the order of a sort pattern.

    spec     {field path: 1 | -1, …}, at least one
    result   all documents; ties keep their order
    errors   SORT_NOT_OBJECT, SORT_EMPTY, those of the sort pattern, MEMORY_EXCEEDED
    source   manual, $sort
    """
    if type(spec) is not dict:
        raise errors.SORT_NOT_OBJECT()
    if not spec:
        raise errors.SORT_EMPTY()
    return Sort(spec, parse_sort(spec, is_stage=True), surroundings.scope.collator)
