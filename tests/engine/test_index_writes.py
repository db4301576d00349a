"""Secondary indexes follow the records: through writes, reopening, building beside writers, and broken commits."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from bson import Decimal128, Int64
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import MemoryFiles
from amongo.engine.files.crashing import CrashingFiles, Failure
from amongo.engine.index_commits import IndexesChanged
from amongo.engine.indexes import Build, Definition, FrozenLayer, Index, Secondary, entry_of
from amongo.engine.indexes.chunks import Chunks
from amongo.engine.records import Collection, record_key
from amongo.engine.settings import Settings
from amongo.engine.store import Change, CollectionDropped, Store
from amongo.errors import ErrorCode, ServerError
from amongo.mql.index_keys import key_maker
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import Interrupt, OperationInterrupted
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key
from tests.engine.merged_entries import merged_layer

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
        st.tuples(st.just("freeze")),
        st.tuples(st.just("settle"), st.integers(0, 3), st.integers(1, 3)),
    ),
    max_size=14,
)


def move_layers(collection: Collection, step: tuple[Any, ...]) -> None:
    """What a checkpoint does to the indexes, and what a compaction does, with runs in memory."""
    for index in () if collection.secondary is None else collection.secondary.indexes:
        if step[0] == "freeze":
            index.freeze()
            continue
        layers = index.layers[step[1] : step[1] + step[2]]
        if not layers:
            continue
        views = []
        for entries in merged_layer(layers, is_oldest=layers[-1] is index.layers[-1]):
            chunks = Chunks()
            chunks.add_all(list(entries))
            views.append(chunks.chunks_view())
        index.settle(layers, FrozenLayer(views[0], views[1], None))


@settings(max_examples=150, deadline=None)
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
            elif step[0] in ("freeze", "settle"):
                move_layers(collection, step)
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


class Once(Interrupt):
    """Does something when the build first looks up."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act: Callable[[], object] | None = act

    def breathe(self) -> None:
        act, self._act = self._act, None
        if act is not None:
            act()


ABORTING: list[tuple[str, Callable[[Store, Collection], object]]] = [
    ("its index is dropped", lambda store, collection: store.abort_builds(collection, ["b_a", "a_1", "other"])),
    ("its collection is dropped", lambda store, collection: store.drop("db.c")),
]


@pytest.mark.parametrize("act", [case[1] for case in ABORTING], ids=[case[0] for case in ABORTING])
def test_a_build_ends_when(act: Callable[[Store, Collection], object]) -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    insert(store, collection, *[{"_id": number, "a": number} for number in range(500)])

    def during() -> None:
        assert store.definitions_in_work(collection) == [(A, SPARSE)]
        store.abort_builds(collection, ["a_1"])  # not all of what is built together
        act(store, collection)

    with pytest.raises(ServerError) as failure:
        store.create_indexes(collection, [A, SPARSE], Once(during))
    assert failure.value.code == ErrorCode.IndexBuildAborted
    assert (list(collection.indexes), collection.secondary) == (["_id_"], None)
    assert store.definitions_in_work(collection) == []


def test_a_build_that_is_stopped_leaves_no_trace() -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    insert(store, collection, *[{"_id": number, "a": number} for number in range(500)])
    interrupt = Once(lambda: interrupt.stop())
    with pytest.raises(OperationInterrupted):
        store.create_indexes(collection, [A], interrupt)
    assert (list(collection.indexes), store.definitions_in_work(collection)) == (["_id_"], [])


def test_of_two_builds_of_one_index_the_later_looks_again() -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    insert(store, collection, *[{"_id": number, "a": number} for number in range(500)])
    with pytest.raises(IndexesChanged):
        store.create_indexes(collection, [A], Once(lambda: store.create_indexes(collection, [A])))
    assert [index.name for index in collection.secondary.indexes] == ["a_1"]  # type: ignore[union-attr]
    check(collection)


def test_a_duplicate_that_is_gone_before_the_end_does_no_harm() -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    insert(store, collection, {"_id": 1, "a": 1}, {"_id": 2, "a": 1})
    found = collection.find_id(id_key(2))
    assert found is not None
    store.create_indexes(collection, [UNIQUE], Once(lambda: store.delete(collection, [found])))
    check(collection)
    insert(store, collection, {"_id": 3, "a": 1}, {"_id": 4, "a": 2}, ordered=False)
    assert collection.count == 2


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


def test_a_store_that_is_closed_behind_a_build_opens_on_the_index() -> None:
    files, few = MemoryFiles(), Settings(closing_checkpoint_bytes=2000)
    for step in range(4):
        store = Store.open("data", files=files, clock=ManualClock(), make_keys=key_maker, settings=few)
        collection = store.create("db.c")
        if step == 0:
            insert(store, collection, *[{"_id": number, "a": [number, 1.0]} for number in range(200)])
        elif step == 1:
            store.create_indexes(collection, [A])
        else:
            assert collection.secondary is not None
            (index,) = collection.secondary.indexes
            assert (sum(map(len, index.layers)), index.multikey_paths) == (397 + step, (frozenset({0}),))
            assert not index.entries.has_news
            check(collection)
            insert(store, collection, {"_id": -step, "a": "x" * 2000})
            check(collection)
        store.close()


def test_large_batches_are_taken_whole_or_document_by_document() -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    store.create_indexes(collection, [UNIQUE, SPARSE])
    many = [{"_id": number, "a": number / 2, **({"b": number} if number % 3 else {})} for number in range(3000)]
    assert insert(store, collection, *many).positions is None
    check(collection)
    more = [{"_id": number, "a": number / 2} for number in range(3000, 6000)]
    more[2500]["a"] = 7
    done = insert(store, collection, *more, ordered=False)
    assert [position for position, _ in done.failures] == [2500]
    check(collection)


def test_a_document_that_an_index_once_refused_gets_its_keys_with_its_next_change() -> None:
    both: Definition = {"v": 2, "key": {"a": 1, "b": 1}, "name": "both"}
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    insert(store, collection, {"_id": 1, "a": [1], "b": [2]}, {"_id": 2})
    index = Index(both, key_maker(both))
    Build("db.c", [index], is_lenient=True).catch_up(collection.view())
    collection.set_indexes({**collection.indexes, "both": both}, Secondary([index]))
    assert len(index.view()) == 1
    store.update(collection, [change(collection, 1, {"a": [1], "b": 2})])
    check(collection)


class LetsAnIndexIn:
    """The store's lock, which an index build gets before the writer that asks for it first."""

    def __init__(self, store: Store, collection: Collection) -> None:
        self._lock, self._build = store.lock, lambda: store.create_indexes(collection, [A])
        self._has_let_in = False

    def __enter__(self) -> None:
        if not self._has_let_in:
            self._has_let_in = True
            self._build()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@pytest.mark.parametrize("write", ["insert", "insert of several", "update", "delete"])
def test_an_index_comes_just_before_a_write(write: str) -> None:
    store = opened(MemoryFiles())
    collection = store.create("db.c")
    insert(store, collection, {"_id": 1, "a": 1}, {"_id": 2, "a": 2})
    changed = change(collection, 1, {"a": 7})
    store.lock = LetsAnIndexIn(store, collection)  # type: ignore[assignment]
    if write == "insert":
        insert(store, collection, {"_id": 3, "a": 3})
    elif write == "insert of several":
        insert(store, collection, {"_id": 3, "a": 3}, {"_id": 4, "a": 4})
    elif write == "update":
        store.update(collection, [changed])
    else:
        store.delete(collection, [(changed.record_id, changed.expected)])
    assert list(collection.indexes) == ["_id_", "a_1"]
    check(collection)
