"""Tailable cursors by command: what opens them, what they give, what ends them."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Int64

from amongo.commands.instance import Instance
from amongo.commands.tailing import Awaiting
from amongo.engine.store import Store
from amongo.errors import ErrorCode, ServerError
from amongo.runtime.clock import ManualClock
from amongo.values.codec import encode


@pytest.fixture
def log(ask: Ask) -> str:
    """A capped collection of three documents, which holds five at most."""
    ask({"create": "log", "capped": True, "size": 100_000, "max": 5})
    insert(ask, "log", 1, 2, 3)
    return "log"


def insert(ask: Ask, name: str, *identities: Any) -> None:
    assert ask({"insert": name, "documents": [{"_id": each, "even": each % 2 == 0} for each in identities]})["ok"]


def opened(ask: Ask, name: str, **options: Any) -> tuple[int, list[Any]]:
    """(cursor id, `_id`s of the first batch)."""
    cursor = ask({"find": name, "tailable": True, **options})["cursor"]
    return cursor["id"], [each["_id"] for each in cursor["firstBatch"]]


def more(ask: Ask, cursor_id: int, name: str = "log", **options: Any) -> Any:
    """`_id`s of the next batch of an open cursor, or the error's code."""
    reply = ask({"getMore": Int64(cursor_id), "collection": name, **options})
    if "code" in reply:
        return reply["code"]
    assert reply["cursor"]["id"] == cursor_id
    return [each["_id"] for each in reply["cursor"]["nextBatch"]]


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("a sort", {"tailable": True, "sort": {"x": 1}}, 2),
    ("backwards", {"tailable": True, "sort": {"$natural": -1}}, 2),
    ("more than the natural order", {"tailable": True, "sort": {"$natural": 1, "x": 1}}, 2),
    ("a single batch", {"tailable": True, "singleBatch": True}, 2),
    ("waiting without tailable", {"awaitData": True}, 9),
    ("words", {"tailable": "yes"}, 14),
]


