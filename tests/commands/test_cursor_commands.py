"""find, getMore, killCursors: batches, ends, limits of cursors."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Int64

from amongo.commands import cursors
from amongo.commands.instance import Instance
from amongo.runtime.clock import ManualClock
from amongo.runtime.limits import BATCH_BYTES, CURSOR_IDLE_MS, FIRST_BATCH_COUNT


@pytest.fixture
def many(ask: Ask) -> None:
    assert ask({"insert": "many", "documents": [{"_id": number} for number in range(250)]})["n"] == 250


def ids(reply: dict[str, Any]) -> list[Any]:
    cursor = reply["cursor"]
    return [document["_id"] for document in cursor.get("firstBatch", cursor.get("nextBatch"))]


def more(ask: Ask, reply: dict[str, Any], **options: Any) -> dict[str, Any]:
    return ask({"getMore": Int64(reply["cursor"]["id"]), "collection": "many", **options})


def test_the_first_batch_has_101_documents_and_the_next_the_rest(ask: Ask, many: None) -> None:
    first = ask({"find": "many"})
    assert ids(first) == list(range(FIRST_BATCH_COUNT))
    assert first["cursor"]["id"]
    rest = more(ask, first)
    assert ids(rest) == list(range(FIRST_BATCH_COUNT, 250))
    assert rest["cursor"]["id"] == 0
    assert more(ask, first)["code"] == 43


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({"batchSize": 100}, [100, 150]),
        ({"batchSize": 0}, [0, 250]),
        ({"batchSize": 100, "limit": 120}, [100, 20]),
        ({"limit": 101}, [101]),
        ({"batchSize": 250}, [250, 0]),  # a scan sees the end only by looking on
        ({"batchSize": 250, "sort": {"_id": -1}}, [250]),
        ({"batchSize": 10, "singleBatch": True}, [10]),
        ({"skip": 245}, [5]),
        ({"skip": 1000}, [0]),
    ],
    ids=str,
)
def test_batches(ask: Ask, many: None, options: dict[str, Any], sizes: list[int]) -> None:
    reply = ask({"find": "many", **options})
    found = [len(ids(reply))]
    while reply["cursor"]["id"]:
        reply = more(ask, reply)
        found.append(len(ids(reply)))
    assert found == sizes


def test_a_batch_stays_under_16_mib(ask: Ask) -> None:
    size = 5 * 1024 * 1024
    for number in range(5):
        ask({"insert": "many", "documents": [{"_id": number, "text": "x" * size}]})
    first = ask({"find": "many"})
    assert ids(first) == [0, 1, 2]
    assert 3 * size <= BATCH_BYTES < 4 * size
    assert ids(more(ask, first)) == [3, 4]


def test_an_idle_cursor_is_closed_after_ten_minutes(
    ask: Ask, many: None, instance: Instance, clock: ManualClock
) -> None:
    idle, kept = ask({"find": "many"}), ask({"find": "many", "noCursorTimeout": True})
    clock.advance(CURSOR_IDLE_MS - 1000)
    used = ask({"find": "many", "batchSize": 1})
    clock.advance(61_000)
    ask({"find": "many", "batchSize": 1})  # opening one looks for idle ones
    assert more(ask, idle)["code"] == 43
    assert "cursor" in more(ask, kept)
    assert "cursor" in more(ask, used)


def test_there_are_only_so_many_cursors(ask: Ask, many: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursors, "OPEN_CURSORS", 3)
    opened = [ask({"find": "many"}) for _ in range(4)]
    assert [reply["ok"] for reply in opened] == [1.0, 1.0, 1.0, 0.0]
    assert opened[3]["codeName"] == "ResourceExhausted"
    more(ask, opened[0])
    assert ask({"find": "many"})["ok"] == 1.0


def test_kill_cursors(ask: Ask, many: None, instance: Instance) -> None:
    first = ask({"find": "many"})
    cursor_id = Int64(first["cursor"]["id"])
    reply = ask({"killCursors": "many", "cursors": [cursor_id, Int64(7)]})
    assert reply["cursorsKilled"] == [cursor_id]
    assert reply["cursorsNotFound"] == [7]
    assert more(ask, first)["code"] == 43
    assert len(instance.cursors) == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"collection": "other"}, 13),
        ({"collection": 1}, 14),
        ({"batchSize": -1}, 2),
        ({"maxTimeMS": 5}, 2),
        ({"nonsense": 1}, 40415),
    ],
    ids=str,
)
def test_get_more_refused(ask: Ask, many: None, options: dict[str, Any], code: int) -> None:
    first = ask({"find": "many"})
    assert more(ask, first, **options)["code"] == code
    assert len(ids(more(ask, first))) == 149


def test_get_more_of_a_dropped_collection(ask: Ask, many: None) -> None:
    first = ask({"find": "many"})
    ask({"drop": "many"})
    assert more(ask, first)["codeName"] == "QueryPlanKilled"


def test_a_cursor_shows_the_collection_as_it_was_when_it_was_opened(ask: Ask, many: None) -> None:
    first = ask({"find": "many"})
    ask({"delete": "many", "deletes": [{"q": {}, "limit": 0}]})
    assert len(ids(more(ask, first))) == 149


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"filter": 1}, 14),
        ({"skip": -1}, 2),
        ({"limit": -1}, 2),
        ({"sort": {"a": 2}}, 15975),
        ({"projection": {"a": 1, "b": 0}}, 31254),
        ({"filter": {"$nonsense": 1}}, 2),
        ({"hint": "no_such_index"}, 2),
        ({"nonsense": True}, 40415),
        ({"let": {"1x": 1}}, 9),
    ],
    ids=str,
)
def test_find_refused(ask: Ask, many: None, options: dict[str, Any], code: int) -> None:
    assert ask({"find": "many", **options})["code"] == code


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"filter": {"_id": {"$gt": 1, "$lte": 3}}}, [2, 3]),
        ({"filter": {"_id": {"$in": [3, 1]}}}, [1, 3]),
        ({"filter": {"_id": {"$in": [3, 1]}}, "sort": {"_id": -1}}, [3, 1]),
        ({"filter": {"_id": 2, "name": "pear"}}, []),
        ({"filter": {"_id": {"$gte": 3}}, "sort": {"name": 1}}, [3, 4, 5]),
        ({"sort": {"_id": -1}, "limit": 2}, [5, 4]),
        ({"sort": {"$natural": -1}, "limit": 2}, [5, 4]),
        ({"filter": {"$expr": {"$eq": ["$n", "$$wanted"]}}, "let": {"wanted": {"$add": [1, 3]}}}, [1, 3]),
        ({"hint": {"$natural": -1}, "skip": 3}, [2, 1]),
        ({"sort": {"n": -1, "_id": 1}}, [1, 3, 2, 4, 5]),
    ],
    ids=str,
)
def test_find(ask: Ask, fruit: None, options: dict[str, Any], expected: list[int]) -> None:
    assert ids(ask({"find": "fruit", **options})) == expected
