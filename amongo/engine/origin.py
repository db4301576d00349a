"""Where a write comes from: the session and number of a retryable write, or of a transaction.

Whoever runs such a write sets `ORIGIN` for the time of its commit. The commit then begins with an entry of its own
that says so, of kind `s`: it speaks of all entries behind it in the same frame. Recovery finds by it again which
statements have been done; see `retries`. Source: manual, Retryable Writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from itertools import pairwise
from struct import Struct
from typing import Any, Final, NamedTuple

from bson import Binary, Int64

from amongo.engine.log import Entry, entry
from amongo.values.codec import decode, encode

MARKER: Final = "s"
"""The `op` of the entry."""

NOBODY: Final = sha256(b"").digest()
"""The digest of the user who has no name: of all who are not asked who they are."""

_UUID_BYTES: Final = 16


def session_key(session_id: bytes, user_id: bytes) -> bytes:
    """By what a session is known: the 16 bytes of its UUID, and the digest of its user, if that is somebody. Sessions
    of different users are different ones, be their UUIDs the same."""
    return session_id if user_id == NOBODY else session_id + user_id


def session_document(key: bytes) -> dict[str, Any]:
    """{id, uid} of the session that is known by a key."""
    return {"id": Binary(key[:_UUID_BYTES], 4), "uid": Binary(key[_UUID_BYTES:] or NOBODY, 0)}


class Origin(NamedTuple):
    """The origin of one commit.

    key              by what its session is known; see `session_key`
    number           `txnNumber`
    statements       numbers of the statements that the commit makes, in the order of its documents
    is_transaction   the commit is a whole transaction
    is_upsert        a document that it inserts was not given as such, so that the answer tells its `_id`
    image            "pre" or "post" for a findAndModify that gives back the document before or after; None for others
    image_document   that document
    """

    key: bytes
    number: int
    statements: tuple[int, ...] = ()
    is_transaction: bool = False
    is_upsert: bool = False
    image: str | None = None
    image_document: bytes | None = None

    def entry(self) -> bytes:
        """The bytes of the entry that tells of it."""
        statements, key = self.statements, self.key
        if self[3:] == _NOTHING_MORE and len(statements) == 1 and 0 <= (number := statements[0]) < _INT32_END:
            start, middle, behind_user, behind_number, behind_first, end = _SHORT_PIECES
            parts = (start, key[:_UUID_BYTES], middle, key[_UUID_BYTES:] or NOBODY, behind_user, self.number)
            return _SHORT.pack(*parts, behind_number, number, behind_first, number, end)
        head: dict[str, Any] = {"op": MARKER, "lsid": session_document(key), "txnNumber": Int64(self.number)}
        if self.statements:
            head["stmtIds"] = [each for run in runs_of(self.statements) for each in run]
        if self.is_transaction:
            head["transaction"] = True
        if self.is_upsert:
            head["upsert"] = True
        if self.image is not None:
            head["image"] = self.image
        return entry(0, encode(head), () if self.image_document is None else (self.image_document,))

    @classmethod
    def parse(cls, marker: Entry) -> Origin:
        """The origin that an entry tells of.

        errors   KeyError or TypeError for a head that is none of a marker
        """
        head = decode(marker.head)
        bounds = head.get("stmtIds", ())
        return cls(
            session_key(bytes(head["lsid"]["id"]), bytes(head["lsid"]["uid"])),
            int(head["txnNumber"]),
            tuple(each for first, last in _pairs(bounds) for each in range(first, last + 1)),
            head.get("transaction", False),
            head.get("upsert", False),
            head.get("image"),
            marker.documents[0] if marker.documents else None,
        )


# The entry of a write with a single statement, which is asked for thousands of times a second: how it is encoded, apart
# at what differs.
_NOTHING_MORE: Final = Origin(b"", 0)[3:]
_INT32_END: Final = 1 << 31
_SAMPLE: Final = entry(
    0,
    encode(
        {
            "op": MARKER,
            "lsid": session_document(b"\xf1" * 16 + b"\xf2" * 32),
            "txnNumber": Int64(0x7373737373737373),
            "stmtIds": [0x74747474, 0x75757575],
        }
    ),
    (),
)
_SHORT_PIECES: Final = re.split(rb"\xf1{16}|\xf2{32}|s{8}|t{4}|u{4}", _SAMPLE)
_SHORT: Final = Struct("<{}s16s{}s32s{}sq{}si{}si{}s".format(*map(len, _SHORT_PIECES)))

ORIGIN: Final[ContextVar[Origin | None]] = ContextVar("amongo_origin", default=None)
"""The origin of the writes that this task or thread makes; None for plain ones."""


@contextmanager
def coming_from(origin: Origin | None) -> Iterator[None]:
    """What is committed in the block comes from there."""
    token = ORIGIN.set(origin)
    try:
        yield
    finally:
        ORIGIN.reset(token)


@contextmanager
def with_image(image: str, document: bytes | None) -> Iterator[None]:
    """What is committed in the block gives back a document, "pre" or "post", or None; of no matter to a plain write."""
    origin = ORIGIN.get()
    if origin is None or document is None:
        yield
        return
    with coming_from(origin._replace(image=image, image_document=document)):
        yield


@contextmanager
def upserting() -> Iterator[None]:
    """A document that is inserted in the block was not given as such; of no matter to a plain write."""
    origin = ORIGIN.get()
    if origin is None:
        yield
        return
    with coming_from(origin._replace(is_upsert=True)):
        yield


def narrowed(positions: Iterable[int] | None) -> Origin | None:
    """The origin of a commit that makes some statements of those that were to be made, by their positions; None for
    all of them. None for a plain write."""
    origin = ORIGIN.get()
    if origin is None or positions is None:
        return origin
    return origin._replace(statements=tuple(origin.statements[position] for position in positions))


def runs_of(statements: Sequence[int]) -> list[tuple[int, int]]:
    """(first, last) of each run of consecutive numbers."""
    if len(statements) < 2:
        return [(number, number) for number in statements]
    breaks = [at for at, (one, following) in enumerate(pairwise(statements), 1) if following != one + 1]
    starts, ends = [0, *breaks], [*breaks, len(statements)]
    return [(statements[start], statements[end - 1]) for start, end in zip(starts, ends, strict=True)]


def _pairs(bounds: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip(bounds[::2], bounds[1::2], strict=True)
