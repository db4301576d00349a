"""Columns in files: what a checkpoint leaves of them, and what becomes of it at the next opening."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import pyarrow as pa
import pytest
from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from amongo.engine.columns import EACH, Columns, Path, filing
from amongo.engine.columns.cache import columns_of
from amongo.engine.columns.decoded import columns_of_documents
from amongo.engine.columns.persistence import ColumnsDamaged, read_columns, write_columns
from amongo.engine.files import Files, MemoryFiles
from amongo.engine.records import Collection, record_keys
from amongo.engine.repair import check, repair
from amongo.engine.settings import Settings
from amongo.engine.snapshots import ColumnsFile, read_manifest, write_manifest
from amongo.engine.store import Change, Store
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import NEVER, Interrupt, OperationInterrupted
from amongo.values.codec import encode
from tests.engine.column_rows import assert_exact, rows_of, settled
from tests.engine.stopping import StopsAt

A: Path = ("a",)
B: Path = ("b",)
EACH_C: Path = ("c", EACH)
SETTINGS = Settings(column_file_count=1, closing_checkpoint_bytes=10**9, log_retained_bytes=0)


@pytest.fixture(autouse=True)
def little_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written anew after few changes."""
    monkeypatch.setattr(filing, "COLUMN_FILE_STALE_COUNT", 2)


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles()


def opened(files: Files | None, directory: str = "data", settings: Settings = SETTINGS) -> Store:
    store = Store.open(directory, files=files, clock=ManualClock(), settings=settings, has_service=False)
    store.columns.segment_bits = 3
    return store


def collection_of(store: Store) -> Collection:
    return store.create("test.filed")


def insert(store: Store, start: int, count: int) -> None:
    documents = [{"_id": n, "a": n, "b": f"text {n}", "c": [n, str(n)]} for n in range(start, start + count)]
    raws = [encode(document) for document in documents]
    assert store.insert(collection_of(store), record_keys(raws), raws).positions is None


def change(store: Store, *record_ids: int) -> None:
    collection = collection_of(store)
    for record_id in record_ids:
        old = collection.record(record_id)
        assert old is not None
        new = encode({"_id": record_id - 1, "a": "changed", "c": record_id})
        assert not store.update(collection, [Change(record_id, old, new, None)]).conflicts


def delete(store: Store, *record_ids: int) -> None:
    collection = collection_of(store)
    found = [(record_id, collection.record(record_id)) for record_id in record_ids]
    assert not store.delete(collection, [(each, raw) for each, raw in found if raw is not None]).conflicts


def checkpoint(store: Store, interrupt: Interrupt = NEVER) -> None:
    assert store.checkpoints is not None
    store.checkpoints.checkpoint(interrupt)


def asked(store: Store, *paths: Path) -> Columns:
    view, columns = columns_of(store, collection_of(store), paths, NEVER)
    assert_exact(view, columns, paths)
    return columns


def named(files: Files, directory: str = "data") -> tuple[ColumnsFile, ...]:
    manifest = read_manifest(files, directory)
    assert manifest is not None
    return manifest.collections[0].columns


def there(files: Files) -> set[str]:
    return {name for name in files.list("data/snapshots") if ".columns." in name}


def filed(files: Files, count: int = 30, paths: tuple[Path, ...] = (A, B, EACH_C)) -> Store:
    """A store with columns in four files."""
    store = opened(files)
    insert(store, 0, count)
    asked(store, *paths)
    checkpoint(store)
    return store


# From opening to opening


def test_the_next_opening_finds_them(files: MemoryFiles) -> None:
    filed(files).close()
    store = opened(files)
    assert asked(store, A, EACH_C).built == 0
    assert asked(store, A, B).built == 0
    assert asked(store, ("d",)).built == 30


def test_what_the_log_has_changed_since_is_brought_up_to_date(files: MemoryFiles) -> None:
    store = filed(files)
    change(store, 3)
    delete(store, 5, 20)
    insert(store, 100, 4)
    store = opened_anew(store, files)
    assert asked(store, A, EACH_C).built == 5
    assert asked(store, B).built == 5
    checkpoint(store)
    store.close()
    assert asked(opened(files), A, B, EACH_C).built == 2  # what is stale is not worth another file


