"""The one door to threads."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref

import anyio
import anyio.to_thread
import pytest

from amongo.runtime.blocking import drive
from amongo.runtime.interrupts import Interrupt, OperationInterrupted
from amongo.runtime.limits import WORKER_THREADS
from amongo.runtime.workers import Completion, run, sleep, start_service

PATIENCE_S = 60  # how long a test waits for what has to happen


async def cancel_once_begun(
    scope: anyio.CancelScope, begun: threading.Event, gate: threading.Event | None = None
) -> None:
    """Cancel the scope when a worker is in the call, and then let the call go on."""
    await anyio.to_thread.run_sync(begun.wait, PATIENCE_S)
    scope.cancel()
    if gate is not None:
        gate.set()


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
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        try:
            while True:
                interrupt.check()
        except OperationInterrupted:
            time.sleep(0.02)  # who does not wait for the end is gone by then
            ended.set()
            raise

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(cancel_once_begun, scope, begun)
            await run(work, interrupt=interrupt)
        assert scope.cancelled_caught
        assert ended.is_set()


@pytest.mark.anyio
async def test_a_call_that_has_not_begun_is_never_made() -> None:
    gate = threading.Event()
    running = threading.Semaphore(0)
    made: list[int] = []

    def work() -> None:
        running.release()
        assert gate.wait(PATIENCE_S)

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            for _ in range(WORKER_THREADS):
                group.start_soon(run, work)
            for _ in range(WORKER_THREADS):
                assert await anyio.to_thread.run_sync(running.acquire, True, PATIENCE_S)
            with anyio.move_on_after(0.01) as scope:
                await run(made.append, 1)
            assert scope.cancelled_caught
            gate.set()
    await run(int)
    assert made == []


@pytest.mark.anyio
async def test_a_cancelled_task_makes_no_call() -> None:
    made: list[int] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        await run(made.append, 1)
    assert scope.cancelled_caught and made == []


def test_a_task_cancelled_again_and_again_still_waits() -> None:
    """asyncio's own `Task.cancel`, which passes through anyio's shields."""
    interrupt = Interrupt()
    begun, gate, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        gate.wait(PATIENCE_S)
        ended.set()

    async def main() -> None:
        task = asyncio.ensure_future(run(work, interrupt=interrupt))
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        for _ in range(5):
            task.cancel()
            await asyncio.sleep(0.005)
            assert not task.done()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()

    asyncio.run(main())
    with pytest.raises(OperationInterrupted):
        interrupt.check()


@pytest.mark.anyio
async def test_what_a_cancelled_task_would_have_got_is_discarded() -> None:
    discarded: list[str] = []
    begun, gate = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        gate.wait(PATIENCE_S)
        return "cursor"

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(cancel_once_begun, scope, begun, gate)
            await run(work, discard=discarded.append)
        assert scope.cancelled_caught
    assert discarded == ["cursor"]


@pytest.mark.anyio
async def test_failures_leave_no_cycles() -> None:
    class Failure(Exception):
        pass

    def fail() -> None:
        raise Failure

    gc.collect()
    gc.disable()
    try:
        with pytest.raises(Failure) as caught:
            await run(fail)
        gone = weakref.ref(caught.value)
        del caught
        assert gone() is None
    finally:
        gc.enable()


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
        await anyio.wait_all_tasks_blocked()
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


@pytest.mark.anyio
async def test_a_cancelled_waiter_leaves_and_the_others_are_woken() -> None:
    completion = Completion()
    woken: list[int] = []
    scopes: dict[int, anyio.CancelScope] = {}
    cancelled: list[int] = []

    async def wait(number: int) -> None:
        with anyio.CancelScope() as scopes[number]:
            await completion.wait()
            woken.append(number)
        if scopes[number].cancelled_caught:
            cancelled.append(number)

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(wait, number)
        await anyio.wait_all_tasks_blocked()
        for number in range(1, 20, 2):
            scopes[number].cancel()
        await anyio.wait_all_tasks_blocked()
        assert sorted(cancelled) == list(range(1, 20, 2))
        assert woken == []
        start_service("test", completion.set_result).join()
    assert sorted(woken) == list(range(0, 20, 2))


@pytest.mark.anyio
async def test_who_waits_asks_once_for_all_of_a_loop() -> None:
    asked = 0
    waiting = 0

    def ask() -> None:
        nonlocal asked
        asked += 1
        assert waiting == 50
        start_service("test", completion.set_result)

    completion = Completion(ask)

    async def wait() -> None:
        nonlocal waiting
        waiting += 1
        await completion.wait()

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(wait)
    assert asked == 1


def test_tasks_of_several_loops_and_threads_wait_for_the_same() -> None:
    asked = threading.Semaphore(0)
    completion = Completion(asked.release)
    woken: list[str] = []

    async def wait() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(completion.wait)
        woken.append("loop")

    def block() -> None:
        completion.wait_blocking(PATIENCE_S)
        woken.append("thread")

    threads = [threading.Thread(target=anyio.run, args=(wait,), kwargs={"backend": "asyncio"})]
    threads += [threading.Thread(target=anyio.run, args=(wait,), kwargs={"backend": "trio"})]
    threads += [threading.Thread(target=block)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert asked.acquire(timeout=PATIENCE_S)
    completion.set_result()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(woken) == ["loop", "loop", "thread"]


def test_a_happening_races_with_its_waiters() -> None:
    """Whatever the moment, nobody is left waiting."""
    for attempt in range(100):
        completion = Completion()

        async def wait(completion: Completion = completion) -> None:
            with anyio.fail_after(PATIENCE_S):
                for _ in range(5):
                    await completion.wait()

        thread = threading.Timer(0.00001 * (attempt % 20), completion.set_result)
        thread.start()
        asyncio.run(wait())
        thread.join()


@pytest.mark.anyio
async def test_a_failure_has_a_traceback_of_its_own_for_everybody() -> None:
    completion = Completion()
    completion.set_exception(OSError("disk"))
    lengths = set()
    for _ in range(3):
        with pytest.raises(OSError, match="disk") as caught:
            await completion.wait()
        lengths.add(len(caught.traceback))
    assert len(lengths) == 1


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
