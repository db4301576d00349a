"""Which command documents may be asked for again, and how a write gets the number that allows it.

Source: manual, Retryable Writes and Retryable Reads; the drivers' specifications of the two.
"""

from __future__ import annotations

from typing import Any, Final

import bson
from bson import Binary, Int64
from bson.raw_bson import RawBSONDocument

from amongo.commands.concerns import RETRYABLE_COMMANDS
from amongo.commands.context import Sequences
from amongo.commands.replies import RAW_CODEC
from amongo.values.codec import decode_foreign

_READS: Final = frozenset(
    {
        "aggregate",
        "buildInfo",
        "buildinfo",
        "collStats",
        "connectionStatus",
        "count",
        "currentOp",
        "dbHash",
        "dbStats",
        "distinct",
        "explain",
        "find",
        "getParameter",
        "hello",
        "hostInfo",
        "isMaster",
        "ismaster",
        "listCollections",
        "listCommands",
        "listDatabases",
        "listIndexes",
        "ping",
        "serverStatus",
        "validate",
    }
)
_STATEMENTS: Final = {"update": "updates", "delete": "deletes", "bulkWrite": "ops"}
_BATCHES: Final = ("firstBatch", "nextBatch")


def is_read(name: str, command: bytes) -> bool:
    """Whether a command changes nothing and belongs to no transaction, so that it may be asked for again.

    name   of the command
    """
    if name == "commitTransaction":  # what was committed is committed
        return True
    if name not in _READS or b"\x08autocommit\0" in command:
        return False
    return name != "aggregate" or not (b"$out\0" in command or b"$merge\0" in command)


def is_repeatable_write(name: str, command: bytes, sequences: Sequences) -> bool:
    """Whether a write without a number may have one: acknowledged, outside transactions, of one document a statement.

    sequences   documents that come beside the command
    """
    if name not in RETRYABLE_COMMANDS:
        return False
    document = RawBSONDocument(command, RAW_CODEC)
    if "txnNumber" in document or "autocommit" in document:
        return False
    concern = document.get("writeConcern")
    if isinstance(concern, RawBSONDocument) and concern.get("w") == 0:
        return False
    field = _STATEMENTS.get(name)
    if field is None:
        return True
    given: Any = sequences.get(field)
    if given is None:
        given = document.get(field)
    if not isinstance(given, list | tuple):
        return False
    return not any(_is_of_many(name, each) for each in given)


def _is_of_many(name: str, statement: Any) -> bool:
    """Whether a statement may change several documents, or is none."""
    if isinstance(statement, bytes):
        statement = RawBSONDocument(statement, RAW_CODEC)
    if not isinstance(statement, RawBSONDocument):
        return True
    return statement.get("limit") != 1 if name == "delete" else bool(statement.get("multi"))


def numbered(command: bytes, used: tuple[bytes, int]) -> bytes:
    """A command document with a session and a number.

    used   (session, number)
    """
    added = bson.encode({"lsid": {"id": Binary(used[0], 4)}, "txnNumber": Int64(used[1])})
    length = len(command) + len(added) - 5
    return length.to_bytes(4, "little") + command[4:-1] + added[4:]


def whole_reply(raw: bytes) -> dict[str, Any]:
    """A reply document as `Runner.command` gives it: of canonical values, the batches of a cursor not decoded."""
    outer = RawBSONDocument(raw, RAW_CODEC)
    cursor = outer.get("cursor")
    if not isinstance(cursor, RawBSONDocument) or not any(batch in cursor for batch in _BATCHES):
        return decode_foreign(raw)
    reply = {name: _canonical(value) for name, value in outer.items() if name != "cursor"}
    told = {name: list(value) if name in _BATCHES else _canonical(value) for name, value in cursor.items()}
    return {**{name: (told if name == "cursor" else reply[name]) for name in outer}}


def _canonical(value: Any) -> Any:
    if isinstance(value, RawBSONDocument):
        return decode_foreign(bytes(value.raw))
    return [_canonical(each) for each in value] if isinstance(value, list) else value
