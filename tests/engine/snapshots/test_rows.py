"""Rows files: what is written is read back, whatever the record ids, the sizes and the marks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import CrashingFiles, DiskFiles, Files, MemoryFiles
from amongo.engine.records import BELOW
from amongo.engine.snapshots import Rows, RowsWriter, rows_name

TOP = "/snapshots"


def memory() -> Files:
    files = MemoryFiles()
    files.make_directory(TOP)
    return files


def written(files: Files, rows: dict[int, bytes | None], top: str = TOP, step: int = 1000) -> Rows:
    """A rows file of these documents, added in portions of `step`."""
    writer = RowsWriter(files, f"{top}/{rows_name(1)}")
    ids = sorted(rows)
    for start in range(0, len(ids), step):
        part = ids[start : start + step]
        writer.add(part, [rows[each] for each in part])
    return Rows(files, top, writer.finish())


def filled(rows: Rows, base: int) -> dict[int, bytes | None]:
    """What `fill` knows of a block."""
    unknown = b"unknown"
    slots: list[bytes | None] = [unknown] * 4096
    rows.fill(base, slots)
    assert len(slots) == 4096
    return {base + slot: found for slot, found in enumerate(slots) if found is not unknown}


def everything(rows: Rows) -> dict[int, bytes | None]:
    """What `batches` yields."""
    return {
        record_id: document
        for ids, documents in rows.batches()
        for record_id, document in zip(ids, documents, strict=True)
    }


documents = st.one_of(st.none(), st.binary(min_size=5, max_size=60), st.just(b"x" * 70_000))
record_ids = st.one_of(st.integers(0, 40), st.integers(4000, 4200), st.integers(0, 20_000), st.just(2**50))


@settings(max_examples=50)
@given(st.dictionaries(record_ids, documents, min_size=1, max_size=60), st.integers(0, 4300), st.integers(1, 5000))
def test_any_slots_are_filled(model, base, count):
    rows = written(memory(), model)
    slots: list[bytes | None] = [b"unknown"] * count
    rows.fill(base, slots)
    assert slots == [model.get(each, b"unknown") for each in range(base, base + count)]


@settings(max_examples=50)
@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 20))
def test_any_part_of_a_dense_batch(base, count, step):
    model = {each: None if each % step == 1 else b"%05d" % each for each in range(50, 160)}
    rows = written(memory(), model)
    slots: list[bytes | None] = [b"unknown"] * count
    rows.fill(base, slots)
    assert slots == [model.get(each, b"unknown") for each in range(base, base + count)]


@settings(max_examples=50)
@given(st.dictionaries(record_ids, documents, min_size=1, max_size=60), st.integers(1, 60))
def test_every_way_of_reading_gives_what_was_written(model, step):
    rows = written(memory(), model, step=step)
    assert everything(rows) == model
    for record_id in {*model, *range(50), *range(3990, 4210), 2**50 - 1, 2**50 + 1}:
        assert rows.record(record_id) == model.get(record_id, BELOW)
    for base in {record_id & ~4095 for record_id in model} | {0, 4096, 8192}:
        assert filled(rows, base) == {each: model[each] for each in model if each & ~4095 == base}
    file = rows.file
    assert (file.first_id, file.last_id) == (min(model), max(model))
    assert file.documents == sum(each is not None for each in model.values())
    assert file.deletions == sum(each is None for each in model.values())
    assert file.data_bytes == sum(len(each) for each in model.values() if each is not None)


@pytest.mark.parametrize("make", [DiskFiles, memory, CrashingFiles])
def test_dense_blocks_of_many_batches(make, tmp_path):
    files = make()
    top = str(tmp_path) if make is DiskFiles else TOP
    files.make_directory(top)
    model = {record_id: bytes([record_id & 255]) * (2000 + record_id % 7) for record_id in range(100, 9000)}
    rows = written(files, model, top)
    assert all(rows.record(each) == model[each] for each in model)
    assert rows.record(99) is BELOW and rows.record(9000) is BELOW
    assert everything(rows) == model
    assert filled(rows, 4096) == {each: model[each] for each in range(4096, 8192)}
    assert next(rows.batches(5000))[0][0] <= 5000


def test_batches_begin_where_they_are_asked_to():
    rows = written(memory(), dict.fromkeys(range(0, 20_000, 2), b"12345"))
    assert [ids[0] for ids, _ in rows.batches(9000)] == [8192, 12288, 16384]
    assert [ids[0] for ids, _ in rows.batches(19_999)] == []
    assert [ids[0] for ids, _ in rows.batches(-3)] == [0, 4096, 8192, 12288, 16384]


def test_a_document_as_long_as_they_may_be():
    model = {1: b"a" * 16_000_000, 2: b"b" * 9, 3: None}
    rows = written(memory(), model)
    assert everything(rows) == model and rows.record(1) == model[1] and rows.record(3) is None


def test_an_empty_file():
    rows = written(memory(), {})
    assert everything(rows) == {} and rows.record(0) is BELOW and filled(rows, 0) == {}


def test_record_ids_must_ascend():
    writer = RowsWriter(memory(), f"{TOP}/{rows_name(1)}")
    writer.add([5], [b"12345"])
    with pytest.raises(ValueError, match="does not come after"):
        writer.add([5], [b"12345"])


def test_arrow_reads_the_file_as_well(tmp_path):
    model = {3: b"12345", 7: None, 9: b"67890abc"}
    file = written(DiskFiles(), model, str(tmp_path)).file
    table = pa.ipc.open_file(tmp_path / file.name).read_all()
    assert dict(zip(table["record_id"].to_pylist(), table["document"].to_pylist(), strict=True)) == model


def test_abort_leaves_nothing_and_debris_is_overwritten(tmp_path):
    files, path = DiskFiles(), f"{tmp_path}/{rows_name(1)}"
    for ending in ("", ".sidecar", ".hash"):
        (tmp_path / (rows_name(1) + ending)).write_bytes(b"left by a stop")
    writer = RowsWriter(files, path)
    writer.add([1], [b"12345"])
    writer.abort()
    assert files.list(str(tmp_path)) == []


def test_reading_goes_on_after_release_and_after_removal(tmp_path):
    files = DiskFiles()
    rows = written(files, {each: b"%05d" % each for each in range(5000)}, str(tmp_path))
    assert rows.record(1) == b"00001"
    rows.release()
    assert rows.record(4999) == b"04999"
    files.remove(f"{tmp_path}/{rows.file.name}")
    assert rows.record(17) == b"00017"


def test_small_windows(monkeypatch):
    """A file is mapped part by part where the address space is limited; few parts are kept."""
    monkeypatch.setattr(MemoryFiles, "window_bytes", 64 * 1024)
    model = {each: bytes([each & 255]) * (each % 3000 + 5) for each in range(3000)}
    rows = written(memory(), model)
    assert len(rows.mapped.windows) > 50
    assert everything(rows) == model
    assert all(rows.record(each) == model[each] for each in model)
    assert sum(each is not None for each in rows.mapped.windows) <= 5


_SCAN = """
import resource, sys, types
amongo = sys.modules["amongo"] = types.ModuleType("amongo")  # its engine alone: the rest takes longer to load
amongo.__path__ = [{root!r} + "/amongo"]
from amongo.engine.files import DiskFiles
from amongo.engine.snapshots import Rows, RowsFile
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {room}, used + {room}))
rows = Rows(DiskFiles(), {top!r}, {file!r})
assert rows.file.size > 2 * {room}
slots = [None] * 4096
count = 0
for base in range(0, rows.last_id + 1, 4096):
    rows.fill(base, slots)
    count += len(set(slots))
assert rows.record(3) is not None and rows.record(rows.last_id - 1) is not None
print(count)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space")
def test_a_file_twice_as_long_as_the_address_space_is_scanned(tmp_path):
    content = os.urandom(1_000_000)
    writer = RowsWriter(DiskFiles(), f"{tmp_path}/{rows_name(1)}")
    for block in range(45):
        places = range(block * 100, block * 100 + 4096 * 100, 100)
        writer.add(range(block * 4096, block * 4096 + 4096), [content[place : place + 500] for place in places])
    file = writer.finish()
    code = _SCAN.format(root=str(Path(__file__).parents[3]), room=44 * 1024 * 1024, top=str(tmp_path), file=file)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == str(45 * 4096), done.stderr