@pytest.mark.parametrize(("name", "options", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_options_that_exclude_each_other(ask: Ask, log: str, name: str, options: dict[str, Any], code: int) -> None:
    assert ask({"find": log, **options})["code"] == code


def test_only_capped_collections_have_them(ask: Ask) -> None:
    ask({"create": "plain"})
    ask({"create": "view", "viewOn": "plain"})
    assert ask({"find": "plain", "tailable": True})["code"] == 2
    assert ask({"find": "view", "tailable": True})["code"] == 168
    assert opened(ask, "gone") == (0, [])


def test_of_an_empty_collection_there_is_none(ask: Ask) -> None:
    ask({"create": "log", "capped": True, "size": 4096})
    assert opened(ask, "log") == (0, [])
    assert opened(ask, "log", batchSize=0, awaitData=True) == (0, [])


@pytest.mark.parametrize(
    ("options", "first", "then"),
    [
        ({}, [1, 2, 3], [4, 5]),
        ({"sort": {"$natural": 1}, "hint": {"_id": 1}, "noCursorTimeout": True}, [1, 2, 3], [4, 5]),
        ({"filter": {"even": True}}, [2], [4]),
        ({"filter": {"_id": 5}}, [], [5]),
        ({"filter": {"_id": {"$in": [5, 1, 4]}}, "projection": {"_id": 1}}, [1], [4, 5]),
        ({"skip": 2}, [3], [4, 5]),
        ({"skip": 4}, [], [5]),
        ({"limit": 4}, [1, 2, 3], [4]),
        ({"limit": 2}, [1, 2], []),
        ({"batchSize": 0}, [], [1, 2, 3, 4, 5]),
        ({"batchSize": 2}, [1, 2], [3, 4, 5]),
        ({"hint": {"$natural": -1}}, [3, 2, 1], []),
    ],
)
def test_it_gives_what_is_inserted_later(
    ask: Ask, log: str, options: dict[str, Any], first: list[int], then: list[int]
) -> None:
    cursor_id, batch = opened(ask, log, **options)
    assert batch == first
    assert cursor_id
    insert(ask, log, 4, 5)
    assert more(ask, cursor_id) == then
    assert more(ask, cursor_id) == []


def test_a_document_changed_meanwhile_is_given_as_it_is_now(ask: Ask, log: str) -> None:
    cursor_id, _ = opened(ask, log, batchSize=1, filter={"gone": None})
    ask({"update": log, "updates": [{"q": {"_id": 2}, "u": {"$set": {"gone": True}}}]})
    assert more(ask, cursor_id) == [3]


ENDINGS: list[tuple[str, dict[str, Any], str, int]] = [
    ("dropped", {"drop": "log"}, "shop", 175),
    ("renamed", {"renameCollection": "shop.log", "to": "shop.old"}, "admin", 175),
    ("converted", {"convertToCapped": "log", "size": 4096}, "shop", 175),
    ("the last one seen is deleted", {"delete": "log", "deletes": [{"q": {"_id": 3}, "limit": 1}]}, "shop", 136),
]


@pytest.mark.parametrize(("name", "command", "database", "code"), ENDINGS, ids=[case[0] for case in ENDINGS])
def test_what_ends_it(ask: Ask, log: str, name: str, command: dict[str, Any], database: str, code: int) -> None:
    cursor_id, _ = opened(ask, log)
    assert ask(command, database)["ok"] == 1.0
    assert more(ask, cursor_id) == code
    assert more(ask, cursor_id) == 43


def test_it_is_overtaken_when_the_last_one_seen_is_pushed_out(ask: Ask, log: str) -> None:
    cursor_id, _ = opened(ask, log)
    insert(ask, log, 4, 5, 6, 7)
    assert more(ask, cursor_id) == [4, 5, 6, 7]
    insert(ask, log, 8, 9, 10, 11, 12)
    assert more(ask, cursor_id) == 136


def test_kill_cursors(ask: Ask, log: str) -> None:
    cursor_id, _ = opened(ask, log)
    assert ask({"killCursors": log, "cursors": [Int64(cursor_id)]})["cursorsKilled"] == [Int64(cursor_id)]
    assert more(ask, cursor_id) == 43


# Awaiting


def test_a_time_limit_needs_a_cursor_that_waits(ask: Ask, log: str) -> None:
    cursor_id, _ = opened(ask, log)
    assert more(ask, cursor_id, maxTimeMS=10) == 2
    cursor_id, _ = opened(ask, log, awaitData=True)
    assert more(ask, cursor_id, maxTimeMS=0) == []


def awaiting(instance: Instance, cursor_id: int, **options: Any) -> Awaiting:
    command = {"getMore": Int64(cursor_id), "collection": "log", **options}
    with pytest.raises(Awaiting) as caught:
        instance.run_command("shop", encode(command))
    return caught.value


def test_a_getmore_waits_for_what_its_filter_lets_through(ask: Ask, instance: Instance, log: str) -> None:
    cursor_id, _ = opened(ask, log, awaitData=True, filter={"even": False})
    waits = awaiting(instance, cursor_id, maxTimeMS=60_000)
    assert 59 < waits.left_s() <= 60
    assert waits.nothing().document()["cursor"]["nextBatch"] == []
    assert not waits.change.is_done
    assert more(ask, cursor_id) == ErrorCode.CursorInUse
    insert(ask, log, 4)
    assert waits.change.is_done or waits.is_over
    assert instance.execute(waits) is None
    assert not waits.change.is_done
    insert(ask, log, 5)
    assert instance.examines(waits) == 1
    reply = instance.execute(waits)
    assert [each["_id"] for each in reply.document()["cursor"]["nextBatch"]] == [5]
    waits.end()
    assert more(ask, cursor_id, maxTimeMS=0) == []


def test_the_default_is_one_second(ask: Ask, instance: Instance, log: str) -> None:
    cursor_id, _ = opened(ask, log, awaitData=True)
    assert 0.5 < awaiting(instance, cursor_id).left_s() <= 1


WAKERS: list[tuple[str, dict[str, Any], int]] = [
    ("dropped", {"drop": "log"}, 175),
    ("killed", {"killCursors": "log", "cursors": []}, 237),
    ("overtaken", {"insert": "log", "documents": [{"_id": n} for n in range(10, 20)]}, 136),
]


@pytest.mark.parametrize(("name", "command", "code"), WAKERS, ids=[case[0] for case in WAKERS])
def test_who_waits_hears_of_the_end(
    ask: Ask, instance: Instance, log: str, name: str, command: dict[str, Any], code: int
) -> None:
    cursor_id, _ = opened(ask, log, awaitData=True)
    waits = awaiting(instance, cursor_id, maxTimeMS=60_000)
    if "cursors" in command:
        command = {**command, "cursors": [Int64(cursor_id)]}
    ask(command)
    assert waits.change.is_done or waits.is_over
    with pytest.raises(ServerError) as caught:
        instance.execute(waits)
    assert caught.value.code == code


def test_idle_ones_are_closed_unless_they_asked_otherwise(ask: Ask, clock: ManualClock, log: str) -> None:
    idle, _ = opened(ask, log)
    patient, _ = opened(ask, log, noCursorTimeout=True)
    clock.advance(20 * 60_000)
    opened(ask, log)
    assert (more(ask, idle), more(ask, patient)) == (43, [])


def test_looking_for_news_costs_what_is_new(instance: Instance, ask: Ask) -> None:
    ask({"create": "log", "capped": True, "size": 10**9})
    ask({"insert": "log", "documents": [{"_id": n} for n in range(5000)]})
    cursor_id, _ = opened(ask, "log", batchSize=5000, awaitData=True)
    waits = awaiting(instance, cursor_id, maxTimeMS=60_000)
    insert(ask, "log", 5000)
    assert instance.examines(waits) == 1
    assert isinstance(instance.store, Store)
    assert len(instance.execute(waits).batch) == 1
