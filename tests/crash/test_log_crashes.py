"""The log under crashes: every operation of a scripted life fails in every way, and promises hold."""

from __future__ import annotations

import pytest

from amongo.engine.files import CrashingFiles, Failure, MachineStopped
from amongo.engine.log import Log
from amongo.errors import ErrorCode
from amongo.runtime.clock import ManualClock
from tests.crash.log_workload import SETTINGS, Book, open_log, payload, run

SEEDS = range(6)


def total_operations() -> int:
    files = CrashingFiles()
    book = run(files)
    assert len(book.written) == 14 and not book.errors
    return files.operations


OPERATIONS = total_operations()


def check_process_death(files: CrashingFiles, book: Book) -> None:
    """All that was written is there; an append that never returned, or failed for good, is there whole or not."""
    after = files.kill()
    log, replayed = open_log(after)
    assert replayed[: len(book.written)] == book.written
    doubtful = [body for _, body in replayed[len(book.written) :]]
    assert doubtful in ([], [book.in_doubt])
    check_goes_on(log, after, replayed)


def check_power_loss(files: CrashingFiles, book: Book, seed: int) -> CrashingFiles:
    """What was durable is there; of the rest, a part from its start, and no commit by half."""
    after = files.crash(seed)
    log, replayed = open_log(after)
    assert len(replayed) >= book.durable
    known = book.written if len(replayed) <= len(book.written) else [*book.written, replayed[-1]]
    assert replayed == known[: len(replayed)]
    assert len(replayed) <= len(book.written) or replayed[-1][1] == book.in_doubt
    check_goes_on(log, after, replayed)
    return after


def check_goes_on(log, files: CrashingFiles, replayed: list) -> None:
    """A reopened log takes a commit, and keeps it and what was replayed through a power loss."""
    sequence = log.append(payload(99))
    assert sequence > max((each for each, _ in replayed), default=0)
    log.durable(sequence).wait_blocking()
    for seed in range(4):
        _, again = open_log(files.crash(sequence % 1000 + seed))
        assert again == [*replayed, (sequence, payload(99))]


@pytest.mark.parametrize("seed", SEEDS)
def test_machine_stops_at_every_operation(seed):
    for operation in range(OPERATIONS):
        files = CrashingFiles(fail_at=operation, failure=Failure.STOP, seed=seed * 1000 + operation)
        book = run(files)
        assert book.is_stopped
        check_power_loss(files, book, seed * 1000 + operation)
        check_process_death(files, book)


def test_crash_during_recovery_from_a_crash():
    for operation in range(0, OPERATIONS, 3):
        for again in range(8):
            files = CrashingFiles(fail_at=operation, seed=operation)
            book = run(files)
            after = files.crash(again)
            after._fail_at = again
            try:
                open_log(after)
            except MachineStopped:
                pass
            check_power_loss(after, book, again)


@pytest.mark.parametrize("failure", [Failure.NO_SPACE, Failure.IO_ERROR])
@pytest.mark.parametrize("keeps_failing", [False, True], ids=["once", "from_then_on"])
def test_every_operation_fails(failure, keeps_failing):
    for operation in range(OPERATIONS):
        files = CrashingFiles(
            fail_at=operation, failure=failure, keeps_failing=keeps_failing, may_leave_all=True, seed=operation
        )
        book = run(files)
        expected = ErrorCode.OutOfDiskSpace if failure is Failure.NO_SPACE else ErrorCode.LogWriteFailed
        assert {error.code for error in book.errors} <= {expected, ErrorCode.LogWriteFailed}
        for seed in SEEDS:
            check_power_loss(files, book, seed)
        check_process_death(files, book)


def test_a_failed_write_leaves_log_and_memory_agreeing():
    writes = [number for number, step in enumerate(_trace()) if step.startswith("write ") and number > 20]
    for operation in writes:
        files = CrashingFiles(fail_at=operation, failure=Failure.NO_SPACE, seed=operation)
        book = run(files)
        assert len(book.written) + len(book.refused) == 14
        assert len(book.refused) <= 1  # a mark or a file header may fail without anyone noticing
        _, replayed = open_log(files.kill())
        assert replayed == book.written


