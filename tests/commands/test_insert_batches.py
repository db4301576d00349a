"""insert with more documents than one slice: what fails, what stays, what is counted."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import ObjectId, Regex

from amongo.commands.context import Context
from amongo.commands.insert import _SLICE_COUNT, InsertRequest, examines
from amongo.commands.instance import Instance
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import LOOP_DOCUMENTS, NESTING_DEPTH
from amongo.values.codec import decode, encode

COUNT = 2 * _SLICE_COUNT + 10
PLACES = [0, _SLICE_COUNT - 1, _SLICE_COUNT, 2 * _SLICE_COUNT + 3]
NAMESPACE = "shop.fruit"


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(depth - 1):
        document = {"a": document}
    return document


def stored(instance: Instance) -> list[Any]:
    collection = instance.store.catalog.get(NAMESPACE)
    return [] if collection is None else [decode(raw)["_id"] for _, raw in instance.store.view(collection)]


BAD = [
    ("an _id that none may have", lambda: {"_id": Regex("x")}, 2),
    ("an _id with an operator", lambda: {"_id": {"$x": 1}}, 52),
    ("nested too deep", lambda: {"_id": ObjectId(), "n": nested(NESTING_DEPTH + 1), "pad": "x" * 700}, 15),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("bad", "code"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "unordered"])
def test_a_bad_document_anywhere(instance: Instance, ordered: bool, bad: Any, code: int, place: int) -> None:
    identities = [ObjectId() for _ in range(COUNT)]
    raws = [encode({"_id": identity}) for identity in identities]
    raws[place] = encode(bad())
    reply = instance.execute(InsertRequest(NAMESPACE, raws, ordered))
    assert [failure["index"] for failure in reply.errors] == [place]
    assert reply.errors[0]["code"] in (code, 53)
    expected = identities[:place] if ordered else identities[:place] + identities[place + 1 :]
    assert reply.n == len(expected)
    assert stored(instance) == expected


@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "unordered"])
def test_duplicates_in_several_slices(instance: Instance, ordered: bool) -> None:
    identities = list(range(COUNT))
    for place in PLACES[1:]:
        identities[place] = 0
    reply = instance.execute(InsertRequest(NAMESPACE, [encode({"_id": each}) for each in identities], ordered))
    failed = PLACES[1:2] if ordered else PLACES[1:]
    assert [(failure["index"], failure["code"]) for failure in reply.errors] == [(place, 11000) for place in failed]
    expected = range(failed[0]) if ordered else [each for each in range(COUNT) if each not in failed]
    assert stored(instance) == list(expected)


def test_slices_of_different_kinds(instance: Instance) -> None:
    kinds: list[Any] = [
        *(ObjectId() for _ in range(_SLICE_COUNT)),
        *range(_SLICE_COUNT),
        *map(str, range(_SLICE_COUNT // 2)),
        *({"n": number} for number in range(_SLICE_COUNT // 2)),
        *(ObjectId() for _ in range(5)),
    ]
    raws = [encode({"_id": each, "x": 1}) for each in kinds]
    raws[1] = encode({"x": 1, "_id": kinds[1]})
    raws[2] = encode({"_id": kinds[2], "pad": "x" * 5000})
    reply = instance.execute(InsertRequest(NAMESPACE, raws))
    assert (reply.n, reply.errors) == (len(kinds), [])
    assert stored(instance) == kinds
    again = instance.execute(InsertRequest(NAMESPACE, raws, False))
    assert (again.n, len(again.errors)) == (0, len(kinds))


def test_documents_without_an_id_are_given_one(instance: Instance) -> None:
    reply = instance.execute(InsertRequest(NAMESPACE, [encode({"n": number}) for number in range(COUNT)]))
    assert reply.n == COUNT
    found = stored(instance)
    assert {type(each) for each in found} == {ObjectId}
    assert len(set(found)) == COUNT


def test_a_stopped_batch_is_not_inserted(instance: Instance) -> None:
    interrupt = Interrupt()
    interrupt.stop("test")
    with pytest.raises(ServerError) as caught:
        instance.execute(InsertRequest(NAMESPACE, [encode({"_id": 1})]), Context(interrupt))
    assert caught.value.code == 11601
    assert stored(instance) == []


LOADS = [
    ("one", 1, 10, True),
    ("a thousand small ones", 1000, 300, True),
    ("many small ones", 5000, 10, False),
    ("a few large ones", 10, 100_000, False),
]


@pytest.mark.parametrize(("count", "size", "is_small"), [case[1:] for case in LOADS], ids=[case[0] for case in LOADS])
def test_what_runs_on_the_loop(instance: Instance, count: int, size: int, is_small: bool) -> None:
    request = InsertRequest(NAMESPACE, [bytes(size)] * count)
    assert (examines(instance, request) <= LOOP_DOCUMENTS) is is_small


def test_a_batch_of_a_killed_cursor_ends(instance: Instance, ask: Ask) -> None:
    raws = [encode({"_id": number}) for number in range(COUNT)]
    instance.execute(InsertRequest(NAMESPACE, raws))
    cursor_id = ask({"find": "fruit", "batchSize": 1})["cursor"]["id"]
    cursor = instance.cursors.find(cursor_id)
    assert cursor is not None
    cursor.interrupt.stop("cursor was killed")
    assert ask({"getMore": cursor_id, "collection": "fruit"})["code"] == 11601


def test_the_time_limit_of_a_find_stands_still_between_batches(instance: Instance, ask: Ask) -> None:
    instance.execute(InsertRequest(NAMESPACE, [encode({"_id": number}) for number in range(COUNT)]))
    cursor_id = ask({"find": "fruit", "batchSize": 1, "maxTimeMS": 60_000})["cursor"]["id"]
    cursor = instance.cursors.find(cursor_id)
    assert cursor is not None
    for left_s, answer in ((50.0, 1.0), (-1.0, 0.0)):
        assert 0 < (cursor.interrupt._left_s or 0) <= 60
        cursor.interrupt._left_s = left_s
        assert ask({"getMore": cursor_id, "collection": "fruit", "batchSize": 200})["ok"] == answer
