"""What may come in between: a stop, a failure or a change of the catalog at the worst moment of a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bson import Binary, Code, DatetimeMS, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from test_checkpoints import INDEX, UNIQUE, checkpoint, delete, filled, insert, opened, shown, update

from amongo.engine.files import CrashingFiles
from amongo.engine.files.crashing import Failure, MachineStopped
from amongo.engine.settings import Settings
from amongo.engine.store import Store
from amongo.errors import ErrorCode, ServerError
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode

QUIET = Settings(closing_checkpoint_bytes=10**9, log_retained_bytes=0)


class HookedFiles(CrashingFiles):
    """Files that call back once, in front of an operation of this name on a path with this ending."""

    def hook(self, name: str, ending: str, back: Callable[[], object]) -> None:
        self._hook: tuple[str, str, Callable[[], object]] | None = (name, ending, back)

    def step(self, name: str, path: str) -> Failure | None:
        hook = getattr(self, "_hook", None)
        if hook is not None and name == hook[0] and path.endswith(hook[1]):
            self._hook = None
            hook[2]()
        return super().step(name, path)


CHANGES: dict[str, Callable[[Store], object]] = {
    "insert": lambda store: insert(store, "db.c", {"_id": 99, "a": 1, "u": 99}),
    "update": lambda store: update(store, "db.c", 3, {"a": [7, 8], "u": 33}),
    "delete of the newest": lambda store: delete(store, "db.c", 9),
    "delete and insert": lambda store: (delete(store, "db.c", 5), insert(store, "db.c", {"_id": 5, "a": 9, "u": 5})),
    "drop": lambda store: store.drop("db.c"),
    "drop and create": lambda store: (store.drop("db.c"), insert(store, "db.c", {"_id": 1, "a": 5})),
    "create": lambda store: insert(store, "db.new", {"_id": 1}),
    "rename": lambda store: store.rename("db.c", "db.new"),
    "rename over another": lambda store: store.rename("db.d", "db.c"),
    "rename there and back": lambda store: (store.rename("db.c", "db.x"), store.rename("db.x", "db.c")),
    "drop the database": lambda store: store.drop_database("db"),
    "drop an index": lambda store: store.drop_indexes(store.catalog.by_namespace["db.c"], ["a_1"]),
    "make an index anew": lambda store: (
        store.drop_indexes(store.catalog.by_namespace["db.c"], ["a_1", "u_1"]),
        update(store, "db.c", 2, {"a": 50, "u": 2}),
        store.create_indexes(store.catalog.by_namespace["db.c"], [INDEX, UNIQUE]),
    ),
    "make another index of the name": lambda store: (
        store.drop_indexes(store.catalog.by_namespace["db.c"], ["a_1"]),
        store.create_indexes(store.catalog.by_namespace["db.c"], [{**INDEX, "key": {"u": -1}}]),
    ),
    "change an index": lambda store: (
        store.change_index(store.catalog.by_namespace["db.c"], {**INDEX, "hidden": True}),
        update(store, "db.c", 2, {"a": 50, "u": 2}),
    ),
    "make an index unique": lambda store: (
        store.change_index(store.catalog.by_namespace["db.c"], {**UNIQUE, "unique": False, "prepareUnique": True}),
        insert(store, "db.c", {"_id": 50, "a": 1, "u": 50}),
    ),
    "set options": lambda store: store.set_options(store.catalog.by_namespace["db.d"], {"validationLevel": "off"}),
    "convert to capped": lambda store: store.convert_to_capped(
        store.catalog.by_namespace["db.c"], {"capped": True, "size": 100}
    ),
    "push out of a capped collection": lambda store: insert(
        store, "db.capped", *({"_id": number} for number in range(20, 24))
    ),
}
MOMENTS = {
    "before the first file": ("create", ".rows.arrow"),
    "before the MANIFEST": ("create", "MANIFEST.new"),
    "before the MANIFEST is renamed": ("rename", "MANIFEST.new"),
    "behind the MANIFEST": ("sync_directory", "data"),
}


def shown_all(store: Store) -> list[Any]:
    """What is shown, in the order in which it is listed."""
    return list(shown(store).items())


def capped(store: Store) -> None:
    store.create("db.capped", {"capped": True, "size": 1000, "max": 3})
    insert(store, "db.capped", *({"_id": number} for number in range(5)))


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("is_first", [True, False])
def test_changes_while_a_checkpoint_is_made(change: Callable[[Store], object], moment: tuple[str, str], is_first: bool):
    files = HookedFiles()
    store = opened(files)
    filled(store)
    capped(store)
    if not is_first:
        checkpoint(store)
        update(store, "db.c", 1, {"a": 1, "u": 1})
    called = []

    def back() -> None:
        change(store)
        called.append(True)

    files.hook(*moment, back)
    checkpoint(store)
    assert called
    before = shown_all(store)
    again = opened(files.kill())
    assert shown_all(again) == before
    checkpoint(again)
    insert(again, "db.e", {"_id": 1})
    checkpoint(again)
    before = shown_all(again)
    again.close()
    assert again.checkpoints is not None and again.checkpoints.failure is None


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_changes_behind_a_checkpoint(change: Callable[[Store], object]) -> None:
    files = CrashingFiles()
    store = opened(files)
    filled(store)
    capped(store)
    checkpoint(store)
    change(store)
    before = shown_all(store)
    files = files.kill()
    store = opened(files)
    assert shown_all(store) == before
    checkpoint(store)
    assert shown_all(store) == before
    again = opened(files.kill())
    assert shown_all(again) == before
    if again.catalog.get("db.capped") is not None:
        delete(again, "db.capped", min(_ids(again, "db.capped")))
        insert(again, "db.capped", {"_id": 70}, {"_id": 71}, {"_id": 72})
        assert _ids(again, "db.capped") == [70, 71, 72]


def _ids(store: Store, namespace: str) -> list[Any]:
    return [decode(raw)["_id"] for raw in store.view(store.catalog.by_namespace[namespace]).documents()]


# Sessions: what one process leaves behind is what the next one begins with


def test_a_stop_at_any_point_of_the_session_behind_a_checkpoint() -> None:
    """The checkpoint's place in the log stays a place where a commit ends, whatever becomes of the marks there."""
    first = 0
    stopped = 0
    for fail_at in range(1000):
        files = CrashingFiles()
        store = opened(files, QUIET)
        insert(store, "db.c", {"_id": 1})
        store.durable(store.last_sequence).wait_blocking()  # and a mark behind it
        checkpoint(store)
        store.close()
        first = files.operations
        files._fail_at, files._failure = first + fail_at, Failure.STOP
        done = 1
        try:
            store = opened(files, QUIET)
            insert(store, "db.c", {"_id": 2})
            store.durable(store.last_sequence).wait_blocking()
            done = 2
            store.close()
        except MachineStopped:
            stopped += 1
        for seed in range(12):
            survivor = files.kill() if seed == 0 else files.crash(seed)
            again = opened(survivor, QUIET)
            ids = _ids(again, "db.c")
            assert ids[:done] == [1, 2][:done] and ids == [1, 2][: len(ids)]
            insert(again, "db.c", {"_id": 3})
            assert _ids(opened(survivor.kill(), QUIET), "db.c") == [*ids, 3]
        if not files._is_off:
            break
        if store is not None and files.operations <= first + fail_at:
            break
    assert stopped > 3


