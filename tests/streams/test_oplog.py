"""Commits as `local.oplog.rs` shows them: document by document, and enough to make the present store."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from bson import Binary, Int64, Timestamp
from bson import encode as bson_encode
from bson.datetime_ms import DatetimeMS
from test_replaying import present
from watching import World
from workloads import Document, random_work

from amongo.engine.log.format import Entry
from amongo.engine.log.recent import Commit
from amongo.runtime import limits
from amongo.streams import oplog
from amongo.streams.oplog import oplog_documents
from amongo.values.codec import decode, encode

UI = Binary(b"u" * 16, 4)
SESSION = {"id": Binary(b"s" * 16, 4), "uid": b"d" * 32}
END = {"ts": Timestamp(7, 0), "t": Int64(1), "v": Int64(2), "wall": DatetimeMS(5000)}
MARKER = {"op": "s", "lsid": SESSION, "txnNumber": Int64(4)}
NO_TIME = {"ts": Timestamp(0, 0), "t": Int64(-1)}

Described = tuple[dict[str, Any], list[dict[str, Any]]]


def commit_of(*entries: Described) -> Commit:
    return Commit(
        7 << 32,
        5000,
        tuple(Entry(1, encode(head), [encode(each) for each in documents]) for head, documents in entries),
    )


def head(operation: str, **fields: Any) -> dict[str, Any]:
    return {"op": operation, "ns": "shop.fruit", "ui": UI, **fields}


def command(**fields: Any) -> dict[str, Any]:
    return {"op": "c", "ns": "shop.$cmd", "ui": UI, **fields}


INSERT: Described = (head("i"), [{"_id": 1, "n": 1}])
INSERTED = head("i") | {"o": {"_id": 1, "n": 1}, "o2": {"_id": 1}}

SHOWN: list[tuple[str, list[Described], list[Document]]] = [
    ("insert", [INSERT], [INSERTED | END]),
    (
        "update",
        [(head("u"), [{"_id": 1, "n": 2, "a": [1, 2]}, {"updatedFields": {"a.1": 2, "n": 2}, "removedFields": ["x"]}])],
        [
            head("u")
            | {"o": {"$v": 2, "diff": {"u": {"n": 2}, "d": {"x": False}, "sa": {"a": True, "u1": 2}}}, "o2": {"_id": 1}}
            | END
        ],
    ),
    ("update of plain fields", [(head("u"), [{"_id": 1, "n": 2}, {"updatedPaths": ["n"]}])],
     [head("u") | {"o": {"$v": 2, "diff": {"u": {"n": 2}}}, "o2": {"_id": 1}} | END]),
    ("update with an image", [(head("u", pre=True), [{"_id": 1, "n": 2}, {"updatedPaths": ["n"]}, {"_id": 1}])],
     [head("u") | {"o": {"$v": 2, "diff": {"u": {"n": 2}}}, "o2": {"_id": 1}} | END]),
    ("replacement", [(head("u"), [{"_id": 1, "n": 2}])],
     [head("u") | {"o": {"_id": 1, "n": 2}, "o2": {"_id": 1}} | END]),
    ("replacement with an image", [(head("u", pre=True), [{"_id": 1, "n": 2}, {"_id": 1}])],
     [head("u") | {"o": {"_id": 1, "n": 2}, "o2": {"_id": 1}} | END]),
    ("delete", [(head("d"), [{"_id": 1}])], [head("d") | {"o": {"_id": 1}} | END]),
    ("a batch", [(head("i"), [{"_id": 1}, {"_id": 2}])],
     [{"op": "c", "ns": "admin.$cmd", "o": {"applyOps": [
         head("i") | {"o": {"_id": 1}, "o2": {"_id": 1}}, head("i") | {"o": {"_id": 2}, "o2": {"_id": 2}}]}} | END]),
    ("a transaction", [(MARKER | {"transaction": True}, []), INSERT],
     [{"lsid": SESSION, "txnNumber": Int64(4), "op": "c", "ns": "admin.$cmd", "o": {"applyOps": [INSERTED]}}
      | END | {"prevOpTime": NO_TIME}]),
    ("a retryable write", [(MARKER | {"stmtIds": [3, 3]}, []), INSERT],
     [{"lsid": SESSION, "txnNumber": Int64(4)} | INSERTED | {"stmtId": 3} | END | {"prevOpTime": NO_TIME}]),
    ("a retryable batch", [(MARKER | {"stmtIds": [3, 4]}, []), INSERT, INSERT],
     [{"lsid": SESSION, "txnNumber": Int64(4), "op": "c", "ns": "admin.$cmd",
       "o": {"applyOps": [INSERTED | {"stmtId": 3}, INSERTED | {"stmtId": 4}]}, "multiOpType": 1}
      | END | {"prevOpTime": NO_TIME}]),
    ("create", [(command(o={"create": "fruit", "options": {"capped": True}}), [])],
     [command(o={"create": "fruit", "capped": True, "idIndex": {"v": 2, "key": {"_id": 1}, "name": "_id_"}}) | END]),
    ("drop", [(command(o={"drop": "fruit"}), [])], [command(o={"drop": "fruit"}) | END]),
    ("dropDatabase", [({"op": "c", "ns": "shop.$cmd", "o": {"dropDatabase": 1}}, [])],
     [{"op": "c", "ns": "shop.$cmd", "o": {"dropDatabase": 1}} | END]),
    ("renameCollection", [(command(o={"renameCollection": "shop.fruit", "to": "shop.b", "dropTarget": UI}), [])],
     [command(o={"renameCollection": "shop.fruit", "to": "shop.b", "stayTemp": False, "dropTarget": UI}) | END]),
    ("createIndexes", [(command(o={"createIndexes": "fruit", "key": {"a": 1}, "name": "a_1"}), [])],
     [command(o={"createIndexes": "fruit", "key": {"a": 1}, "name": "a_1"}) | END]),
    ("dropIndexes", [(command(o={"dropIndexes": "fruit", "index": "a_1"}, o2={"key": {"a": 1}, "name": "a_1"}), [])],
     [command(o={"dropIndexes": "fruit", "index": "a_1"}, o2={"key": {"a": 1}, "name": "a_1"}) | END]),
    ("collMod", [(command(o={"collMod": "fruit", "options": {"x": 1}}, o2={"options": {}, "asked": {"x": 1}}), [])],
     [command(o={"collMod": "fruit", "x": 1}, o2={"collectionOptions_old": {"uuid": UI}}) | END]),
    ("a measurement", [(head("i") | {"ns": "shop..measurements.s"}, [{"_id": 1}])], []),
    ("nothing", [({"op": "n", "ns": ""}, [])], []),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "documents"), [case[1:] for case in SHOWN], ids=[case[0] for case in SHOWN])
def test_shown(entries: list[Described], documents: list[Document]) -> None:
    shown = list(oplog_documents(commit_of(*entries)))
    assert shown == documents
    assert [list(each) for each in shown] == [list(each) for each in documents], "in the server's order of fields"


def test_a_commit_that_is_too_long_goes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oplog, "OPLOG_BATCH_BYTES", 100)
    documents = [{"_id": number, "f": "*" * 40} for number in range(3)]
    first, second, third = oplog_documents(commit_of((MARKER | {"transaction": True}, []), (head("i"), documents)))
    assert [each["ts"] for each in (first, second, third)] == [Timestamp(7, 0)] * 3
    assert [each["o"].get("partialTxn") for each in (first, second, third)] == [True, True, None]
    assert third["o"]["count"] == 3
    assert limits.OPLOG_BATCH_BYTES < limits.DOCUMENT_BYTES


class Follower:
    """What a consumer of the oplog has made of it: by namespace, documents as BSON by the bytes of their `_id`."""

    def __init__(self) -> None:
        self.collections: dict[str, dict[bytes, bytes]] = {}

    def apply(self, entry: Document) -> None:
        if entry["op"] == "c":
            self._command(entry["ns"].partition(".")[0], entry["o"])
            return
        documents = self.collections[entry["ns"]]
        if entry["op"] == "i":
            documents[bson_encode(entry["o2"])] = encode(entry["o"])
        elif entry["op"] == "d":
            del documents[bson_encode(entry["o"])]
        elif entry["o"].get("$v") == 2 and set(entry["o"]) == {"$v", "diff"}:
            key = bson_encode(entry["o2"])
            documents[key] = encode(changed(decode(documents[key]), entry["o"]["diff"]))
        else:
            documents[bson_encode(entry["o2"])] = encode(entry["o"])

    def _command(self, database: str, command: Document) -> None:
        name = next(iter(command))
        if name == "applyOps":
            for each in command["applyOps"]:
                self.apply(each)
        elif name == "create":
            self.collections[f"{database}.{command['create']}"] = {}
        elif name == "drop":
            del self.collections[f"{database}.{command['drop']}"]
        elif name == "dropDatabase":
            for each in [each for each in self.collections if each.startswith(database + ".")]:
                del self.collections[each]
        elif name == "renameCollection":
            self.collections[command["to"]] = self.collections.pop(command["renameCollection"])


def changed(value: Any, diff: Document) -> Any:
    """A document or array with a diff applied. Source: the form is told in `oplog_updates`."""
    result = deepcopy(value)
    if diff.get("a") is True and type(result) is list:
        if "l" in diff:
            del result[diff["l"] :]
        for name, part in diff.items():
            if name in ("a", "l"):
                continue
            index = int(name[1:])
            result.extend([None] * (index + 1 - len(result)))
            result[index] = part if name[0] == "u" else changed(result[index], part)
        return result
    for name in diff.get("d", ()):
        del result[name]
    for name, part in diff.items():
        if name[0] == "s":
            result[name[1:]] = changed(result[name[1:]], part)
        elif name == "u":
            result.update(part)
        elif name == "i":
            for field in part:
                result.pop(field, None)
            result.update(part)
    return result


@pytest.mark.parametrize("seed", range(30, 50))
def test_the_oplog_makes_the_present_store(seed: int) -> None:
    world = World()
    try:
        for step in random_work(seed, 60, moves_fields=True):
            step(world)
        follower, found = Follower(), present(world)
        for commit in world.read():
            for entry in oplog_documents(commit):
                follower.apply(entry)
        shown = {name: each for name, each in follower.collections.items() if ".system." not in name}
        assert shown.keys() == found.collections.keys()
        for namespace, documents in found.collections.items():
            assert list(shown[namespace].items()) == list(documents.items()), namespace
    finally:
        world.close()
