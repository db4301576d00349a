"""Appending and replaying, rotation, sequences, errors, closing."""

from __future__ import annotations

import errno

import bson
import pytest

from amongo.engine.files import CrashingFiles, DiskFiles, Failure, MemoryFiles
from amongo.engine.log import Log, MemoryLog, entry
from amongo.engine.settings import Settings
from amongo.errors import ErrorCode, ServerError
from amongo.runtime import limits
from amongo.runtime.clock import ManualClock
from tests.engine.files.small_disks import small_disk

__all__ = ["small_disk"]

HEAD = bson.encode({"op": "i", "ns": "test.things"})
UUID = b"the store's uuid"


def commit(number: int, size: int = 10) -> bytes:
    return entry(number, HEAD, [bson.encode({"_id": number, "text": "x" * size})])


def open_log(files, clock=None, *, after=0, log_file_bytes=1 << 20, has_service=False, directory="store"):
    settings = Settings(log_file_bytes=log_file_bytes)
    log = Log.open(
        directory, files, clock or ManualClock(), settings=settings, has_service=has_service, new_uuid=lambda: UUID
    )
    return log, list(log.replay(after))


def file_names(files) -> list[str]:
    return files.list("store/log")


@pytest.fixture(params=["memory", "crashing", "disk"])
def place(request, tmp_path):
    """(files, store directory)."""
    if request.param == "disk":
        return DiskFiles(), str(tmp_path / "deep" / "store")
    return (MemoryFiles() if request.param == "memory" else CrashingFiles()), "store"


def test_what_is_appended_is_replayed(place):
    files, directory = place
    log, replayed = open_log(files, directory=directory)
    assert replayed == [] and log.last_sequence == 0
    sequences = [log.append(commit(number)) for number in range(20)]
    assert sequences == sorted(set(sequences)) and log.last_sequence == sequences[-1]
    log.close()
    log, replayed = open_log(files, directory=directory)
    assert [frame.sequence for frame in replayed] == sequences
    assert [frame.entries()[0].record_id for frame in replayed] == list(range(20))
    assert log.last_sequence == sequences[-1] and log.store_uuid == UUID and log.cut is None
    log.close()


def test_payload_in_pieces_is_one_frame():
    files = MemoryFiles()
    log, _ = open_log(files)
    log.append([commit(1), commit(2)])
    _, replayed = open_log(files)
    assert [[each.record_id for each in frame.entries()] for frame in replayed] == [[1, 2]]


def test_one_commit_is_one_write():
    files = CrashingFiles()
    log, _ = open_log(files)
    log.append(commit(0))  # reserves space
    before = files.operations
    log.append([commit(1), commit(2)])
    assert files.trace[before:] == ["write store/log/0000000001.log"]


def test_sequence_is_seconds_and_increment():
    clock = ManualClock(5_000_999)
    log, _ = open_log(MemoryFiles(), clock)
    assert [log.append(commit(1)), log.append(commit(2))] == [5000 << 32 | 1, 5000 << 32 | 2]
    clock.advance(1)
    assert log.append(commit(3)) == 5001 << 32 | 1
    clock.advance(-4_000_000)  # the clock was set back
    assert log.append(commit(4)) == 5001 << 32 | 2


def test_sequences_go_on_after_reopening_with_the_clock_set_back():
    files = MemoryFiles()
    log, _ = open_log(files, ManualClock(9_000_000))
    last = log.append(commit(1))
    log, _ = open_log(files, ManualClock(1_000_000))
    assert log.append(commit(2)) == last + 1


def test_frames_carry_wall_time():
    files = MemoryFiles()
    log, _ = open_log(files, ManualClock(123_456))
    log.append(commit(1))
    _, (frame,) = open_log(files)
    assert frame.wall_ms == 123_456


def test_rotation_keeps_order_and_names():
    files = MemoryFiles()
    log, _ = open_log(files, log_file_bytes=300)
    sequences = []
    for number in range(30):
        sequences.append(log.append(commit(number)))
        if number % 3 == 0:
            log.sync_now()
    assert len(file_names(files)) > 4
    assert file_names(files) == [f"{number:010d}.log" for number in range(1, len(file_names(files)) + 1)]
    log.close()
    _, replayed = open_log(files)
    assert [frame.sequence for frame in replayed] == sequences


def test_replay_after_a_sequence():
    files = MemoryFiles()
    log, _ = open_log(files)
    sequences = [log.append(commit(number)) for number in range(5)]
    _, replayed = open_log(files, after=sequences[2])
    assert [frame.sequence for frame in replayed] == sequences[3:]


