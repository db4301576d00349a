"""The log of a store without files (`memory://`): it hands out sequences and forgets the frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amongo.engine.log.format import COMMIT, Frame, LogFile
from amongo.engine.log.recovery import Cut
from amongo.errors import storage
from amongo.runtime.clock import Clock
from amongo.runtime.limits import FRAME_BYTES
from amongo.runtime.workers import Completion, RLock


class MemoryLog:
    """Has the methods of `Log`. Everything is at once as durable as it will ever be."""

    def __init__(self, clock: Clock) -> None:
        self.last_sequence = 0
        self.cut: Cut | None = None
        self.guard = RLock()
        self._now_ns = clock.now_ns
        self._next_second_ns = 0
        self._is_closed = False
        self._done = Completion()
        self._done.set_result()

    def replay(self, after: int = 0) -> Iterator[Frame]:
        """No commits: nothing was kept."""
        return iter(())

    def append(self, payload: bytes | Sequence[bytes], kind: int = COMMIT) -> int:
        """The next sequence; the payload is dropped. errors: FRAME_TOO_LARGE, LOG_CLOSED."""
        length = len(payload) if type(payload) is bytes else sum(map(len, payload))  # type: ignore[arg-type]
        if length > FRAME_BYTES:
            raise storage.FRAME_TOO_LARGE(actual_bytes=length, limit_bytes=FRAME_BYTES)
        return self.append_entry(0, 0, b"", b"")

    def append_entry(self, record_id: int, count: int, head: bytes, documents: bytes) -> int:
        """The next sequence; the entry, of a document or two, is dropped. errors: LOG_CLOSED."""
        if self._is_closed:
            raise storage.LOG_CLOSED()
        now_ns = self._now_ns
        wall_ns = now_ns()
        sequence = self.last_sequence + 1
        if wall_ns >= self._next_second_ns:
            second = wall_ns // 1_000_000_000
            self._next_second_ns = (second + 1) * 1_000_000_000
            sequence = max(sequence, second << 32 | 1)
        self.last_sequence = sequence
        return sequence

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
