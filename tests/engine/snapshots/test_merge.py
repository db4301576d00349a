"""Merged files say what the files said together, as layers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import Files, MemoryFiles
from amongo.engine.indexes.entry import entry_of
from amongo.engine.records import BELOW
from amongo.engine.snapshots import Rows, RowsWriter, Run, RunWriter, merge_rows, merge_runs, rows_name, run_name

TOP = "/snapshots"


def memory() -> Files:
    files = MemoryFiles()
    files.make_directory(TOP)
    return files


def rows_of(files: Files, number: int, model: dict[int, bytes | None]) -> Rows:
    writer = RowsWriter(files, f"{TOP}/{rows_name(number)}")
    ids = sorted(model)
    writer.add(ids, [model[each] for each in ids])
    return Rows(files, TOP, writer.finish())


def run_of(files: Files, number: int, added: set[bytes], removed: set[bytes]) -> Run:
    writer = RunWriter(files, f"{TOP}/{run_name(number)}", True)
    writer.add(sorted(added))
    writer.remove(sorted(removed))
    return Run(files, TOP, writer.finish())


def together(models: list[dict[int, bytes | None]]) -> dict[int, bytes | None]:
    """Rows of several layers, the newest first."""
    found: dict[int, bytes | None] = {}
    for model in reversed(models):
        found |= model
    return found


def merged_rows(models: list[dict[int, bytes | None]], is_oldest: bool) -> dict[int, bytes | None]:
    files = memory()
    rows = [rows_of(files, number, model) for number, model in enumerate(models)]
    writer = RowsWriter(files, f"{TOP}/{rows_name(99)}")
    merge_rows(writer, rows, is_oldest)
    found = Rows(files, TOP, writer.finish())
    contents = {each: document for pair in found.batches() for each, document in zip(*pair, strict=True)}
    assert all(found.record(each) == contents.get(each, BELOW) for model in models for each in model)
    return contents


documents = st.one_of(st.none(), st.binary(min_size=5, max_size=20))
rows_models = st.dictionaries(st.one_of(st.integers(0, 30), st.integers(4090, 4100), st.integers(0, 30_000)), documents)


@settings(max_examples=40)
@given(st.lists(rows_models, max_size=5), st.booleans())
def test_rows_of_any_layers(models, is_oldest):
    expected = together(models)
    if is_oldest:
        expected = {each: document for each, document in expected.items() if document is not None}
    assert merged_rows(models, is_oldest) == expected


def test_long_rows():
    old = {each: bytes([each & 255]) * 350 for each in range(20_000)}
    new: dict[int, bytes | None] = {each: b"n" * (each % 1500 + 5) for each in range(0, 20_000, 3)}
    newest: dict[int, bytes | None] = dict.fromkeys(range(9000, 17_000))
    newest |= dict.fromkeys(range(20_000, 29_000), b"12345")
    expected = together([newest, new, old])
    assert merged_rows([newest, new, old], False) == expected
    alive = {each: document for each, document in expected.items() if document is not None}
    assert merged_rows([newest, new, old], True) == alive


def test_a_merge_can_be_stopped():
    from amongo.runtime.interrupts import Interrupt, OperationInterrupted

    files, interrupt = memory(), Interrupt()
    interrupt.stop()
    writer = RowsWriter(files, f"{TOP}/{rows_name(99)}")
    with pytest.raises(OperationInterrupted):
        merge_rows(writer, [rows_of(files, 1, {1: b"12345"})], True, interrupt)
    writer.abort()
    assert files.list(TOP) == [rows_name(1), rows_name(1) + ".sidecar"]


def merged_run(parts: list[tuple[set[bytes], set[bytes]]], is_oldest: bool) -> tuple[list[bytes], list[bytes]]:
    files = memory()
    runs = [run_of(files, number, *part) for number, part in enumerate(parts)]
    writer = RunWriter(files, f"{TOP}/{run_name(99)}", True)
    merge_runs(writer, runs, is_oldest)
    run = Run(files, TOP, writer.finish())
    return list(run.between(b"", b"\xff")), list(run.removed_between(b"", b"\xff"))


def expected_run(parts: list[tuple[set[bytes], set[bytes]]], is_oldest: bool) -> tuple[list[bytes], list[bytes]]:
    """Layers of entries, the newest first, as one, by sets."""
    added: set[bytes] = set()
    removed: set[bytes] = set()
    for more_added, more_removed in reversed(parts):
        removed |= more_removed - added
        added = (added - more_removed) | more_added
    return sorted(added), [] if is_oldest else sorted(removed)


few = st.sets(
    st.builds(lambda number, end: entry_of(b"\x30%c\x01" % number, end), st.integers(2, 9), st.integers(0, 3))
)


@settings(max_examples=40)
@given(st.lists(st.tuples(few, few), max_size=4), st.booleans(), st.sampled_from([3, 7, 4096]))
def test_runs_of_any_layers(parts, is_oldest, batch_count):
    with pytest.MonkeyPatch.context() as patch:
        for module in ("run_writer", "runs"):
            patch.setattr(f"amongo.engine.snapshots.{module}.SNAPSHOT_BATCH_COUNT", batch_count)
        assert merged_run(parts, is_oldest) == expected_run(parts, is_oldest)


def test_long_runs():
    def key(number: int) -> bytes:
        return entry_of(b"\x30" + number.to_bytes(4), number)

    old = {key(number) for number in range(15_000)}
    new = {key(number) for number in range(12_000, 25_000, 2)}
    gone = {key(number) for number in range(3, 30_000, 3)}
    for is_oldest in (True, False):
        parts = [(new, gone), (old, set())]
        assert merged_run(parts, is_oldest) == expected_run(parts, is_oldest)
