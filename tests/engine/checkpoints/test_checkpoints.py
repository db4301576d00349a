"""A store on snapshot files shows what its log alone would show: at once, reopened, after a stop at any point."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.checkpoints.compaction import _count_to_merge
from amongo.engine.files import CrashingFiles, MemoryFiles
from amongo.engine.files.crashing import Failure, MachineStopped
from amongo.engine.indexes import Definition, entry_of
from amongo.engine.records import record_key
from amongo.engine.settings import Settings
from amongo.engine.store import Change, Store
from amongo.errors import ErrorCode, ServerError
from amongo.mql.index_keys import key_maker
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

INDEX: Definition = {"v": 2, "key": {"a": 1}, "name": "a_1"}
UNIQUE: Definition = {"v": 2, "key": {"u": 1}, "name": "u_1", "unique": True}
TIGHT = Settings(
    log_file_bytes=2000,
    checkpoint_bytes=1,
    closing_checkpoint_bytes=1,
    log_retained_bytes=0,
    checkpoint_interval_s=1000,
)

Shown = dict[str, Any]


def opened(files: Any, settings: Settings = TIGHT) -> Store:
    return Store.open(
        "data", files=files, clock=ManualClock(), make_keys=key_maker, has_service=False, settings=settings
    )


def insert(store: Store, namespace: str, *documents: dict[str, Any]) -> None:
    raws = [encode(document) for document in documents]
    store.insert(store.create(namespace), [record_key(raw) for raw in raws], raws)


def update(store: Store, namespace: str, identity: Any, document: dict[str, Any]) -> None:
    collection = store.catalog.by_namespace[namespace]
    found = collection.find_id(id_key(identity))
    assert found is not None
    store.update(collection, [Change(*found, encode({"_id": identity, **document}), None)])


def delete(store: Store, namespace: str, identity: Any) -> None:
    collection = store.catalog.by_namespace[namespace]
    found = collection.find_id(id_key(identity))
    assert found is not None
    store.delete(collection, [found])


def shown(store: Store) -> Shown:
    """Everything that a store shows, each thing looked up in every way there is."""
    result: Shown = {}
    for namespace, collection in store.catalog.by_namespace.items():
        view, order = store.ordered_view(collection)
        records = dict(view)
        assert len(records) == collection.count
        assert sum(map(len, records.values())) == collection.data_bytes
        for record_id, raw in records.items():
            assert collection.find_id(record_key(raw)) == (record_id, raw)
            assert collection.record(record_id) == view.record(record_id) == raw
        by_id = [record_id for record_id in order if record_id in records]
        assert by_id == sorted(records, key=lambda record_id: record_key(records[record_id]))
        indexes = {}
        for index in () if collection.secondary is None else collection.secondary.indexes:
            expected = sorted(
                entry_of(key, record_id, types)
                for record_id, raw in records.items()
                for key, types in index.maker.keys(decode(raw)).keys.items()
            )
            assert list(index.view()) == expected
            indexes[index.name] = expected
            for entry in expected:
                assert entry in list(index.view().between(entry, entry + b"\xff"))
        named = (collection.uuid, collection.options, list(collection.indexes.values()), collection.next_record_id)
        result[namespace] = (records, indexes, named)
    return result


def filled(store: Store) -> None:
    insert(store, "db.c", *({"_id": number, "a": number % 3, "u": number} for number in range(10)))
    store.create_indexes(store.catalog.by_namespace["db.c"], [INDEX, UNIQUE])
    insert(store, "db.d", {"_id": "x", "a": [1, 2]})


def test_a_store_opens_on_its_checkpoint() -> None:
    files = CrashingFiles()
    store = opened(files)
    filled(store)
    assert store.checkpoints is not None and store.checkpoints.checkpoint()
    update(store, "db.c", 3, {"a": 7, "u": 3})
    delete(store, "db.c", 4)
    insert(store, "db.c", {"_id": 4, "a": 4, "u": 4})
    before = shown(store)
    files = files.kill()
    store = opened(files)
    assert shown(store) == before
    assert store.checkpoints is not None and store.checkpoints.checkpoint()
    assert shown(store) == before
    assert not store.checkpoints.checkpoint()  # nothing is new
    store.close()
    assert shown(opened(files)) == before


def test_closing_makes_a_checkpoint_of_much_and_none_of_little() -> None:
    for least, is_made in ((1, True), (10**6, False)):
        files = MemoryFiles()
        store = opened(files, Settings(closing_checkpoint_bytes=least))
        filled(store)
        before = shown(store)
        store.close()
        assert files.exists("data/MANIFEST") is is_made
        assert shown(opened(files)) == before


def test_the_log_keeps_what_it_should() -> None:
    files = MemoryFiles()
    store = opened(files, Settings(log_file_bytes=500, log_retained_bytes=1500, closing_checkpoint_bytes=1))
    for number in range(50):
        insert(store, "db.c", {"_id": number, "text": "x" * 100})
        store.durable(store.last_sequence).wait_blocking()
    assert store.checkpoints is not None
    store.checkpoints.checkpoint()
    sizes = [len(files.read(f"data/log/{name}")) for name in files.list("data/log")]
    assert 1500 <= sum(sizes) < 2600
    before = shown(store)
    store.close()
    assert shown(opened(files)) == before


def test_files_that_nobody_needs_go_when_nobody_reads_them() -> None:
    files = MemoryFiles()
    store = opened(files)
    assert store.checkpoints is not None
    for number in range(8):
        insert(store, "db.c", {"_id": number, "text": "x" * 100})
        if number == 3:
            view = store.view(store.catalog.by_namespace["db.c"])
        store.checkpoints.checkpoint()
    assert len([name for name in files.list("data/snapshots") if name.endswith("rows.arrow")]) <= 4
    assert [decode(raw)["_id"] for raw in view.documents()] == [0, 1, 2, 3]
    del view
    insert(store, "db.c", {"_id": 9})
    store.checkpoints.checkpoint()
    assert len([name for name in files.list("data/snapshots") if name.endswith("rows.arrow")]) <= 3
    store.drop("db.c")
    store.checkpoints.checkpoint()
    assert files.list("data/snapshots") == []
    store.close()
    assert shown(opened(files)) == {}


def test_an_attempt_that_failed_holds_no_files() -> None:
    files = CrashingFiles()
    store = opened(files)
    insert(store, "db.c", {"_id": 0})
    assert store.checkpoints is not None
    store.checkpoints.checkpoint()
    gc.disable()
    try:
        insert(store, "db.c", {"_id": 1})
        files._fail_at, files._failure, files._keeps_failing = files.operations + 2, Failure.NO_SPACE, True
        store.checkpoints.attempt()
        assert store.checkpoints.failure is not None
        files._fail_at = None
        store.checkpoints.compact(store.catalog.by_namespace["db.c"], Interrupt())
        assert len([name for name in files.list("data/snapshots") if name.endswith(".arrow")]) == 2
    finally:
        gc.enable()


def test_closing_removes_what_was_left_behind() -> None:
    files = MemoryFiles()
    store = opened(files)
    insert(store, "db.c", {"_id": 0})
    assert store.checkpoints is not None
    store.checkpoints.checkpoint()
    view = store.view(store.catalog.by_namespace["db.c"])
    insert(store, "db.c", {"_id": 1})
    store.checkpoints.compact(store.catalog.by_namespace["db.c"], Interrupt())
    left = files.open_append("data/snapshots/0000000099.rows.arrow", create=True)  # by a process that was killed
    left.write(b"half a file")
    left.close()
    needed = store.checkpoints._manifest
    assert needed is not None
    del view
    store.close()
    assert {name for name in files.list("data/snapshots") if name.endswith(".arrow")} == needed.file_names()
    assert shown(opened(files)).keys() == {"db.c"}


@pytest.mark.parametrize(
    ("sizes", "held", "count", "merged"),
    [
        ([], 0, 0, 0),
        ([100], 10, 10, 0),
        ([100, 100], 20, 20, 2),
        ([300, 100], 20, 20, 0),
        ([1000, 100, 100], 20, 20, 2),
        ([390, 100, 100], 20, 20, 3),
        ([1000, 1, 1], 31_000, 20_000, 3),  # a third is gone
        ([1000], 31_000, 20_000, 1),
        ([1000], 4095, 0, 0),
    ],
)
def test_how_many_files_become_one(sizes: list[int], held: int, count: int, merged: int) -> None:
    assert _count_to_merge(sizes, held, count) == merged


IDS = st.integers(0, 12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), IDS),
        st.tuples(st.just("update"), IDS),
        st.tuples(st.just("delete"), IDS),
        st.tuples(st.sampled_from(["checkpoint", "reopen", "kill", "index", "unindex", "drop", "rename"]), st.just(0)),
    ),
    max_size=30,
)


def step(store: Store, name: str, argument: int, version: int) -> None:
    collection = store.create("db.c")
    is_there = collection.has_key(id_key(argument))
    document = {"a": [version, argument] if version % 3 else version % 5, "u": argument}
    if name == "insert" and not is_there:
        insert(store, "db.c", {"_id": argument, **document})
    elif name == "update" and is_there:
        update(store, "db.c", argument, document)
    elif name == "delete" and is_there:
        delete(store, "db.c", argument)
    elif name == "index" and "a_1" not in collection.indexes:
        store.create_indexes(collection, [INDEX, UNIQUE])
    elif name == "unindex" and "a_1" in collection.indexes:
        store.drop_indexes(collection, ["a_1", "u_1"])
    elif name == "drop":
        store.drop("db.c")
    elif name == "rename":
        store.rename("db.c", "db.other")
    elif name == "checkpoint":
        assert store.checkpoints is not None
        store.checkpoints.checkpoint()


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_checkpointed_is_replayed(steps: list[tuple[str, int]]) -> None:
    """The same steps on a store with checkpoints and on one without, both reopened now and then."""
    files, plain_files = CrashingFiles(), CrashingFiles()
    store, plain = opened(files), opened(plain_files, Settings(closing_checkpoint_bytes=10**9))
    for version, (name, argument) in enumerate(steps):
        if name == "reopen":
            store.close()
            plain.close()
        if name == "kill":
            files, plain_files = files.kill(), plain_files.kill()
        if name in ("reopen", "kill"):
            store, plain = opened(files), opened(plain_files, Settings(closing_checkpoint_bytes=10**9))
        else:
            for each in (store, plain):
                step(each, name if each is store or name != "checkpoint" else "none", argument, version)
        assert without_uuids(shown(store)) == without_uuids(shown(plain))


def without_uuids(found: Shown) -> Shown:
    return {namespace: (records, indexes, named[1:]) for namespace, (records, indexes, named) in found.items()}


Step = Callable[[Store], object]


def checkpoint(store: Store) -> None:
    assert store.checkpoints is not None
    store.checkpoints.checkpoint()


# One commit each, or a checkpoint.
WORKLOAD: list[Step] = [
    lambda store: store.create("db.c"),
    lambda store: insert(store, "db.c", *({"_id": number, "a": number % 3, "u": number} for number in range(10))),
    lambda store: store.create_indexes(store.catalog.by_namespace["db.c"], [INDEX, UNIQUE]),
    lambda store: store.create("db.d"),
    lambda store: insert(store, "db.d", {"_id": "x", "a": [1, 2]}),
    checkpoint,
    lambda store: update(store, "db.c", 3, {"a": [7, 8], "u": 33}),
    lambda store: delete(store, "db.c", 4),
    checkpoint,
    lambda store: insert(store, "db.c", {"_id": 4, "a": 4, "u": 4}),
    lambda store: store.drop_indexes(store.catalog.by_namespace["db.c"], ["u_1"]),
    checkpoint,
]


def states_of_workload() -> tuple[list[Shown], int]:
    """What is shown before and after each step, and how many operations that takes, the closing included."""
    files = CrashingFiles()
    store = opened(files)
    states = [without_uuids(shown(store))]
    for each in WORKLOAD:
        each(store)
        states.append(without_uuids(shown(store)))
    store.close()
    return states, files.operations


@pytest.mark.parametrize(("first", "failure"), list(enumerate(Failure)))
def test_a_stop_at_any_point_leaves_a_store(first: int, failure: Failure) -> None:
    states, operations = states_of_workload()
    for fail_at in range(first, operations, len(Failure)):  # at each in one way, which takes long enough
        files = CrashingFiles(fail_at=fail_at, failure=failure, seed=fail_at)
        done = 0
        try:
            store = opened(files)
            for each in WORKLOAD:
                each(store)
                done += 1
            store.close()
        except MachineStopped:
            assert failure is Failure.STOP
        except (ServerError, OSError):
            assert failure is not Failure.STOP
        again = opened(files.kill())
        assert without_uuids(shown(again)) in states[done : done + 2]
        again.close()


def test_power_loss_after_a_checkpoint_loses_nothing() -> None:
    for seed in range(30):
        files = CrashingFiles()
        store = opened(files)
        filled(store)
        assert store.checkpoints is not None
        store.checkpoints.checkpoint()
        before = shown(store)
        assert shown(opened(files.crash(seed))) == before


def test_a_checkpoint_that_fails_is_made_later() -> None:
    for fail_at in range(200):
        files = CrashingFiles()
        store = opened(files)
        filled(store)
        before = shown(store)
        files._fail_at, files._failure = files.operations + fail_at, Failure.NO_SPACE
        assert store.checkpoints is not None
        try:
            store.checkpoints.checkpoint()
        except (ServerError, OSError):
            assert shown(store) == before
            files._fail_at = None
            try:
                insert(store, "db.d", {"_id": "later"})
                before = shown(store)
                store.checkpoints.checkpoint()
            except ServerError as error:  # it was the log's fsync that failed, which cannot be mended
                assert error.code == ErrorCode.LogWriteFailed
            assert shown(store) == before
            assert shown(opened(files.kill())) == before
        else:
            assert fail_at > 10
            return
    raise AssertionError("no attempt got through")


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize("name", ["MANIFEST", "rows.arrow.sidecar", "run.arrow.sidecar", "rows.arrow"])
def test_damage_is_named_and_mended_where_the_log_is_whole(name: str, is_whole: bool) -> None:
    files = CrashingFiles()
    store = opened(files, Settings(log_file_bytes=10**6 if is_whole else 300, log_retained_bytes=0))
    filled(store)
    for number in range(20):
        insert(store, "db.e", {"_id": number})
        store.durable(store.last_sequence).wait_blocking()
    assert store.checkpoints is not None
    store.checkpoints.checkpoint()
    before = shown(store)
    files = files.kill()
    paths = ["data/MANIFEST"] if name == "MANIFEST" else [
        f"data/snapshots/{each}" for each in files.list("data/snapshots") if each.endswith(name)
    ]  # fmt: skip
    if name == "rows.arrow":
        files.remove(paths[0])
    else:
        files.damage(paths[0], 40, 4)
    if is_whole:
        again = opened(files)
        assert shown(again) == before
        again.close()
        assert shown(opened(files)) == before
        return
    with pytest.raises(ServerError) as caught:
        shown(opened(files))
    assert caught.value.code == ErrorCode.DataCorruptionDetected
    assert paths[0].rpartition("/")[2].removesuffix(".sidecar") in caught.value.message


def test_attempts_that_fail_do_not_pile_up() -> None:
    files = CrashingFiles()
    store = opened(files)
    filled(store)
    assert store.checkpoints is not None
    files._fail_at, files._failure, files._keeps_failing = files.operations, Failure.NO_SPACE, True
    for number in range(5):
        store.checkpoints.attempt()
        assert store.checkpoints.failure is not None
        files._fail_at = None
        insert(store, "db.d", {"_id": number})
        files._fail_at = files.operations
    collection = store.catalog.by_namespace["db.d"]
    assert len(collection.layers) == 1
    files._fail_at = None
    before = shown(store)
    assert store.checkpoints.checkpoint()
    assert shown(store) == before
    assert not store.checkpoints.checkpoint()
    assert shown(opened(files.kill())) == before
