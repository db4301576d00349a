"""What was committed, in order: for change streams, live queries, and whoever else follows the log.

A reader stands behind some commit and asks for the next ones. Those of late are in memory (`recent`): in a store
without files always, in one on disk while anybody reads. For older ones it goes to the log's files (`past`), with its
place remembered. So a slow reader slows nobody: not who writes, and not the removal of old files; what it wants may be
gone by then, and it is told so.

A commit can be read once it is *visible*: the log has its frame, and memory has been changed. Who waits for the next
one asks `arrivals` first and reads then.
"""

from __future__ import annotations

from amongo.engine.log.log import Log
from amongo.engine.log.memory import ForgottenPast, MemoryLog
from amongo.engine.log.past import PastCommits
from amongo.engine.log.recent import DROPPED, Commit, Piece, parsed, sequence_of, size_of
from amongo.engine.records.arrivals import Arrivals
from amongo.errors.history import HISTORY_LOST
from amongo.runtime.limits import HISTORY_NEAR_BYTES, HISTORY_QUICK_BYTES, RECENT_COMMIT_BYTES
from amongo.runtime.workers import Lock


class History:
    """The commits of one store.

    last         the sequence of the last visible one; set by who commits, under the store's lock
    is_watched   whether anybody reads: only then arrivals are announced
    arrivals     announced when a commit has become visible, and when the store closes
    """

    __slots__ = ("_lock", "_log", "_readers", "arrivals", "is_watched", "last")

    def __init__(self, log: Log | MemoryLog) -> None:
        self.last = log.last_sequence
        self.is_watched = False
        self.arrivals = Arrivals()
        self._log = log
        self._lock = Lock()
        self._readers = 0

    @property
    def oldest(self) -> int:
        """Every commit with a greater sequence can still be read; 0 if that is every one that there ever was."""
        return self._log.oldest

    def show(self, sequence: int) -> None:
        """All commits up to this one are visible now."""
        self.last = sequence
        if self.is_watched:
            self.arrivals.announce()

    def reader(self, after: int) -> Reader:
        """What reads the commits with a sequence over `after`, from the present or the past; to be closed.

        errors   HISTORY_LOST
        """
        reader = Reader(self, self._log, after)
        with self._lock:
            self._readers += 1
            self._log.keep_recent(True)
            self.is_watched = True
        if after < self._log.oldest:
            reader.close()
            raise HISTORY_LOST()
        return reader

    def _closed(self) -> None:
        """One reader less."""
        with self._lock:
            self._readers -= 1
            if not self._readers:
                self.is_watched = False
                self._log.keep_recent(False)


class Reader:
    """One who reads the commits, in order. Used by one thread at a time.

    position   the sequence of the last commit that it was given, or behind which it began
    """

    __slots__ = ("_history", "_index", "_is_closed", "_log", "_past", "_piece", "position")

    def __init__(self, history: History, log: Log | MemoryLog, after: int) -> None:
        self.position = after
        self._history = history
        self._log = log
        self._piece: Piece | None = None  # the place in memory, where it has one
        self._index = 0
        self._past: PastCommits | ForgottenPast | None = None
        self._is_closed = False

    @property
    def is_near(self) -> bool:
        """Whether `next` is quick, fit for an event loop: it has nothing to read from files, and no long commit to
        parse."""
        if self.position >= self._history.last:
            return True
        if not self._is_in_memory():
            return False
        assert self._piece is not None
        slots, index = self._piece.slots, self._index
        if slots is DROPPED:
            return False
        slot = slots[index] if index < len(slots) else None
        return slot is None or type(slot) is Commit or size_of(slot) <= HISTORY_QUICK_BYTES

    def next(self, count: int) -> list[Commit]:
        """The next commits, at most `count` and about `HISTORY_READ_BYTES`, less from memory; none if there are
        none yet.

        errors   HISTORY_LOST; LOG_CORRUPT, STORE_UNREADABLE, ENTRY_MALFORMED
        """
        last = self._history.last
        if self.position >= last or count <= 0:
            return []
        while self._is_in_memory():
            commits = self._near(last, count)
            if commits:
                self.position = commits[-1].sequence
            if commits or not self._is_dropped():
                return commits
        if self._past is None:
            self._past = self._log.past()
        commits = self._past.next(self.position, last, count)
        self.position = commits[-1].sequence
        return commits

    def close(self) -> None:
        """Read no more. A second call does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._piece = self._past = None
            self._history._closed()

    def _is_in_memory(self) -> bool:
        """Go to the place of the next commit in memory; False if it is not there."""
        piece = self._piece
        if piece is None or piece.slots is DROPPED:
            recent = self._log.recent
            found = None if recent is None else recent.find(self.position)
            if found is None:
                self._piece = None
                return False
            piece, self._index = found
        while (following := piece.next) is not None and self._index >= len(piece.slots):  # asked last: it grows no more
            piece, self._index = following, 0
        self._piece = piece
        return True

    def _is_dropped(self) -> bool:
        """Whether the present piece has gone meanwhile."""
        return self._piece is None or self._piece.slots is DROPPED

    def _near(self, last: int, count: int) -> list[Commit]:
        """The next commits of the present piece; none if it has been dropped meanwhile."""
        piece, index = self._piece, self._index
        assert piece is not None
        recent, slots, position = self._log.recent, piece.slots, self.position
        is_shared = recent is not None and recent.shares(piece)
        commits: list[Commit] = []
        room_bytes = HISTORY_NEAR_BYTES
        while index < len(slots) and len(commits) < count and room_bytes > 0:
            slot = slots[index]
            sequence = sequence_of(slot)
            if sequence > last:
                break
            if sequence <= position:  # it was taken back
                index += 1
                continue
            if type(slot) is not Commit:
                size_bytes = size_of(slot)
                if commits and size_bytes > HISTORY_QUICK_BYTES:
                    break
                room_bytes -= size_bytes + RECENT_COMMIT_BYTES
                slot = slots[index] = parsed(slot)
            commits.append(slot if is_shared else Commit(slot.sequence, slot.wall_ms, slot.entries))
            index, position = index + 1, sequence
        self._index = index
        return commits
