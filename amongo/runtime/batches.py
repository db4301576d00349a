"""Doing for many operations at once what waits for its turn.

Operations of one kind that would have to queue for their turn (see `amongo.runtime.turns`) join a batch instead. When
the batch's turn comes, one call does the work of all its members, and each gets its own result. So the busier an event
loop is, the less each operation costs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import compress
from typing import Generic, NamedTuple, TypeVar

from amongo.runtime.limits import LOOP_BATCH_BYTES, LOOP_BATCH_COUNT
from amongo.runtime.loops import Place
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


def do_together(item: bytes, handle: Callable[..., Handled[R]], *arguments: Hashable) -> Awaitable[R]:
    """Have `item` handled with others when their turn comes: with those of the same `handle` and `arguments`.

    handle   called on the loop as `handle(items, *arguments)`; takes a fraction of a millisecond
    result   to be awaited at once; gives the result for this item
    errors   what `handle` raises, what `Handled.after` has failed with

    The item of a caller that is cancelled before the turn is not handled.
    """
    queue = current_queue()
    kind = (handle, arguments)
    batch = queue.batches.get(kind)
    if batch is None:
        batch = queue.batches[kind] = _Batch(queue, handle, arguments)
        queue.add_errand(batch.perform)
    place = queue.loop.new_place()
    batch.places.append(place)
    batch.items.append(item)
    batch.size_bytes += len(item)
    if len(batch.items) == LOOP_BATCH_COUNT or batch.size_bytes >= LOOP_BATCH_BYTES:
        del queue.batches[kind]  # full: the next one begins another
    return place


class _Batch(Generic[R]):
    """The items of the operations that wait together; see `do_together`."""

    __slots__ = ("_after", "_arguments", "_handle", "_queue", "_results", "items", "places", "size_bytes")

    def __init__(self, queue: Queue, handle: Callable[..., Handled[R]], arguments: tuple[Hashable, ...]) -> None:
        self._queue = queue
        self._handle = handle
        self._arguments = arguments
        self.items: list[bytes] = []
        self.places: list[Place] = []  # of the tasks, one an item
        self.size_bytes = 0
        self._results: Sequence[R] = ()
        self._after: Completion | None = None

    def perform(self) -> None:
        """Handle the items, then let their tasks go on, now or when it is time."""
        kind = (self._handle, self._arguments)
        if self._queue.batches.get(kind) is self:
            del self._queue.batches[kind]
        here = [not place.done() for place in self.places]
        if not all(here):
            self.places = list(compress(self.places, here))
            self.items = list(compress(self.items, here))
        if not self.items:
            return
        try:
            self._results, self._after = self._handle(self.items, *self._arguments)
        except Exception as error:
            self._fail(error)
            return
        if self._after is None:
            self._succeed()
        else:  # the end is an errand again, since many batches may have waited for the same
            self._after.call_on_loop(self._queue.loop, lambda: self._queue.add_errand(self._end))

    def _end(self) -> None:
        assert self._after is not None
        try:
            self._after.check()
        except Exception as error:
            self._fail(error)
        else:
            self._succeed()

    def _succeed(self) -> None:
        for place, result in zip(self.places, self._results, strict=True):
            if not place.done():
                place.set_result(result)

    def _fail(self, error: Exception) -> None:
        for place in self.places:
            if not place.done():
                place.set_exception(error)
