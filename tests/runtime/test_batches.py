"""What waits for its turn together is done by one call, and each gets its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from amongo.runtime import turns
from amongo.runtime.batches import Handled, do_together
from amongo.runtime.limits import LOOP_BATCH_BYTES, LOOP_BATCH_COUNT
from amongo.runtime.turns import take_turn, turn
from amongo.runtime.workers import Completion, start_service

pytestmark = pytest.mark.anyio

PATIENCE_S = 60  # how long a test waits for what has to happen


async def together(*arguments: Any) -> int:
    result: int = await do_together(*arguments)
    return result


class Calls:
    """A handler that notes what it is called with; it gives every item's length."""

    def __init__(self, after: Completion | None = None) -> None:
        self.calls: list[list[bytes]] = []
        self.after = after
        self.error: Exception | None = None

    def handle(self, items: list[bytes]) -> Handled[int]:
        self.calls.append(items)
        if self.error is not None:
            raise self.error
        return Handled([len(item) for item in items], self.after)


async def test_one_call_for_all_and_a_result_for_each() -> None:
    calls = Calls()
    results: dict[int, int] = {}

    async def work(length: int) -> None:
        results[length] = await do_together(b"x" * length, calls.handle)

    async with anyio.create_task_group() as group:
        for length in range(20):
            group.start_soon(work, length)
    assert results == {length: length for length in range(20)}
    assert len(calls.calls) == 1


async def test_other_arguments_are_another_call() -> None:
    seen: list[tuple[str, list[bytes]]] = []

    def handle(items: list[bytes], name: str) -> Handled[int]:
        seen.append((name, sorted(items)))
        return Handled([0] * len(items), None)

    async with anyio.create_task_group() as group:
        for item in (b"1", b"2"):
            for name in ("a", "b"):
                group.start_soon(together, item, handle, name)
    assert sorted(seen) == [("a", [b"1", b"2"]), ("b", [b"1", b"2"])]


SIZES = [
    ("many small items", 2 * LOOP_BATCH_COUNT + 5, 1, LOOP_BATCH_COUNT),
    ("few large items", 7, LOOP_BATCH_BYTES // 2, 2),
    ("huge items", 3, 2 * LOOP_BATCH_BYTES, 1),
]


@pytest.mark.parametrize(("name", "count", "size", "most"), SIZES, ids=[name for name, *_ in SIZES])
async def test_a_batch_is_bounded(name: str, count: int, size: int, most: int) -> None:
    calls = Calls()
    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(together, b"x" * size, calls.handle)
    assert sum(map(len, calls.calls)) == count
    assert max(map(len, calls.calls)) == most


async def test_a_batch_begins_anew_after_its_turn() -> None:
    calls = Calls()
    for length in range(3):
        assert await do_together(b"x" * length, calls.handle) == length
    assert len(calls.calls) == 3


async def test_a_cancelled_item_is_not_handled() -> None:
    calls = Calls()
    turn.ends = 0.0
    async with anyio.create_task_group() as group:
        for item in (b"a", b"b", b"c"):
            group.start_soon(together, item, calls.handle)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await do_together(b"cancelled", calls.handle)
        assert scope.cancelled_caught
    handled = [item for call in calls.calls for item in call]
    assert {b"a", b"b", b"c"} <= set(handled)
    assert len(handled) == 3 or handled.count(b"cancelled") == 1  # its turn may have come before the cancellation


async def test_only_cancelled_items_make_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()
    errands: list[Callable[[], object]] = []
    monkeypatch.setattr(turns.Queue, "add_errand", lambda queue, call: errands.append(call))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await do_together(b"x", calls.handle)
    for errand in errands:
        errand()
    assert errands and not calls.calls


async def test_a_failure_is_everybodys() -> None:
    calls = Calls()
    calls.error = OSError("disk")
    failed = 0

    async def work() -> None:
        nonlocal failed
        with pytest.raises(OSError, match="disk"):
            await do_together(b"x", calls.handle)
        failed += 1

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(work)
    assert failed == 5


async def test_members_go_on_when_it_has_happened() -> None:
    asked = 0

    def ask() -> None:
        nonlocal asked
        asked += 1

    calls = Calls(Completion(ask))
    done = 0

    async def work() -> None:
        nonlocal done
        assert await do_together(b"xyz", calls.handle) == 3
        done += 1

    async with anyio.create_task_group() as group:
        for _ in range(2 * LOOP_BATCH_COUNT):
            group.start_soon(work)
        with anyio.fail_after(PATIENCE_S):
            while asked < 2:
                await anyio.lowlevel.checkpoint()
        assert (done, asked, len(calls.calls)) == (0, 2, 2)
        assert calls.after is not None
        start_service("test", calls.after.set_result).join()
    assert done == 2 * LOOP_BATCH_COUNT


async def test_members_raise_what_it_has_failed_with() -> None:
    calls = Calls(Completion())
    assert calls.after is not None
    calls.after.set_exception(OSError("disk"))
    with pytest.raises(OSError, match="disk"):
        await do_together(b"x", calls.handle)


async def test_batches_and_turns_do_not_starve_each_other() -> None:
    calls = Calls()
    counts = {"batches": 0, "turns": 0}

    async def in_batches() -> None:
        while True:
            await do_together(b"x", calls.handle)
            counts["batches"] += 1

    async def in_turns() -> None:
        while True:
            turn.ends = 0.0
            await take_turn()
            counts["turns"] += 1

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            for _ in range(30):
                group.start_soon(in_batches)
                group.start_soon(in_turns)
            while min(counts.values()) <= 30:
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
