"""The commits of late, kept in memory for those who read the log as it grows.

They lie in pieces, in order; when there are too many bytes, the oldest piece goes. One thread at a time puts a commit
in, under its log's guard or its store's lock; any number read, without a lock. A commit lies in its slot before the
log's `last_sequence` tells of it. Where an exception comes in between, the commit has not happened: `take_back` says so
in the slot, before the next commit.

A slot holds what was there anyway when the commit was made, and no copy of it; who reads it first puts the parsed
`Commit` in its place, for all others. What they share beyond that is theirs to keep for the last pieces alone: whoever
reads older commits makes it for himself.

    (sequence, wall ns, record id, count, head, documents)   an entry of few documents, in memory
    (sequence, wall ns, payload)                             a payload, in one piece or several
    (sequence, wall ms, frame, offset)                       a frame of a log on disk, and where its payload begins
    (sequence,)                                              none: an earlier commit's sequence
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Final

from amongo.engine.log.format import Entry, documents_in, parse_entries
from amongo.runtime.limits import RECENT_COMMIT_BYTES, RECENT_PIECE_BYTES, RECENT_SHARED_PIECES

Slot = Any
DROPPED: Final[list[Slot]] = []
"""The slots of a piece that has gone."""
_TAKEN_BACK_LENGTH: Final = 1
_PAYLOAD_LENGTH: Final = 3
_ENTRY_LENGTH: Final = 6


class Commit:
    """One commit, as all who read it share it.

    sequence   cluster time: seconds since 1970 UTC << 32 | increment
    wall_ms    wall time, milliseconds since 1970 UTC
    entries    its changes, in order
    memo       what readers have made of it, for the others; under keys of their own
    """

    __slots__ = ("entries", "memo", "sequence", "wall_ms")

    def __init__(self, sequence: int, wall_ms: int, entries: tuple[Entry, ...]) -> None:
        self.sequence = sequence
        self.wall_ms = wall_ms
        self.entries = entries
        self.memo: dict[Any, Any] = {}

    def __repr__(self) -> str:
        return f"Commit({self.sequence}, {self.wall_ms}, {self.entries})"


class Piece:
    """Some commits in a row.

    after    the sequence of the last commit before them
    slots    see the module's text; `DROPPED` once it has gone
    size     bytes that it has room for
    number   one more than that of the piece before
    next     the piece behind it, once it takes no more commits
    """

    __slots__ = ("after", "next", "number", "size", "slots")

    def __init__(self, after: int, size_bytes: int, number: int = 0) -> None:
        self.after = after
        self.slots: list[Slot] = []
        self.size = size_bytes
        self.number = number
        self.next: Piece | None = None

    def forget_memos(self) -> None:
        """Let go of what readers have made of its commits."""
        for slot in self.slots:
            if type(slot) is Commit:
                slot.memo = {}


class Recent:
    """The commits of late of one log. How one is put in, see `put`; the most frequent way does the same by hand.

    piece   the last one
    keep    puts a slot behind the others in it
    left    bytes that it still has room for
    """

    __slots__ = ("_first", "_limit_bytes", "_shared", "_total_bytes", "keep", "left", "piece")

    def __init__(self, limit_bytes: int, after: int) -> None:
        """
        limit_bytes   about so much is kept: documents, and what it takes to keep them
        after         the sequence of the last commit before the first that will be kept
        """
        self._limit_bytes = limit_bytes
        self.piece = self._first = Piece(after, RECENT_PIECE_BYTES)
        self.keep = self.piece.slots.append
        self.left = self._total_bytes = RECENT_PIECE_BYTES
        self._shared = self._first  # the first whose commits keep what readers have made of them

    @property
    def oldest(self) -> int:
        """Every commit with a greater sequence is here."""
        return self._first.after

    def put(self, slot: Slot, size_bytes: int, after: int) -> None:
        """Put in a commit.

        size_bytes   of its documents
        after        the sequence of the commit before
        """
        left = self.left - size_bytes - RECENT_COMMIT_BYTES
        self.left = left if left >= 0 else self.begin(size_bytes, after)
        self.keep(slot)

    def begin(self, size_bytes: int, after: int) -> int:
        """Begin a piece for a commit that has no room in the last one; the bytes that are left behind it."""
        needed = size_bytes + RECENT_COMMIT_BYTES
        new = Piece(after, max(needed, RECENT_PIECE_BYTES), self.piece.number + 1)
        keep = new.slots.append
        self.piece.next, self.piece, self.keep, self._total_bytes = new, new, keep, self._total_bytes + new.size
        while self._total_bytes > self._limit_bytes and self._first is not new:
            first = self._first
            assert first.next is not None
            self._first, first.slots, self._total_bytes = first.next, DROPPED, self._total_bytes - first.size
        shared = self._shared
        if new.number - shared.number >= RECENT_SHARED_PIECES and shared.next is not None:
            shared.forget_memos()
            self._shared = shared.next
        return new.size - needed

    def take_back(self, last: int) -> None:
        """Say in the last slot that its commit has not happened, if it is later than the commit `last`."""
        slots = self.piece.slots
        if slots and sequence_of(slots[-1]) > last:
            slots[-1] = (last,)

    def shares(self, piece: Piece) -> bool:
        """Whether who reads the commits of a piece shares what he makes of them."""
        return self.piece.number - piece.number < RECENT_SHARED_PIECES

    def find(self, after: int) -> tuple[Piece, int] | None:
        """The piece and slot of the first commit with a sequence over `after`, perhaps one that is yet to come; None if
        it may have been dropped."""
        while True:
            piece = self._first
            if after < piece.after:
                return None
            while (following := piece.next) is not None and following.after <= after:
                piece = following
            slots = piece.slots
            if slots is not DROPPED:
                return piece, bisect_right(slots, after, key=sequence_of)


def sequence_of(slot: Slot) -> int:
    """The sequence of the commit in a slot."""
    sequence: int = slot.sequence if type(slot) is Commit else slot[0]
    return sequence


def size_of(slot: Slot) -> int:
    """The bytes of a commit in a slot that nobody has parsed yet."""
    if len(slot) == _ENTRY_LENGTH:
        return len(slot[5])
    if len(slot) == _TAKEN_BACK_LENGTH:
        return 0
    payload = slot[2]
    return len(payload) if isinstance(payload, bytes) else sum(map(len, payload))


def parsed(slot: Slot) -> Commit:
    """The commit in a slot that nobody has parsed yet. errors: ENTRY_MALFORMED."""
    sequence, wall = slot[0], slot[1]
    if len(slot) == _ENTRY_LENGTH:
        _, _, record_id, count, head, documents = slot
        entry = Entry(record_id, head, [documents] if count == 1 else documents_in(documents, count, sequence))
        return Commit(sequence, wall // 1_000_000, (entry,))
    payload = slot[2]
    if len(slot) == _PAYLOAD_LENGTH:
        joined = payload if isinstance(payload, bytes) else b"".join(payload)
        return Commit(sequence, wall // 1_000_000, tuple(parse_entries(joined, sequence)))
    return Commit(sequence, wall, tuple(parse_entries(payload, sequence, slot[3])))