def test_drop_before_removes_only_files_that_are_all_before():
    files = MemoryFiles()
    log, _ = open_log(files, log_file_bytes=300)
    sequences = []
    for number in range(12):
        sequences.append(log.append(commit(number)))
        log.sync_now()
    names = file_names(files)
    assert log.drop_before(sequences[0]) == []
    dropped = len(log.drop_before(sequences[7]))
    assert 0 < dropped < len(names) and file_names(files) == names[dropped:]
    log.close()
    log, replayed = open_log(files, after=sequences[7])
    assert [frame.sequence for frame in replayed] == sequences[8:]
    log.append(commit(99))
    assert len(log.drop_before(1 << 63)) == len(names) - dropped - 2  # the new file's header may not be durable yet
    log.sync_now()
    assert len(log.drop_before(1 << 63)) == 1
    assert len(file_names(files)) == 1  # the current file stays


def test_a_log_that_begins_too_late_is_refused():
    files = MemoryFiles()
    log, _ = open_log(files, log_file_bytes=100)
    for number in range(4):
        log.append(commit(number))
        log.sync_now()
    assert log.drop_before(log.last_sequence)
    log.close()
    with pytest.raises(ServerError, match="begins at sequence") as caught:
        open_log(files)
    assert caught.value.code == ErrorCode.DataCorruptionDetected


def test_no_frame_is_taken_before_replay():
    log = Log.open("store", MemoryFiles(), ManualClock(), has_service=False)
    with pytest.raises(ServerError) as caught:
        log.append(commit(1))
    assert caught.value.code == ErrorCode.NotYetInitialized
    log.close()


def test_a_log_is_replayed_once():
    log, _ = open_log(MemoryFiles())
    with pytest.raises(RuntimeError):
        next(log.replay())


@pytest.mark.parametrize("make", [lambda: open_log(MemoryFiles())[0], lambda: MemoryLog(ManualClock())])
def test_after_closing_nothing_is_taken(make):
    log = make()
    sequence = log.append(commit(1))
    log.close()
    log.close()
    with pytest.raises(ServerError) as caught:
        log.append(commit(2))
    assert caught.value.code == ErrorCode.FileNotOpen
    assert log.durable(sequence).wait_blocking(0)


@pytest.mark.parametrize("make", [lambda: open_log(MemoryFiles())[0], lambda: MemoryLog(ManualClock())])
def test_a_frame_over_the_limit_is_refused(make, monkeypatch):
    monkeypatch.setattr("amongo.engine.log.log.FRAME_BYTES", 100)
    monkeypatch.setattr("amongo.engine.log.log._SMALL_BYTES", 50)
    monkeypatch.setattr("amongo.engine.log.memory.FRAME_BYTES", 100)
    log = make()
    log.append(b"x" * 100)
    for payload in (b"x" * 101, [b"x" * 60, b"y" * 60]):
        with pytest.raises(ServerError, match="100 bytes") as caught:
            log.append(payload)
        assert caught.value.code == ErrorCode.TransactionTooLarge


@pytest.mark.parametrize("kind", [0, 2, 3, 255])
def test_unknown_kinds_are_refused(kind):
    log, _ = open_log(MemoryFiles())
    with pytest.raises(ValueError, match="kind"):
        log.append(commit(1), kind)


def test_durability_of_a_sequence_never_handed_out_is_refused():
    for log in (open_log(MemoryFiles())[0], MemoryLog(ManualClock())):
        with pytest.raises(ValueError, match="handed out"):
            log.durable(log.last_sequence + 1)


class Stubborn(MemoryFiles):
    """Files whose next calls of the operations in `failing` fail with an errno."""

    def __init__(self):
        super().__init__()
        self.failing: dict[str, int] = {}

    def open_append(self, path, /, create=False, may_reserve=False):
        if "open_append" in self.failing and create:
            raise OSError(self.failing["open_append"], "told to")
        return _StubbornFile(super().open_append(path, create, may_reserve), self.failing)