def test_a_failed_fsync_fails_the_waiters_and_ends_writing():
    """Some promise of durability was due at every fsync: it must not be given, then or by a later fsync."""
    syncs = [number for number, step in enumerate(_trace()) if step.startswith("sync ")]
    assert len(syncs) >= 6
    silent = 0
    for operation in syncs:
        files = CrashingFiles(fail_at=operation, failure=Failure.IO_ERROR, seed=operation)
        book = run(files)
        silent += not book.errors
        for seed in range(20):
            check_power_loss(files, book, seed)
    assert silent == 2, "only the two marks of closing are synced with no one waiting"


@pytest.mark.parametrize("failure", [Failure.NO_SPACE, Failure.IO_ERROR])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_failed_fsync_never_makes_a_store_look_damaged(failure, seed):
    """Also the fsync of a closing log, which only makes its last mark durable: its failure is not told."""
    for operation in [number for number, step in enumerate(_trace()) if step.startswith("sync ")]:
        for case in range(4):
            number = seed * 1000 + case
            files = CrashingFiles(fail_at=operation, failure=failure, may_leave_all=True, seed=number)
            book = run(files)
            check_power_loss(files, book, number)
            check_process_death(files, book)


def test_a_death_leaves_reserved_zeros_and_they_are_no_torn_tail():
    tails = 0
    for operation in range(OPERATIONS):
        files = CrashingFiles(fail_at=operation, failure=Failure.STOP, seed=operation)
        run(files)
        if not files._directories.get("store/log"):
            continue
        is_between_files = files.trace[-1].startswith(("write", "create", "sync_directory", "reserve"))
        after = files.kill()
        last = [after.read("store/log/" + name) for name in after.list("store/log")][-1:]
        log, _ = open_log(after)
        if not is_between_files and last and last[0].endswith(bytes(200)):
            tails += 1
            assert log.cut is None
    assert tails > 5


def _trace() -> list[str]:
    files = CrashingFiles()
    run(files)
    return files.trace


@pytest.mark.parametrize("seed", SEEDS)
def test_unsynced_files_are_lost_in_any_order(seed):
    """Commits that nobody waited for, over several files: what is there after a power loss is a part from the start."""
    for case in range(40):
        files = CrashingFiles()
        log, _ = open_log(files)
        written = []
        for number in range(9):
            body = payload(number)
            written.append((log.append(body), body))
        after = files.crash(seed * 40 + case)
        _, replayed = open_log(after)
        assert replayed == written[: len(replayed)]


def test_closing_makes_the_last_mark_durable():
    """With it, damage to the last commits is told from a torn tail."""
    files = CrashingFiles()
    run(files)
    last = "store/log/" + files.list("store/log")[-1]
    content = files.read(last)
    for seed in range(10):
        left = files.crash(seed).read(last)  # that the reserve was cut off may be forgotten
        assert left.startswith(content) and not any(left[len(content) :])


def test_dropped_files_leave_no_hole():
    files = CrashingFiles()
    log, _ = open_log(files)
    sequences = []
    for number in range(20):
        sequences.append(log.append(payload(number)))
        log.sync_now()
    probe = files.kill()
    for stop in range(20):
        files = probe.kill()
        log = Log.open("store", files, ManualClock(), settings=SETTINGS, has_service=False)
        list(log.replay())
        files._fail_at = files.operations + stop
        try:
            assert len(log.drop_before(sequences[-3])) >= 4
        except MachineStopped:
            pass
        for seed in range(8):
            after = Log.open("store", files.crash(seed), ManualClock(), settings=SETTINGS, has_service=False)
            assert [frame.sequence for frame in after.replay(sequences[-3])] == sequences[-2:]
