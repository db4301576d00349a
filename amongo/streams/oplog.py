"""A commit as `local.oplog.rs` shows it.

Each commit is one document: of one operation, or `applyOps` of several, which the server does for transactions and for
batches of inserts. One that would be larger than a document may be goes in several of the same `ts`. Source: manual,
Replica Set Oplog.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from bson import Int64, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import OPLOG_BATCH_BYTES
from amongo.streams.catalog_events import catalog_changes
from amongo.streams.events import command_head, read_head
from amongo.streams.oplog_updates import raw_description
from amongo.streams.tokens import timestamp_of
from amongo.values.codec import decode

if TYPE_CHECKING:
    from amongo.engine.log.format import Entry
    from amongo.engine.log.recent import Commit

Document = dict[str, Any]

_TERM: Final = Int64(1)
_VERSION: Final = Int64(2)
_NO_TIME: Final = {"ts": Timestamp(0, 0), "t": Int64(-1)}
_MEASUREMENTS: Final = "..measurements."
_PROFILE: Final = ".system.profile"  # is of this node alone, and not replicated


def oplog_documents(commit: Commit, interrupt: Interrupt = NEVER) -> Iterator[Document]:
    """The documents of a commit, in order; none for one that only wrote measurements of a time series, which are kept
    differently from the server's buckets."""
    origin: Document = {}
    batch: list[Document] = []
    size_bytes = 0
    batches: list[list[Document]] = []
    told = 0  # entries before this one have been told of
    for number, entry in enumerate(commit.entries):
        head = read_head(entry.head)
        if head["op"] == "s":
            origin = head
        if head["op"] == "s" or number < told:
            continue
        if head["op"] == "c":
            head, told = command_head(commit, number, head)
        for operation, operation_bytes in interrupt.watch(_operations(entry, head)):
            if batch and size_bytes + operation_bytes > OPLOG_BATCH_BYTES:
                batches.append(batch)
                batch, size_bytes = [], 0
            batch.append(operation)
            size_bytes += operation_bytes
    if batch:
        batches.append(batch)
    yield from _documents(commit, origin, batches)


def _documents(commit: Commit, origin: Document, batches: list[list[Document]]) -> Iterator[Document]:
    is_transaction = origin.get("transaction", False)
    session = {name: origin[name] for name in ("lsid", "txnNumber") if name in origin}
    end: Document = {
        "ts": timestamp_of(commit.sequence),
        "t": _TERM,
        "v": _VERSION,
        "wall": DatetimeMS(commit.wall_ms),
    }
    if session:
        end["prevOpTime"] = _NO_TIME
    statements = _statements(origin.get("stmtIds", []))
    count = sum(map(len, batches))
    for number, batch in enumerate(batches):
        if statements and not is_transaction:
            batch = [_with_statement(each, statements) for each in batch]
        if count == 1 and not is_transaction:
            yield session | batch[0] | end
            continue
        command: Document = {"applyOps": batch}
        if is_transaction and number < len(batches) - 1:
            command["partialTxn"] = True
        elif is_transaction and number:
            command["count"] = Int64(count)
        several: Document = {"op": "c", "ns": "admin.$cmd", "o": command}
        if session and not is_transaction:
            several["multiOpType"] = 1
        yield session | several | end


def _statements(runs: list[int]) -> Iterator[int] | None:
    """The numbers of a retryable write's statements, from runs (first, last, …); None if there are none."""
    if not runs:
        return None
    pairs = zip(runs[::2], runs[1::2], strict=True)
    return (number for first, last in pairs for number in range(first, last + 1))


def _with_statement(operation: Document, statements: Iterator[int]) -> Document:
    number = next(statements, None)
    return operation if number is None else operation | {"stmtId": number}


def _operations(entry: Entry, head: Document) -> Iterator[tuple[Document, int]]:
    """(operation, about how many bytes it is) of an entry."""
    kind = head["op"]
    if kind == "c":
        yield from ((each, len(entry.head)) for each in _commands(head))
    elif kind != "n" and _MEASUREMENTS not in head["ns"] and not head["ns"].endswith(_PROFILE):
        start = {"op": kind, "ns": head["ns"], "ui": head["ui"]}
        if kind == "i":
            for raw in entry.documents:
                content = decode(raw)
                yield start | {"o": content, "o2": {"_id": content["_id"]}}, len(raw)
        else:
            yield start | _changed(entry, head), len(entry.documents[0])


def _changed(entry: Entry, head: Document) -> Document:
    """`o`, and `o2` of an update."""
    content = decode(entry.documents[0])
    if head["op"] == "d":
        return {"o": {"_id": content["_id"]}}
    is_replacement = len(entry.documents) - bool(head.get("pre")) == 1
    told = content if is_replacement else raw_description(decode(entry.documents[1]), content)
    return {"o": told, "o2": {"_id": content["_id"]}}


def _commands(head: Document) -> Iterator[Document]:
    """The operation of an entry of the catalog: what the server's command would have been."""
    database = head["ns"].partition(".")[0]
    name = next(iter(head["o"]))
    start: Document = {"op": "c", "ns": head["ns"]} | ({"ui": head["ui"]} if "ui" in head else {})
    if name == "dropDatabase":
        yield start | {"o": {"dropDatabase": 1}}
        return
    for change in catalog_changes(database, head):
        if change.collection.startswith("."):
            continue
        told = dict(change.description or {})
        if change.operation == "create":
            yield start | {"o": {"create": change.collection, **told}}
        elif change.operation == "createIndexes":
            for definition in told["indexes"]:
                yield start | {"o": {"createIndexes": change.collection, **definition}}
        elif change.operation == "dropIndexes":
            command = {"dropIndexes": change.collection, "index": head["o"]["index"]}
            yield start | {"o": command, "o2": told["indexes"][0]}
        elif change.operation == "rename":
            assert change.target is not None
            source, target = f"{database}.{change.collection}", f"{change.target['db']}.{change.target['coll']}"
            told = {"stayTemp": False} | {field: value for field, value in told.items() if field != "to"}
            yield start | {"ui": change.identity, "o": {"renameCollection": source, "to": target, **told}}
        elif change.operation == "modify":
            assert change.state_before is not None
            before = {f"{field}_old": value for field, value in change.state_before.items()}
            yield start | {"o": {"collMod": change.collection, **told}, "o2": before}
        else:
            yield start | {"o": {"drop": change.collection}}