@pytest.mark.parametrize("failure", [Failure.NO_SPACE, Failure.IO_ERROR])
def test_a_mark_that_cannot_be_written_behind_a_checkpoint(failure: Failure) -> None:
    for fail_at in range(20):
        files = CrashingFiles()
        store = opened(files, QUIET)
        insert(store, "db.c", {"_id": 1})
        store.durable(store.last_sequence).wait_blocking()
        checkpoint(store)
        store.close()
        store = opened(files, QUIET)
        files._fail_at, files._failure = files.operations + fail_at, failure
        ids = [1]
        for number in (2, 3):
            try:
                insert(store, "db.c", {"_id": number})
                ids.append(number)
                store.durable(store.last_sequence).wait_blocking()
            except ServerError:
                continue
        assert _ids(opened(files.kill(), QUIET), "db.c") == ids


@pytest.mark.parametrize("of_compaction", [False, True])
def test_what_a_checkpoint_needs_stays_until_the_next_is_durable(of_compaction: bool) -> None:
    """A process dies between the renaming of the MANIFEST and its sync; the next finds nothing new, and power fails."""
    for seed in range(20):
        files = HookedFiles()
        store = opened(files)
        filled(store)
        checkpoint(store)
        for number in range(50, 90):
            insert(store, "db.c", {"_id": number, "a": 1, "u": number})
            store.durable(store.last_sequence).wait_blocking()
        delete(store, "db.c", 60)  # which the checkpoint syncs, with a mark behind it
        before = shown(store)

        def stop() -> None:
            raise MachineStopped

        def first(files: HookedFiles = files) -> None:
            files.hook("sync_directory", "data", stop)

        files.hook("sync_directory", "data", first if of_compaction else stop)
        with pytest.raises(MachineStopped):
            checkpoint(store)
        store = opened(files.kill())
        checkpoint(store)
        assert shown(opened(store_files(store).crash(seed))) == before


