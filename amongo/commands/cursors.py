"""Server cursors: results that are fetched in batches.

A cursor belongs to the instance, not to a connection. One that nobody asks for in ten minutes is closed; so is one
that is exhausted, killed, or whose operation was interrupted. At most `OPEN_CURSORS` exist.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from bson import Int64, Timestamp

from amongo.commands.access.owners import Owner
from amongo.commands.replies import CursorReply
from amongo.engine.records import Collection
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.errors import transactions as transaction_errors
from amongo.planner import LiveScan, ResumePoint
from amongo.runtime.clock import Clock
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import BATCH_BYTES, CHECK_DOCUMENTS, CURSOR_IDLE_MS, FIRST_BATCH_COUNT, OPEN_CURSORS
from amongo.runtime.waking import Sleeper
from amongo.runtime.workers import Lock


class Cursor:
    """An open cursor: what is left of a result.

    interrupt      stops the operation behind it
    knows_end      whether the result's end is seen with its last document; a scan sees it only by looking on, as on the
                   server, so that a batch that is exactly full leaves the cursor open
    limit          documents that the result has at most; 0 for any number
    number         of the transaction that it was made in; None outside of one
    origin         (the command that has opened it, its plan), where a profiler was on then
    never_idles    `noCursorTimeout`
    collection     what it reads, if it reads one collection directly
    awaits_data    a getMore that finds nothing waits for what is inserted
    live           how it goes on as the collection is by then; None if it goes on with what it has begun
    resume_point   how far the scan behind it has come, where the find asked; None otherwise
    finds_at_once  whether the next document is found without a look at others
    sleeper        how a getMore waits that finds nothing, where it waits
    read_at        the cluster time of a snapshot read; None for others
    owner          the users whose it is; None for one that was opened by nobody
    is_killed      it has ended while somebody uses it, who closes it
    """

    __slots__ = (
        "_documents",
        "_held",
        "_last",
        "_left",
        "awaits_data",
        "collection",
        "finds_at_once",
        "interrupt",
        "is_killed",
        "is_pinned",
        "knows_end",
        "last_used_s",
        "live",
        "namespace",
        "never_idles",
        "number",
        "origin",
        "owner",
        "read_at",
        "resume_point",
        "session_id",
        "sleeper",
    )

    def __init__(
        self,
        namespace: str,
        documents: Iterator[bytes],
        interrupt: Interrupt,
        *,
        knows_end: bool = False,
        limit: int = 0,
        session_id: bytes | None = None,
        never_idles: bool = False,
        finds_at_once: bool = False,
        collection: Collection | None = None,
        awaits_data: bool = False,
        live: LiveScan | None = None,
        resume_point: ResumePoint | None = None,
    ) -> None:
        self.namespace = namespace
        self.interrupt = interrupt
        self.session_id = session_id
        self.number: int | None = None
        self.origin: tuple[dict[str, Any], str] | None = None
        self.never_idles = never_idles
        self.finds_at_once = finds_at_once
        self.collection = collection
        self.awaits_data = awaits_data
        self.live = live
        self.resume_point = resume_point
        self.last_used_s = 0.0
        self.is_pinned = False
        self.is_killed = False
        self.read_at: Timestamp | None = None
        self.sleeper: Sleeper | None = None
        self.owner: Owner | None = None
        self._documents = documents
        self._held: bytes | None = None
        self._last: bytes | None = None  # that was given
        self._left = limit or -1
        self.knows_end = knows_end

    def next_batch(self, count: int | None) -> tuple[list[bytes], bool]:
        """(documents of the next batch, whether that was all).

        count   documents at most; None for as many as 16 MiB hold
        """
        batch: list[bytes] = []
        size = 0
        if self._held is not None:
            batch.append(self._held)
            size = len(self._held)
            self._held = None
        countdown = CHECK_DOCUMENTS
        for raw in self._documents:
            size += len(raw)
            if size > BATCH_BYTES and batch:
                self._held = raw
                break
            batch.append(raw)
            if len(batch) == count:
                break
            countdown -= 1
            if not countdown:
                self.interrupt.check()
                countdown = CHECK_DOCUMENTS
        else:
            return batch, True
        self._left -= len(batch)
        self._last = batch[-1] if batch else self._last
        return batch, self._is_at_end()

    def go_on(self) -> None:
        """Before a further batch: read what is there now, where the find does.

        errors   COLLECTION_DROPPED, COLLECTION_RENAMED
        """
        self.check_collection()
        if self.live is not None and (documents := self.live.behind(self._last, self._left)) is not None:
            self._documents, self._held = documents, None

    def check_collection(self) -> None:
        """End a cursor whose collection is gone, or has another name now.

        errors   COLLECTION_DROPPED, COLLECTION_RENAMED
        """
        collection = self.collection
        if collection is None:
            return
        if collection.is_dropped:
            raise errors.COLLECTION_DROPPED(namespace=self.namespace)
        if collection.namespace != self.namespace:
            raise errors.COLLECTION_RENAMED(source=self.namespace, target=collection.namespace)

    def resume_token(self) -> dict[str, Any] | None:
        """What a later find takes as `$_resumeAfter` to go on behind the last batch; None where nobody asked."""
        point = self.resume_point
        if point is None:
            return None
        record_id = point.at if self._held is None else point.behind
        return {"$recordId": None if record_id is None else Int64(record_id)}

    @property
    def examines(self) -> int | None:
        """How many documents the next batch looks at, at most, for a cursor that knows; None for others."""
        return None

    @property
    def has_more(self) -> bool:
        """Whether the last batch ended before all that there is had been looked at."""
        return False

    def begin_look(self, *, is_on_loop: bool) -> None:
        """Before a batch of a cursor that awaits data: whether it is made on an event loop, and has to be short."""

    def close(self) -> None:
        """Let go of what it reads; called once, when nobody uses it any more."""

    def let_go(self) -> None:
        """Give nothing more, and hold on to nothing: the transaction that it was made in has ended."""
        self._documents, self._held = iter(()), None
        self.live = self.collection = self.resume_point = None

    def _is_at_end(self) -> bool:
        """Whether the result is known to be at its end."""
        if self._left == 0:
            return True
        if self.knows_end and self._held is None:
            self._held = next(self._documents, None)
            return self._held is None
        return False


class Cursors:
    """The open cursors of an instance.

    idle_s   a cursor that nobody asks for in so many seconds is closed
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cursors: dict[int, Cursor] = {}
        self._lock = Lock()
        self._sweep_due_s = 0.0
        self.idle_s = CURSOR_IDLE_MS / 1000
        self._number: int | None = None
        self._made: list[Cursor] = []

    def of_transaction(self, number: int) -> Cursors:
        """The same cursors, as operations of a transaction see them: those that they make belong to it."""
        inside = copy.copy(self)
        inside._number, inside._made = number, []
        return inside

    def let_go(self) -> None:
        """The transaction has ended: what was made in it gives nothing more."""
        made, self._made = self._made, []
        for cursor in made:
            cursor.let_go()

    def __len__(self) -> int:
        return len(self._cursors)

    def first_reply(self, cursor: Cursor, batch_size: int | None, *, is_single: bool = False) -> CursorReply:
        """The reply of find or aggregate: the first batch, and the cursor kept if there is more.

        batch_size   documents at most; None for 101
        is_single    close the cursor after this batch
        """
        count = FIRST_BATCH_COUNT if batch_size is None else batch_size
        if count == 0:
            cursor_id = 0 if is_single else self._keep(cursor)
            return CursorReply(cursor_id, cursor.namespace, [], True, cursor.resume_token())
        batch, is_done = cursor.next_batch(count)
        cursor_id = 0 if is_done or is_single else self._keep(cursor)
        return CursorReply(cursor_id, cursor.namespace, batch, True, cursor.resume_token())

    def next_reply(
        self, cursor_id: int, namespace: str, batch_size: int | None, session_id: bytes | None = None
    ) -> CursorReply:
        """The reply of getMore.

        errors   CURSOR_NOT_FOUND, CURSOR_WRONG_NAMESPACE, CURSOR_WRONG_SESSION, CURSOR_IN_USE, COLLECTION_DROPPED,
                 COLLECTION_RENAMED
        """
        cursor = self.pin(cursor_id, namespace, session_id)
        try:
            return self.fetch(cursor_id, cursor, batch_size)
        finally:
            self.unpin(cursor)

    def pin(self, cursor_id: int, namespace: str, session_id: bytes | None) -> Cursor:
        """The cursor, which nobody else may use until `unpin`.

        errors   CURSOR_NOT_FOUND, CURSOR_WRONG_NAMESPACE, CURSOR_WRONG_SESSION, CURSOR_IN_USE;
                 CURSOR_OF_TRANSACTION and its kind
        """
        with self._lock:
            cursor = self._cursors.get(cursor_id)
            if cursor is None:
                raise errors.CURSOR_NOT_FOUND(cursor_id=cursor_id)
            if cursor.namespace != namespace:
                raise errors.CURSOR_WRONG_NAMESPACE(namespace=namespace, actual=cursor.namespace)
            if cursor.session_id != session_id:
                raise errors.CURSOR_WRONG_SESSION(cursor_id=cursor_id)
            if cursor.number != self._number:
                raise self._wrong_transaction(cursor_id, cursor)
            if cursor.is_pinned:
                raise errors.CURSOR_IN_USE(cursor_id=cursor_id)
            cursor.is_pinned = True
            return cursor

    def unpin(self, cursor: Cursor) -> None:
        """Let others use the cursor."""
        cursor.last_used_s = self._clock.monotonic()
        with self._lock:
            cursor.is_pinned = False
            is_killed = cursor.is_killed
        if is_killed:
            cursor.close()

    def fetch(self, cursor_id: int, cursor: Cursor, batch_size: int | None) -> CursorReply:
        """The next batch of a cursor that the caller has pinned. It is closed at its end, and by an error.

        errors   COLLECTION_DROPPED, COLLECTION_RENAMED; those of the query
        """
        is_done = True
        try:
            cursor.go_on()
            cursor.interrupt.resume()
            batch, is_done = cursor.next_batch(batch_size or None)
        finally:
            cursor.interrupt.pause()
            if is_done:
                with self._lock:
                    if self._cursors.pop(cursor_id, None) is not None:
                        cursor.is_killed = True
        next_id = 0 if is_done else cursor_id
        return CursorReply(next_id, cursor.namespace, batch, False, cursor.resume_token(), cursor.read_at)

    def find(self, cursor_id: int) -> Cursor | None:
        """The open cursor of this id."""
        return self._cursors.get(cursor_id)

    def idle(self) -> list[tuple[int, Cursor]]:
        """(id, cursor) of those that wait for their client."""
        return [each for each in list(self._cursors.items()) if not each[1].is_pinned]

    def kill(self, cursor_ids: list[int], namespace: str | None = None) -> tuple[list[int], list[int]]:
        """(ids that were closed, ids that were not found). An operation that runs for one is interrupted."""
        killed: list[int] = []
        missing: list[int] = []
        for cursor_id in cursor_ids:
            with self._lock:
                cursor = self._cursors.get(cursor_id)
                if cursor is None or (namespace is not None and cursor.namespace != namespace):
                    missing.append(cursor_id)
                    continue
                del self._cursors[cursor_id]
                cursor.is_killed = is_used = cursor.is_pinned
            cursor.interrupt.stop("cursor was killed")
            if not is_used:
                cursor.close()
            if cursor.sleeper is not None:
                cursor.sleeper.wake()
            killed.append(cursor_id)
        return killed, missing

    def kill_all(self) -> None:
        """Close every cursor."""
        self.kill(list(self._cursors))

    def kill_sessions(self, is_meant: Callable[[bytes], bool]) -> None:
        """Close every cursor of some sessions.

        is_meant   given the 16 bytes of a session
        """
        found = [(key, cursor.session_id) for key, cursor in list(self._cursors.items())]
        self.kill([key for key, session_id in found if session_id is not None and is_meant(session_id)])

    def _wrong_transaction(self, cursor_id: int, cursor: Cursor) -> ServerError:
        """The error of a getMore in another transaction than that of its cursor, or in none."""
        gaps: dict[str, Any] = {"cursor_id": cursor_id, "own": cursor.number, "number": self._number}
        if cursor.number is None:
            return transaction_errors.CURSOR_OF_NO_TRANSACTION(**gaps)
        if self._number is None:
            return transaction_errors.CURSOR_OF_TRANSACTION(**gaps)
        return transaction_errors.CURSOR_OF_OTHER_TRANSACTION(**gaps)

    def _keep(self, cursor: Cursor) -> int:
        cursor.interrupt.pause()
        if self._number is not None:
            cursor.number = self._number
            self._made.append(cursor)
        now_s = self._clock.monotonic()
        cursor.last_used_s = now_s
        if now_s >= self._sweep_due_s:
            self._sweep_due_s = now_s + self.idle_s / 10
            self._close_idle(now_s)
        with self._lock:
            if len(self._cursors) >= OPEN_CURSORS:
                raise errors.TOO_MANY_CURSORS(limit=OPEN_CURSORS)
            cursor_id = secrets.randbits(62) | 1 << 62
            self._cursors[cursor_id] = cursor
        return cursor_id

    def _close_idle(self, now_s: float) -> None:
        idle = [
            cursor_id
            for cursor_id, cursor in list(self._cursors.items())
            if not cursor.never_idles and not cursor.is_pinned and now_s - cursor.last_used_s > self.idle_s
        ]
        self.kill(idle)