class _StubbornFile:
    def __init__(self, file, failing):
        self._file = file
        self._failing = failing

    def __getattr__(self, name):
        if name in self._failing:
            if name == "write":
                return self._write_half
            raise OSError(self._failing[name], "told to")
        return getattr(self._file, name)

    def _write_half(self, block):
        self._file.write(block[: len(block) // 2])
        raise OSError(self._failing["write"], "told to")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, ErrorCode.OutOfDiskSpace),
        (errno.EDQUOT, ErrorCode.OutOfDiskSpace),
        (errno.EIO, ErrorCode.LogWriteFailed),
        (errno.EFBIG, ErrorCode.LogWriteFailed),
    ],
)
def test_a_failed_write_is_taken_back_and_the_log_goes_on(number, code):
    files = Stubborn()
    log, _ = open_log(files)
    first = log.append(commit(1))
    files.failing["write"] = number
    with pytest.raises(ServerError, match=r"0000000001\.log") as caught:
        log.append(commit(2))
    assert caught.value.code == code
    assert log.last_sequence == first
    del files.failing["write"]
    third = log.append(commit(3))
    _, replayed = open_log(files)
    assert [frame.sequence for frame in replayed] == [first, third]


def test_a_write_that_cannot_be_taken_back_ends_writing_but_not_durability():
    files = Stubborn()
    log, _ = open_log(files)
    first = log.append(commit(1))
    files.failing.update(write=errno.ENOSPC, truncate=errno.EIO)
    with pytest.raises(ServerError):
        log.append(commit(2))
    files.failing.clear()
    for _ in range(2):
        with pytest.raises(ServerError, match="accepts no more writes") as caught:
            log.append(commit(3))
        assert caught.value.code == ErrorCode.LogWriteFailed
    assert log.durable(first).wait_blocking(0)
    log.close()
    log, replayed = open_log(files)
    assert [frame.sequence for frame in replayed] == [first]
    assert log.cut is not None and log.cut.lost_bytes > 0


def test_a_failed_fsync_fails_the_waiters_and_is_never_tried_again():
    files = Stubborn()
    log, _ = open_log(files)
    durable = log.append(commit(1))
    log.sync_now()
    sequence = log.append(commit(2))
    files.failing["sync"] = errno.EIO
    with pytest.raises(ServerError, match="fsync") as caught:
        log.durable(sequence).wait_blocking()
    assert caught.value.code == ErrorCode.LogWriteFailed
    files.failing.clear()
    with pytest.raises(ServerError, match="fsync"):
        log.durable(sequence).wait_blocking()
    with pytest.raises(ServerError, match="accepts no more writes"):
        log.append(commit(3))
    assert log.durable(durable).wait_blocking(0)
    log.close()


def test_a_failed_fsync_at_closing_is_told():
    files = Stubborn()
    log, _ = open_log(files)
    log.append(commit(1))
    files.failing["sync"] = errno.EIO
    with pytest.raises(ServerError, match="fsync"):
        log.close()
    log.close()


class Interrupted(MemoryFiles):
    """Files whose writes are done and then interrupted, as by Ctrl-C."""

    is_interrupting = False

    def open_append(self, path, /, create=False, may_reserve=False):
        return _InterruptedFile(super().open_append(path, create, may_reserve), self)


class _InterruptedFile(_StubbornFile):
    def __init__(self, file, files):
        super().__init__(file, {})
        self._files = files

    def write(self, block):
        self._file.write(block)
        if self._files.is_interrupting:
            raise KeyboardInterrupt


@pytest.mark.parametrize("log_file_bytes", [1 << 20, 100], ids=["same file", "next file"])
@pytest.mark.parametrize("syncs", [False, True])
def test_an_interrupted_write_is_taken_back_before_anything_follows(log_file_bytes, syncs):
    files = Interrupted()
    log, _ = open_log(files, log_file_bytes=log_file_bytes)
    log.append(commit(0))
    files.is_interrupting = True
    with pytest.raises(KeyboardInterrupt):
        log.append(commit(1))
    files.is_interrupting = False
    if syncs:
        log.sync_now()
    sequence = log.append(commit(2))
    log.close()
    _, replayed = open_log(files)
    assert [frame.entries()[0].record_id for frame in replayed] == [0, 2]
    assert replayed[-1].sequence == sequence


class HeaderlessSecond(MemoryFiles):
    """Files where the second log file takes its header and says that it has not."""

    def open_append(self, path, /, create=False, may_reserve=False):
        file = super().open_append(path, create, may_reserve)
        return _InterruptedHeader(file, {}) if path.endswith("2.log") else file


class _InterruptedHeader(_StubbornFile):
    def write(self, block):
        self._file.write(block)
        raise OSError(errno.EIO, "told to")


def test_a_next_file_that_was_not_taken_does_not_come_back():
    files = HeaderlessSecond()
    log, _ = open_log(files, log_file_bytes=100)
    log.append(commit(0))
    log.sync_now()
    assert file_names(files) == ["0000000001.log"]
    log.append(commit(1))
    _, replayed = open_log(files)
    assert [frame.entries()[0].record_id for frame in replayed] == [0, 1]


