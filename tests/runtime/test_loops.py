"""Lines of suspended tasks, on both event loops and on two in one thread."""

from __future__ import annotations

import asyncio
import contextlib

import anyio
import anyio.lowlevel
import pytest
import trio

from amongo.runtime.loops import Line, current_loop
from amongo.runtime.turns import take_turn, turn
from amongo.runtime.workers import Completion, start_service

PATIENCE_S = 60  # how long a test waits for what has to happen


async def until(line: Line, length: int) -> None:
    with anyio.fail_after(PATIENCE_S):
        while len(line) != length:
            await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_a_line_is_first_come_first_served() -> None:
    line = Line(current_loop())
    gone: list[int] = []

    async def wait(number: int) -> None:
        await until(line, number)
        await line.join()
        gone.append(number)

    async with anyio.create_task_group() as group:
        for number in range(6):
            group.start_soon(wait, number)
        await until(line, 6)
        line.release(2)
        await until(line, 4)
        while len(gone) < 2:
            await anyio.lowlevel.checkpoint()
        assert sorted(gone) == [0, 1]
        line.release()
    assert sorted(gone) == list(range(6))


@pytest.mark.anyio
async def test_the_place_of_a_cancelled_task_is_given_to_nobody() -> None:
    line = Line(current_loop())
    gone: list[str] = []

    async def wait(name: str) -> None:
        await line.join()
        gone.append(name)

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await line.join()
        assert scope.cancelled_caught
        group.start_soon(wait, "next")
        await until(line, 2)
        line.release(1)
    assert gone == ["next"]


@pytest.mark.anyio
async def test_cancelled_places_do_not_pile_up() -> None:
    line = Line(current_loop())
    for _ in range(1000):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await line.join()
    assert len(line) <= 65


@pytest.mark.anyio
async def test_a_task_that_is_released_and_cancelled_at_once_ends_cleanly() -> None:
    line = Line(current_loop())
    outcomes: list[str] = []

    async def wait() -> None:
        try:
            await line.join()
            outcomes.append("released")
        except anyio.get_cancelled_exc_class():
            outcomes.append("cancelled")
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await until(line, 1)
        line.release()
        group.cancel_scope.cancel()
        line.release()
    assert len(outcomes) == 1


def test_outside_of_an_event_loop() -> None:
    with pytest.raises(RuntimeError, match="asyncio or trio"):
        current_loop()


def test_trio_as_a_guest_of_asyncio() -> None:
    """Two event loops take turns in one thread: nobody's wake-up is lost to the other."""
    done: list[str] = []
    completion = Completion()

    async def work(name: str) -> None:
        for _ in range(50):
            turn.ends = 0.0
            await take_turn()
        await completion.wait()
        done.append(name)

    async def of_trio() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(work, f"trio {number}")

    async def of_asyncio() -> None:
        host = asyncio.get_running_loop()
        ended: asyncio.Future[object] = host.create_future()
        trio.lowlevel.start_guest_run(
            of_trio, run_sync_soon_threadsafe=host.call_soon_threadsafe, done_callback=ended.set_result
        )
        works = asyncio.gather(*(work(f"asyncio {number}") for number in range(5)))
        await asyncio.sleep(0.02)
        start_service("test", completion.set_result).join()
        await asyncio.wait_for(works, PATIENCE_S)
        await asyncio.wait_for(ended, PATIENCE_S)

    asyncio.run(of_asyncio())
    assert len(done) == 10


def test_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")
    completion = Completion()

    async def wait() -> None:
        turn.ends = 0.0
        await take_turn()
        await completion.wait()

    async def main() -> None:
        works = asyncio.gather(*(wait() for _ in range(50)))
        await asyncio.sleep(0.01)
        start_service("test", completion.set_result).join()
        await asyncio.wait_for(works, PATIENCE_S)

    uvloop.run(main())


def test_a_loop_that_ended_is_woken_in_vain() -> None:
    completion = Completion()

    async def wait() -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(completion.wait(), 0.001)

    asyncio.run(wait())
    completion.set_result()
    assert completion.is_done


def test_a_loop_that_pauses_loses_no_wake_up() -> None:
    """asyncio's loop is stopped and run again, another one runs in between."""
    completion = Completion()
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()

    async def wait() -> str:
        await completion.wait()
        turn.ends = 0.0
        await take_turn()
        return "woken"

    task = first.create_task(wait())
    first.run_until_complete(asyncio.sleep(0))
    other = second.create_task(wait())
    second.run_until_complete(asyncio.sleep(0))
    completion.set_result()
    assert first.run_until_complete(asyncio.wait_for(task, PATIENCE_S)) == "woken"
    assert second.run_until_complete(asyncio.wait_for(other, PATIENCE_S)) == "woken"
    first.close()
    second.close()
