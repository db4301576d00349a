"""Turns on the event loop: nobody keeps it, nobody starves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import anyio
import anyio.lowlevel
import pytest

from amongo.runtime import turns
from amongo.runtime.limits import LOOP_HOLD_S, LOOP_PATIENCE_S, LOOP_ROOM_S, LOOP_TURN_OPERATIONS
from amongo.runtime.pool import POOL, Job
from amongo.runtime.turns import Queue, at_end_of_turn, take_turn, turn

pytestmark = pytest.mark.anyio

PATIENCE_S = 60  # how long a test waits for what has to happen


async def operation() -> None:
    if time.monotonic() >= turn.ends:
        await take_turn()


async def test_a_tight_loop_lets_others_run() -> None:
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(other)
        end = time.monotonic() + PATIENCE_S
        while others <= 20:
            await operation()
            assert time.monotonic() < end, "the other task gets no turn"
        group.cancel_scope.cancel()


async def test_many_tasks_get_equal_shares() -> None:
    counts = [0] * 50

    async def worker(number: int) -> None:
        while True:
            await operation()
            counts[number] += 1
            end = time.perf_counter() + 0.00005
            while time.perf_counter() < end:
                pass

    async with anyio.create_task_group() as group:
        for number in range(len(counts)):
            group.start_soon(worker, number)
        while sum(counts) < 5000:
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert min(counts) > 0
    assert max(counts) <= min(counts) + 2 * LOOP_TURN_OPERATIONS


async def test_a_cancelled_waiter_does_not_keep_the_others_waiting() -> None:
    done = 0

    async def worker() -> None:
        nonlocal done
        turn.ends = 0.0
        await operation()
        done += 1

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await worker()
        for _ in range(40):
            group.start_soon(worker)
    assert done == 40


async def test_a_call_at_the_end_of_the_turn_waits_for_those_that_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LOOP_HOLD_S", PATIENCE_S)
    count = 3 * LOOP_TURN_OPERATIONS
    order: list[str] = []
    come = 0

    async def worker() -> None:
        nonlocal come
        come += 1
        if come == count:
            at_end_of_turn(lambda: order.append("call"))
        turn.ends = 0.0
        await take_turn()
        order.append("operation")

    with anyio.fail_after(PATIENCE_S / 2):
        async with anyio.create_task_group() as group:
            for _ in range(count):
                group.start_soon(worker)
        while "call" not in order:
            await anyio.lowlevel.checkpoint()
    assert order.index("call") >= 2 * LOOP_TURN_OPERATIONS  # trio mixes what one turn of the loop lets through


async def test_a_call_at_the_end_of_the_turn_does_not_wait_for_long() -> None:
    made: list[float] = []

    async def worker() -> None:
        while not made:
            turn.ends = 0.0
            await take_turn()

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(worker)
            await anyio.sleep(0.01)
            began = time.monotonic()
            at_end_of_turn(lambda: made.append(time.monotonic()))
    assert made[0] - began > LOOP_HOLD_S / 2  # and who queues without end has not kept it from being made


class Clockwork:
    """An event loop that does nothing by itself, on a clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []
        self.calls: list[Callable[[], object]] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def soon(self, call: Callable[[], object]) -> None:
        self.calls.append(call)

    def new_place(self) -> Future[None]:
        return Future()

    def turn(self, queue: Queue, took_s: float) -> None:
        """One turn of the loop, in which something else is done for so long; operations queue all the time."""
        self.now_s += took_s
        queue.keep_moving()
        queue.line.join()
        calls, self.calls = self.calls, []
        for call in calls:
            call()


@pytest.fixture
def clockwork(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clockwork]:
    clockwork = Clockwork()
    monkeypatch.setattr(turns, "time", clockwork)
    ends = turn.ends
    yield clockwork
    turn.ends = ends


def test_who_is_patient_waits_for_a_bounded_time_after_a_long_turn(clockwork: Clockwork) -> None:
    queue = Queue(clockwork)  # type: ignore[arg-type]
    queue.keep_moving()
    first, second = queue.patient.join(), queue.patient.join()
    clockwork.turn(queue, 0.001)
    assert first.done() and not second.done()
    clockwork.turn(queue, 10.0)  # what followed the first one held the loop
    assert not second.done()  # it is the turn of those who are not patient
    clockwork.turn(queue, LOOP_PATIENCE_S)
    assert second.done()


def test_who_is_patient_lets_others_have_half_of_the_time(clockwork: Clockwork) -> None:
    queue = Queue(clockwork)  # type: ignore[arg-type]
    queue.keep_moving()
    first, second = queue.patient.join(), queue.patient.join()
    clockwork.turn(queue, 0.001)
    assert first.done() and not second.done()
    clockwork.turn(queue, 0.002)
    clockwork.turn(queue, 0.001)
    assert not second.done()
    clockwork.turn(queue, 0.001)
    assert second.done()


def test_a_busy_loop_makes_room_for_workers_while_they_have_work(clockwork: Clockwork) -> None:
    queue = Queue(clockwork)  # type: ignore[arg-type]
    queue.keep_moving()
    clockwork.turn(queue, 0.001)
    assert clockwork.slept == []
    may_end, has_ended = threading.Event(), threading.Event()
    POOL.submit(Job(may_end.wait, (), has_ended.set))
    clockwork.turn(queue, 0.001)
    may_end.set()
    assert has_ended.wait(PATIENCE_S)
    assert clockwork.slept == [LOOP_ROOM_S]
    clockwork.turn(queue, 0.001)
    assert clockwork.slept == [LOOP_ROOM_S]


def test_another_loop_in_the_same_thread_starts_afresh() -> None:
    async def first() -> None:
        turn.ends = 0.0
        await take_turn()

    anyio.run(first, backend="asyncio")
    anyio.run(first, backend="trio")
    anyio.run(first, backend="asyncio")
