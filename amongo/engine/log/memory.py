"""The log of a store without files (`memory://`): it hands out sequences and keeps the last commits alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amongo.engine.log.format import COMMIT, Frame, LogFile, pack_entry
from amongo.engine.log.recent import Commit, Recent
from amongo.engine.log.recovery import Cut
from amongo.errors import storage
from amongo.errors.history import HISTORY_LOST
from amongo.runtime.clock import Clock
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import FRAME_BYTES, MEMORY_HISTORY_BYTES, RECENT_COMMIT_BYTES
from amongo.runtime.workers import Completion, RLock


class MemoryLog:
    """Has the methods of `Log`. Everything is at once as durable as it will ever be.

    recent   the last commits
    """

    def __init__(self, clock: Clock, after: int = 0, history_bytes: int = MEMORY_HISTORY_BYTES) -> None:
        """
        after           the last sequence that counts as handed out
        history_bytes   about so much of the last commits is kept
        """
        self.last_sequence = after
        self.cut: Cut | None = None
        self.guard = RLock()
        self.recent = Recent(history_bytes, after)
        self._now_ns = clock.now_ns
        self._next_second_ns = 0
        self._is_closed = False
        self._done = Completion()
        self._done.set_result()

    def replay(self, after: int = 0) -> Iterator[Frame]:
        """No commits: nothing was kept."""
        return iter(())

    def append(self, payload: bytes | Sequence[bytes], kind: int = COMMIT) -> int:
        """Keep a commit under the next sequence; errors: FRAME_TOO_LARGE, LOG_CLOSED."""
        length = len(payload) if type(payload) is bytes else sum(map(len, payload))  # type: ignore[arg-type]
        if length > FRAME_BYTES:
            raise storage.FRAME_TOO_LARGE(actual_bytes=length, limit_bytes=FRAME_BYTES)
        wall_ns = self._now_ns()
        sequence = self.last_sequence + 1 if wall_ns < self._next_second_ns else self._begin_second(wall_ns)
        self.recent.put((sequence, wall_ns, payload), length, self.last_sequence)
        self.last_sequence = sequence
        return sequence

    def pieces(self, record_id: int, head: bytes, documents: Sequence[bytes], interrupt: Interrupt) -> list[bytes]:
        """The bytes of one entry of many documents, to be appended: the documents themselves, and no copy of them."""
        return [pack_entry(record_id, len(documents)) + head, *documents]

    def append_entry(self, record_id: int, count: int, head: bytes, documents: bytes) -> int:
        """`append` for one entry, of a document or two. errors: LOG_CLOSED."""
        now_ns, recent = self._now_ns, self.recent
        wall_ns = now_ns()
        sequence = self.last_sequence + 1
        if wall_ns >= self._next_second_ns:
            sequence = self._begin_second(wall_ns)
        left = recent.left - len(documents) - RECENT_COMMIT_BYTES  # as in `Recent.put`
        if left < 0:
            left = recent.begin(len(documents), self.last_sequence)
        recent.left, keep = left, recent.keep
        keep((sequence, wall_ns, record_id, count, head, documents))
        self.last_sequence = sequence
        return sequence

    def _begin_second(self, wall_ns: int) -> int:
        """Go on to the sequences of another second; the next one. errors: LOG_CLOSED."""
        if self._is_closed:
            raise storage.LOG_CLOSED()
        second = wall_ns // 1_000_000_000
        self._next_second_ns = (second + 1) * 1_000_000_000
        return max(self.last_sequence + 1, second << 32 | 1)

    # History

    @property
    def oldest(self) -> int:
        """Every commit with a greater sequence can still be read."""
        return self.recent.oldest

    def keep_recent(self, is_wanted: bool) -> None:
        """The last commits are always kept."""

    def take_back(self) -> None:
        """The commit that broke off has not happened."""
        self.recent.take_back(self.last_sequence)

    def past(self) -> ForgottenPast:
        """What reads the commits before the recent ones: there are none any more."""
        return ForgottenPast()

    def durable(self, sequence: int) -> Completion:
        """A completion that has happened."""
        if sequence > self.last_sequence:
            raise ValueError(f"sequence {sequence} has not been handed out")
        return self._done

    def sync_now(self) -> None:
        """Nothing to sync."""

    def log_files(self) -> list[LogFile]:
        """None."""
        return []

    @property
    def total_bytes(self) -> int:
        """None."""
        return 0

    def drop_before(self, sequence: int) -> list[LogFile]:
        """No files to remove."""
        return []

    def close(self) -> None:
        """Take no more commits. A second call does nothing."""
        self._is_closed = True
        self._next_second_ns = 0  # the next commit looks


class ForgottenPast:
    """Has the method of `past.PastCommits`."""

    def next(self, after: int, last: int, count: int) -> list[Commit]:
        """Nothing. errors: HISTORY_LOST."""
        raise HISTORY_LOST()
