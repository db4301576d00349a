"""Doing for many operations at once what waits for its turn.

Operations of one kind that would have to queue for their turn (see `amongo.runtime.turns`) join a batch instead. When
the batch's turn comes, one call does the work of all its members, and each gets its own result. So the busier an event
loop is, the less each operation costs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from amongo.runtime.limits import LOOP_BATCH_BYTES, LOOP_BATCH_COUNT
from amongo.runtime.turns import Queue, current_queue
from amongo.runtime.workers import Completion

R = TypeVar("R")


class Handled(NamedTuple, Generic[R]):
    """What a batch's call has done.

    results   one for each item, in their order
    after     the members go on when this has happened, and raise what it has failed with; None for at once
    """

    results: Sequence[R]
    after: Completion | None


async def do_together(item: bytes, handle: Callable[..., Handled[R]], *arguments: Hashable) -> R:
    """Have `item` handled with others when their turn comes: with those of the same `handle` and `arguments`.

    handle   called on the loop as `handle(items, *arguments)`; takes a fraction of a millisecond
    result   the one for this item
    errors   what `handle` raises, what `Handled.after` has failed with

    A caller that is cancelled before the turn has its item taken out again.
    """
    queue = current_queue()
    kind = (handle, arguments)
    batch = queue.batches.get(kind)
    if batch is None:
        batch = queue.batches[kind] = _Batch(queue, handle, arguments)
        queue.add_errand(batch.perform)
    position = len(batch.items)
    batch.items.append(item)
    batch.size_bytes += len(item)
    if position + 1 == LOOP_BATCH_COUNT or batch.size_bytes >= LOOP_BATCH_BYTES:
        del queue.batches[kind]  # full: the next one begins another
    try:
        await batch.line.join()
    except BaseException:
        batch.leave(position)
        raise
    result: R = batch.result(position)
    return result


class _Batch(Generic[R]):
    """The items of the operations that wait together; see `do_together`."""

    __slots__ = (
        "_after",
        "_arguments",
        "_error",
        "_handle",
        "_left",
        "_queue",
        "_results",
        "items",
        "line",
        "size_bytes",
    )

    def __init__(self, queue: Queue, handle: Callable[..., Handled[R]], arguments: tuple[Hashable, ...]) -> None:
        self._queue = queue
        self._handle = handle
        self._arguments = arguments
        self.items: list[bytes] = []
        self.size_bytes = 0
        self.line = queue.loop.new_line()
        self._left: set[int] = set()
        self._results: Any = None
        self._after: Completion | None = None
        self._error: BaseException | None = None

    def leave(self, position: int) -> None:
        """The member at `position` was cancelled."""
        self._left.add(position)

    def result(self, position: int) -> R:
        """What the member at `position` gets, or raises."""
        if self._after is not None:
            self._after.check()
        if self._error is not None:
            raise self._error.with_traceback(None)
        result: R = self._results[position]
        return result

    def perform(self) -> None:
        """Handle the items, then let the members go on, now or when it is time."""
        kind = (self._handle, self._arguments)
        if self._queue.batches.get(kind) is self:
            del self._queue.batches[kind]
        positions = [position for position in range(len(self.items)) if position not in self._left]
        if not positions:
            return
        try:
            handled = self._handle([self.items[position] for position in positions], *self._arguments)
        except Exception as error:
            self._error = error
        else:
            self._results = dict(zip(positions, handled.results, strict=True))
            self._after = handled.after
        if self._after is None:
            self.line.release()
        else:
            self._after.call_on_loop(self._queue.loop, self._go_on)

    def _go_on(self) -> None:
        self._queue.add_errand(self.line.release)  # an errand, since many batches may have waited for the same
