"""Secondary indexes follow the records: through writes, reopening, building beside writers, and broken commits."""

from __future__ import annotations

import random
from typing import Any

import pytest
from bson import Decimal128, Int64
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import MemoryFiles
from amongo.engine.files.crashing import CrashingFiles, Failure
from amongo.engine.indexes import Definition, entry_of
from amongo.engine.records import Collection, record_key
from amongo.engine.store import Change, CollectionDropped, Store
from amongo.errors import ErrorCode, ServerError
from amongo.mql.index_keys import key_maker
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

A: Definition = {"v": 2, "key": {"a": 1}, "name": "a_1"}
UNIQUE: Definition = {"v": 2, "key": {"a": 1}, "name": "a_1", "unique": True}
SPARSE: Definition = {"v": 2, "key": {"b": -1, "a": 1}, "name": "b_a", "sparse": True}


def opened(files: MemoryFiles) -> Store:
    return Store.open("data", files=files, clock=ManualClock(), make_keys=key_maker)


def insert(store: Store, collection: Collection, *documents: dict[str, Any], ordered: bool = True) -> Any:
    raws = [encode(document) for document in documents]
    return store.insert(collection, [record_key(raw) for raw in raws], raws, ordered=ordered)


def change(collection: Collection, identity: int, document: dict[str, Any]) -> Change:
    found = collection.find_id(id_key(identity))
    assert found is not None
    return Change(found[0], found[1], encode({"_id": identity, **document}), None)


def check(collection: Collection) -> None:
    """Every index holds exactly the keys of the records there are."""
    secondary = collection.secondary
    names = [name for name in collection.indexes if name != "_id_"]
    assert [index.name for index in secondary.indexes] == names if secondary is not None else names == []
    for index in () if secondary is None else secondary.indexes:
        expected = {
            entry_of(key, record_id, types)
            for record_id, raw in collection.view()
            for key, types in index.maker.keys(decode(raw)).keys.items()
        }
        assert list(index.entries.view()) == sorted(expected)


NUMBERS = st.integers(0, 4) | st.sampled_from([1.0, 2.0, Int64(2), Decimal128("3.00")])
VALUES = st.one_of(st.none(), NUMBERS, st.text("ab", max_size=2), st.lists(NUMBERS, max_size=3))
DOCUMENTS = st.fixed_dictionaries({}, optional={"a": VALUES, "b": st.integers(0, 3)})
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.lists(DOCUMENTS, min_size=1, max_size=3)),
        st.tuples(st.just("update"), st.integers(0, 20), DOCUMENTS),
        st.tuples(st.just("delete"), st.integers(0, 20)),
        st.tuples(st.just("replace"), st.integers(0, 20), DOCUMENTS),
    ),
    max_size=12,
)


@settings(max_examples=80, deadline=None)
@given(steps=STEPS, definitions=st.sampled_from([[A], [UNIQUE], [SPARSE, A], [UNIQUE, SPARSE]]))
def test_indexes_hold_the_keys_of_the_records_live_and_reopened(
    steps: list[tuple[Any, ...]], definitions: list[Definition]
) -> None:
    files = MemoryFiles()
    store = opened(files)
    collection = store.create("db.c")
    store.create_indexes(collection, definitions)
    ids = iter(range(100))
    for step in steps:
        try:
            if step[0] == "insert":
                insert(store, collection, *[{"_id": next(ids), **each} for each in step[1]], ordered=False)
            elif collection.find_id(id_key(step[1])) is None:
                continue
            elif step[0] == "update":
                store.update(collection, [change(collection, step[1], step[2])])
            elif step[0] == "delete":
                found = collection.find_id(id_key(step[1]))
                assert found is not None
                store.delete(collection, [found])
            else:
                asked = change(collection, step[1], step[2])
                with store.lock:
                    store.replace(collection, asked.record_id, asked.raw, encode({"updatedPaths": []}))
        except ServerError as error:
            assert error.code == ErrorCode.DuplicateKey
        check(collection)
        for index in collection.secondary.indexes if collection.secondary else ():
            assert not index.is_unique or not list(index.duplicates())
    held = [(record_id, decode(raw)) for record_id, raw in store.view(collection)]
    store.close()
    again = opened(files)
    reopened = again.catalog.by_namespace["db.c"]
    assert [(record_id, decode(raw)) for record_id, raw in again.view(reopened)] == held
    assert reopened.indexes == {**reopened.indexes, **{each["name"]: each for each in definitions}}
    check(reopened)
    again.close()


