"""Index runs: every way of reading gives what a sorted list of the same entries gives."""

from __future__ import annotations

from bisect import bisect_left

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import CrashingFiles, DiskFiles, Files, MemoryFiles
from amongo.engine.indexes.entry import entry_of, key_of, record_id_of
from amongo.engine.snapshots import Run, RunWriter, run_name
from amongo.runtime import limits

TOP = "/snapshots"


def memory() -> Files:
    files = MemoryFiles()
    files.make_directory(TOP)
    return files


def written(
    files: Files,
    added: list[bytes],
    removed: list[bytes] = (),
    *,
    has_hash: bool = True,
    top: str = TOP,
    step: int = 999,
) -> Run:
    """A run of these entries, which are ascending, added in portions of `step`, removals in between."""
    writer = RunWriter(files, f"{top}/{run_name(1)}", has_hash)
    for start in range(0, max(len(added), len(removed)), step):
        writer.add(added[start : start + step])
        writer.remove(removed[start : start + step])
    return Run(files, top, writer.finish())


def key(number: int, length: int = 0) -> bytes:
    """A key as `values.key_bytes` makes them: none is the beginning of another."""
    return b"\x30" + number.to_bytes(4) + b"x" * length + b"\x01"


def test_the_same_as_a_sorted_list():
    added = [entry_of(key(number // 3 * 2), number, b"\x05" * (number % 3)) for number in range(30_000)]
    removed = [entry_of(key(number), 1) for number in range(0, 9000, 7)]
    run = written(memory(), added, removed)
    assert len(run) == len(added) and run.removed_count == len(removed)
    assert list(run.between(b"", b"\xff")) == added
    assert list(run.between_backward(b"", b"\xff")) == added[::-1]
    assert list(run.removed_between(b"", b"\xff")) == removed
    assert list(run.removed_between_backward(b"", b"\xff")) == removed[::-1]
    for number in range(0, 20_100, 331):
        low, high = key(number), key(number + number % 50)
        start, stop = bisect_left(added, low), bisect_left(added, high)
        assert list(run.between(low, high)) == added[start:stop]
        assert list(run.between_backward(low, high)) == added[start:stop][::-1]
        assert run.count_between(low, high) == stop - start
        assert run.at_or_after(low) == (added[start] if start < len(added) else None)
        expected = [record_id_of(entry) for entry in added[start : start + 3] if key_of(entry) == low]
        assert list(run.has_key(low)) == expected
    assert run.count_between(key(50), key(40)) == 0 and list(run.between(key(50), key(40))) == []


keys = st.builds(key, st.integers(0, 12), st.sampled_from([0, 0, 0, 3, 5]))
entries = st.lists(
    st.builds(entry_of, keys, st.integers(1, 9), st.sampled_from([b"", b"", b"\x01", b"\x02" * 300])), max_size=50
)


@settings(max_examples=50)
@given(entries, entries, st.lists(st.tuples(keys, keys), max_size=4), st.booleans(), st.integers(1, 60))
def test_any_entries(added, removed, ranges, has_hash, step):
    added, removed = ({record_id_of(e).to_bytes(7) + key_of(e): e for e in some}.values() for some in (added, removed))
    added, removed = sorted(added), sorted(removed)
    count, limits_before = 7, limits.SNAPSHOT_BATCH_COUNT
    with pytest.MonkeyPatch.context() as patch:
        for module in ("run_writer", "runs"):
            patch.setattr(f"amongo.engine.snapshots.{module}.SNAPSHOT_BATCH_COUNT", count)
        patch.setattr("amongo.engine.snapshots.run_writer.SNAPSHOT_BATCH_BYTES", 300)
        run = written(memory(), added, removed, has_hash=has_hash, step=step)
        assert limits_before == limits.SNAPSHOT_BATCH_COUNT
        for low, high in [*ranges, (b"", b"\xff")]:
            expected = [entry for entry in added if low <= entry < high]
            assert list(run.between(low, high)) == expected
            assert list(run.between_backward(low, high)) == expected[::-1]
            assert run.count_between(low, high) == len(expected)
            assert run.at_or_after(low) == next((entry for entry in added if entry >= low), None)
            assert list(run.removed_between(low, high)) == [entry for entry in removed if low <= entry < high]
            assert list(run.has_key(low)) == sorted(record_id_of(entry) for entry in added if key_of(entry) == low)
            assert not run.lacks_all([low, high]) or not {low, high} & {key_of(entry) for entry in added}


def test_keys_that_are_not_there_are_not_found():
    run = written(memory(), [entry_of(key(number), number) for number in range(0, 20_000, 2)])
    assert all(list(run.has_key(key(number))) == ([] if number & 1 else [number]) for number in range(20_000))
    assert run.lacks_all([key(20_001), key(20_002)]) and not run.lacks_all([key(7), key(20_002)])


def test_one_key_of_very_many_records():
    added = [entry_of(key(5), number) for number in range(30_000)]
    run = written(memory(), added)
    assert list(run.has_key(key(5))) == list(range(30_000))


def test_long_keys_make_short_batches():
    added = [entry_of(key(number, 100_000), number) for number in range(100)]
    run = written(memory(), [*added, entry_of(key(200, 5_000_000), 200)])
    assert list(run.between(b"", key(150))) == added
    assert list(run.has_key(key(77, 100_000))) == [77] and list(run.has_key(key(200, 5_000_000))) == [200]
    assert run.count_between(key(10), key(20)) == 10


def test_many_segments_of_hashes(monkeypatch):
    monkeypatch.setattr("amongo.engine.snapshots.key_hash_writer.KEY_HASH_SEGMENT_COUNT", 5000)
    monkeypatch.setattr("amongo.engine.snapshots.key_hash_writer._PART_COUNT", 700)
    run = written(memory(), [entry_of(key(number), number) for number in range(23_456)])
    assert all(list(run.has_key(key(number))) == [number] for number in range(23_456))


@pytest.mark.parametrize("has_hash", [True, False])
def test_an_empty_run(has_hash):
    run = written(memory(), [], has_hash=has_hash)
    assert len(run) == 0 and list(run.between(b"", b"\xff")) == [] and run.at_or_after(b"") is None
    assert list(run.has_key(key(1))) == [] and run.count_between(b"", b"\xff") == 0
    assert list(run.between_backward(b"", b"\xff")) == [] and run.lacks_all([key(1)])


def test_a_run_of_marks_alone():
    removed = [entry_of(key(number), number) for number in range(10_000)]
    run = written(memory(), [], removed)
    assert list(run.removed_between(key(5000), b"\xff")) == removed[5000:] and len(run) == 0


@pytest.mark.parametrize("make", [DiskFiles, CrashingFiles])
def test_on_other_file_systems(make, tmp_path):
    files, top = make(), str(tmp_path)
    files.make_directory(top)
    added = [entry_of(key(number), number) for number in range(9000)]
    run = written(files, added, top=top)
    run.release()
    run.check()
    assert list(run.between(b"", b"\xff")) == added and list(run.has_key(key(8999))) == [8999]
    assert run.file.disk_bytes == sum(files.size(f"{top}/{name}") for name in files.list(top))


def test_small_windows(monkeypatch):
    monkeypatch.setattr(MemoryFiles, "window_bytes", 64 * 1024)
    added = [entry_of(key(number, number % 90), number) for number in range(40_000)]
    run = written(memory(), added)
    assert list(run.between(b"", b"\xff")) == added
    assert all(list(run.has_key(key(number, number % 90))) == [number] for number in range(0, 40_000, 3))


def test_entries_must_ascend():
    writer = RunWriter(memory(), f"{TOP}/{run_name(1)}", False)
    added = [entry_of(key(number), number) for number in range(5000)]
    with pytest.raises(ValueError, match="does not come after"):
        writer.add([*added, *added])


def test_arrow_reads_the_file_as_well(tmp_path):
    added = [entry_of(key(number), number) for number in range(5000)]
    file = written(DiskFiles(), added, top=str(tmp_path)).file
    assert pa.ipc.open_file(tmp_path / file.name).read_all()["entry"].to_pylist() == added
