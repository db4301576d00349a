"""Command documents on their way to the waist.

The cold methods build the document that PyMongo would send to a server; `send` completes it as PyMongo's connection
does (session id, read concern, write concern, collation, time limit), encodes it, and gives back the reply.
"""

from __future__ import annotations

from collections.abc import Container, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

import bson
from bson.codec_options import CodecOptions
from pymongo import _csot
from pymongo.errors import (
    DocumentTooLarge,
    ExecutionTimeout,
    OperationFailure,
    WriteConcernError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from amongo.client.session import AsyncClientSession, session_for
from amongo.client.sharing.repeating import is_repeatable_write
from amongo.commands.concerns import TRANSACTION_ENDS, WRITE_CONCERN_COMMANDS
from amongo.commands.context import NO_SEQUENCES, Sequences
from amongo.runtime.limits import COMMAND_BYTES, MESSAGE_BYTES

if TYPE_CHECKING:
    from amongo.client.client import AsyncMongoClient

_WRITES = WRITE_CONCERN_COMMANDS - {"aggregate"}
_WRITE_CONCERN_FAILED_WITH_TIMEOUT = 64


async def send(
    client: AsyncMongoClient[Any],
    database: str,
    command: Mapping[str, Any],
    codec_options: CodecOptions[Any],
    *,
    session: Any = None,
    read_concern: ReadConcern | None = None,
    write_concern: WriteConcern | None = None,
    collation: Mapping[str, Any] | None = None,
    allowable_errors: Container[int | str] = (),
    keeps_write_concern_error: bool = False,
    sequences: Sequences = NO_SEQUENCES,
) -> dict[str, Any]:
    """Run a command; its reply in canonical values, documents of cursor batches raw.

    command                     the document, not changed here
    codec_options               how its values become BSON
    allowable_errors            codes and messages of failures whose reply is returned and not raised
    write_concern               one that is unacknowledged has {"ok": 1} for a reply, whatever happens
    keeps_write_concern_error   leave a `writeConcernError` in the reply instead of raising it
    sequences                   fields whose documents are encoded already, and no part of the command document
    errors                      OperationFailure and its kinds, WriteConcernError; InvalidOperation after close
    """
    document = dict(command)
    running_in = session_for(client, session)
    is_inside = running_in is not None and running_in.in_transaction and "txnNumber" not in document
    if running_in is not None:
        document.setdefault("lsid", running_in.session_id)
        if running_in._told_time is not None:
            document.setdefault("$clusterTime", running_in._told_time)
        if is_inside:  # the transaction has concerns of its own
            document.update(running_in._operation_fields(is_read=next(iter(document)) not in _WRITES))
            read_concern = None
            if next(iter(document)) not in TRANSACTION_ENDS:
                write_concern = None
    if read_concern is not None and read_concern.level and "readConcern" not in document:
        document["readConcern"] = read_concern.document
    if running_in is not None and not is_inside and "autocommit" not in document:  # not of a transaction by hand
        running_in._complete(document, is_read=read_concern is not None)
    if write_concern is not None and not write_concern.is_server_default and "writeConcern" not in document:
        document["writeConcern"] = write_concern.document
    if collation is not None:
        document["collation"] = collation
    limit_time(document, client)
    raw = bson.encode(document, codec_options=codec_options)
    name = next(iter(document), "")
    if running_in is not None and not is_inside and client._runner.numbers_writes:
        raw = _numbered(running_in, document, raw, sequences, codec_options)
    if len(raw) > (MESSAGE_BYTES if name == "insert" else COMMAND_BYTES):
        raise DocumentTooLarge(f"{name} command document too large")
    if client._dead_cursors:
        await client._kill_dead_cursors()
    session_id = bytes(running_in.session_id["id"]) if running_in is not None else None
    if running_in is not None and is_inside:
        running_in._is_heard()
    running = client._runner.command(database, raw, session_id=session_id, sequences=sequences)
    if write_concern is not None and not write_concern.acknowledged:
        running = _unheard(running)
    if client._events is not None:
        running = client._events.around(running, database, raw, sequences, codec_options)
    try:
        reply = await running
    except OperationFailure as failure:
        if running_in is not None:
            running_in._learn()
        if failure.code not in allowable_errors and str(failure) not in allowable_errors:
            raise
        return dict(failure.details or {})
    if running_in is not None and (write_concern is None or write_concern.acknowledged):
        running_in._process_reply(reply)
    if not keeps_write_concern_error and "writeConcernError" in reply:
        raise_write_concern_error(reply)
    return reply


def _numbered(
    session: AsyncClientSession,
    document: dict[str, Any],
    raw: bytes,
    sequences: Sequences,
    codec_options: CodecOptions[Any],
) -> bytes:
    """The command as BSON, with the session's next number if it is a write that may have to be asked for again."""
    if "txnNumber" in document or not is_repeatable_write(next(iter(document)), raw, sequences):
        return raw
    server_session = session._check_not_ended()
    server_session.inc_transaction_id()
    document["txnNumber"] = server_session.transaction_id
    return bson.encode(document, codec_options=codec_options)


async def _unheard(running: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Run an unacknowledged write. PyMongo hears no reply to it, so here too whatever came of it is left out."""
    try:
        await running
    except OperationFailure:
        pass
    return {"ok": 1.0}


def limit_time(command: dict[str, Any], client: AsyncMongoClient[Any]) -> None:
    """Turn what is left of `pymongo.timeout` or of the client's `timeoutMS` into the command's `maxTimeMS`.

    errors   ExecutionTimeout when nothing is left
    """
    remaining_s = _csot.remaining()
    if remaining_s is None:
        remaining_s = client.options.timeout
    if remaining_s is None or "maxTimeMS" in command:
        return
    if remaining_s <= 0:
        message = "operation would exceed time limit"
        raise ExecutionTimeout(message, 50, {"ok": 0, "errmsg": message, "code": 50})
    command["maxTimeMS"] = max(1, int(remaining_s * 1000))


def raise_write_concern_error(reply: Mapping[str, Any]) -> None:
    """Raise the reply's write concern error, with the reply's labels.

    errors   WTimeoutError, WriteConcernError
    """
    error = dict(reply["writeConcernError"])
    if reply.get("errorLabels"):
        error["errorLabels"] = reply["errorLabels"]
    code = error.get("code")
    has_timed_out = code == _WRITE_CONCERN_FAILED_WITH_TIMEOUT or "wtimeout" in (error.get("errInfo") or {})
    raise (WTimeoutError if has_timed_out else WriteConcernError)(error.get("errmsg", ""), code, error)
