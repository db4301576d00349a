"""Every stage ends within 100 ms of a stop or of its time limit, whatever flows through it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from amongo.aggregate import Environment, parse_pipeline
from amongo.aggregate.stages import STAGES
from amongo.runtime.interrupts import Interrupt, OperationInterrupted, TimeLimitExpired

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
    | {"$searchBeta", "$searchMeta", "$vectorSearch", "$listSearchIndexes", "$shardedDataDistribution"}
)
"""Stages that take in no documents, or that write them in batches of their own."""


def _endless() -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        number += 1
        yield {"_id": number, "a": number % 5, "b": [1, 2, 3], "n": number}


def _drain(name: str, interrupt: Interrupt) -> None:
    environment = Environment(
        "d", lambda database, collection: _OTHERS, interrupt=interrupt, memory_bytes=2**62, spill_bytes=2**62
    )
    for _ in parse_pipeline([{name: SPECS[name]}]).run(_endless(), environment):
        pass


def test_every_stage_is_here() -> None:
    assert STAGES.keys() - SPECS.keys() <= NOT_FED


def _late_after_stop(name: str) -> float:
    interrupt = Interrupt()
    stopped: list[float] = []

    def stop() -> None:
        stopped.append(time.monotonic())
        interrupt.stop()

    timer = threading.Timer(0.03, stop)
    timer.start()
    with pytest.raises(OperationInterrupted):
        _drain(name, interrupt)
    return time.monotonic() - stopped[0]


def _late_after_limit(name: str) -> float:
    begun = time.monotonic()
    with pytest.raises(TimeLimitExpired):
        _drain(name, Interrupt(20))
    return time.monotonic() - begun - 0.02


@pytest.mark.parametrize("late", [_late_after_stop, _late_after_limit], ids=["stop", "limit"])
@pytest.mark.parametrize("name", SPECS)
def test_ends(name: str, late: Callable[[str], float]) -> None:
    # A busy machine takes the core away now and then: one of three tries has to be in time.
    assert any(late(name) < 0.1 for _ in range(3))