def test_segments_that_have_not_changed_are_not_written_again(files: MemoryFiles) -> None:
    store = filed(files)
    first = named(files)
    assert [(file.first_id, file.end_id, file.bound, file.rows) for file in first] == [
        (0, 8, 8, 7),
        (8, 16, 16, 8),
        (16, 24, 24, 8),
        (24, 32, 31, 7),
    ]
    change(store, 9, 10, 11)  # enough
    change(store, 17)  # not enough
    checkpoint(store)
    second = named(files)
    assert [one.name == other.name for one, other in zip(first, second, strict=True)] == [True, False, True, True]
    assert [len(file.stale) // 4 for file in second] == [0, 0, 1, 0]
    assert there(files) == {file.name for file in second}
    change(store, 18)
    checkpoint(store)
    assert [len(file.stale) // 4 for file in named(files)] == [0, 0, 2, 0]
    delete(store, 19)
    checkpoint(store)
    assert [len(file.stale) // 4 for file in named(files)] == [0, 0, 0, 0]
    store.close()
    assert asked(opened(files), A).built == 0


def test_a_file_that_is_stale_in_part_is_good_for_the_rest(files: MemoryFiles) -> None:
    store = filed(files)
    change(store, 17)
    checkpoint(store)  # what the log has of it is gone
    store.close()
    store = opened(files)
    assert asked(store, A, B).built == 1


def test_what_nobody_asks_for_any_more_goes_with_the_next_change(files: MemoryFiles) -> None:
    filed(files).close()
    store = opened(files)
    asked(store, A)
    change(store, 1, 2, 3)
    checkpoint(store)
    assert [file.paths for file in named(files)] == [(A,), (A, B, EACH_C), (A, B, EACH_C), (A, B, EACH_C)]
    asked(store, B)
    checkpoint(store)
    store.close()
    assert named(files)[0].paths == (A, B)


def test_files_of_columns_that_nobody_asks_for_are_given_up_when_much_has_changed(files: MemoryFiles) -> None:
    filed(files).close()
    store = opened(files)
    change(store, 1, 2, 3)
    checkpoint(store)
    assert [file.first_id for file in named(files)] == [8, 16, 24]
    store.close()
    assert asked(opened(files), A).built == 7


def test_closing_writes_what_queries_have_used(files: MemoryFiles) -> None:
    store = opened(files)
    insert(store, 0, 30)
    checkpoint(store)
    assert named(files) == ()
    asked(store, A)
    store.close()  # with nothing new in the log
    assert len(named(files)) == 4
    store = opened(files)
    assert asked(store, A).built == 0
    insert(store, 30, 10)
    asked(store, B)
    store.close()
    assert asked(opened(files), A, B).built == 0


def test_closing_writes_nothing_of_what_is_in_files_already(files: MemoryFiles) -> None:
    filed(files).close()
    before = named(files)
    store = opened(files)
    asked(store, A, B)
    store.close()
    assert named(files) == before


def test_small_collections_are_not_worth_a_file(files: MemoryFiles) -> None:
    store = opened(files, settings=replace(SETTINGS, column_file_count=31))
    insert(store, 0, 30)
    asked(store, A)
    checkpoint(store)
    assert named(files) == ()


def test_a_compaction_keeps_them(files: MemoryFiles) -> None:
    store = filed(files)
    assert store.checkpoints is not None
    insert(store, 50, 5)
    before = named(files)
    store.checkpoints.compact(collection_of(store), NEVER)
    assert named(files)[:3] == before[:3]
    store.close()
    assert asked(opened(files), A).built == 1  # the one in the last segment; the others are in a new one


def test_a_dropped_collection_takes_its_files_along(files: MemoryFiles) -> None:
    store = filed(files)
    store.drop("test.filed")
    checkpoint(store)
    assert there(files) == set()


# What goes wrong


def damaged(files: MemoryFiles, name: str) -> None:
    raw = bytearray(files.read(f"data/snapshots/{name}"))
    raw[len(raw) // 2] ^= 1
    files.remove(f"data/snapshots/{name}")
    file = files.open_append(f"data/snapshots/{name}", create=True)
    file.write(bytes(raw))
    file.close()


def test_a_damaged_file_is_not_used_and_named_by_check(files: MemoryFiles) -> None:
    filed(files).close()
    name = named(files)[1].name
    damaged(files, name)
    report = check("data", files=files)
    assert report.is_sound
    assert [each.name for each in report.snapshots if each.damage] == [name]
    store = opened(files)
    assert asked(store, A, B).built == 8
    change(store, 9, 10, 11)
    checkpoint(store)
    store.close()
    assert asked(opened(files), A, B).built == 0


@pytest.mark.parametrize("count", [1, 4])
def test_a_missing_file_is_made_anew(files: MemoryFiles, count: int) -> None:
    filed(files).close()
    for file in named(files)[:count]:
        files.remove(f"data/snapshots/{file.name}")
    assert check("data", files=files).is_sound
    assert asked(opened(files), A, B).built == (7 if count == 1 else 30)


def test_a_checkpoint_of_an_older_amongo_has_none(files: MemoryFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    filed(files).close()
    manifest = read_manifest(files, "data")
    assert manifest is not None
    from amongo.engine.snapshots import manifest as module

    whole = module._collection_document
    monkeypatch.setattr(
        module,
        "_collection_document",
        lambda each: {name: value for name, value in whole(each).items() if name != "columns"},
    )
    write_manifest(files, "data", manifest)
    monkeypatch.undo()
    assert named(files) == ()
    store = opened(files)
    assert asked(store, A).built == 30
    change(store, 1)
    checkpoint(store)
    assert there(files) == {file.name for file in named(files)}


def test_a_store_with_other_segments_ignores_them(files: MemoryFiles) -> None:
    filed(files).close()
    store = opened(files)
    store.columns.segment_bits = 2
    assert asked(store, A).built == 30


def test_a_checkpoint_that_is_stopped_leaves_nothing_behind(files: MemoryFiles) -> None:
    store = filed(files)
    for left in range(1, 400, 3):
        change(store, 1, 2, 3, 9, 10, 11)
        before = there(files)
        try:
            checkpoint(store, StopsAt(left))
        except OperationInterrupted:
            asked(store, A, B)
            assert {file.name for file in named(files)} <= there(files) <= before
        else:
            break
    assert 20 < left < 390
    assert there(files) == {file.name for file in named(files)}
    store.close()
    asked(opened(files), A, B, EACH_C)


def test_a_commit_during_the_checkpoint_is_not_in_its_files(
    files: MemoryFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filed(files)
    change(store, 1, 2, 3)
    written = filing.Filing.written

    def interrupted(each: filing.Filing, place: Any, **options: Any) -> Any:
        change(store, 4, 9)
        insert(store, 90, 3)
        found = written(each, place, **options)
        change(store, 5)
        asked(store, A)
        return found

    monkeypatch.setattr(filing.Filing, "written", interrupted)
    checkpoint(store)
    monkeypatch.undo()
    store = opened_anew(store, files)
    assert asked(store, A).built == 6
    assert asked(store, B).built == 6


def opened_anew(store: Store, files: MemoryFiles) -> Store:
    store.checkpoints = None  # no closing checkpoint
    store.close()
    return opened(files)


def test_repair_does_without(tmp_path: FilePath) -> None:
    store = opened(None, str(tmp_path / "old"))
    insert(store, 0, 30)
    asked(store, A)
    checkpoint(store)
    store.close()
    report = repair(str(tmp_path / "old"), str(tmp_path / "new"))
    assert report.losses == ()
    assert asked(opened(None, str(tmp_path / "new")), A).built == 30


def test_mapped_columns_outlive_their_files_and_the_store(tmp_path: FilePath) -> None:
    store = opened(None, str(tmp_path))
    insert(store, 0, 30)
    asked(store, A, EACH_C)
    checkpoint(store)
    store.close()
    store = opened(None, str(tmp_path))
    view, columns = columns_of(store, collection_of(store), [A, EACH_C], NEVER)
    assert columns.built == 0
    store.drop("test.filed")
    checkpoint(store)
    assert not [name for name in os.listdir(tmp_path / "snapshots") if ".columns." in name]
    store.close()
    assert_exact(view, columns, [A, EACH_C])


# The file

VALUES: list[Any] = [
    None,
    1,
    Int64(2**50),
    -0.5,
    float("nan"),
    "text",
    "",
    True,
    DatetimeMS(-1),
    ObjectId(b"1" * 12),
    Decimal128("1"),
    {"a": 1},
    [1, [2], {"c": "x"}, None],
    [],
    b"bytes",
]


@pytest.mark.parametrize("is_dictionary", [False, True])
def test_every_kind_of_column_comes_back(files: MemoryFiles, is_dictionary: bool) -> None:
    paths: list[Path] = [A, (*A, EACH), (*A, EACH, "c"), B]
    documents = [encode({"a": value} if position % 3 else {}) for position, value in enumerate(VALUES)]
    columns = dict(zip(paths, columns_of_documents(documents, paths, NEVER), strict=True))
    if is_dictionary:
        slots = dict(columns[A].slots)
        columns[A] = replace(columns[A], slots={**slots, "string": slots["string"].dictionary_encode()})
    ids = pa.array(range(5, 5 + len(documents))).to_numpy()
    size, checksum = write_columns(files, "file", ids, columns, NEVER)
    file = ColumnsFile("file", size, checksum, 0, 8, 8, len(ids), tuple(paths))
    found_ids, found = read_columns(files, "file", file, NEVER)
    assert found_ids.tolist() == ids.tolist()
    assert list(found) == paths
    for path, column in columns.items():
        assert rows_of(found[path]) == rows_of(column)
        assert repr(settled(found[path].facts)) == repr(settled(column.facts))
        assert (found[path].offsets is None) == (column.offsets is None)
        if column.offsets is not None:
            assert found[path].offsets.tolist() == column.offsets.tolist()  # type: ignore[union-attr]


@pytest.mark.parametrize("position", [0, 9, 500, -1])
def test_no_byte_of_a_file_may_change(files: MemoryFiles, position: int) -> None:
    columns = dict(zip([A], columns_of_documents([encode({"a": 1})], [A], NEVER), strict=True))
    size, checksum = write_columns(files, "good", pa.array([5]).to_numpy(), columns, NEVER)
    raw = bytearray(files.read("good"))
    raw[position] ^= 0x10
    for name, contents in (("bad", bytes(raw)), ("short", bytes(raw[:-8])), ("empty", b"")):
        file = files.open_append(name, create=True)
        file.write(contents)
        file.close()
    for name in ("bad", "short", "empty", "missing"):
        with pytest.raises(ColumnsDamaged):
            read_columns(files, name, ColumnsFile(name, size, checksum, 0, 8, 8, 1, (A,)), NEVER)


def test_queries_and_checkpoints_while_others_write(files: MemoryFiles) -> None:
    store = filed(files, 60)
    failures: list[BaseException] = []
    done = threading.Event()

    def repeat(call: Callable[[], object]) -> None:
        try:
            while not done.is_set():
                call()
        except BaseException as error:
            failures.append(error)

    calls = [
        lambda: asked(store, A),
        lambda: asked(store, B, EACH_C),
        lambda: asked(store, B),
        lambda: checkpoint(store),
    ]
    threads = [threading.Thread(target=repeat, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for number in range(60):
        change(store, 1 + number * 7 % 59)
        if number % 4 == 0:
            insert(store, 1000 + number, 2)
        if number % 8 == 7:
            delete(store, 60 + number // 8)
    done.set()
    for thread in threads:
        thread.join(30)
    assert not failures
    store = opened_anew(store, files)
    asked(store, A, B, EACH_C)
