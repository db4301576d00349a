"""What the profiler notes down of an operation, and what the log says of a slow one.

Locks, flow control and storage have no numbers here; what the server has and amongo has not stays empty or away.
Source: manual, Database Profiler Output.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import bson
from bson import Int64
from bson.datetime_ms import DatetimeMS

from amongo.commands.replies import BulkWriteReply, CursorReply, WriteReply
from amongo.errors import ServerError
from amongo.runtime.limits import PROFILED_COMMAND_BYTES
from amongo.values.codec import encode_in_order
from amongo.values.numbers import number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.commands.operations import Operation
    from amongo.commands.profiler import Watched

Document = dict[str, Any]

# Commands -> what the server calls the operation; all others are "command".
_KINDS: Final = {"insert": "insert", "find": "query", "getMore": "getmore"}
# Those that look at documents by a plan: where there was nothing to look at, it was EOF.
_PLANNED: Final = frozenset({"find", "aggregate", "count", "distinct", "findAndModify", "getMore"})
# Fields whose documents are not shown: they stand beside the command.
_BESIDE: Final = ("documents",)


def document_entry(instance: Instance, operation: Operation, micros: int, failure: BaseException | None) -> Document:
    """The entry of a whole operation."""
    reply, watched = operation.reply, operation.watched
    entry: Document = {
        "op": _KINDS.get(operation.name, "command"),
        "ns": operation.namespace,
        "command": _shown_command(operation.command, operation.namespace.partition(".")[0]),
    }
    cursor_id = _cursor_id(reply)
    if operation.name == "getMore":
        _add_origin(instance, operation, entry)
    elif cursor_id:
        _keep_origin(instance, cursor_id, operation)
    shown_id = operation.command.get("getMore") if operation.name == "getMore" else cursor_id
    if shown_id:
        entry["cursorid"] = Int64(shown_id)
    if watched is not None and (watched.seen.summary or (operation.name in _PLANNED and failure is None)):
        entry |= _examined(watched)
    entry |= _done(operation)
    if cursor_id == 0:
        entry["cursorExhausted"] = True
    entry["numYield"] = 0
    returned = _returned(reply)
    if returned is not None:
        entry["nreturned"] = number(returned)
    entry |= {"locks": {}, "responseLength": number(_reply_bytes(reply, failure))}
    entry |= _outcome(failure)
    return entry | _circumstances(instance, operation, watched, micros)


def statement_entry(
    instance: Instance, operation: Operation, kind: str, command: Mapping[str, Any], counts: Mapping[str, Any]
) -> Document:
    """The entry of one statement of a batch of updates or deletes."""
    watched = operation.watched
    assert watched is not None
    entry: Document = {"op": kind, "ns": operation.namespace, "command": _shown_command(command)}
    entry |= {**_examined(watched), **counts, "numYield": 0, "locks": {}}
    micros = int((instance.clock.monotonic() - operation.started_s) * 1_000_000)
    return entry | _circumstances(instance, operation, watched, micros)


def log_attributes(instance: Instance, operation: Operation, micros: int, failure: BaseException | None) -> Document:
    """What the line of a slow operation says."""
    shown: Document = {"type": "command", "ns": operation.namespace}
    peer = operation.peer
    if peer is not None and peer.app_name is not None:
        shown["appName"] = peer.app_name
    shown["command"] = _shown_command(operation.command)
    if operation.watched is not None:
        shown |= _examined(operation.watched)
    returned = _returned(operation.reply)
    if returned is not None:
        shown["nreturned"] = number(returned)
    shown |= _outcome(failure)
    if peer is not None:
        shown |= {"remote": peer.address, "protocol": "op_msg"}
    return shown | {"durationMillis": number(micros // 1000)}


def _examined(watched: Watched) -> Document:
    seen = watched.seen
    return {
        "keysExamined": number(seen.keys),
        "docsExamined": number(seen.docs),
        "planSummary": seen.summary or "EOF",
    }


def _done(operation: Operation) -> Document:
    """What a write has changed."""
    reply = operation.reply
    if isinstance(reply, WriteReply):
        reply = {"n": reply.n}
    if type(reply) is dict and operation.name == "insert":
        return {"ninserted": number(reply.get("n", 0))}
    if type(reply) is dict and operation.name == "findAndModify" and type(reply.get("lastErrorObject")) is dict:
        last = reply["lastErrorObject"]
        if "updatedExisting" not in last:
            return {"ndeleted": last.get("n", 0)}
        done = {"nMatched": int(bool(last["updatedExisting"]))}
        return done | ({"upsert": True, "nUpserted": 1} if "upserted" in last else {})
    return {}


def _outcome(failure: BaseException | None) -> Document:
    if not isinstance(failure, ServerError):
        return {}
    return {"ok": 0.0, "errMsg": failure.message, "errName": failure.code_name, "errCode": failure.code}


def _circumstances(instance: Instance, operation: Operation, watched: Watched | None, micros: int) -> Document:
    """How long it took, when that was, and who has asked: a client in this very process has no address."""
    shown: Document = {}
    if operation.peer is not None:
        shown["protocol"] = "op_msg"
    if watched is not None:
        shown["cpuNanos"] = number(max(time.thread_time_ns() - watched.cpu_ns, 0))
    shown |= {"millis": number(micros // 1000), "ts": DatetimeMS(instance.clock.now_ms())}
    users = []
    if operation.peer is not None:
        address = operation.peer.address
        shown["client"] = address.rpartition(":")[0] if ":" in address else address
        if operation.peer.app_name is not None:
            shown["appName"] = operation.peer.app_name
        users = [each.name for each in operation.peer.users]
    shown["allUsers"] = [each.document() for each in users]
    return shown | {"user": str(users[0]) if users else ""}


def _shown_command(command: Mapping[str, Any], database: str | None = None) -> Document:
    """The command without the documents that come beside it; a long one as the beginning of its text.

    database   where it was run
    """
    document = {name: value for name, value in command.items() if name not in _BESIDE}
    if database is not None:
        document.setdefault("$db", database)
    try:
        size = len(encode_in_order(document))
    except Exception:  # what cannot be encoded cannot be noted down as it is
        size = PROFILED_COMMAND_BYTES + 1
    if size <= PROFILED_COMMAND_BYTES:
        return document
    return {"$truncated": str(document)[:PROFILED_COMMAND_BYTES]}


# Cursors


def _cursor_id(reply: Any) -> int | None:
    """The cursor of a reply, 0 for one that is at its end; None for a reply without a cursor."""
    if isinstance(reply, CursorReply):
        return int(reply.cursor_id)
    cursor = reply.get("cursor") if type(reply) is dict else None
    return int(cursor.get("id", 0)) if type(cursor) is dict else None


def _returned(reply: Any) -> int | None:
    if isinstance(reply, CursorReply):
        return len(reply.batch)
    cursor = reply.get("cursor") if type(reply) is dict else None
    if type(cursor) is not dict:
        return None
    batch = cursor.get("firstBatch", cursor.get("nextBatch"))
    return len(batch) if type(batch) is list else None


def _keep_origin(instance: Instance, cursor_id: int, operation: Operation) -> None:
    """Remember which command has opened a cursor, for its getMores."""
    cursor = instance.cursors.find(cursor_id)
    if cursor is not None:
        summary = "" if operation.watched is None else operation.watched.seen.summary
        cursor.origin = dict(operation.command), summary


def _add_origin(instance: Instance, operation: Operation, entry: Document) -> None:
    """Show with a getMore which command has opened its cursor, whose comment is its own as well."""
    if operation.origin is None:
        return
    origin, summary = operation.origin
    if operation.watched is not None:
        operation.watched.seen.look_by(summary)
    if "comment" in origin and "comment" not in entry["command"]:
        entry["command"] = {**entry["command"], "comment": origin["comment"]}
    entry["originatingCommand"] = _shown_command(origin, operation.namespace.partition(".")[0])


def _reply_bytes(reply: Any, failure: BaseException | None) -> int:
    """How long the reply is as BSON; a batch is added up, not put together."""
    if isinstance(failure, ServerError):
        return len(bson.encode(failure.reply()))
    if isinstance(reply, CursorReply):
        empty = CursorReply(reply.cursor_id, reply.namespace, []).document()
        elements = sum(len(raw) + len(str(place)) + 2 for place, raw in enumerate(reply.batch))
        return len(bson.encode(empty)) + elements
    if isinstance(reply, WriteReply | BulkWriteReply):
        reply = reply.document()
    return len(encode_in_order(reply)) if type(reply) is dict else 0
