"""Replies of the hot commands. Documents in them are raw BSON bytes; `document` gives the server's reply shape."""

from __future__ import annotations

from typing import Any, NamedTuple

from bson import Int64, Timestamp
from bson.raw_bson import RawBSONDocument

from amongo.values.codec import CODEC

RAW_CODEC = CODEC.with_options(document_class=RawBSONDocument)


def raw_documents(batch: list[bytes]) -> list[RawBSONDocument]:
    """The documents as a reply carries them: not decoded, not encoded again."""
    return [RawBSONDocument(raw, RAW_CODEC) for raw in batch]


class CursorReply(NamedTuple):
    """A batch of a cursor.

    cursor_id   0 when nothing more will come
    namespace   "database.collection"
    batch       raw BSON documents
    is_first    whether it answers find or aggregate (`firstBatch`) or getMore (`nextBatch`)
    resume      where a later find may go on, for a find that asked; None otherwise
    read_at     the cluster time of a snapshot read; None for others
    """

    cursor_id: int
    namespace: str
    batch: list[bytes]
    is_first: bool = True
    resume: dict[str, Any] | None = None
    read_at: Timestamp | None = None

    def document(self) -> dict[str, Any]:
        """The reply document."""
        key = "firstBatch" if self.is_first else "nextBatch"
        cursor = {key: raw_documents(self.batch), "id": Int64(self.cursor_id), "ns": self.namespace}
        if self.resume is not None:
            cursor["postBatchResumeToken"] = self.resume
        if self.read_at is not None:
            cursor["atClusterTime"] = self.read_at
        return {"cursor": cursor, "ok": 1.0}


class WriteReply(NamedTuple):
    """What insert, update or delete has done.

    n           documents inserted, matched (upserts included) or deleted
    modified    documents changed by an update; None for insert and delete
    upserted    {"index", "_id"} of each upsert
    errors      {"index", "code", "errmsg", …} of each statement that failed
    sequence    the last commit; 0 when nothing was written
    retried     numbers of the statements that an earlier attempt of a retryable write had done
    """

    n: int
    modified: int | None
    upserted: list[dict[str, Any]]
    errors: list[dict[str, Any]]
    sequence: int
    retried: tuple[int, ...] = ()

    def unacknowledged(self) -> WriteReply:
        """The reply to a client that wants to know nothing, which is what it is told."""
        return WriteReply(0, None if self.modified is None else 0, [], [], self.sequence)

    def document(self) -> dict[str, Any]:
        """The reply document."""
        reply: dict[str, Any] = {"n": self.n}
        if self.modified is not None:
            if self.upserted:
                reply["upserted"] = self.upserted
            reply["nModified"] = self.modified
        if self.errors:
            reply["writeErrors"] = self.errors
        if self.retried:
            reply["retriedStmtIds"] = list(self.retried)
        reply["ok"] = 1.0
        return reply


class CommitReply(NamedTuple):
    """The commit of a transaction.

    sequence   of the commit; 0 when it has written nothing
    """

    sequence: int

    def document(self) -> dict[str, Any]:
        """The reply document."""
        return {"ok": 1.0}


class BulkWriteReply(NamedTuple):
    """What a bulkWrite has done.

    results   the first batch of the operations' results
    counts    the sums: nErrors, nInserted, …
    retried   numbers of the operations that an earlier attempt had done
    """

    results: CursorReply
    counts: dict[str, int]
    retried: tuple[int, ...] = ()

    def unacknowledged(self) -> BulkWriteReply:
        """The reply to a client that wants to know nothing, which is what it is told."""
        return BulkWriteReply(CursorReply(0, self.results.namespace, []), dict.fromkeys(self.counts, 0))

    def document(self) -> dict[str, Any]:
        """The reply document."""
        retried = {"retriedStmtIds": list(self.retried)} if self.retried else {}
        return {"cursor": self.results.document()["cursor"], **self.counts, **retried, "ok": 1.0}


Answer = dict[str, Any] | CursorReply | WriteReply
"""What a command answers: the reply document, or what it is made of where that is asked for often."""


def document_of(reply: Answer) -> dict[str, Any]:
    """The reply document."""
    return reply if isinstance(reply, dict) else reply.document()
