"""Turns on the event loop: nobody keeps it, nobody starves."""

from __future__ import annotations

import time

import anyio
import anyio.lowlevel
import pytest

from amongo.runtime import turns
from amongo.runtime.limits import LOOP_HOLD_S, LOOP_TURN_OPERATIONS
from amongo.runtime.turns import at_end_of_turn, take_turn, turn

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


def test_another_loop_in_the_same_thread_starts_afresh() -> None:
    async def first() -> None:
        turn.ends = 0.0
        await take_turn()

    anyio.run(first, backend="asyncio")
    anyio.run(first, backend="trio")
    anyio.run(first, backend="asyncio")
