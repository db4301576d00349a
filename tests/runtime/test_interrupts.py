"""Interrupts: when they end an operation, and when they let other threads run."""

import threading
import time

import pytest

from amongo.runtime.interrupts import NEVER, Interrupt, OperationInterrupted, TimeLimitExpired, run_under, watch_present
from amongo.runtime.limits import BREATH_INTERVAL_S, CHECK_ITEMS


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each sleep was meant to be; none happens."""
    taken: list[float] = []
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


def due() -> Interrupt:
    interrupt = Interrupt()
    interrupt._breath_due = 0.0
    return interrupt


def test_work_that_must_be_done_breathes_after_a_stop() -> None:
    interrupt = due()
    interrupt.stop("enough")
    interrupt.breathe()
    with pytest.raises(OperationInterrupted, match="enough"):
        interrupt.check()


def test_a_breath_is_taken_when_it_is_due_and_not_again_at_once(naps: list[float]) -> None:
    interrupt = due()
    interrupt.check()
    interrupt.check()
    interrupt.breathe()
    assert len(naps) == 1
    interrupt._breath_due -= BREATH_INTERVAL_S
    interrupt.breathe()
    assert len(naps) == 2


def test_the_loop_thread_never_sleeps(naps: list[float]) -> None:
    interrupt = due()
    interrupt.stay_on_loop()
    interrupt.check()
    assert naps == []
    interrupt._breath_due = 0.0
    worker = threading.Thread(target=interrupt.check)
    worker.start()
    worker.join()
    assert len(naps) == 1


def test_never_neither_ends_nor_sleeps(naps: list[float]) -> None:
    NEVER.stop()
    NEVER.limit(0)
    NEVER.pause()
    NEVER.resume()
    NEVER.check()
    NEVER.breathe()
    assert naps == []


def test_the_time_limit_stands_still_in_a_pause() -> None:
    interrupt = Interrupt(60_000)
    interrupt.pause()
    left = interrupt._left_s
    assert left is not None
    assert 59 < left <= 60
    interrupt._left_s = -1.0
    interrupt.check()  # not while it pauses
    interrupt.resume()
    with pytest.raises(TimeLimitExpired):
        interrupt.check()


def test_a_pause_without_a_limit_brings_none() -> None:
    interrupt = Interrupt()
    interrupt.pause()
    interrupt.resume()
    interrupt.check()
    assert interrupt._deadline is None


def test_loops_within_a_document_find_the_interrupt_of_their_thread() -> None:
    items = list(range(10))
    assert watch_present(items) is items

    def loop() -> int:
        return sum(1 for _ in range(CHECK_ITEMS) for _ in watch_present(items))

    assert run_under(Interrupt(), loop) == 10 * CHECK_ITEMS
    stopped = Interrupt()
    stopped.stop()
    with pytest.raises(OperationInterrupted):
        run_under(stopped, loop)
    with pytest.raises(OperationInterrupted):
        run_under(stopped, lambda: list(watch_present(range(2 * CHECK_ITEMS))))
    assert watch_present(items) is items, "the thread has none any more"
