"""The profiler: what operations have done stands in `system.profile` of their database, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking import Ask
from bson import Binary, Int64

from amongo.commands.context import Context
from amongo.commands.find import FindRequest
from amongo.commands.instance import Instance
from amongo.planner.observation import OBSERVED, SWITCH

Document = dict[str, Any]


def notes(ask: Ask, filter: Document | None = None, database: str = "shop") -> list[Document]:
    """What has been noted down; asking for it is noted down as well, and left out here."""
    found: list[Document] = ask({"find": "system.profile", "filter": filter or {}}, database)["cursor"]["firstBatch"]
    return [each for each in found if each["ns"] not in (f"{database}.system.profile", f"{database}.$cmd")]


@pytest.fixture
def profiled(ask: Ask, fruit: None) -> Ask:
    ask({"profile": 2})
    return ask


def test_nothing_is_noted_before_it_is_turned_on(ask: Ask, fruit: None, instance: Instance) -> None:
    ask({"find": "fruit"})
    assert not instance.attention.is_on and not SWITCH.is_on
    assert ask({"listCollections": 1, "nameOnly": True})["cursor"]["firstBatch"] == [
        {"name": "fruit", "type": "collection"}
    ]


def test_a_find(profiled: Ask) -> None:
    profiled({"find": "fruit", "filter": {"n": 4}, "comment": "why"})
    (note,) = notes(profiled)
    assert note["command"] == {"find": "fruit", "filter": {"n": 4}, "comment": "why", "$db": "shop"}
    shown = ("op", "ns", "keysExamined", "docsExamined", "nreturned", "planSummary", "cursorExhausted")
    assert [note[name] for name in shown] == ["query", "shop.fruit", 0, 5, 2, "COLLSCAN", True]
    assert "_id" not in note and "client" not in note
    assert (note["user"], note["allUsers"], note["millis"]) == ("", [], 0)


BY_N = "IXSCAN { n: 1 }"
PLANS: list[tuple[str, Document, tuple[str, int, int]]] = [
    ("by _id", {"find": "fruit", "filter": {"_id": 3}}, ("EXPRESS_IXSCAN { _id: 1 }", 1, 1)),
    ("by an index", {"find": "fruit", "filter": {"n": {"$gte": 4}}}, (BY_N, 2, 2)),
    ("by it alone", {"find": "fruit", "filter": {"n": 4}, "projection": {"n": 1, "_id": 0}}, (BY_N, 2, 0)),
    ("a count by it", {"count": "fruit", "query": {"n": 4}}, (BY_N, 2, 0)),
    ("an aggregate", {"aggregate": "fruit", "pipeline": [{"$match": {"n": 2}}], "cursor": {}}, (BY_N, 1, 1)),
    ("a distinct", {"distinct": "fruit", "key": "n", "query": {"n": {"$gt": 0}}}, ("DISTINCT_SCAN { n: 1 }", 2, 0)),
    ("a scan", {"distinct": "fruit", "key": "name"}, ("COLLSCAN", 0, 5)),
    ("of nothing", {"find": "none"}, ("EOF", 0, 0)),
    ("to the limit", {"find": "fruit", "limit": 2}, ("COLLSCAN", 0, 2)),
]


@pytest.mark.parametrize(("name", "command", "expected"), PLANS)
def test_what_was_looked_at(
    ask: Ask, fruit: None, name: str, command: Document, expected: tuple[str, int, int]
) -> None:
    ask({"createIndexes": "fruit", "indexes": [{"key": {"n": 1}, "name": "n"}]})
    ask({"profile": 2})
    ask(command)
    (note,) = notes(ask)
    assert (note["planSummary"], note["keysExamined"], note["docsExamined"]) == expected


def test_a_get_more_tells_of_its_cursor(profiled: Ask) -> None:
    cursor = profiled({"find": "fruit", "batchSize": 2, "comment": "why"})["cursor"]
    profiled({"getMore": Int64(cursor["id"]), "collection": "fruit"})
    find, more = notes(profiled)
    assert (more["op"], more["cursorid"], more["cursorExhausted"]) == ("getmore", cursor["id"], True)
    assert more["originatingCommand"] == find["command"] and more["command"]["comment"] == "why"
    assert (find["docsExamined"], more["docsExamined"], more["planSummary"]) == (2, 3, "COLLSCAN")


def test_writes(profiled: Ask) -> None:
    profiled({"insert": "fruit", "documents": [{"_id": 6}, {"_id": 7}]})
    updates = [
        {"q": {"n": 4}, "u": {"$set": {"z": 1}}, "multi": True},
        {"q": {"_id": 9}, "u": {"z": 1}, "upsert": True},
    ]
    profiled({"update": "fruit", "updates": updates})
    profiled({"delete": "fruit", "deletes": [{"q": {"_id": {"$gte": 6}}, "limit": 0}]})
    insert, first, second, _, removed, _ = notes(profiled)
    assert (insert["op"], insert["ninserted"]) == ("insert", 2) and "documents" not in insert["command"]
    assert (first["op"], first["nMatched"], first["nModified"], first["docsExamined"]) == ("update", 2, 2, 7)
    assert first["command"]["q"] == {"n": 4}
    assert (second["upsert"], second["nMatched"], second["docsExamined"]) == (True, 0, 0)
    assert (removed["op"], removed["ndeleted"], removed["docsExamined"]) == ("remove", 3, 3)


def test_a_failure(profiled: Ask) -> None:
    profiled({"find": "fruit", "filter": {"$bad": 1}})
    profiled({"collMod": "none"})
    assert [(each["errCode"], each["errName"]) for each in notes(profiled, {"ok": 0})][-1] == (26, "NamespaceNotFound")


def test_requests_of_the_embedding_client_are_noted_too(profiled: Ask, instance: Instance) -> None:
    instance.execute(FindRequest("shop.fruit", {"n": 2}))
    (note,) = notes(profiled)
    assert note["command"] == {"find": "fruit", "filter": {"n": 2}, "$db": "shop"} and note["docsExamined"] == 5


def test_levels_are_of_databases(profiled: Ask) -> None:
    profiled({"insert": "other", "documents": [{"_id": 1}]}, "yard")
    assert profiled({"profile": -1}, "yard")["was"] == 0
    assert not profiled({"count": "system.profile"}, "yard")["n"]
    profiled({"dropDatabase": 1})
    assert profiled({"profile": -1})["was"] == 0


def test_slow_ones_alone(ask: Ask, fruit: None) -> None:
    ask({"profile": 1})
    ask({"find": "fruit"})
    assert notes(ask) == []
    ask({"profile": 1, "slowms": 0})
    ask({"find": "fruit"})
    assert len(notes(ask)) == 1
    ask({"profile": 1, "sampleRate": 0.0})
    ask({"find": "fruit"})
    assert len(notes(ask)) == 1


def test_a_part_of_the_slow_ones(ask: Ask, fruit: None, instance: Instance) -> None:
    ask({"profile": 1, "slowms": 0, "sampleRate": 0.5})
    drawn = iter([0.6, 0.4, 0.6, 0.6])
    instance.profiler._draw = lambda: next(drawn)
    for number in range(3):
        ask({"find": "fruit", "comment": number})
    ask({"profile": 0, "slowms": 100, "sampleRate": 1.0})
    assert [each["command"]["comment"] for each in notes(ask, {"op": "query"})] == [1]


def test_those_of_a_filter(ask: Ask, fruit: None) -> None:
    assert "filter" not in ask({"profile": 1, "filter": {"op": "query", "nreturned": {"$gt": 1}}})
    ask({"find": "fruit"})
    ask({"find": "fruit", "limit": 1})
    ask({"count": "fruit"})
    (note,) = notes(ask)
    assert note["nreturned"] == 5
    before = ask({"profile": 0, "filter": "unset"})
    assert before["filter"] == {"op": "query", "nreturned": {"$gt": 1}} and "note" in before
    assert "filter" not in ask({"profile": -1})


def test_it_is_capped_and_written_by_nobody_else(profiled: Ask) -> None:
    (shown,) = profiled({"listCollections": 1, "filter": {"name": "system.profile"}})["cursor"]["firstBatch"]
    assert shown["options"] == {"capped": True, "size": 1024 * 1024} and "idIndex" not in shown
    assert profiled({"listIndexes": "system.profile"})["cursor"]["firstBatch"] == []
    for command in (
        {"insert": "system.profile", "documents": [{}]},
        {"update": "system.profile", "updates": [{"q": {}, "u": {"$set": {"a": 1}}}]},
        {"delete": "system.profile", "deletes": [{"q": {}, "limit": 0}]},
        {"findAndModify": "system.profile", "remove": True},
    ):
        assert profiled(command)["code"] == 73, command
    assert profiled({"drop": "system.profile"})["code"] == 20
    assert profiled({"renameCollection": "shop.system.profile", "to": "shop.x"}, "admin")["code"] == 20
    assert profiled({"create": "system.profile", "viewOn": "fruit", "pipeline": []}, "yard")["code"] == 20
    assert profiled({"cloneCollectionAsCapped": "system.profile", "toCollection": "c", "size": 9999})["ok"] == 1.0
    assert all("_id" in each for each in profiled({"find": "c"})["cursor"]["firstBatch"])
    profiled({"profile": 0})
    assert profiled({"drop": "system.profile"})["ok"] == 1.0


def test_an_operation_of_a_transaction_is_noted_outside_of_it(profiled: Ask, instance: Instance) -> None:
    inside = {"lsid": {"id": Binary(bytes(16), 4)}, "txnNumber": Int64(1), "autocommit": False}
    profiled({"find": "fruit", "filter": {"_id": 1}, **inside, "startTransaction": True})
    profiled({"insert": "fruit", "documents": [{"_id": 100}], **inside})
    assert [each["op"] for each in notes(profiled)] == ["query", "insert"]
    profiled({"abortTransaction": 1, **inside}, "admin")
    assert len(notes(profiled)) == 2
    assert profiled({"find": "fruit", "filter": {"_id": 100}})["cursor"]["firstBatch"] == []


def test_what_is_noted_is_not_replicated(profiled: Ask) -> None:
    profiled({"find": "fruit"})
    assert profiled({"count": "oplog.rs", "query": {"ns": "shop.system.profile"}}, "local")["n"] == 0
    assert "system.profile" not in profiled({"dbHash": 1})["collections"]


def test_a_full_one_forgets_the_oldest_and_opens_again(tmp_path: Path) -> None:
    first = Instance.open(str(tmp_path))
    first.run_command("shop", _encoded({"profile": 2}))
    text = "x" * 40_000
    for number in range(60):
        first.execute(FindRequest("shop.c", {"text": text, "n": number}), Context())
    first.profiler.set_level("shop", first.profiler.level("none"))
    kept = _numbers(first)
    first.close()
    second = Instance.open(str(tmp_path))
    assert _numbers(second) == kept and kept[-1] == 59 and 10 < len(kept) < 30
    second.close()


def test_turned_off_nothing_is_observed(profiled: Ask, instance: Instance) -> None:
    assert SWITCH.is_on and instance.attention.is_on
    profiled({"profile": 0})
    assert not SWITCH.is_on and not instance.attention.is_on and OBSERVED.get() is None


def _encoded(command: Document) -> bytes:
    from amongo.values.codec import encode

    return encode(command)


def _numbers(instance: Instance) -> list[int]:
    from amongo.values.codec import decode

    batch = instance.execute(FindRequest("shop.system.profile", {"ns": "shop.c"})).batch
    return [decode(raw)["command"]["filter"]["n"] for raw in batch]