def store_files(store: Store) -> Any:
    assert store.checkpoints is not None
    return store.checkpoints._files


# Damage and failures


def test_files_are_not_rebuilt_from_a_log_that_ends_too_early() -> None:
    """A damaged sidecar, and a log whose end is gone: what the log has left is less than the checkpoint had."""
    files = CrashingFiles()
    store = opened(files, QUIET)
    for number in range(4):
        insert(store, "db.c", {"_id": number})
    end = store._log.place().offset  # type: ignore[union-attr]
    insert(store, "db.c", {"_id": 4})
    checkpoint(store)
    files = files.kill()
    files.open_append("data/log/0000000001.log").truncate(end)
    (sidecar,) = [name for name in files.list("data/snapshots") if name.endswith("rows.arrow.sidecar")]
    files.damage(f"data/snapshots/{sidecar}", 40, 4)
    with pytest.raises(ServerError) as caught:
        opened(files)
    assert caught.value.code == ErrorCode.DataCorruptionDetected and sidecar in caught.value.message


def test_a_store_opens_where_its_files_cannot_be_written_anew() -> None:
    for fail_at in range(60):
        files = CrashingFiles()
        store = opened(files, QUIET)
        filled(store)
        checkpoint(store)
        before = shown(store)
        files = files.kill()
        files.damage("data/MANIFEST", 40, 4)
        files._fail_at, files._failure, files._keeps_failing = 5 + fail_at, Failure.NO_SPACE, True
        try:
            store = opened(files, QUIET)
        except ServerError as error:  # not even the log could be opened
            assert error.code in (ErrorCode.OutOfDiskSpace, ErrorCode.LogWriteFailed)
            continue
        assert shown(store) == before
        assert store.checkpoints is not None
        if store.checkpoints.failure is None:
            assert fail_at > 10
            return
        files._fail_at = None
        checkpoint(store)
        assert store.checkpoints.failure is None
        assert shown(opened(files.kill())) == before
    raise AssertionError("it never was written")


def test_a_full_disk_does_not_stay_full_of_what_broke_off() -> None:
    for fail_at in range(200):
        files = CrashingFiles()
        store = opened(files)
        filled(store)
        checkpoint(store)
        insert(store, "db.c", {"_id": 77, "a": 7, "u": 7777})
        names = files.list("data/snapshots")
        files._fail_at, files._failure = files.operations + fail_at, Failure.NO_SPACE
        try:
            checkpoint(store)
        except (ServerError, OSError):
            wrote_manifest = any("MANIFEST" in each for each in files.trace[files._fail_at :])
            if not wrote_manifest:
                is_published = files.read("data/MANIFEST") != b""
                left = set(files.list("data/snapshots")) - set(names)
                named = {name for name in left if name.partition(".arrow")[0] + ".arrow" in named_files(store)}
                assert is_published and left == named
        else:
            assert fail_at > 10
            return
    raise AssertionError("no attempt got through")


def named_files(store: Store) -> set[str]:
    assert store.checkpoints is not None and store.checkpoints._manifest is not None
    return store.checkpoints._manifest.file_names()