def test_definitions_come_and_go_with_the_log() -> None:
    files = MemoryFiles()
    store = opened(files)
    collection = store.create("db.c")
    insert(store, collection, {"_id": 1, "a": 5}, {"_id": 2, "a": 3})
    store.create_indexes(collection, [A, SPARSE])
    store.change_index(collection, {**A, "hidden": True})
    store.drop_indexes(collection, ["b_a"])
    assert list(collection.indexes) == ["_id_", "a_1"]
    store.close()
    reopened = opened(files).catalog.by_namespace["db.c"]
    assert reopened.indexes == {"_id_": {"v": 2, "key": {"_id": 1}, "name": "_id_"}, "a_1": {**A, "hidden": True}}
    check(reopened)


def test_the_last_index_gone_the_collection_is_plain_again() -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    assert collection.is_plain
    store.create_indexes(collection, [A])
    assert not collection.is_plain
    store.drop_indexes(collection, ["a_1"])
    assert collection.is_plain
    assert collection.secondary is None


def test_a_batch_clashes_with_what_is_there_and_with_itself() -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    store.create_indexes(collection, [UNIQUE])
    insert(store, collection, {"_id": 0, "a": 1})
    batch = [{"_id": 1, "a": 2}, {"_id": 2, "a": 1}, {"_id": 3, "a": 2}, {"_id": 1, "a": 9}, {"_id": 4, "a": 3}]
    done = insert(store, collection, *batch, ordered=False)
    assert (done.positions, done.duplicates, [position for position, _ in done.failures]) == ([0, 4], [3], [1, 2])
    done = insert(store, collection, {"_id": 5, "a": 7}, {"_id": 6, "a": 7}, {"_id": 7, "a": 8})
    assert (done.positions, [position for position, _ in done.failures]) == ([0], [1])
    assert collection.count == 4
    check(collection)


def test_an_update_of_many_ends_at_the_first_clash_and_keeps_what_came_before() -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    store.create_indexes(collection, [UNIQUE])
    insert(store, collection, *[{"_id": number, "a": number} for number in range(4)])
    changes = [change(collection, 0, {"a": 10}), change(collection, 1, {"a": 3}), change(collection, 2, {"a": 12})]
    with pytest.raises(ServerError, match="E11000"):
        store.update(collection, changes)
    assert [decode(raw)["a"] for _, raw in store.view(collection)] == [10, 1, 2, 3]
    check(collection)


def test_an_update_may_hand_a_key_on() -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    store.create_indexes(collection, [UNIQUE])
    insert(store, collection, {"_id": 1, "a": 1}, {"_id": 2, "a": 2})
    store.update(collection, [change(collection, 1, {"a": 9}), change(collection, 2, {"a": 1})])
    check(collection)
    assert [decode(raw)["a"] for _, raw in store.view(collection)] == [9, 1]


def test_a_unique_build_on_duplicates_leaves_nothing_behind() -> None:
    files = MemoryFiles()
    store = opened(files)
    collection = store.create("db.c")
    insert(store, collection, {"_id": 1, "a": 1}, {"_id": 2, "a": 1})
    sequence = store.last_sequence
    with pytest.raises(ServerError, match="E11000"):
        store.create_indexes(collection, [SPARSE, UNIQUE])
    assert (list(collection.indexes), collection.secondary, store.last_sequence) == (["_id_"], None, sequence)


def test_a_build_takes_in_what_is_written_beside_it() -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    insert(store, collection, *[{"_id": number, "a": number % 50} for number in range(9000)])
    writes = iter(range(100))

    class Writer(Interrupt):
        """Writes to the collection whenever the build looks up."""

        def breathe(self) -> None:
            number = next(writes, None)
            if number is None:
                return
            insert(store, collection, {"_id": 10_000 + number, "a": number})
            store.update(collection, [change(collection, number * 80, {"a": -number})])
            found = collection.find_id(id_key(number * 80 + 1))
            assert found is not None
            store.delete(collection, [found])

    store.create_indexes(collection, [A], Writer())
    assert next(writes, None) is None
    check(collection)


def test_a_build_on_a_collection_that_is_dropped_meanwhile_fails() -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    store.drop("db.c")
    with pytest.raises(CollectionDropped):
        store.create_indexes(collection, [A])


