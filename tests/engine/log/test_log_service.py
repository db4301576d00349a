"""The service thread: group commit, the interval, waiters, closing while things happen."""

from __future__ import annotations

import errno
import threading
import time

import anyio
import bson
import pytest

from amongo.engine.files import CrashingFiles, DiskFiles, Failure, MemoryFiles
from amongo.engine.log import Log, entry
from amongo.engine.settings import Settings
from amongo.errors import ErrorCode, ServerError
from amongo.runtime.clock import SYSTEM_CLOCK

HEAD = bson.encode({"op": "i", "ns": "test.things"})
PATIENCE_S = 60


def commit(number: int) -> bytes:
    return entry(number, HEAD, [bson.encode({"_id": number})])


class SlowSyncs(MemoryFiles):
    """Files whose syncs take a while, or wait to be let through; counts them."""

    def __init__(self, duration_s: float = 0.0):
        super().__init__()
        self.syncs = 0
        self.duration_s = duration_s
        self.gate = threading.Event()
        self.gate.set()
        self.error: OSError | None = None

    def open_append(self, path, /, create=False, may_reserve=False):
        return _SlowFile(super().open_append(path, create, may_reserve), self)


class _SlowFile:
    def __init__(self, file, files):
        self._file = file
        self._files = files
        self.write, self.put, self.truncate, self.close = file.write, file.put, file.truncate, file.close

    @property
    def size(self):
        return self._file.size

    def sync(self):
        self._files.syncs += 1
        assert self._files.gate.wait(PATIENCE_S)
        time.sleep(self._files.duration_s)
        if self._files.error is not None:
            raise self._files.error


def open_log(files, directory="store", **settings) -> Log:
    log = Log.open(directory, files, SYSTEM_CLOCK, settings=Settings(**settings))
    assert list(log.replay()) == []
    return log


def wait_until(condition) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def service_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "amongo-log"]


def test_all_who_wait_share_fsyncs():
    files = SlowSyncs()
    log = open_log(files)
    before = files.syncs
    files.gate.clear()
    completions = [log.durable(log.append(commit(number))) for number in range(500)]
    files.gate.set()
    assert all(completion.wait_blocking(PATIENCE_S) for completion in completions)
    assert files.syncs - before <= 2  # one that had begun, and one for all the others
    log.close()


def test_who_comes_during_an_fsync_gets_the_next():
    files = SlowSyncs()
    log = open_log(files)
    files.gate.clear()
    before = files.syncs
    first = log.durable(log.append(commit(1)))
    wait_until(lambda: files.syncs == before + 1)
    second = log.durable(log.append(commit(2)))
    assert not first.is_done and not second.is_done
    files.gate.set()
    assert first.wait_blocking(PATIENCE_S) and second.wait_blocking(PATIENCE_S)
    assert files.syncs == before + 2
    log.close()


def test_unsynced_writes_are_synced_within_the_interval():
    files = SlowSyncs()
    log = open_log(files, sync_interval_s=0.02)
    before = files.syncs
    sequence = log.append(commit(1))
    wait_until(lambda: log.durable(sequence).is_done)
    assert files.syncs > before

    def is_quiet() -> bool:
        seen = files.syncs
        time.sleep(0.1)
        return files.syncs == seen

    wait_until(is_quiet)  # nothing to do, nothing done
    log.close()


def test_a_write_after_a_pause_wakes_the_service():
    files = SlowSyncs()
    log = open_log(files, sync_interval_s=0.01)
    for number in range(5):
        sequence = log.append(commit(number))
        wait_until(lambda sequence=sequence: log._synced_sequence >= sequence)
        time.sleep(0.02)
    log.close()


def test_a_failed_fsync_fails_all_who_wait():
    files = SlowSyncs()
    log = open_log(files)
    files.gate.clear()
    before = files.syncs
    first = log.durable(log.append(commit(1)))
    wait_until(lambda: files.syncs == before + 1)
    second = log.durable(log.append(commit(2)))
    files.error = OSError(errno.EIO, "told to")
    files.gate.set()
    for completion in (first, second):
        with pytest.raises(ServerError, match="fsync") as caught:
            completion.wait_blocking(PATIENCE_S)
        assert caught.value.code == ErrorCode.LogWriteFailed
    assert files.syncs == before + 1
    with pytest.raises(ServerError, match="accepts no more writes"):
        log.append(commit(3))
    log.close()


def test_whatever_ends_the_service_is_told_to_who_waits():
    files = CrashingFiles()
    log = open_log(files)
    sequence = log.append(commit(1))
    files._fail_at, files._failure = files.operations, Failure.STOP
    with pytest.raises(ServerError, match="MachineStopped"):
        log.durable(sequence).wait_blocking(PATIENCE_S)


def test_closing_waits_for_who_waits_and_ends_the_thread():
    before = len(service_threads())
    files = SlowSyncs(0.02)
    log = open_log(files)
    assert len(service_threads()) == before + 1
    completions = [log.durable(log.append(commit(number))) for number in range(3)]
    log.close()
    assert all(completion.is_done for completion in completions)
    assert len(service_threads()) == before


def test_waiting_while_another_thread_closes():
    """No one is left waiting, whatever the moment of closing."""
    for attempt in range(30):
        log = open_log(MemoryFiles(), sync_interval_s=0.001)
        outcomes: list[str] = []

        def write(log=log, outcomes=outcomes):
            while True:
                try:
                    sequence = log.append(commit(1))
                except ServerError as error:
                    assert error.code == ErrorCode.FileNotOpen
                    outcomes.append("closed")
                    return
                assert log.durable(sequence).wait_blocking(PATIENCE_S), "left waiting"

        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.0005 * (attempt % 5))
        log.close()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert outcomes == ["closed"] * 3


def test_many_threads_append_and_every_commit_is_replayed_once(tmp_path):
    files = DiskFiles()
    log = open_log(files, str(tmp_path), log_file_bytes=8_000, sync_interval_s=0.001)
    sequences: dict[int, int] = {}

    def write(start: int) -> None:
        for number in range(start, start + 300):
            sequences[number] = log.append(commit(number))
            if number % 50 == 0:
                assert log.durable(sequences[number]).wait_blocking(PATIENCE_S)

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert len(files.list(str(tmp_path / "log"))) > 2
    log = Log.open(str(tmp_path), files, SYSTEM_CLOCK)
    replayed = {frame.entries()[0].record_id: frame.sequence for frame in log.replay()}
    assert replayed == sequences and log.cut is None
    assert list(replayed.values()) == sorted(replayed.values())
    log.close()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_wait_for_durability(backend):
    log = open_log(SlowSyncs(0.01))

    async def write(number: int) -> None:
        await log.durable(log.append(commit(number))).wait()

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(write, number)

    anyio.run(main, backend=backend)
    assert log._synced_sequence == log.last_sequence
    log.close()
