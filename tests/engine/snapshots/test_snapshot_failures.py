"""A file system that fails or stops in the middle of writing: an error, nothing left over, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from amongo.engine.files import CrashingFiles, Failure, Files, MachineStopped
from amongo.engine.indexes.entry import entry_of
from amongo.engine.snapshots import Rows, RowsFile, RowsWriter, Run, RunFile, RunWriter, rows_name, run_name

TOP = "/snapshots"
MODEL = {each: b"%05d" % each * 9 for each in range(9000)}
ENTRIES = [entry_of(b"\x30" + number.to_bytes(4), number) for number in range(9000)]


def write_rows(files: Files) -> RowsFile:
    writer = RowsWriter(files, f"{TOP}/{rows_name(1)}")
    try:
        writer.add(list(MODEL), list(MODEL.values()))
        return writer.finish()
    except BaseException:
        writer.abort()
        raise


def write_run(files: Files) -> RunFile:
    writer = RunWriter(files, f"{TOP}/{run_name(1)}", True)
    try:
        writer.add(ENTRIES)
        writer.remove(ENTRIES[:10])
        return writer.finish()
    except BaseException:
        writer.abort()
        raise


def at(**how: object) -> CrashingFiles:
    files = CrashingFiles(**how)  # type: ignore[arg-type]
    files.make_directory(TOP)
    return files


def steps(write: Callable[[Files], object]) -> range:
    files = at()
    first = files.operations
    write(files)
    return range(first, files.operations)


@pytest.mark.parametrize("failure", [Failure.NO_SPACE, Failure.IO_ERROR])
@pytest.mark.parametrize("write", [write_rows, write_run])
def test_a_failure_at_any_step_is_an_error_and_leaves_nothing(write, failure):
    for step in steps(write):
        files = at(fail_at=step, failure=failure)
        with pytest.raises(OSError):
            write(files)
        assert files.list(TOP) == []
        write(files)  # the name can be used again


@pytest.mark.parametrize("write", [write_rows, write_run])
def test_a_stop_at_any_step_leaves_what_the_next_writer_overwrites(write):
    for step in steps(write):
        files = at(fail_at=step)
        with pytest.raises(MachineStopped):
            write(files)
        write(files.crash(step))
        write(files.kill())


@pytest.mark.parametrize("seed", range(20))
def test_what_is_finished_survives_a_power_loss(seed):
    files = at()
    rows, run = write_rows(files), write_run(files)
    files.sync_directory(TOP)
    after = files.crash(seed)
    found = Rows(after, TOP, rows)
    found.check()
    assert {each: document for pair in found.batches() for each, document in zip(*pair, strict=True)} == MODEL
    entries = Run(after, TOP, run)
    entries.check()
    assert list(entries.between(b"", b"\xff")) == ENTRIES and list(entries.has_key(b"\x30\0\0\0\x07")) == [7]
