"""Documents with a lifetime are deleted when it is over."""

from __future__ import annotations

import time
from typing import Any

import pytest
from asking import Ask
from bson.datetime_ms import DatetimeMS

from amongo.commands.instance import Instance
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import NEVER

MINUTE = 60_000


def dated(clock: ManualClock, ago_ms: int) -> DatetimeMS:
    return DatetimeMS(clock.now_ms() - ago_ms)


@pytest.mark.parametrize("key", [{"at": 1}, {"at": -1}], ids=["ascending", "descending"])
def test_what_is_older_than_its_lifetime_goes(
    ask: Ask, instance: Instance, clock: ManualClock, key: dict[str, int]
) -> None:
    ask({"createIndexes": "c", "indexes": [{"key": key, "name": "at", "expireAfterSeconds": 60}]})
    documents: list[dict[str, Any]] = [
        {"_id": "old", "at": dated(clock, 2 * MINUTE)},
        {"_id": "just over", "at": dated(clock, MINUTE)},
        {"_id": "young", "at": dated(clock, MINUTE - 1)},
        {"_id": "before 1970", "at": DatetimeMS(-5)},
        {"_id": "earliest of several", "at": [dated(clock, 0), dated(clock, 3 * MINUTE)]},
        {"_id": "no date", "at": 5},
        {"_id": "null", "at": None},
        {"_id": "missing"},
    ]
    ask({"insert": "c", "documents": documents})
    assert instance.expiry.run_pass(NEVER) == 4
    left = {each["_id"] for each in ask({"find": "c"})["cursor"]["firstBatch"]}
    assert left == {"young", "no date", "null", "missing"}
    clock.advance(1)
    assert instance.expiry.run_pass(NEVER) == 1


def test_a_partial_index_lets_others_live(ask: Ask, instance: Instance, clock: ManualClock) -> None:
    index = {"key": {"at": 1}, "name": "at", "expireAfterSeconds": 0, "partialFilterExpression": {"done": True}}
    ask({"createIndexes": "c", "indexes": [index]})
    ask({"insert": "c", "documents": [{"at": dated(clock, 1), "done": True}, {"at": dated(clock, 1)}]})
    assert instance.expiry.run_pass(NEVER) == 1
    assert ask({"count": "c"})["n"] == 1


def test_indexes_without_an_order_delete_nothing(ask: Ask, instance: Instance, clock: ManualClock) -> None:
    ask({"createIndexes": "c", "indexes": [{"key": {"at": "hashed"}, "name": "at", "expireAfterSeconds": 0}]})
    ask({"insert": "c", "documents": [{"at": dated(clock, MINUTE)}]})
    assert instance.expiry.run_pass(NEVER) == 0


def test_a_clustered_collection_expires_by_id(ask: Ask, instance: Instance, clock: ManualClock) -> None:
    ask({"create": "c", "clusteredIndex": {"key": {"_id": 1}, "unique": True}, "expireAfterSeconds": 60})
    ask({"insert": "c", "documents": [{"_id": dated(clock, 2 * MINUTE)}, {"_id": dated(clock, 0)}, {"_id": 3}]})
    assert instance.expiry.run_pass(NEVER) == 1


def test_the_service_runs_from_the_first_lifetime_on(
    ask: Ask, instance: Instance, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance.expiry, "interval_s", 0.01)
    ask({"insert": "c", "documents": [{"at": dated(clock, MINUTE)}]})
    ask({"createIndexes": "c", "indexes": [{"key": {"at": 1}, "name": "at"}]})
    ask({"collMod": "c", "index": {"name": "at", "expireAfterSeconds": 1}})
    deadline = time.monotonic() + 60
    while ask({"count": "c"})["n"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ask({"count": "c"})["n"] == 0
