"""Sleepers: who is woken, by what, in which order; in tasks of every loop, and in threads."""

from __future__ import annotations

import threading
from collections.abc import Collection, Hashable
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from amongo.engine.records.arrivals import Arrivals
from amongo.runtime.blocking import drive
from amongo.runtime.turns import current_queue, take_turn
from amongo.runtime.waking import Sleeper
from amongo.runtime.workers import Completion

pytestmark = pytest.mark.anyio

PATIENCE_S = 60
LONG_S = 600.0


class Told:
    """News that a test makes up."""

    def __init__(self) -> None:
        self.next: Collection[Hashable] | None = frozenset()
        self.is_open = True

    def happened(self) -> Collection[Hashable] | None:
        return self.next

    def close(self) -> None:
        self.is_open = False


async def until(condition: Any) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not condition():
            await checkpoint()


async def turns(count: int = 20) -> None:
    """Let the loop turn, so that whoever was woken has gone on."""
    for _ in range(count):
        await checkpoint()


async def test_an_arrival_wakes_all() -> None:
    arrivals, woken = Arrivals(), []
    sleepers = [Sleeper(arrivals) for _ in range(100)]

    async def sleep(number: int) -> None:
        woken.append((number, await sleepers[number].sleep(arrivals.expect(), LONG_S, lambda: False)))

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(sleep, number)
            await until(lambda: all(sleeper.is_asleep for sleeper in sleepers))
            arrivals.announce()
    assert sorted(woken) == [(number, True) for number in range(100)]
    assert not any(sleeper.is_asleep for sleeper in sleepers)
    assert arrivals not in current_queue().batches


async def test_what_has_happened_already_is_not_waited_for() -> None:
    arrivals = Arrivals()
    arrival = arrivals.expect()
    arrivals.announce()
    assert await Sleeper(arrivals).sleep(arrival, LONG_S, lambda: False) is False


async def test_the_time_is_up() -> None:
    arrivals = Arrivals()
    assert await Sleeper(arrivals).sleep(arrivals.expect(), 0.001, lambda: False) is False
    assert arrivals not in current_queue().batches


async def test_a_wake_is_heard_from_any_thread() -> None:
    arrivals = Arrivals()
    sleeper = Sleeper(arrivals)
    sleeper.wake()  # nobody sleeps
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sleeper.sleep, arrivals.expect(), LONG_S, lambda: False)
            await until(lambda: sleeper.is_asleep)
            threading.Thread(target=sleeper.wake).start()
        assert await sleeper.sleep(arrivals.expect(), LONG_S, lambda: True) is False  # it has come before


async def test_only_those_whom_it_concerns() -> None:
    arrivals, told = Arrivals(), Told()
    sleepers = [Sleeper(arrivals, topic, lambda: told) for topic in (*range(30), None)]
    counts = [0] * 31

    async def sleep(number: int) -> None:
        while True:
            await sleepers[number].sleep(arrivals.expect(), LONG_S, lambda: False)
            counts[number] += 1

    def asleep() -> bool:
        return all(sleeper.is_asleep for sleeper in sleepers)

    async with anyio.create_task_group() as tasks:
        for number in range(31):
            tasks.start_soon(sleep, number)
        await until(asleep)
        arrivals.announce()  # nobody has listened to the news yet
        await until(lambda: counts == [1] * 31 and asleep())
        for topics in ({3}, {4, 5, "elsewhere"}, set()):
            told.next = topics
            before = list(counts)
            arrivals.announce()
            await until(lambda before=before: counts[30] > before[30] and asleep())
            await turns()
            expected = [count + (number in topics or number == 30) for number, count in enumerate(before)]
            assert counts == expected
        told.next = None
        before = list(counts)
        arrivals.announce()
        await until(lambda: counts == [count + 1 for count in before] and asleep())
        assert told.is_open
        tasks.cancel_scope.cancel()
    assert not told.is_open
    assert arrivals not in current_queue().batches


async def test_patient_ones_let_others_go_first() -> None:
    order: list[str] = []

    async def take(name: str) -> None:
        await take_turn(is_patient=name == "patient")
        order.append(name)

    async with anyio.create_task_group() as tasks:
        for _ in range(60):
            tasks.start_soon(take, "patient")
            tasks.start_soon(take, "other")
    last = len(order) - order[::-1].index("other")
    together = "".join(name[0] for name in order[:last])
    assert order.count("patient") == order.count("other") == 60
    assert "pp" not in together.rstrip("p")


async def test_one_arrival_alone() -> None:
    arrival = Completion()
    sleeper = Sleeper()
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sleeper.sleep, arrival, LONG_S, lambda: False)
            await until(lambda: sleeper.is_asleep)
            arrival.set_result()


def test_in_threads() -> None:
    arrivals = Arrivals()
    sleeper = Sleeper(arrivals)
    for end in (arrivals.announce, sleeper.wake):
        arrival = arrivals.expect()
        thread = threading.Thread(target=lambda arrival=arrival: drive(sleeper.sleep(arrival, LONG_S, lambda: False)))
        thread.start()
        while not sleeper.is_asleep:
            pass
        end()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    arrival = arrivals.expect()
    drive(sleeper.sleep(arrival, LONG_S, lambda: True))
    drive(sleeper.sleep(arrival, 0.001, lambda: False))
    assert not arrival._callbacks
