"""Every stage ends within 100 ms of a stop or of its time limit, whatever flows through it.

A stop shows at the next check of the interrupt. So it is counted how many documents a stage still takes in, or gives,
before it checks; and it is measured how much of the processor's time goes by between two checks while it runs from its
first document to its last. Neither depends on what else the machine does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from amongo.aggregate import Environment, parse_pipeline
from amongo.aggregate.stages import STAGES
from amongo.runtime.interrupts import Interrupt, OperationInterrupted, TimeLimitExpired
from amongo.runtime.limits import CHECK_DOCUMENTS

_OTHERS = [{"_id": number, "a": number % 5, "b": [1, 2, 3]} for number in range(50)]

SPECS: dict[str, Any] = {
    "$addFields": {"x": "$a"},
    "$bucket": {"groupBy": "$a", "boundaries": [0, 3], "default": 9},
    "$bucketAuto": {"groupBy": "$a", "buckets": 3},
    "$count": "n",
    "$densify": {"field": "n", "range": {"step": 1, "bounds": "full"}},
    "$facet": {"x": [{"$sort": {"a": 1}}]},
    "$fill": {"sortBy": {"n": 1}, "output": {"x": {"method": "locf"}}},
    "$graphLookup": {
        "from": "o", "startWith": "$a", "connectFromField": "a", "connectToField": "a", "as": "g"
    },
    "$group": {"_id": "$n", "all": {"$push": "$a"}},
    "$limit": 10**12,
    "$lookup": {"from": "o", "localField": "a", "foreignField": "a", "as": "f"},
    "$match": {"a": 17},
    "$project": {"a": 1},
    "$redact": "$$KEEP",
    "$replaceRoot": {"newRoot": "$$ROOT"},
    "$replaceWith": "$$ROOT",
    "$sample": {"size": 3},
    "$set": {"x": "$a"},
    "$setWindowFields": {"partitionBy": "$a", "sortBy": {"n": 1}, "output": {"x": {"$sum": "$n"}}},
    "$skip": 10**12,
    "$sort": {"n": -1},
    "$sortByCount": "$n",
    "$unionWith": "o",
    "$unset": "a",
    "$unwind": "$b",
}  # fmt: skip
NOT_FED = frozenset(
    {"$collStats", "$currentOp", "$documents", "$geoNear", "$indexStats", "$listCatalog", "$listClusterCatalog"}
    | {"$listLocalSessions", "$listSampledQueries", "$listSessions", "$merge", "$out", "$planCacheStats"}
    | {"$querySettings", "$queryStats", "$changeStream", "$rankFusion", "$score", "$scoreFusion", "$search"}
    | {
        "$changeStreamSplitLargeEvent",
        "$searchBeta",
        "$searchMeta",
        "$vectorSearch",
        "$listSearchIndexes",
        "$shardedDataDistribution",
    }
)
"""Stages that take in no documents, or that write them in batches of their own."""


ENDS: list[tuple[str, Callable[[Interrupt], None], type[Exception]]] = [
    ("stop", lambda interrupt: interrupt.stop(), OperationInterrupted),
    ("limit", lambda interrupt: interrupt.limit(0), TimeLimitExpired),
]


def _documents(count: int) -> Iterator[dict[str, Any]]:
    return ({"_id": number, "a": number % 5, "b": [1, 2, 3], "n": number} for number in range(count))


def _run(name: str, source: Iterator[dict[str, Any]], interrupt: Interrupt) -> Iterator[dict[str, Any]]:
    environment = Environment(
        "d", lambda database, collection: _OTHERS, interrupt=interrupt, memory_bytes=2**62, spill_bytes=2**62
    )
    return parse_pipeline([{name: SPECS[name]}]).run(source, environment)


def test_every_stage_is_here() -> None:
    assert STAGES.keys() - SPECS.keys() <= NOT_FED


@pytest.mark.parametrize(("end", "expected"), [case[1:] for case in ENDS], ids=[case[0] for case in ENDS])
@pytest.mark.parametrize("name", SPECS)
def test_takes_in_few_documents_more(name: str, end: Callable[[Interrupt], None], expected: type[Exception]) -> None:
    interrupt = Interrupt()
    taken = 0

    def source() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for taken, document in enumerate(_documents(10**12)):
            if taken == 1000:
                end(interrupt)
            yield document

    with pytest.raises(expected):
        for _ in _run(name, source(), interrupt):
            pass
    assert taken <= 1000 + 2 * CHECK_DOCUMENTS


@pytest.mark.parametrize(("end", "expected"), [case[1:] for case in ENDS], ids=[case[0] for case in ENDS])
@pytest.mark.parametrize("name", SPECS)
def test_gives_few_documents_more(name: str, end: Callable[[Interrupt], None], expected: type[Exception]) -> None:
    interrupt = Interrupt()
    whole = sum(1 for _ in _run(name, _documents(2000), interrupt))
    documents = _run(name, _documents(2000), interrupt)
    given = 0
    try:
        for given, _ in enumerate(documents, 1):
            if given == 1:
                end(interrupt)
    except expected:
        assert given <= 1 + 4 * CHECK_DOCUMENTS
    else:
        assert given == whole <= CHECK_DOCUMENTS


class _Measuring(Interrupt):
    """Remembers the longest time, of the processor and in seconds, between two checks."""

    __slots__ = ("last_s", "longest_s")

    def __init__(self) -> None:
        super().__init__()
        self.last_s, self.longest_s = time.thread_time(), 0.0

    def check(self) -> None:
        self.longest_s = max(self.longest_s, time.thread_time() - self.last_s)
        super().check()
        self.last_s = time.thread_time()


def _longest_s(name: str) -> float:
    interrupt = _Measuring()
    for _ in _run(name, _documents(2000), interrupt):
        pass
    interrupt.check()
    return interrupt.longest_s


@pytest.mark.parametrize("name", SPECS)
def test_checks_often(name: str) -> None:
    assert min(_longest_s(name) for _ in range(2)) < 0.05
