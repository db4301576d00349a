"""The log of a transaction: it keeps the entries until they are committed, and asks first if they may be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from amongo.engine.log import MemoryLog
from amongo.engine.log.format import COMMIT, Entry, documents_in, pack_entry, parse_entries
from amongo.errors import storage as errors
from amongo.runtime.clock import Clock
from amongo.runtime.limits import TRANSACTION_BYTES


class Collected(NamedTuple):
    """An entry, with its documents in one piece."""

    record_id: int
    document_count: int
    head: bytes
    documents: bytes

    def packed(self, record_id: int) -> bytes:
        """Its bytes, under another record id."""
        return pack_entry(record_id, self.document_count) + self.head + self.documents


class CollectedLog(MemoryLog):
    """Has the methods of `Log`. Its sequences mean nothing outside.

    size_bytes   of what was written
    """

    def __init__(self, clock: Clock, after: int, accept: Callable[[Sequence[Entry]], None]) -> None:
        """
        after    the last sequence before the moment
        accept   raises an error for entries that may not be written
        """
        super().__init__(clock, after, 0)
        self._entries: list[Collected] = []
        self._count = 0
        self.size_bytes = 0
        self._accept = accept

    def append(self, payload: bytes | Sequence[bytes], kind: int = COMMIT) -> int:
        """Keep the entries of a commit. errors: those of `accept`, TRANSACTION_TOO_LARGE"""
        joined = payload if isinstance(payload, bytes) else b"".join(payload)
        return self._take(parse_entries(joined), len(joined))

    def append_entry(self, record_id: int, count: int, head: bytes, documents: bytes) -> int:
        """`append` of one entry of few documents."""
        parts = [documents] if count == 1 else documents_in(documents, count, 0)
        return self._take([Entry(record_id, head, parts)], len(head) + len(documents))

    def _take(self, entries: Sequence[Entry], size_bytes: int) -> int:
        total_bytes = self.size_bytes + size_bytes
        if total_bytes > TRANSACTION_BYTES:
            raise errors.TRANSACTION_TOO_LARGE(actual_bytes=total_bytes, limit_bytes=TRANSACTION_BYTES)
        self._accept(entries)
        kept = [Collected(each.record_id, len(each.documents), each.head, b"".join(each.documents)) for each in entries]
        count, sequence = self._count + len(kept), self.last_sequence + 1
        self._entries[self._count :] = kept  # in the place of those of a write that broke off here
        self._count, self.size_bytes, self.last_sequence = count, total_bytes, sequence
        return sequence

    @property
    def entries(self) -> list[Collected]:
        """What was written, in order."""
        return self._entries[: self._count]

    def forget(self) -> None:
        """Let go of what was written."""
        self._entries, self._count = [], 0
