"""Which statements of retryable writes have been done, so that a retry does them not again but gives their answers.

Of each session the store remembers the last number under which something was written, and what each statement of it
has done: nothing that a statement without effect has left, for that is run again, as on the server. The table changes
with the commit that makes the statements, under the store's lock, and a statement that is in it cannot be committed
again. Every commit says in the log where it comes from (`origin`), and a checkpoint holds the table as it is at its
commit; so it is there again after a restart. Sessions that have written nothing for half an hour are forgotten.

Source: manual, Retryable Writes; Server Sessions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from bson import Binary, Int64

from amongo.engine.log import Entry
from amongo.engine.origin import Origin, runs_of
from amongo.engine.records import id_document
from amongo.errors import sessions as errors
from amongo.runtime.limits import OPEN_SESSIONS, RETRY_IMAGE_BYTES, SESSION_IDLE_MINUTES
from amongo.values.codec import decode

_IDLE_S: Final = SESSION_IDLE_MINUTES * 60


class StatementsDone(Exception):
    """Some statements of a commit had been done before, by another attempt; nothing was written."""


class Outcome(NamedTuple):
    """What a run of statements has done, one document each.

    first, last   numbers of the statements
    operation     "i", "u" or "d"
    identity      {_id} of a document that an upsert has inserted, as BSON; None for others
    image         "pre" or "post" for a findAndModify that gave back a document
    image_document   that document; None if there was no room for it any more
    """

    first: int
    last: int
    operation: str
    identity: bytes | None = None
    image: str | None = None
    image_document: bytes | None = None


@dataclass(slots=True)
class Remembered:
    """What is remembered of a session.

    number           under which it wrote last
    last_s           when, in seconds since 1970 UTC of the cluster time
    is_transaction   whether that was a transaction, which was committed
    outcomes         of the statements, ascending
    """

    number: int
    last_s: int
    is_transaction: bool = False
    outcomes: list[Outcome] = field(default_factory=list)

    def find(self, statement: int) -> Outcome | None:
        """What a statement has done; None if it has not been done."""
        at = bisect_right(self.outcomes, statement, key=_first) - 1
        found = self.outcomes[at] if at >= 0 else None
        return found if found is not None and found.last >= statement else None

    def add(self, outcome: Outcome) -> None:
        """Add the outcome of statements that have not been done."""
        outcomes = self.outcomes
        at = bisect_right(outcomes, outcome.first, key=_first)
        before = outcomes[at - 1] if at else None
        if before is not None and before.last + 1 == outcome.first and _same_kind(before, outcome):
            outcomes[at - 1] = before._replace(last=outcome.last)
        else:
            outcomes.insert(at, outcome)


Frozen = tuple[tuple[bytes, int, int, bool, tuple[Outcome, ...]], ...]
"""(session id, number, last_s, is_transaction, outcomes) of each session, as they are at one commit."""


class Retries:
    """The table. All of it belongs to the store's lock, but for single look-ups."""

    def __init__(self) -> None:
        self._sessions: dict[bytes, Remembered] = {}  # the one that wrote longest ago first
        self._images: dict[bytes, int] = {}  # bytes of the images of a session, in the same order
        self._image_bytes = 0

    def __len__(self) -> int:
        return len(self._sessions)

    def last(self, session_id: bytes) -> tuple[int, bool] | None:
        """(the number under which a session wrote last, whether as a transaction); None if nothing is known."""
        found = self._sessions.get(session_id)
        return None if found is None else (found.number, found.is_transaction)

    def find(self, session_id: bytes, number: int, statement: int) -> Outcome | None:
        """What a statement has done; None if it has not been done, or the session has gone on to another number."""
        found = self._sessions.get(session_id)
        return None if found is None or found.number != number else found.find(statement)

    def begin(self, session_id: bytes, number: int, now_s: int) -> None:
        """A retryable write begins: what is remembered of earlier ones is not asked for any more.

        now_s    seconds since 1970 UTC of the cluster time
        errors   RETRY_TOO_OLD; NUMBER_OF_TRANSACTION for the number of a transaction that was committed
        """
        found = self._sessions.get(session_id)
        if found is None or found.number < number:
            self._renew(session_id, Remembered(number, now_s))
            return
        _check_number(found, session_id, number)
        if found.is_transaction:
            raise errors.NUMBER_OF_TRANSACTION()

    def check(self, origin: Origin) -> None:
        """Before a commit: refuse one that comes too late, or that has been made before.

        errors   RETRY_TOO_OLD, StatementsDone
        """
        found = self._sessions.get(origin.key)
        if found is None or found.number < origin.number:
            return
        _check_number(found, origin.key, origin.number)
        if origin.is_transaction or found.is_transaction:
            raise StatementsDone
        if any(found.find(statement) is not None for statement in origin.statements):
            raise StatementsDone

    def remember(self, origin: Origin, operation: str, document: bytes | None, sequence: int) -> None:
        """After a commit: remember what it has done. To be told twice does no harm.

        operation   of its first entry
        document    the first that it inserts, or None
        sequence    the commit's
        """
        session_id, number = origin.key, origin.number
        found = self._sessions.get(session_id)
        if found is None or found.number != number:
            found = Remembered(number, 0)
        self._renew(session_id, found)
        found.last_s, found.is_transaction = sequence >> 32, origin.is_transaction
        identity = id_document(document) if origin.is_upsert and operation == "i" and document is not None else None
        for first, last in runs_of(origin.statements):
            if found.find(first) is None:
                found.add(Outcome(first, last, operation, identity, origin.image, origin.image_document))
                if origin.image_document is not None:
                    self._add_image(session_id, len(origin.image_document))

    def recall(self, entries: Sequence[Entry], sequence: int) -> None:
        """Remember a commit of the log, which begins with the entry that tells of its origin."""
        origin = Origin.parse(entries[0])
        following = entries[1] if len(entries) > 1 else None
        operation = "" if following is None else decode(following.head)["op"]
        document = following.documents[0] if following is not None and following.documents else None
        self.remember(origin, operation, document, sequence)

    def forget_idle(self, now_s: int) -> None:
        """Forget the sessions that have written nothing for half an hour."""
        due_s = now_s - _IDLE_S
        while self._sessions and next(iter(self._sessions.values())).last_s <= due_s:
            self._forget(next(iter(self._sessions)))

    def _renew(self, session_id: bytes, found: Remembered) -> None:
        """Put a session behind all others."""
        if self._sessions.pop(session_id, None) is not found:
            self._forget_images(session_id)
        self._sessions[session_id] = found
        if len(self._sessions) > OPEN_SESSIONS:
            self._forget(next(iter(self._sessions)))

    # Checkpoints

    def freeze(self, sequence: int) -> Frozen:
        """The table as it is at a commit, the last one."""
        self.forget_idle(sequence >> 32)
        return tuple(
            (session_id, found.number, found.last_s, found.is_transaction, tuple(found.outcomes))
            for session_id, found in self._sessions.items()
        )

    def restore(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Take over what `packed` has made of a table."""
        for document in documents:
            session_id = bytes(document["id"]) + bytes(document.get("user", b""))
            outcomes = list(map(_outcome, document["done"]))
            found = Remembered(int(document["number"]), int(document["last_s"]), document["transaction"], outcomes)
            self._sessions[session_id] = found
            for each in outcomes:
                if each.image_document is not None:
                    self._add_image(session_id, len(each.image_document))

    # Images

    def _add_image(self, session_id: bytes, size: int) -> None:
        self._images[session_id] = self._images.pop(session_id, 0) + size
        self._image_bytes += size
        while self._image_bytes > RETRY_IMAGE_BYTES:
            oldest = next(iter(self._images))
            self._forget_images(oldest)
            found = self._sessions[oldest]
            found.outcomes = [each._replace(image_document=None) for each in found.outcomes]

    def _forget_images(self, session_id: bytes) -> None:
        self._image_bytes -= self._images.pop(session_id, 0)

    def _forget(self, session_id: bytes) -> None:
        self._forget_images(session_id)
        del self._sessions[session_id]


def packed(frozen: Frozen) -> list[dict[str, Any]]:
    """What a MANIFEST says of a table."""
    return [
        {
            "id": Binary(session_id[:16], 4),
            **({"user": Binary(session_id[16:], 0)} if session_id[16:] else {}),
            "number": Int64(number),
            "last_s": Int64(last_s),
            "transaction": is_transaction,
            "done": list(map(_document, outcomes)),
        }
        for session_id, number, last_s, is_transaction, outcomes in frozen
    ]


def _document(outcome: Outcome) -> dict[str, Any]:
    document: dict[str, Any] = {"first": outcome.first, "last": outcome.last, "op": outcome.operation}
    if outcome.identity is not None:
        document["id"] = outcome.identity
    if outcome.image is not None:
        document["image"] = outcome.image
    if outcome.image_document is not None:
        document["document"] = outcome.image_document
    return document


def _outcome(document: Mapping[str, Any]) -> Outcome:
    return Outcome(
        document["first"],
        document["last"],
        document["op"],
        document.get("id"),
        document.get("image"),
        document.get("document"),
    )


def _first(outcome: Outcome) -> int:
    return outcome.first


def _same_kind(one: Outcome, other: Outcome) -> bool:
    return one[2:] == other[2:] and one.identity is None and one.image is None


def _check_number(found: Remembered, session_id: bytes, number: int) -> None:
    if found.number > number:
        raise errors.RETRY_TOO_OLD(number=number, session=session_id[:16].hex(), last=found.number)
