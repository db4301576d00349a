"""The one door to threads."""

from __future__ import annotations

import threading
import time

import anyio
import pytest

from amongo.runtime.blocking import drive
from amongo.runtime.interrupts import Interrupt, OperationInterrupted
from amongo.runtime.workers import Completion, run, sleep, start_service


@pytest.mark.anyio
async def test_run_gives_the_result_of_another_thread() -> None:
    assert await run(threading.get_ident) != threading.get_ident()


@pytest.mark.anyio
async def test_run_raises_what_the_call_raises() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        await run(fail)


@pytest.mark.anyio
async def test_a_cancelled_run_interrupts_and_waits_for_the_end() -> None:
    interrupt = Interrupt()
    ended = threading.Event()

    def work() -> None:
        try:
            while True:
                interrupt.check()
        except OperationInterrupted:
            time.sleep(0.02)
            ended.set()
            raise

    started = time.monotonic()
    with anyio.move_on_after(0.05) as scope:
        await run(work, interrupt=interrupt)
    assert scope.cancelled_caught
    assert ended.is_set()
    assert time.monotonic() - started < 5


@pytest.mark.anyio
async def test_a_completion_wakes_every_waiter() -> None:
    completion = Completion()
    woken = 0

    async def wait() -> None:
        nonlocal woken
        await completion.wait()
        woken += 1

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(wait)
        await anyio.sleep(0.01)
        start_service("test", completion.set_result).join()
    await completion.wait()
    assert woken == 100


@pytest.mark.anyio
async def test_a_failed_completion_raises_in_every_waiter() -> None:
    completion = Completion()
    completion.set_exception(OSError("disk"))
    completion.set_result()
    with pytest.raises(OSError, match="disk"):
        await completion.wait()
    with pytest.raises(OSError, match="disk"):
        completion.wait_blocking()


def test_wait_blocking_gives_up_in_time() -> None:
    assert not Completion().wait_blocking(0.01)


def test_the_blocking_client_stays_on_its_thread() -> None:
    async def work() -> int:
        await sleep(0.001)
        done = Completion()
        start_service("test", done.set_result)
        await done.wait()
        return await run(threading.get_ident)

    assert drive(work()) == threading.get_ident()


def test_drive_refuses_what_needs_an_event_loop() -> None:
    class Suspend:
        def __await__(self):  # type: ignore[no-untyped-def]
            yield

    async def work() -> None:
        await Suspend()

    with pytest.raises(RuntimeError, match="event loop"):
        drive(work())
