"""A find shows each batch as of the time it is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Int64

from amongo.engine.records.view import CHUNK_SIZE


@pytest.fixture
def ten(ask: Ask) -> str:
    """Ten documents."""
    ask({"insert": "ten", "documents": [{"_id": n, "v": n} for n in range(10)]})
    return "ten"


def opened(ask: Ask, **options: Any) -> int:
    return int(ask({"find": "ten", "batchSize": 3, **options})["cursor"]["id"])


def rest(ask: Ask, cursor_id: int) -> list[tuple[Any, Any]]:
    """(`_id`, v) of what is left."""
    reply = ask({"getMore": Int64(cursor_id), "collection": "ten"})
    assert reply["cursor"]["id"] == 0
    return [(each["_id"], each["v"]) for each in reply["cursor"]["nextBatch"]]


def change(ask: Ask, name: str) -> None:
    """Change one that was given (1) and one that was not (5), delete one of each (0, 7), add one (10)."""
    ask({"update": name, "updates": [{"q": {"_id": {"$in": [1, 5]}}, "u": {"$set": {"v": "new"}}, "multi": True}]})
    ask({"delete": name, "deletes": [{"q": {"_id": {"$in": [0, 7]}}, "limit": 0}]})
    ask({"insert": name, "documents": [{"_id": 10, "v": 10}]})


BEHIND = [(3, 3), (4, 4), (5, "new"), (6, 6), (8, 8), (9, 9), (10, 10)]

FINDS: list[tuple[str, dict[str, Any], list[tuple[Any, Any]]]] = [
    ("everything", {}, BEHIND),
    ("what a filter lets through", {"filter": {"v": {"$ne": 4}}}, [each for each in BEHIND if each[0] != 4]),
    ("no more than was asked for", {"limit": 6}, BEHIND[:3]),
    ("what is skipped stays so", {"skip": 2}, BEHIND[2:]),
    ("backwards", {"sort": {"$natural": -1}, "batchSize": 2}, [(6, 6), (5, "new"), (4, 4), (3, 3), (2, 2), (1, "new")]),
    ("in another order, as it was", {"sort": {"v": 1}}, [(n, n) for n in range(3, 10)]),
]


@pytest.mark.parametrize(("name", "options", "expected"), FINDS, ids=[case[0] for case in FINDS])
def test_a_batch_shows_what_is_there_by_then(
    ask: Ask, ten: str, name: str, options: dict[str, Any], expected: list[tuple[Any, Any]]
) -> None:
    cursor_id = opened(ask, **options)
    change(ask, ten)
    assert rest(ask, cursor_id) == expected


def test_from_the_beginning(ask: Ask, ten: str) -> None:
    cursor_id = opened(ask, batchSize=0, skip=8)
    change(ask, ten)
    assert rest(ask, cursor_id) == [(10, 10)]


def test_when_the_last_one_given_is_gone_it_goes_on_as_before(ask: Ask, ten: str) -> None:
    cursor_id = opened(ask)
    ask({"delete": ten, "deletes": [{"q": {"_id": 2}, "limit": 1}]})
    assert rest(ask, cursor_id) == [(n, n) for n in range(3, 10)]


def test_across_chunks(ask: Ask) -> None:
    count = 2 * CHUNK_SIZE + 5
    ask({"insert": "ten", "documents": [{"_id": n, "v": 0} for n in range(count)]})
    for size in (CHUNK_SIZE - 2, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1):
        cursor_id = opened(ask, batchSize=size)
        ask({"update": "ten", "updates": [{"q": {"_id": count - 1}, "u": {"$set": {"v": size}}}]})
        assert rest(ask, cursor_id) == [(n, 0) for n in range(size, count - 1)] + [(count - 1, size)]
