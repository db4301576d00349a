"""Cursors on capped collections, and getMores that wait for what comes: inserts, or changes of any kind.

A getMore of a cursor that awaits data and finds nothing does not answer yet. It would hold a thread, and there
are few; so it raises `Awaiting`, and whoever runs it looks again when something has come, until the time is up.
Source: manual, Tailable Cursors; getMore, `maxTimeMS`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from amongo.commands.cursors import Cursor
from amongo.commands.replies import CursorReply
from amongo.errors import capped as errors
from amongo.planner import CappedScan
from amongo.runtime.limits import AWAIT_DATA_MS
from amongo.runtime.waking import Sleeper
from amongo.values.order import equal

if TYPE_CHECKING:
    from amongo.commands.find import FindRequest
    from amongo.commands.get_more import GetMoreRequest
    from amongo.commands.instance import Instance
    from amongo.engine.records import Collection

_FORWARDS = {"$natural": 1}


def check_tailing(sort: dict[str, Any] | None, *, tailable: bool, awaits_data: bool, single_batch: bool) -> None:
    """Refuse a find whose options do not go with a tailable cursor.

    errors   AWAITS_WITHOUT_TAILABLE, TAILABLE_SORT, TAILABLE_SINGLE_BATCH
    """
    if awaits_data and not tailable:
        raise errors.AWAITS_WITHOUT_TAILABLE()
    if tailable and sort and not equal(sort, _FORWARDS):
        raise errors.TAILABLE_SORT()
    if tailable and single_batch:
        raise errors.TAILABLE_SINGLE_BATCH()


def check_capped(collection: Collection) -> None:
    """Refuse a tailable cursor on a collection that is not capped.

    errors   TAILABLE_NOT_CAPPED
    """
    if collection.cap is None:
        raise errors.TAILABLE_NOT_CAPPED(namespace=collection.namespace)


class CappedCursor(Cursor):
    """A cursor over a capped collection in natural order; see `CappedScan`."""

    __slots__ = ("scan",)

    def __init__(self, scan: CappedScan, *arguments: Any, **options: Any) -> None:
        """scan: what `Cursor` gets as its documents; all else is for `Cursor`."""
        super().__init__(*arguments, **options)
        self.scan = scan

    def next_batch(self, count: int | None) -> tuple[list[bytes], bool]:
        """(documents of the next batch, whether that was all).

        errors   CAPPED_POSITION_LOST
        """
        self.scan.resume()
        return super().next_batch(count)

    @property
    def examines(self) -> int:
        """How many records the next batch looks at, at most."""
        return self.scan.remaining


class TailableCursor(CappedCursor):
    """A cursor that stays open at the end of its collection."""

    __slots__ = ()

    def __init__(self, scan: CappedScan, *arguments: Any, **options: Any) -> None:
        super().__init__(scan, *arguments, **options)
        assert self.collection is not None
        self.sleeper = Sleeper(self.collection.arrivals)

    def next_batch(self, count: int | None) -> tuple[list[bytes], bool]:
        """(documents of the next batch, False).

        errors   CAPPED_POSITION_LOST
        """
        return super().next_batch(count)[0], False


def first_tailable_reply(instance: Instance, request: FindRequest, cursor: TailableCursor) -> CursorReply:
    """The reply of find; its cursor is open unless the collection is empty."""
    assert cursor.collection is not None
    if not cursor.collection.count:
        return CursorReply(0, request.namespace, [])
    return instance.cursors.first_reply(cursor, request.batch_size)


class Awaiting(Exception):
    """A getMore has found nothing yet. No error: look again when `change` has happened, or answer `nothing()`.

    The cursor stays pinned until `end`.

    namespace "database.collection"
    cursor    the cursor, and `cursor_id` its number
    sleeper   how it waits
    change    the next arrival of what the cursor waits for
    """

    def __init__(self, instance: Instance, request: GetMoreRequest, cursor: Cursor) -> None:
        super().__init__("no document yet")
        limit_ms = AWAIT_DATA_MS if request.max_time_ms is None else request.max_time_ms
        self._ends_s = time.monotonic() + limit_ms / 1000
        self._instance = instance
        self._request = request
        assert cursor.sleeper is not None
        assert cursor.sleeper.arrivals is not None
        self.sleeper = cursor.sleeper
        self._arrivals = cursor.sleeper.arrivals
        self.namespace = request.namespace
        self.cursor_id = request.cursor_id
        self.cursor = cursor
        self.change = self._arrivals.expect()

    def left_s(self) -> float:
        """Seconds until the time is up; negative when it was."""
        return self._ends_s - time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the cursor has been killed."""
        return self._instance.cursors.find(self._request.cursor_id) is not self.cursor

    @property
    def has_more(self) -> bool:
        """Whether the look has ended before it had seen all there is: there is nothing to wait for."""
        return self.cursor.has_more

    def look(self) -> CursorReply | None:
        """The reply, if there is something now or the time is up; None if it is to wait on.

        errors   CURSOR_KILLED; those of `Cursors.fetch`
        """
        self.change = self._arrivals.expect()
        if self.is_over:
            raise errors.CURSOR_KILLED()
        reply = self._instance.cursors.fetch(self._request.cursor_id, self.cursor, self._request.batch_size)
        return reply if reply.batch or not reply.cursor_id or self.left_s() <= 0 else None

    def nothing(self) -> CursorReply:
        """The reply when the time is up."""
        return CursorReply(self._request.cursor_id, self.namespace, [], False, self.cursor.resume_token())

    def end(self) -> None:
        """Let go of the cursor."""
        self._instance.cursors.unpin(self.cursor)
