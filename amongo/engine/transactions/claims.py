"""What open transactions have written: of two that write the same, the second one has the conflict, at once.

A claim is let go of at the end of its transaction, whether that was committed or not. Until then a commit has become
visible in the store, so that whoever gets a claim looks into the store next.

    (collection's UUID, record id)            a record that there was at the moment
    (collection's UUID, key)                  the `_id` of a new document
    (collection's UUID, index name, key)      a key in a unique index
    (namespace,)                              a new collection
"""

from __future__ import annotations

from collections.abc import Iterable

from amongo.errors import storage as errors
from amongo.runtime.workers import Lock

Claim = tuple[bytes, int] | tuple[bytes, bytes] | tuple[bytes, str, bytes] | tuple[str]


class Holder:
    """Who holds the claims of one transaction.

    began_s   when it began, by the clock's `monotonic`
    """

    __slots__ = ("began_s", "claims")

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.claims: set[Claim] = set()


class OpenTransactions:
    """The open transactions of a store."""

    __slots__ = ("_claims", "_lock", "_open")

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[Holder, None] = {}  # in the order in which they began
        self._claims: dict[Claim, Holder] = {}

    def __len__(self) -> int:
        return len(self._open)

    def oldest_began_s(self) -> float | None:
        """When the one began that has been open longest, by the clock's `monotonic`; None if none is open."""
        with self._lock:
            return min((each.began_s for each in self._open), default=None)

    def begin(self, holder: Holder) -> None:
        """One more."""
        with self._lock:
            self._open[holder] = None

    def claim(self, holder: Holder, claims: Iterable[Claim]) -> None:
        """Take what a transaction is about to write. errors: WRITE_CONFLICT if another one has it"""
        with self._lock:
            holders, own = self._claims, holder.claims
            for each in claims:
                own.add(each)
                if holders.setdefault(each, holder) is not holder:
                    own.discard(each)
                    raise errors.WRITE_CONFLICT()

    def end(self, holder: Holder) -> None:
        """One less, and what it has claimed is free. A second call does nothing."""
        with self._lock:
            while holder.claims:
                claim = holder.claims.pop()
                self._claims.pop(claim, None)
            self._open.pop(holder, None)
