"""Damage of every kind is detected and named, and nothing wrong is served."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import Files, MemoryFiles
from amongo.engine.indexes.entry import entry_of
from amongo.engine.records import BELOW
from amongo.engine.snapshots import (
    Rows,
    RowsFile,
    RowsWriter,
    Run,
    RunFile,
    RunWriter,
    merge_rows,
    merge_runs,
    rows_name,
    run_name,
)
from amongo.errors import ErrorCode, ServerError

TOP = "/snapshots"
COUNT = 5000
DETECTED = {ErrorCode.DataCorruptionDetected, ErrorCode.UnsupportedFormat}


def document(record_id: int) -> bytes | None:
    return None if record_id % 11 == 3 else b"%06d" % record_id * (record_id % 4 + 1)


def key(number: int) -> bytes:
    return b"\x30" + number.to_bytes(4)


MODEL = {each: document(each) for each in range(COUNT) if each % 5}
ADDED = [entry_of(key(number), number) for number in range(COUNT)]
REMOVED = [entry_of(key(number), number + 1) for number in range(0, COUNT, 3)]


def written(files: Files) -> tuple[RowsFile, RunFile]:
    rows = RowsWriter(files, f"{TOP}/{rows_name(1)}")
    rows.add(list(MODEL), list(MODEL.values()))
    run = RunWriter(files, f"{TOP}/{run_name(2)}", True)
    run.add(ADDED)
    run.remove(REMOVED)
    return rows.finish(), run.finish()


def _contents() -> dict[str, bytes]:
    files = MemoryFiles()
    files.make_directory(TOP)
    global ROWS, RUN
    ROWS, RUN = written(files)
    return {name: files.read(f"{TOP}/{name}") for name in files.list(TOP)}


ROWS: RowsFile
RUN: RunFile
WHOLE = _contents()
NAMES = sorted(WHOLE)


def store(contents: dict[str, bytes]) -> Files:
    files = MemoryFiles()
    files.make_directory(TOP)
    for name, content in contents.items():
        files.open_append(f"{TOP}/{name}", create=True).write(content)
    return files


def reads(files: Files) -> list[tuple[Callable[[], object], object]]:
    """Ways of reading all there is, and what each has to give. Opening is part of each."""

    def rows() -> Rows:
        return Rows(files, TOP, ROWS)

    def run() -> Run:
        return Run(files, TOP, RUN)

    def filled() -> list[bytes | None]:
        slots: list[bytes | None] = [b"unknown"] * 4096
        rows().fill(4096, slots)
        return slots

    return [
        (
            lambda: [rows().record(each) for each in range(0, COUNT, 37)],
            [MODEL.get(e, BELOW) for e in range(0, COUNT, 37)],
        ),
        (lambda: {k: v for pair in rows().batches() for k, v in zip(*pair, strict=True)}, MODEL),
        (filled, [MODEL.get(each, b"unknown") for each in range(4096, 8192)]),
        (lambda: list(run().between(b"", b"\xff")), ADDED),
        (lambda: list(run().between_backward(b"", b"\xff")), ADDED[::-1]),
        (lambda: list(run().removed_between(b"", b"\xff")), REMOVED),
        (lambda: [list(run().has_key(key(each))) for each in range(0, COUNT, 37)], [[e] for e in range(0, COUNT, 37)]),
        (lambda: run().count_between(key(17), key(4700)), 4683),
        (lambda: run().at_or_after(key(4097)), ADDED[4097]),
    ]


def check(files: Files) -> None:
    """What `amongo check` does."""
    Rows(files, TOP, ROWS).check()
    Run(files, TOP, RUN).check()


def assert_detected(contents: dict[str, bytes], name: str) -> None:
    """Reading gives what is right, or an error that names the file; checking gives the error."""
    files = store(contents)
    for read, expected in reads(files):
        try:
            assert read() == expected
        except ServerError as error:
            assert error.code in DETECTED and name in error.message
    with pytest.raises(ServerError) as caught:
        check(files)
    assert caught.value.code in DETECTED and name in caught.value.message


def test_whole_files_are_read():
    files = store(WHOLE)
    check(files)
    assert all(read() == expected for read, expected in reads(files))


@settings(max_examples=20)
@given(st.sampled_from(NAMES), st.data())
def test_a_flipped_bit(name, data):
    content = bytearray(WHOLE[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert_detected({**WHOLE, name: bytes(content)}, name)


@settings(max_examples=20)
@given(st.sampled_from(NAMES), st.data())
def test_a_shorter_or_a_longer_file(name, data):
    size = data.draw(st.one_of(st.just(0), st.integers(0, len(WHOLE[name]) - 1)))
    content = data.draw(st.sampled_from([WHOLE[name][:size], WHOLE[name] + b"\0" * (size + 1)]))
    assert_detected({**WHOLE, name: content}, name)


@settings(max_examples=20)
@given(st.sampled_from(NAMES), st.data())
def test_a_lost_block(name, data):
    start = data.draw(st.integers(0, len(WHOLE[name]) - 1)) & ~511
    content = WHOLE[name][:start] + bytes(len(WHOLE[name][start : start + 512])) + WHOLE[name][start + 512 :]
    if content != WHOLE[name]:
        assert_detected({**WHOLE, name: content}, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file(name):
    assert_detected({other: content for other, content in WHOLE.items() if other != name}, name)


@pytest.mark.parametrize("name", NAMES)
def test_the_file_of_another_checkpoint(name):
    """Files of the same size with other contents: their own sidecars fit them, the MANIFEST does not know these."""
    files = MemoryFiles()
    files.make_directory(TOP)
    rows = RowsWriter(files, f"{TOP}/{rows_name(1)}")
    other = {each: found and found.swapcase()[::-1] for each, found in MODEL.items()}
    rows.add(list(other), list(other.values()))
    rows.finish()
    run = RunWriter(files, f"{TOP}/{run_name(2)}", True)
    run.add([entry_of(b"\x31" + number.to_bytes(4), number) for number in range(COUNT)])
    run.remove(REMOVED)
    run.finish()
    content = files.read(f"{TOP}/{name}")
    assert len(content) == len(WHOLE[name]) or name.endswith(".sidecar")
    assert_detected({**WHOLE, name: content}, name)


def test_a_sidecar_in_the_place_of_another():
    first, second = rows_name(1) + ".sidecar", run_name(2) + ".sidecar"
    assert_detected({**WHOLE, first: WHOLE[second]}, first)


@pytest.mark.parametrize("name", NAMES)
def test_a_merge_takes_nothing_that_is_damaged(name):
    if name.endswith(".hash"):
        return  # a merge does not look into it
    content = bytearray(WHOLE[name])
    content[len(content) // 2] ^= 1
    files = store({**WHOLE, name: bytes(content)})
    with pytest.raises(ServerError, match=name):
        merge_rows(RowsWriter(files, f"{TOP}/{rows_name(3)}"), [Rows(files, TOP, ROWS)], True)
        merge_runs(RunWriter(files, f"{TOP}/{run_name(4)}", True), [Run(files, TOP, RUN)], True)


def test_the_offset_is_that_of_the_page():
    name = rows_name(1)
    content = bytearray(WHOLE[name])
    content[70_000] ^= 1
    with pytest.raises(ServerError, match="damaged at byte 65536"):
        check(store({**WHOLE, name: bytes(content)}))


def test_all_damaged_pages_are_reported():
    from amongo.runtime.interrupts import NEVER

    name = rows_name(1)
    content = bytearray(WHOLE[name])
    content[0] ^= 1
    content[70_000] ^= 1
    rows = Rows(store({**WHOLE, name: bytes(content)}), TOP, ROWS)
    assert list(rows.mapped.damaged_pages(NEVER)) == [0, 65536]
