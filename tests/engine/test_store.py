"""The store: what is written is there, now and after a reopening."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId

from amongo.engine.files import MemoryFiles
from amongo.engine.records import record_key
from amongo.engine.store import Change, CollectionDropped, Store
from amongo.errors import ErrorCode, ServerError
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles()


def opened(files: MemoryFiles) -> Store:
    return Store.open("data", files=files, clock=ManualClock())


def insert(store: Store, namespace: str, *documents: dict[str, Any], ordered: bool = True) -> Any:
    raws = [encode(document) for document in documents]
    return store.insert(store.create(namespace), [record_key(raw) for raw in raws], raws, ordered=ordered)


def contents(store: Store, namespace: str) -> list[tuple[int, dict[str, Any]]]:
    collection = store.catalog.get(namespace)
    return [] if collection is None else [(each, decode(raw)) for each, raw in store.view(collection)]


def change(store: Store, namespace: str, identity: Any, document: dict[str, Any]) -> Change:
    found = store.catalog.by_namespace[namespace].find_id(id_key(identity))
    assert found is not None
    return Change(found[0], found[1], encode(document), None)


def test_inserted_documents_are_there_in_natural_order(files: MemoryFiles) -> None:
    with_ids = [{"_id": 3}, {"_id": 1}, {"_id": 2}]
    store = opened(files)
    insert(store, "db.c", *with_ids)
    assert [document for _, document in contents(store, "db.c")] == with_ids


def test_a_reopened_store_shows_the_same(files: MemoryFiles) -> None:
    store = opened(files)
    insert(store, "db.c", {"_id": 1}, {"_id": 2}, {"_id": 3})
    insert(store, "db.gone", {"_id": 1})
    insert(store, "db.old", {"_id": "x"})
    collection = store.catalog.by_namespace["db.c"]
    store.update(collection, [change(store, "db.c", 2, {"_id": 2, "changed": True})])
    store.delete(collection, [(1, encode({"_id": 1, "n": -1}))])  # not the bytes that stand there
    assert collection.count == 3
    found = collection.find_id(id_key(1))
    assert found is not None
    store.delete(collection, [found])
    store.drop("db.gone")
    store.rename("db.old", "db.new")
    store.set_options(collection, {"x": 1})
    before = {name: contents(store, name) for name in ("db.c", "db.gone", "db.old", "db.new")}
    identity = collection.uuid
    store.close()

    store = opened(files)
    assert {name: contents(store, name) for name in before} == before
    again = store.catalog.by_namespace["db.c"]
    assert (again.uuid, again.options, again.count) == (identity, {"x": 1}, 2)
    insert(store, "db.c", {"_id": 1})
    assert [record_id for record_id, _ in contents(store, "db.c")] == [2, 3, 4]


def test_record_ids_are_not_used_twice_after_a_deletion_at_the_end(files: MemoryFiles) -> None:
    store = opened(files)
    insert(store, "db.c", {"_id": 1}, {"_id": 2})
    collection = store.catalog.by_namespace["db.c"]
    found = collection.find_id(id_key(2))
    assert found is not None
    store.delete(collection, [found])
    store.close()
    store = opened(files)
    insert(store, "db.c", {"_id": 5})
    assert contents(store, "db.c") == [(1, {"_id": 1}), (3, {"_id": 5})]


def test_a_view_stays_as_it_was(files: MemoryFiles) -> None:
    store = opened(files)
    insert(store, "db.c", *({"_id": number} for number in range(10_000)))
    collection = store.catalog.by_namespace["db.c"]
    view = store.view(collection)
    iterator = iter(view)
    next(iterator)
    insert(store, "db.c", {"_id": "later"})
    store.update(collection, [change(store, "db.c", 5, {"_id": 5, "changed": True})])
    found = collection.find_id(id_key(9_999))
    assert found is not None
    store.delete(collection, [found])
    assert [decode(raw) for _, raw in iterator] == [{"_id": number} for number in range(1, 10_000)]
    assert [decode(raw) for raw in view.documents()] == [{"_id": number} for number in range(10_000)]
    assert [decode(raw)["_id"] for _, raw in reversed(view)] == list(range(9_999, -1, -1))
    assert store.view(collection) is not view
    assert len(list(store.view(collection))) == collection.count == 10_000


@pytest.mark.parametrize(
    ("ordered", "inserted", "duplicates"),
    [(True, [0, 1], [2]), (False, [0, 1, 4], [2, 3])],
    ids=["ordered", "unordered"],
)
def test_duplicates_in_a_batch(files: MemoryFiles, ordered: bool, inserted: list[int], duplicates: list[int]) -> None:
    store = opened(files)
    insert(store, "db.c", {"_id": 7})
    batch: list[dict[str, Any]] = [{"_id": 1}, {"_id": 2}, {"_id": 7.0}, {"_id": 1, "a": 1}, {"_id": 3}]
    outcome = insert(store, "db.c", *batch, ordered=ordered)
    assert (outcome.positions, outcome.duplicates) == (inserted, duplicates)
    assert [document for _, document in contents(store, "db.c")][1:] == [batch[each] for each in inserted]


def test_an_update_of_what_has_changed_is_a_conflict(files: MemoryFiles) -> None:
    store = opened(files)
    insert(store, "db.c", {"_id": 1}, {"_id": 2})
    collection = store.catalog.by_namespace["db.c"]
    stale = change(store, "db.c", 1, {"_id": 1, "stale": True})
    store.update(collection, [change(store, "db.c", 1, {"_id": 1, "new": True})])
    fresh = change(store, "db.c", 2, {"_id": 2, "new": True})
    outcome = store.update(collection, [stale, fresh])
    assert outcome.conflicts == [0]
    assert outcome.sequence
    assert [document for _, document in contents(store, "db.c")] == [{"_id": 1, "new": True}, {"_id": 2, "new": True}]


def test_a_dropped_collection_takes_no_writes(files: MemoryFiles) -> None:
    store = opened(files)
    insert(store, "db.c", {"_id": 1})
    collection = store.catalog.by_namespace["db.c"]
    stale = change(store, "db.c", 1, {"_id": 1, "stale": True})
    store.drop("db.c")
    raw = encode({"_id": 2})
    with pytest.raises(CollectionDropped):
        store.insert(collection, [record_key(raw)], [raw])
    with pytest.raises(CollectionDropped):
        store.insert_one(collection, record_key(raw), raw)
    assert store.update(collection, [stale]).conflicts == [0]
    assert store.delete(collection, [(1, stale.expected)]).conflicts == [0]


def test_dropping_a_database_leaves_the_others(files: MemoryFiles) -> None:
    store = opened(files)
    for namespace in ("db.a", "db.b", "db2.a"):
        insert(store, namespace, {"_id": 1})
    assert store.catalog.databases() == ["db", "db2"]
    assert store.drop_database("db")
    assert not store.drop_database("db")
    store.close()
    assert opened(files).catalog.databases() == ["db2"]


def test_renaming_over_a_collection_drops_it(files: MemoryFiles) -> None:
    store = opened(files)
    insert(store, "db.a", {"_id": "a"})
    insert(store, "db.b", {"_id": "b"})
    store.rename("db.a", "db.b")
    store.close()
    store = opened(files)
    assert contents(store, "db.b") == [(1, {"_id": "a"})]
    assert store.catalog.get("db.a") is None


def test_a_store_has_one_owner(files: MemoryFiles) -> None:
    store = opened(files)
    with pytest.raises(ServerError) as caught:
        opened(files)
    assert caught.value.code == ErrorCode.DBPathInUse
    store.close()
    store.close()
    opened(files).close()


@pytest.mark.parametrize(
    "identity",
    [ObjectId(), 1, "x", 1.5, {"a": 1}, {"$ref": "c", "$id": 1}, b"bytes", None, True],
    ids=repr,
)
def test_record_keys_read_from_bytes_are_those_of_the_value(identity: Any) -> None:
    assert record_key(encode({"_id": identity, "x": 1})) == id_key(identity)
