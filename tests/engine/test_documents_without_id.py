"""Documents without an `_id`, as the profiler writes them: stored, pushed out and found again by a key made of all."""

from __future__ import annotations

from typing import Any

import pytest

from amongo.engine.files import MemoryFiles
from amongo.engine.records import id_document, record_key
from amongo.engine.store import Store
from amongo.errors import ServerError
from amongo.errors.administration import WRITES_BLOCKED
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key


def opened(files: MemoryFiles) -> Store:
    return Store.open("/data", files=files, clock=ManualClock(), has_service=False)


def test_keys_are_of_the_whole_document() -> None:
    documents = [{"op": "query"}, {"op": "insert"}, {"op": "query", "_id": 1}, {}]
    keys = [record_key(encode(document)) for document in documents]
    assert len(set(keys)) == len(keys) and keys == [record_key(encode(document)) for document in documents]
    assert record_key(encode({"_id": 1, "op": "query"})) == id_key(1)
    assert decode(id_document(encode({"op": "query"}))) == {}


@pytest.mark.parametrize("has_checkpoint", [False, True], ids=["from the log", "from a checkpoint"])
def test_they_are_there_after_a_reopening(has_checkpoint: bool) -> None:
    files = MemoryFiles()
    store = opened(files)
    collection = store.create("db.system.profile", {"capped": True, "size": 10_000, "max": 3})
    for number in range(7):
        raw = encode({"op": "query", "n": number})
        assert store.insert_one(collection, record_key(raw), raw)
    assert not store.insert_one(collection, record_key(raw), raw)
    if has_checkpoint:
        assert store.checkpoints is not None
        store.checkpoints.checkpoint()
    store.close()
    again = opened(files)
    found = again.catalog.by_namespace["db.system.profile"]
    raw = encode({"op": "query", "n": 7})
    again.insert_one(found, record_key(raw), raw)
    assert [decode(each)["n"] for _, each in again.view(found)] == [5, 6, 7]
    again.close()


def refuse(namespace: str) -> None:
    if namespace.startswith("user"):
        raise WRITES_BLOCKED()


def test_whoever_refuses_is_asked_before_anything_is_written() -> None:
    store = opened(MemoryFiles())
    kept = store.create("user.c")
    raw, key = encode({"_id": 1}), id_key(1)
    store.insert_one(kept, key, raw)
    transaction = store.transaction()
    before = store.last_sequence
    store.admission.refuse = refuse
    inside = transaction.store.catalog.by_namespace["user.c"]
    attempts: list[Any] = [
        lambda: store.insert_one(kept, id_key(2), encode({"_id": 2})),
        lambda: store.insert(kept, [id_key(2)], [encode({"_id": 2})]),
        lambda: store.delete(kept, [(1, raw)]),
        lambda: store.create("user.other"),
        lambda: store.set_options(kept, {}),
        lambda: store.drop("user.c"),
        lambda: store.rename("user.c", "free.c"),
        lambda: store.drop_database("user"),
        lambda: store.create_indexes(kept, [{"v": 2, "key": {"a": 1}, "name": "a"}]),
        lambda: transaction.store.insert_one(inside, id_key(2), encode({"_id": 2})),
    ]
    for attempt in attempts:
        with pytest.raises(ServerError) as failure:
            attempt()
        assert failure.value.code == 371
    assert store.last_sequence == before and store.create("free.c").count == 0
    assert store.fork().admission.refuse is None
    transaction.abort()
    store.close()