@pytest.mark.parametrize("how", ["drop", "convert", "unindex"])
def test_who_reads_what_is_dropped_reads_to_the_end(how: str) -> None:
    files = CrashingFiles()
    store = opened(files)
    filled(store)
    checkpoint(store)
    store.close()
    store = opened(files)  # nothing of the files is mapped
    collection = store.catalog.by_namespace["db.c"]
    assert collection.secondary is not None
    view, entries = store.view(collection), collection.secondary.indexes[0].view()
    if how == "drop":
        store.drop("db.c")
    elif how == "convert":
        store.convert_to_capped(collection, {"capped": True, "size": 1000})
    else:
        store.drop_indexes(collection, ["a_1", "u_1"])
    checkpoint(store)
    assert len(list(view)) == len(list(entries)) == 10
    assert len(list(entries.between(b"", b"\xff"))) == 10
    del view, entries, collection
    insert(store, "db.new", {"_id": 1})
    checkpoint(store)
    assert {name.partition(".arrow")[0] + ".arrow" for name in files.list("data/snapshots")} == named_files(store)


def test_an_index_made_anew_between_a_checkpoint_and_its_merging() -> None:
    files = CrashingFiles()
    store = opened(files)
    filled(store)
    assert store.checkpoints is not None
    for number in range(50, 53):
        insert(store, "db.c", {"_id": number, "a": 1, "u": number})
        store.checkpoints._make(Interrupt())
    collection = store.catalog.by_namespace["db.c"]
    store.drop_indexes(collection, ["a_1", "u_1"])
    store.create_indexes(collection, [INDEX, UNIQUE])
    store.checkpoints._compact(Interrupt())
    before = shown(store)
    assert shown(opened(files.kill())) == before


def test_no_checkpoint_is_made_when_the_store_is_closed() -> None:
    files = CrashingFiles()
    store = opened(files, QUIET)
    filled(store)
    store.close()
    operations = files.operations
    with pytest.raises(ServerError) as caught:
        checkpoint(store)
    assert caught.value.code == ErrorCode.FileNotOpen and files.operations == operations


def test_compacting_makes_one_file_of_each() -> None:
    files = CrashingFiles()
    store = opened(files)
    filled(store)
    assert store.checkpoints is not None
    insert(store, "db.c", *({"_id": number, "a": 1, "u": number, "x": "x" * 1000} for number in range(100, 400)))
    checkpoint(store)
    for number in range(100, 400, 2):
        delete(store, "db.c", number)
    collection = store.catalog.by_namespace["db.c"]
    before = shown(store)
    freed = store.checkpoints.compact(collection, Interrupt())
    assert freed > 150_000
    assert shown(store) == before
    assert len(collection.layers) == len(collection.id_layers) == 1
    assert collection.secondary is not None
    assert [len(index.layers) for index in collection.secondary.indexes] == [1, 1]
    operations = files.operations
    assert store.checkpoints.compact(collection, Interrupt()) == 0
    assert files.operations == operations  # it is as small as can be
    last = store.checkpoints.last
    assert last is not None and last.sequence == store.last_sequence and last.file_count == 6
    assert last.disk_bytes == sum(files.size(f"data/snapshots/{name}") for name in files.list("data/snapshots"))
    assert shown(opened(files.kill())) == before


def test_options_and_definitions_come_back_as_they_were() -> None:
    """From the MANIFEST as from the log: values of every type, fields in their order."""
    values = {
        "b": 1, "_id": Int64(1), "double": 1.0, "nan": float("nan"), "decimal": Decimal128("1.10"), "none": None,
        "regex": Regex("a", "i"), "date": DatetimeMS(-5), "time": Timestamp(1, 2), "object": {"z": 1, "_id": 2},
        "binary": Binary(b"x", 5), "code": Code("x"), "min": MinKey(), "max": MaxKey(), "oid": ObjectId(), "big": 2**40,
        "ref": {"$ref": "c", "$id": 1}, "array": [True, {"_id": 1}], "bytes": b"x",
    }  # fmt: skip
    files = CrashingFiles()
    store = opened(files, QUIET)
    store.create("db.c", {"validator": values})
    insert(store, "db.c", {"_id": 1, "a": 1})
    partial = {**INDEX, "partialFilterExpression": {"a": {"$exists": True}}, "storageEngine": values}
    store.create_indexes(store.catalog.by_namespace["db.c"], [partial])

    def told(store: Store) -> tuple[str, str]:
        collection = store.catalog.by_namespace["db.c"]
        return repr(collection.options), repr(collection.indexes)

    by_log = opened(files.kill(), QUIET)
    expected = told(by_log)
    checkpoint(by_log)
    assert told(opened(store_files(by_log).kill(), QUIET)) == expected
