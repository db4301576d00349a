"""From frames to the state of the store."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary

from amongo.engine.catalog import Catalog
from amongo.engine.log import Frame, entry
from amongo.engine.log.format import COMMIT
from amongo.engine.records.view import CHUNK_SIZE
from amongo.engine.replay import replay
from amongo.errors import ErrorCode, ServerError
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

A, B = bytes(15) + b"a", bytes(15) + b"b"
CREATE_A = entry(0, encode({"op": "c", "ns": "db.$cmd", "ui": Binary(A, 4), "o": {"create": "a", "options": {}}}), ())
CREATE_B = entry(0, encode({"op": "c", "ns": "db.$cmd", "ui": Binary(B, 4), "o": {"create": "b", "options": {}}}), ())


def change(operation: str, identity: bytes, record_id: int, *documents: dict[str, Any]) -> bytes:
    head = encode({"op": operation, "ns": "db.x", "ui": Binary(identity, 4)})
    return entry(record_id, head, [encode(document) for document in documents])


def replayed(*entries: bytes) -> dict[str, list[tuple[int, Any]]]:
    """What the collections hold after one frame for each entry: (record id, `_id`)."""
    catalog = Catalog()
    replay((Frame(number, 0, COMMIT, each) for number, each in enumerate(entries, 1)), catalog)
    return {
        name: [(record_id, decode(raw)["_id"]) for record_id, raw in collection.view()]
        for name, collection in catalog.by_namespace.items()
    }


def test_single_inserts_into_two_collections_by_turns() -> None:
    count = CHUNK_SIZE + 10
    frames = [change("i", identity, number, {"_id": number}) for number in range(1, count) for identity in (A, B)]
    expected = [(number, number) for number in range(1, count)]
    assert replayed(CREATE_A, CREATE_B, *frames) == {"db.a": expected, "db.b": expected}


def test_changes_see_what_was_inserted_before_them() -> None:
    assert replayed(
        CREATE_A,
        change("i", A, 1, {"_id": 1}, {"_id": 2}),
        change("i", A, 3, {"_id": 3}),
        change("d", A, 2, {"_id": 2}),
        change("i", A, 4, {"_id": 2}),
        change("u", A, 4, {"_id": 2, "x": 1}, {"updatedFields": {"x": 1}}),
        change("d", A, 1, {"_id": 1}),
    ) == {"db.a": [(3, 3), (4, 2)]}


def test_record_ids_that_no_commit_used_stay_free() -> None:
    assert replayed(CREATE_A, change("i", A, 1, {"_id": 1}), change("i", A, 5, {"_id": 5})) == {
        "db.a": [(1, 1), (5, 5)]
    }


def test_what_still_waits_at_the_end_is_entered() -> None:
    catalog = Catalog()
    entries = (CREATE_A, change("i", A, 1, {"_id": "x"}))
    replay((Frame(number, 0, COMMIT, each) for number, each in enumerate(entries, 1)), catalog)
    assert catalog.by_namespace["db.a"].find_id(id_key("x")) == (1, encode({"_id": "x"}))


CORRUPT: list[tuple[str, tuple[bytes, ...]]] = [
    ("an insert into no collection", (change("i", A, 1, {"_id": 1}),)),
    ("an update of nothing", (CREATE_A, change("u", A, 1, {"_id": 1}))),
    ("a deletion of nothing", (CREATE_A, change("i", A, 1, {"_id": 1}), change("d", A, 2, {"_id": 2}))),
    ("a change of no kind", (CREATE_A, change("z", A, 1, {"_id": 1}))),
]


@pytest.mark.parametrize(("name", "entries"), CORRUPT, ids=[name for name, _ in CORRUPT])
def test_a_log_that_makes_no_sense_is_refused(name: str, entries: tuple[bytes, ...]) -> None:
    with pytest.raises(ServerError) as caught:
        replayed(*entries)
    assert caught.value.code == ErrorCode.DataCorruptionDetected
