"""The MANIFEST: read as it was written, damaged ones refused, and never half a one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bson.binary import Binary
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import CrashingFiles, Failure, Files, MachineStopped, MemoryFiles
from amongo.engine.snapshots import (
    CollectionContents,
    IndexContents,
    Manifest,
    RowsFile,
    RunFile,
    read_manifest,
    write_manifest,
)
from amongo.engine.snapshots.manifest import pack_manifest, parse_manifest
from amongo.errors import ErrorCode, ServerError

TOP = "/store"
ROWS = RowsFile("0000000001.rows.arrow", 1000, 1100, 2**64 - 1, 5, 2**40, 70, 3, 900)
RUN = RunFile("0000000002.run.arrow", 500, 650, 2**63, True, 70, 0, 400)
SECOND_RUN = RunFile("0000000003.run.arrow", 500, 600, 17, False, 70, 3, 400)
INDEX = IndexContents({"v": 2, "key": {"a": 1, "b": -1}, "name": "a_1_b_-1"}, (SECOND_RUN,), {"multikey": [["a"], []]})
COLLECTION = CollectionContents(
    "shop.orders",
    b"u" * 16,
    {"capped": True, "validator": {"$ref": "x", "$id": 1}},
    90,
    70,
    900,
    (ROWS,),
    (RUN,),
    (INDEX,),
)
MANIFEST = Manifest(b"s" * 16, (1 << 63) + 7, 4, (COLLECTION,), {"retried": Binary(b"xyz", 5)})


def files_at(files: Files) -> Files:
    files.make_directory(TOP)
    return files


def test_what_was_written_is_read():
    files = files_at(MemoryFiles())
    assert read_manifest(files, TOP) is None
    write_manifest(files, TOP, MANIFEST)
    assert read_manifest(files, TOP) == MANIFEST
    write_manifest(files, TOP, replace(MANIFEST, sequence=9))
    assert read_manifest(files, TOP) == replace(MANIFEST, sequence=9)
    assert files.list(TOP) == ["MANIFEST"]


def test_the_files_it_needs():
    assert MANIFEST.file_names() == {ROWS.name, RUN.name, SECOND_RUN.name}


numbers = st.integers(0, 2**62)
rows_files = st.builds(RowsFile, st.text(max_size=9), *[numbers] * 2, st.integers(0, 2**64 - 1), *[numbers] * 5)
run_files = st.builds(
    RunFile, st.text(max_size=9), *[numbers] * 2, st.integers(0, 2**64 - 1), st.booleans(), *[numbers] * 3
)
options = st.dictionaries(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5), st.booleans())
collections = st.builds(
    CollectionContents,
    st.text(max_size=9),
    st.binary(min_size=16, max_size=16),
    options,
    numbers,
    numbers,
    numbers,
    st.lists(rows_files, max_size=3).map(tuple),
    st.lists(run_files, max_size=2).map(tuple),
    st.lists(st.builds(IndexContents, options, st.lists(run_files, max_size=2).map(tuple)), max_size=2).map(tuple),
    options,
)
manifests = st.builds(
    Manifest,
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**64 - 1),
    numbers,
    st.lists(collections, max_size=3).map(tuple),
    options,
)


@settings(max_examples=25)
@given(manifests)
def test_any_manifest(manifest):
    assert parse_manifest(pack_manifest(manifest), "MANIFEST") == manifest


RAW = pack_manifest(MANIFEST)


@given(st.integers(0, len(RAW) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_detected(offset, bit):
    raw = bytearray(RAW)
    raw[offset] ^= 1 << bit
    with pytest.raises(ServerError, match="'/there/MANIFEST' is damaged") as caught:
        parse_manifest(bytes(raw), "/there/MANIFEST")
    assert caught.value.code == ErrorCode.DataCorruptionDetected


@given(st.one_of(st.integers(0, len(RAW) - 1)), st.binary(min_size=1, max_size=9))
def test_another_length_is_detected(size, more):
    for raw in (RAW[:size], RAW + more):
        with pytest.raises(ServerError, match="is damaged"):
            parse_manifest(raw, "MANIFEST")


def test_a_newer_format_is_refused_by_name(monkeypatch):
    monkeypatch.setattr("amongo.engine.snapshots.manifest.FORMAT_VERSION", 2)
    raw = pack_manifest(MANIFEST)
    monkeypatch.undo()
    with pytest.raises(ServerError, match="format version 2") as caught:
        parse_manifest(raw, "MANIFEST")
    assert caught.value.code == ErrorCode.UnsupportedFormat


def _steps() -> int:
    files = files_at(CrashingFiles())
    before = files.operations
    write_manifest(files, TOP, MANIFEST)
    return files.operations - before


@pytest.mark.parametrize("failure", list(Failure))
@pytest.mark.parametrize("step", range(_steps()))
def test_a_stop_or_a_failure_at_any_step_leaves_the_old_or_the_new_one(failure, step):
    old = replace(MANIFEST, sequence=1)
    start = files_at(CrashingFiles())
    write_manifest(start, TOP, old)
    files = CrashingFiles(fail_at=start.operations + step, failure=failure)
    files.make_directory(TOP)
    write_manifest(files, TOP, old)
    with pytest.raises((MachineStopped, OSError)):
        write_manifest(files, TOP, MANIFEST)
    for successor in (*(files.crash(seed) for seed in range(20)), files.kill()):
        assert read_manifest(successor, TOP) in (old, MANIFEST)
        write_manifest(successor, TOP, MANIFEST)  # whatever the stop has left
        assert read_manifest(successor.crash(1), TOP) == MANIFEST