def test_rotation_without_space_goes_on_in_the_old_file():
    files = Stubborn()
    log, _ = open_log(files, log_file_bytes=200)
    files.failing["open_append"] = errno.ENOSPC
    for number in range(10):
        log.append(commit(number))
        log.sync_now()
    assert file_names(files) == ["0000000001.log"]
    files.failing.clear()
    for number in range(10, 20):
        log.append(commit(number))
        log.sync_now()
    assert len(file_names(files)) > 1
    log.close()
    _, replayed = open_log(files)
    assert [frame.entries()[0].record_id for frame in replayed] == list(range(20))


def test_the_last_mark_is_written_again_before_the_next_frame():
    """Its own sync may have failed, so that the disk has not what the page cache shows."""
    files = CrashingFiles()
    log, _ = open_log(files)
    log.append(commit(0))
    log.close()
    closed = files.read("store/log/0000000001.log")
    before = files.operations
    log, _ = open_log(files)
    log.close()
    assert files.trace[before:] == [] and files.read("store/log/0000000001.log") == closed
    log, _ = open_log(files)
    before = files.operations
    log.append(commit(1))
    steps = [step.split()[0] for step in files.trace[before:]]
    assert steps == ["truncate", "reserve", "write", "write"]
    assert files.read("store/log/0000000001.log").startswith(closed[: len(closed) - 57])
    log.sync_now()
    assert [record_ids(files.crash(seed)) for seed in range(5)] == [[0, 1]] * 5


def record_ids(files) -> list[int]:
    return [frame.entries()[0].record_id for frame in open_log(files)[1]]


def test_a_mark_that_cannot_be_written_again_ends_writing():
    files = Stubborn()
    log, _ = open_log(files)
    log.append(commit(0))
    log.close()
    log, _ = open_log(files)
    files.failing.update(write=errno.EIO)
    with pytest.raises(ServerError) as caught:
        log.append(commit(1))
    assert caught.value.code == ErrorCode.LogWriteFailed
    files.failing.clear()
    log.append(commit(2))
    log.close()
    assert record_ids(files) == [0, 2]


def test_a_process_that_dies_leaves_zeros_and_no_torn_tail(place):
    files, directory = place
    log, _ = open_log(files, directory=directory)
    for number in range(20):
        log.append(commit(number))
    if isinstance(files, CrashingFiles):
        files = files.kill()
        assert files.read("store/log/0000000001.log").endswith(bytes(500))
    again, replayed = open_log(files, directory=directory)
    assert [frame.entries()[0].record_id for frame in replayed] == list(range(20)) and again.cut is None
    again.append(commit(20))
    again.close()
    assert not files.read(f"{directory}/log/0000000001.log").endswith(bytes(500))
    assert len(open_log(files, directory=directory)[1]) == 21


@pytest.mark.parametrize("size", [200, 40_000])
def test_a_full_disk_refuses_commits_and_keeps_what_it_took(small_disk, size):
    files, directory = DiskFiles(), str(small_disk.path / "store")
    log, _ = open_log(files, directory=directory, log_file_bytes=1 << 20)
    sequences: list[int] = []
    with pytest.raises(ServerError) as caught:
        while True:
            sequences.append(log.append(commit(len(sequences), size)))
            if len(sequences) % 50 == 0:
                log.sync_now()
    assert caught.value.code == ErrorCode.OutOfDiskSpace
    with pytest.raises(ServerError):
        log.append(commit(0, 100_000))
    log.sync_now()
    log.close()
    log, replayed = open_log(files, directory=directory, log_file_bytes=1 << 20)
    assert [frame.sequence for frame in replayed] == sequences and log.cut is None
    log.close()


def test_an_unreadable_store_is_told(tmp_path):
    (tmp_path / "log").write_bytes(b"a file where a directory should be")
    with pytest.raises(ServerError, match="cannot open") as caught:
        Log.open(str(tmp_path), DiskFiles(), ManualClock())
    assert caught.value.code == ErrorCode.FileOpenFailed


def test_log_settings_have_the_documented_defaults():
    assert Settings().log_file_bytes == limits.LOG_FILE_BYTES
    assert Settings().sync_interval_s <= 0.1


def test_crashing_files_fail_with_the_failure_asked_for():
    files = CrashingFiles(fail_at=0, failure=Failure.NO_SPACE)
    with pytest.raises(OSError) as caught:
        files.make_directory("store")
    assert caught.value.errno == errno.ENOSPC