def test_a_commit_that_broke_off_is_made_up_for_in_the_indexes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    store.create_indexes(collection, [A])
    entries = collection.secondary.indexes[0].entries  # type: ignore[union-attr]
    insert_together = [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}, {"_id": 3, "a": 3}]
    for method, broken_call, documents in (
        ("extend", 0, insert_together),
        ("enter", 1, [{"_id": 4, "a": [4, 5]}, {"_id": 5, "a": 6}, {"_id": 1}]),
        ("_sort_in", 0, [{"_id": 6, "a": 2}]),
    ):
        made, calls = getattr(type(entries), method), iter(range(1000))

        def broken(self: Any, *arguments: Any, made: Any = made, calls: Any = calls, at: int = broken_call) -> None:
            if next(calls) == at:
                raise KeyboardInterrupt
            made(self, *arguments)

        with monkeypatch.context() as patched:
            patched.setattr(type(entries), method, broken)
            with pytest.raises(KeyboardInterrupt):
                insert(store, collection, *documents, ordered=False)
                check(collection)
        check(collection)
    assert collection.count == 6
    check(collection)


def test_a_capped_collection_lets_go_of_keys_with_their_documents() -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c", {"capped": True, "size": 4096, "max": 2})
    store.create_indexes(collection, [UNIQUE])
    insert(store, collection, {"_id": 1, "a": 1}, {"_id": 2, "a": 2}, {"_id": 3, "a": 3})
    done = insert(store, collection, {"_id": 4, "a": 1}, {"_id": 5, "a": 3}, ordered=False)
    check(collection)
    assert [decode(raw)["_id"] for _, raw in store.view(collection)] == [3, 4]
    assert [position for position, _ in done.failures] == [1]


@pytest.mark.parametrize("seed", range(12))
def test_indexes_agree_with_what_a_crash_has_left(seed: int) -> None:
    files = CrashingFiles()
    store = Store.open("data", files=files, clock=ManualClock(), has_service=False, make_keys=key_maker)
    collection = store.create("db.c")
    chance = random.Random(seed)
    for number in range(30):
        step = chance.choice(["insert", "insert", "update", "delete", "create", "drop", "durable"])
        names = list(collection.indexes)
        try:
            if step == "insert":
                insert(store, collection, {"_id": number, "a": chance.randrange(8), "b": number}, {"_id": -number - 1})
            elif step == "update" and collection.find_id(id_key(number // 2)):
                store.update(collection, [change(collection, number // 2, {"a": chance.randrange(8)})])
            elif step == "delete" and (found := collection.find_id(id_key(number // 3))):
                store.delete(collection, [found])
            elif step == "create" and "a_1" not in names:
                store.create_indexes(collection, [chance.choice([A, UNIQUE])])
            elif step == "drop" and "a_1" in names:
                store.drop_indexes(collection, ["a_1"])
            elif step == "durable":
                store.durable(store.last_sequence).wait_blocking()
        except ServerError as error:
            assert error.code == ErrorCode.DuplicateKey
    check(collection)
    for left in (files.kill(), files.crash(seed)):
        reopened = Store.open("data", files=left, clock=ManualClock(), has_service=False, make_keys=key_maker)
        for each in reopened.catalog.by_uuid.values():
            check(each)
        reopened.close()


def test_a_failing_disk_leaves_indexes_as_they_were() -> None:
    failed = 0
    for fail_at in range(40):
        files = CrashingFiles(fail_at=fail_at, failure=Failure.NO_SPACE, keeps_failing=True)
        try:
            store = Store.open("data", files=files, clock=ManualClock(), has_service=False, make_keys=key_maker)
            collection = store.create("db.c")
            store.create_indexes(collection, [UNIQUE])
            insert(store, collection, {"_id": 1, "a": 1})
            check(collection)
        except (ServerError, OSError):
            continue
        for write in (
            lambda: insert(store, collection, {"_id": 2, "a": 2}),  # noqa: B023
            lambda: store.update(collection, [change(collection, 1, {"a": 3})]),  # noqa: B023
            lambda: store.create_indexes(collection, [SPARSE]),  # noqa: B023
            lambda: store.drop_indexes(collection, ["a_1"]),  # noqa: B023
        ):
            try:
                write()
            except ServerError:
                failed += 1
            check(collection)
    assert failed
