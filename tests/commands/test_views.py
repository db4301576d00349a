"""Views: their definition, reading through them, what cannot be done with them."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask

from amongo.commands.instance import Instance
from amongo.engine.files import MemoryFiles
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode

Document = dict[str, Any]


@pytest.fixture(autouse=True)
def _views(ask: Ask, fruit: None) -> None:
    """`many`: fruit of which there are some; `many_named`: their names, over it."""
    ask({"create": "many", "viewOn": "fruit", "pipeline": [{"$match": {"n": {"$gt": 0}}}]})
    ask({"create": "many_named", "viewOn": "many", "pipeline": [{"$project": {"name": 1, "n": 1}}]})


def batch(reply: Document) -> list[Document]:
    found: list[Document] = reply["cursor"]["firstBatch"]
    return found


def ids(reply: Document) -> list[Any]:
    return [each["_id"] for each in batch(reply)]


def shown(ask: Ask, name: str) -> Document:
    (found,) = batch(ask({"listCollections": 1, "filter": {"name": name}}))
    return found


# Reading


FINDS: dict[str, tuple[Document, list[Any]]] = {
    "all": ({}, [1, 2, 3]),
    "filter": ({"filter": {"n": 4}}, [1, 3]),
    "sort": ({"sort": {"name": 1}}, [2, 3, 1]),
    "skip and limit": ({"sort": {"_id": -1}, "skip": 1, "limit": 1}, [2]),
    "projection": ({"projection": {"n": 1}}, [1, 2, 3]),
    "natural sort": ({"sort": {"$natural": -1}}, [3, 2, 1]),
    "natural hint": ({"hint": {"$natural": -1}}, [3, 2, 1]),
    "let": ({"filter": {"$expr": {"$eq": ["$n", "$$wanted"]}}, "let": {"wanted": 2}}, [2]),
    "one, single batch": ({"limit": 1, "singleBatch": True}, [1]),
}


@pytest.mark.parametrize("name", FINDS)
@pytest.mark.parametrize("view", ["many", "many_named"])
def test_a_find_sees_what_the_view_shows(ask: Ask, name: str, view: str) -> None:
    options, expected = FINDS[name]
    reply = ask({"find": view, **options})
    assert ids(reply) == expected
    assert reply["cursor"]["ns"] == f"shop.{view}"


REFUSED_FINDS: dict[str, tuple[Document, int]] = {
    "tailable": ({"tailable": True}, 168),
    "no cursor timeout": ({"noCursorTimeout": True}, 168),
    "single batch": ({"singleBatch": True, "limit": 2}, 168),
    "return key": ({"returnKey": True}, 168),
    "record ids": ({"showRecordId": True}, 168),
    "bounds": ({"min": {"_id": 1}, "hint": {"_id": 1}}, 168),
    "elemMatch projection": ({"projection": {"tags": {"$elemMatch": {"$eq": "red"}}}}, 168),
    "slice projection": ({"projection": {"tags": {"$slice": 1}}}, 28667),
    "hint": ({"hint": "nowhere"}, 2),
    "collation": ({"collation": {"locale": "fr"}}, 167),
}


@pytest.mark.parametrize("name", REFUSED_FINDS)
def test_a_find_that_no_aggregate_knows_is_refused(ask: Ask, name: str) -> None:
    options, code = REFUSED_FINDS[name]
    assert ask({"find": "many", **options})["code"] == code


def test_a_cursor_of_a_view_has_its_name(ask: Ask) -> None:
    first = ask({"find": "many", "batchSize": 1})["cursor"]
    assert ask({"getMore": first["id"], "collection": "fruit"})["code"] == 13
    assert [each["_id"] for each in ask({"getMore": first["id"], "collection": "many"})["cursor"]["nextBatch"]] == [
        2,
        3,
    ]


def test_count_and_distinct_and_aggregate(ask: Ask) -> None:
    assert ask({"count": "many"}) == {"n": 3, "ok": 1.0}
    assert ask({"count": "many", "query": {"n": 4}, "skip": 1}) == {"n": 1, "ok": 1.0}
    assert ask({"count": "many", "limit": 2}) == {"n": 2, "ok": 1.0}
    assert ask({"distinct": "many", "key": "n"})["values"] == [2, 4]
    assert ask({"distinct": "many", "key": "tags", "query": {"n": 4}})["values"] == ["green", "soft"]
    grouped = ask({"aggregate": "many", "pipeline": [{"$group": {"_id": None, "n": {"$sum": "$n"}}}], "cursor": {}})
    assert batch(grouped) == [{"_id": None, "n": 10}]


OTHERS: dict[str, tuple[Document, list[Any]]] = {
    "lookup": (
        {"$lookup": {"from": "many", "localField": "_id", "foreignField": "_id", "as": "found"}},
        [[1], [2], [3], [], []],
    ),
    "lookup with a pipeline": (
        {"$lookup": {"from": "many", "pipeline": [{"$match": {"n": 2}}], "as": "found"}},
        [[2]] * 5,
    ),
    "facet": ({"$facet": {"found": [{"$unionWith": "many_named"}, {"$match": {"n": 2}}]}}, [[2, 2]]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_stages_read_views(ask: Ask, name: str) -> None:
    stage, expected = OTHERS[name]
    found = batch(ask({"aggregate": "fruit", "pipeline": [stage], "cursor": {}}))
    assert [[each["_id"] for each in document["found"]] for document in found] == expected


def test_union_with_a_view(ask: Ask) -> None:
    assert ids(ask({"aggregate": "many", "pipeline": [{"$unionWith": "many_named"}], "cursor": {}})) == [1, 2, 3] * 2


def test_a_view_shows_what_its_source_holds_now(ask: Ask) -> None:
    ask({"insert": "fruit", "documents": [{"_id": 6, "n": 1}]})
    assert ids(ask({"find": "many"})) == [1, 2, 3, 6]
    ask({"drop": "fruit"})
    assert ids(ask({"find": "many"})) == []
    assert ask({"count": "many"})["n"] == 0


def test_a_stage_that_has_to_be_first_cannot_follow_those_of_a_view(ask: Ask) -> None:
    assert ask({"aggregate": "many", "pipeline": [{"$documents": [{}]}], "cursor": {}})["code"] == 73


# Definition


def test_listing(ask: Ask) -> None:
    assert shown(ask, "many") == {
        "name": "many",
        "type": "view",
        "options": {"viewOn": "fruit", "pipeline": [{"$match": {"n": {"$gt": 0}}}]},
        "info": {"readOnly": True},
    }
    assert shown(ask, "system.views")["type"] == "collection"
    assert [each["_id"] for each in batch(ask({"find": "system.views"}))] == ["shop.many", "shop.many_named"]


def test_again_is_fine_with_the_same_definition_only(ask: Ask) -> None:
    again: Document = {"create": "many", "viewOn": "fruit", "pipeline": [{"$match": {"n": {"$gt": 0}}}]}
    assert ask(again) == {"ok": 1.0}
    assert ask({**again, "pipeline": []})["code"] == 48
    assert ask({"create": "many"})["code"] == 48
    assert ask({"create": "fruit", "viewOn": "many"})["code"] == 48


DEFINITIONS: dict[str, tuple[Any, int]] = {
    "out": ([{"$out": "x"}], 167),
    "merge": ([{"$merge": "x"}], 167),
    "change stream": ([{"$changeStream": {}}], 167),
    "out below": ([{"$lookup": {"from": "x", "pipeline": [{"$out": "y"}], "as": "z"}}], 51047),
    "sessions": ([{"$listSessions": {}}], 73),
    "unknown stage": ([{"$nothing": {}}], 40324),
    "two stages in one": ([{"$match": {}, "$limit": 1}], 40323),
    "no document": (["x"], 14),
    "no array": ("x", 14),
    "itself": ([{"$unionWith": "new"}], 5),
    "itself in a facet": ([{"$facet": {"a": [{"$lookup": {"from": "new", "pipeline": [], "as": "b"}}]}}], 5),
    "too large": ([{"$match": {"x": "A" * 16_000_000}}], 195),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_definitions_that_are_refused(ask: Ask, name: str) -> None:
    pipeline, code = DEFINITIONS[name]
    assert ask({"create": "new", "viewOn": "fruit", "pipeline": pipeline})["code"] == code
    assert batch(ask({"listCollections": 1, "filter": {"name": "new"}})) == []


def test_nulls_in_a_pipeline_are_left_out(ask: Ask) -> None:
    assert ask({"create": "new", "viewOn": "fruit", "pipeline": [None, {"$limit": 1}]}) == {"ok": 1.0}
    assert shown(ask, "new")["options"]["pipeline"] == [{"$limit": 1}]


def test_a_circle_through_others_is_refused(ask: Ask) -> None:
    ask({"create": "lower", "viewOn": "not_there_yet"})
    ask({"create": "upper", "viewOn": "lower"})
    assert ask({"create": "not_there_yet", "viewOn": "upper"})["code"] == 5
    assert ask({"collMod": "lower", "viewOn": "upper", "pipeline": []})["code"] == 5


def test_twenty_views_on_each_other_and_no_more(ask: Ask) -> None:
    ask({"create": "v1", "viewOn": "fruit"})
    for number in range(2, 21):
        assert ask({"create": f"v{number}", "viewOn": f"v{number - 1}"}) == {"ok": 1.0}
    assert ids(ask({"find": "v20", "limit": 1})) == [1]
    assert ask({"create": "v21", "viewOn": "v20"})["code"] == 165
    assert ask({"collMod": "v1", "viewOn": "many_named"})["code"] == 165


def test_collations_of_views_must_agree(ask: Ask) -> None:
    collation = {"locale": "en", "strength": 2}
    ask({"create": "mild", "viewOn": "fruit", "collation": collation})
    assert ids(ask({"find": "mild", "filter": {"name": "PEAR"}})) == [1]
    assert ask({"create": "strict", "viewOn": "mild"})["code"] == 167
    assert ask({"create": "mild_too", "viewOn": "mild", "collation": collation}) == {"ok": 1.0}
    assert ask({"create": "joined", "viewOn": "fruit", "pipeline": [{"$unionWith": "mild"}]})["code"] == 167
    assert ask({"find": "mild", "collation": {"locale": "fr"}})["code"] == 167
    assert ids(ask({"find": "mild", "filter": {"name": "PEAR"}, "collation": collation})) == [1]


def test_what_a_client_writes_into_system_views_may_be_no_view(ask: Ask) -> None:
    ask({"insert": "system.views", "documents": [{"_id": "shop.odd", "viewOn": 1}]})
    assert ask({"find": "odd"})["code"] == 182
    ask({"delete": "system.views", "deletes": [{"q": {"_id": "shop.odd"}, "limit": 1}]})
    assert ids(ask({"find": "odd"})) == []


# What is refused


REFUSED: dict[str, tuple[Document, int]] = {
    "create an index": ({"createIndexes": "many", "indexes": [{"key": {"a": 1}, "name": "a"}]}, 166),
    "drop indexes": ({"dropIndexes": "many", "index": "*"}, 166),
    "list indexes": ({"listIndexes": "many"}, 166),
    "validate": ({"validate": "many"}, 166),
    "sizes": ({"collStats": "many"}, 166),
    "change": ({"findAndModify": "many", "query": {}, "update": {"$set": {"a": 1}}}, 166),
    "remove": ({"findAndModify": "many", "query": {}, "remove": True}, 166),
    "insert": ({"insert": "many", "documents": [{}]}, 166),
    "update": ({"update": "many", "updates": [{"q": {}, "u": {"$set": {"a": 1}}}]}, 166),
    "update all": ({"update": "many", "updates": [{"q": {}, "u": {"$set": {"a": 1}}, "multi": True}]}, 166),
    "upsert": ({"update": "many", "updates": [{"q": {"_id": 9}, "u": {"$set": {"a": 1}}, "upsert": True}]}, 166),
    "delete": ({"delete": "many", "deletes": [{"q": {}, "limit": 0}]}, 166),
}


@pytest.mark.parametrize("name", REFUSED)
def test_views_are_not_written(ask: Ask, name: str) -> None:
    command, code = REFUSED[name]
    reply = ask(command)
    assert (reply.get("writeErrors") or [reply])[0]["code"] == code
    assert ask({"count": "fruit"})["n"] == 5


def test_a_view_keeps_its_name(ask: Ask) -> None:
    def rename(source: str, target: str, **options: Any) -> Any:
        return ask({"renameCollection": f"shop.{source}", "to": f"shop.{target}", **options}, "admin").get("code")

    assert rename("many", "few") == 166
    assert rename("fruit", "many") == 48
    assert rename("fruit", "many", dropTarget=True) == 48


def test_drop(ask: Ask) -> None:
    assert ask({"drop": "many"}) == {"ns": "shop.many", "ok": 1.0}
    assert ask({"find": "many_named"})["ok"] == 1.0
    assert ids(ask({"find": "many"})) == []
    assert ask({"drop": "system.views"}) == {"nIndexesWas": 1, "ns": "shop.system.views", "ok": 1.0}
    assert batch(ask({"listCollections": 1, "nameOnly": True})) == [{"name": "fruit", "type": "collection"}]


def test_views_are_there_after_opening_again(clock: ManualClock) -> None:
    files = MemoryFiles()
    first = Instance.open("data", files=files, clock=clock)
    first.run_command("shop", encode({"insert": "fruit", "documents": [{"_id": 1}, {"_id": 2}]}))
    first.run_command("shop", encode({"create": "one", "viewOn": "fruit", "pipeline": [{"$limit": 1}]}))
    first.run_command("shop", encode({"collMod": "one", "pipeline": [{"$match": {"_id": 2}}]}))
    first.close()
    second = Instance.open("data", files=files, clock=clock)
    reply = decode(encode(second.run_command("shop", encode({"find": "one"}))))
    assert ids(reply) == [2]
    second.close()
