"""$sort: the documents in the order of a sort pattern; with a $limit behind it, only the first ones are kept."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.spilling import DOCUMENTS, in_order_within
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.mql.sort_keys import SortPattern, parse_sort
from amongo.values.key_bytes import descending, key_bytes

KEPT_MOST: Final = 10_000  # past this many kept documents sorting them all is cheaper than a heap


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

    def bind_key(self) -> Callable[[Document], bytes]:
        """What gives the sort key of a document; short for a pattern of one field that holds no array."""
        pattern, collator = self.pattern, self.collator
        if len(pattern.paths) > 1 or len(pattern.paths[0]) > 1:
            return lambda document: pattern.key(document, collator)
        ((name,),) = pattern.paths
        is_ascending = pattern.directions[0] > 0

        def key(document: Document) -> bytes:
            value = document.get(name)
            if type(value) is list:
                return pattern.key(document, collator)
            found = key_bytes(value, collator)
            return found if is_ascending else descending(found)

        return key

    def bind(self) -> Run:
        key, limit = self.bind_key(), self.limit

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            if limit is not None and limit <= KEPT_MOST:
                watch = environment.interrupt.watch
                yield from watch(heapq.nsmallest(limit, watch(documents), key))
                return
            keyed = ((key(document), document) for document in documents)
            yield from islice(in_order_within(keyed, environment, "$sort", DOCUMENTS), limit)

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
