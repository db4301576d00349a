"""A log whose beginning is let go at checkpoints, under crashes: every operation fails, and what was promised is there.

The checkpoint here is a list of commits and a place, as the store's is its files and MANIFEST: it counts from the
moment at which the log has said that the place is durable.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from amongo.engine.files import CrashingFiles, Failure, MachineStopped
from amongo.engine.log import Log, Mark
from amongo.errors import ServerError
from amongo.runtime.clock import ManualClock
from tests.crash.log_workload import SETTINGS, UUID, payload

COMMITS = 16


@dataclass
class Life:
    """What a run was promised.

    written     (sequence, payload) of the commits whose append returned, in order
    durable     how many of them were acknowledged as durable
    in_doubt    a payload whose append never returned, or that could not be taken back
    checkpoint  (commits that it holds, its sequence, its place)
    """

    written: list[tuple[int, bytes]] = field(default_factory=list)
    durable: int = 0
    in_doubt: bytes | None = None
    checkpoint: tuple[int, int, Mark | None] = (0, 0, None)
    dropped: int = 0


def open_log(files: CrashingFiles, checkpoint: tuple[int, int, Mark | None]) -> tuple[Log, list[tuple[int, bytes]]]:
    log = Log.open("store", files, ManualClock(), settings=SETTINGS, has_service=False, new_uuid=lambda: UUID)
    return log, [(frame.sequence, frame.payload) for frame in log.replay(*checkpoint[1:])]


def live(files: CrashingFiles, life: Life, *, reopens: bool = True) -> None:
    """Append, make checkpoints, drop what they cover, reopen; up to the end or the machine's."""
    try:
        for part in range(2 if reopens else 1):
            log, replayed = open_log(files, life.checkpoint)
            assert life.written == life.written[: life.checkpoint[0]] + replayed
            for number in range(part * COMMITS // 2, (part + 1) * COMMITS // 2):
                _append(log, life, payload(number))
                if number % 3 == 1:
                    _make_checkpoint(log, life)
                if number % 4 == 3:
                    log.sync_now()
                    life.durable = len(life.written)
            log.close()
            life.durable = len(life.written)
    except (MachineStopped, ServerError):
        pass


def _append(log: Log, life: Life, body: bytes) -> None:
    life.in_doubt = body
    try:
        life.written.append((log.append(body), body))
    except ServerError:
        if log._has_failed:  # it could not be taken back
            raise
    life.in_doubt = None


def _make_checkpoint(log: Log, life: Life) -> None:
    count, sequence, place = len(life.written), log.last_sequence, log.place()
    _append(log, life, payload(99))  # while the checkpoint is being made
    log.sync_to(place)
    life.checkpoint = count, sequence, place
    life.durable = max(life.durable, count)
    life.dropped += len(log.drop_before(sequence + 1))


def check(files: CrashingFiles, life: Life, least: int) -> None:
    """The checkpoint and the log together show the commits from the start, `least` of them or more, and go on."""
    log, replayed = open_log(files, life.checkpoint)
    count = life.checkpoint[0]
    found = life.written[:count] + replayed
    assert len(found) >= least
    known = [*life.written, (found[-1][0], life.in_doubt)] if len(found) > len(life.written) else life.written
    assert found == known[: len(found)]
    sequence = log.append(payload(7))
    assert sequence > max((each for each, _ in life.written[:count]), default=0)
    log.durable(sequence).wait_blocking()
    _, again = open_log(files.crash(sequence % 1000), life.checkpoint)
    assert again == [*replayed, (sequence, payload(7))]


def operations() -> int:
    files, life = CrashingFiles(), Life()
    live(files, life)
    assert len(life.written) > COMMITS and life.dropped >= 3 and life.durable == len(life.written)
    return files.operations


OPERATIONS = operations()


@pytest.mark.parametrize("seed", range(4))
def test_machine_stops_at_every_operation(seed):
    for operation in range(OPERATIONS):
        files, life = CrashingFiles(fail_at=operation, seed=seed * 1000 + operation), Life()
        live(files, life)
        check(files.crash(seed * 1000 + operation), life, life.durable)
        check(files.kill(), life, len(life.written))


@pytest.mark.parametrize("failure", [Failure.NO_SPACE, Failure.IO_ERROR])
@pytest.mark.parametrize("keeps_failing", [False, True], ids=["once", "from_then_on"])
def test_every_operation_fails(failure, keeps_failing):
    for operation in range(OPERATIONS):
        files = CrashingFiles(
            fail_at=operation, failure=failure, keeps_failing=keeps_failing, may_leave_all=True, seed=operation
        )
        life = Life()
        live(files, life)
        for seed in range(4):
            check(files.crash(seed), life, life.durable)
        check(files.kill(), life, life.durable)


def test_a_crash_while_dropping_leaves_a_row_without_holes():
    whole = CrashingFiles()
    life = Life()
    log, _ = open_log(whole, life.checkpoint)
    for number in range(20):
        life.written.append((log.append(payload(number)), payload(number)))
        log.sync_now()
    place, life.durable = log.place(), 20
    log.sync_to(place)
    life.checkpoint = 20, log.last_sequence, place
    probe = whole.kill()
    gone = set()
    for stop in range(30):
        files = probe.kill()
        log, _ = open_log(files, life.checkpoint)
        files._fail_at = files.operations + stop
        try:
            gone.add(len(log.drop_before(life.checkpoint[1] + 1)))
        except MachineStopped:
            pass
        for seed in range(6):
            check(files.crash(seed), life, 20)
    assert max(gone) >= 4
