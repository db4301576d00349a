"""findAndModify."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import ObjectId

from amongo.commands import find_and_modify
from amongo.commands.instance import Instance
from amongo.engine.store import Change
from amongo.values.codec import encode


def modify(ask: Ask, query: dict[str, Any], **options: Any) -> dict[str, Any]:
    return ask({"findAndModify": "fruit", "query": query, **options})


def test_update_gives_the_document_before(ask: Ask, fruit: None) -> None:
    assert modify(ask, {"_id": 2}, update={"$inc": {"n": 1}}) == {
        "lastErrorObject": {"n": 1, "updatedExisting": True},
        "value": {"_id": 2, "name": "apple", "n": 2, "tags": ["red"]},
        "ok": 1.0,
    }
    assert ask({"find": "fruit", "filter": {"_id": 2}})["cursor"]["firstBatch"][0]["n"] == 3


def test_update_gives_the_document_after_when_asked(ask: Ask, fruit: None) -> None:
    assert modify(ask, {"_id": 2}, update={"$inc": {"n": 1}}, new=True)["value"]["n"] == 3


def test_replacement_keeps_the_id(ask: Ask, fruit: None) -> None:
    assert modify(ask, {"name": "fig"}, update={"gone": True}, new=1)["value"] == {"_id": 3, "gone": True}


def test_update_that_changes_nothing_matches_all_the_same(ask: Ask, fruit: None) -> None:
    reply = modify(ask, {"_id": 2}, update={"$set": {"n": 2}}, new=True)
    assert reply["lastErrorObject"] == {"n": 1, "updatedExisting": True}
    assert reply["value"]["n"] == 2


def test_nothing_found(ask: Ask, fruit: None) -> None:
    expected = {"lastErrorObject": {"n": 0, "updatedExisting": False}, "value": None, "ok": 1.0}
    assert modify(ask, {"_id": 9}, update={"$set": {"n": 1}}) == expected
    assert ask({"findAndModify": "nowhere", "update": {"$set": {"n": 1}}, "hint": "any"}) == expected


def test_remove_gives_the_document(ask: Ask, fruit: None) -> None:
    reply = modify(ask, {"_id": 3}, remove=True)
    assert reply == {"lastErrorObject": {"n": 1}, "value": {"_id": 3, "name": "fig", "n": 4, "tags": []}, "ok": 1.0}
    assert ask({"count": "fruit"})["n"] == 4
    assert modify(ask, {"_id": 3}, remove=1.0) == {"lastErrorObject": {"n": 0}, "value": None, "ok": 1.0}


SORTS = [
    ("natural order", {}, None, 1),
    ("ascending", {}, {"name": 1}, 2),
    ("descending", {"n": 4}, {"name": -1}, 1),
    ("null and missing first", {}, {"n": 1, "_id": -1}, 5),
]


@pytest.mark.parametrize(("name", "query", "sort", "expected"), SORTS)
def test_which_document_is_first(
    ask: Ask, fruit: None, name: str, query: dict[str, Any], sort: dict[str, Any] | None, expected: int
) -> None:
    assert modify(ask, query, sort=sort, remove=True)["value"]["_id"] == expected


def test_fields_shape_what_is_given_back(ask: Ask, fruit: None) -> None:
    assert modify(ask, {"_id": 2}, update={"$inc": {"n": 1}}, new=True, fields={"n": 1, "_id": 0})["value"] == {"n": 3}
    assert modify(ask, {"_id": 2}, remove=True, fields={"tags": 0})["value"] == {"_id": 2, "name": "apple", "n": 3}


def test_upsert_inserts(ask: Ask, fruit: None) -> None:
    update = {"$set": {"n": 1}, "$setOnInsert": {"new": True}}
    reply = modify(ask, {"_id": 9, "kind": "nut"}, update=update, upsert=True)
    assert reply == {"lastErrorObject": {"n": 1, "updatedExisting": False, "upserted": 9}, "value": None, "ok": 1.0}
    found = ask({"find": "fruit", "filter": {"_id": 9}})["cursor"]["firstBatch"]
    assert found == [{"_id": 9, "kind": "nut", "n": 1, "new": True}]


def test_upsert_gives_the_new_document_when_asked(ask: Ask) -> None:
    reply = modify(ask, {"name": "nut"}, update={"$set": {"n": 1}}, upsert=True, new=True)
    identity = reply["lastErrorObject"]["upserted"]
    assert type(identity) is ObjectId
    assert reply["value"] == {"_id": identity, "name": "nut", "n": 1}
    assert ask({"count": "fruit"})["n"] == 1


def test_upsert_of_a_null_id(ask: Ask) -> None:
    reply = modify(ask, {"_id": None}, update={"$set": {"n": 1}}, upsert=True, new=True)
    assert reply["lastErrorObject"] == {"n": 1, "updatedExisting": False, "upserted": None}
    assert reply["value"] == {"_id": None, "n": 1}


def test_upsert_updates_what_is_there(ask: Ask, fruit: None) -> None:
    reply = modify(ask, {"_id": 2}, update={"$set": {"n": 7}}, upsert=True, new=True)
    assert reply["lastErrorObject"] == {"n": 1, "updatedExisting": True}
    assert reply["value"]["n"] == 7


def test_upsert_into_a_taken_id(ask: Ask, fruit: None) -> None:
    reply = modify(ask, {"_id": 2, "name": "other"}, update={"$set": {"n": 1}}, upsert=True)
    assert (reply["code"], reply["keyPattern"], reply["keyValue"]) == (11000, {"_id": 1}, {"_id": 2})
    assert ask({"count": "fruit"})["n"] == 5


def test_array_filters(ask: Ask, fruit: None) -> None:
    reply = modify(ask, {"_id": 1}, update={"$set": {"tags.$[t]": "hard"}}, arrayFilters=[{"t": "soft"}], new=True)
    assert reply["value"]["tags"] == ["green", "hard"]


def test_positional_update(ask: Ask, fruit: None) -> None:
    reply = modify(ask, {"_id": 1, "tags": "soft"}, update={"$set": {"tags.$": "hard"}}, new=True)
    assert reply["value"]["tags"] == ["green", "hard"]


def test_pipeline_with_let(ask: Ask, fruit: None) -> None:
    pipeline = [{"$set": {"m": "$$bonus", "was": "$n"}}, {"$unset": "tags"}]
    query = {"$expr": {"$eq": ["$n", "$$wanted"]}}
    reply = modify(ask, query, update=pipeline, let={"wanted": 2, "bonus": 5}, new=True)
    assert reply["value"] == {"_id": 2, "name": "apple", "n": 2, "m": 5, "was": 2}


def test_its_old_name(ask: Ask, fruit: None) -> None:
    assert ask({"findandmodify": "fruit", "query": {"_id": 3}, "remove": True})["value"]["name"] == "fig"


WRONG = [
    ("nothing to do", {}, 9, "Either an update or remove=true must be specified"),
    ("update and remove", {"update": {}, "remove": True}, 9, "Cannot specify both an update and remove=true"),
    ("upsert and remove", {"upsert": True, "remove": True}, 9, "Cannot specify both upsert=true and remove=true "),
    (
        "new and remove",
        {"new": True, "remove": True},
        9,
        "Cannot specify both new=true and remove=true; 'remove' always returns the deleted document",
    ),
    ("filters and remove", {"arrayFilters": [], "remove": True}, 9, "Cannot specify arrayFilters and remove=true"),
    ("an update that is none", {"update": 1}, 9, "Update argument must be either an object or an array"),
    ("an update of null", {"update": None}, 9, "Either an update or remove=true must be specified"),
    (
        "filters and a pipeline",
        {"update": [], "arrayFilters": []},
        9,
        "Cannot specify arrayFilters when updating with an aggregation pipeline",
    ),
    ("a hint that is none", {"remove": True, "hint": None}, 9, "Hint must be a string or an object"),
    ("an index that is not there", {"remove": True, "hint": "n_1"}, 2, None),
    ("an unknown operator", {"update": {"$foo": {"a": 1}}}, 9, None),
    ("another id", {"update": {"$set": {"_id": 7}}}, 66, None),
    ("an unknown field", {"remove": True, "foo": 1}, 40415, None),
    ("a sort in text", {"remove": True, "sort": "a"}, 14, None),
    ("mixed fields", {"remove": True, "fields": {"a": 1, "b": 0}}, 31254, None),
    ("an unknown collation", {"remove": True, "collation": {"locale": "xx"}}, 2, None),
    ("a let that reads", {"remove": True, "let": {"a": "$n"}}, 4890500, None),
    ("a let of a constant", {"remove": True, "let": {"NOW": 1}}, 4738901, None),
]


@pytest.mark.parametrize(("name", "options", "code", "message"), WRONG)
def test_what_is_refused(
    ask: Ask, fruit: None, name: str, options: dict[str, Any], code: int, message: str | None
) -> None:
    reply = modify(ask, {"_id": 1}, **options)
    assert reply["code"] == code, reply["errmsg"]
    assert message is None or reply["errmsg"] == message
    assert ask({"count": "fruit"})["n"] == 5


@pytest.mark.parametrize("name", [1, None, {"a": 1}])
def test_collection_names_that_are_none(ask: Ask, name: Any) -> None:
    assert ask({"findAndModify": name, "remove": True})["code"] == 73


@pytest.mark.parametrize("option", [{"update": {"$inc": {"n": 10}}, "new": True}, {"remove": True}])
def test_a_document_that_another_changes_meanwhile_is_looked_at_anew(
    instance: Instance, ask: Ask, fruit: None, option: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the match and the commit another writer changes the document: its change is not lost."""
    collection = instance.store.catalog.by_namespace["shop.fruit"]
    found = find_and_modify._first
    rivals = [{"_id": 2, "n": 50}]

    def first_then_rival(*arguments: Any) -> Any:
        result = found(*arguments)
        if rivals:
            (_, row) = result
            instance.store.update(collection, (Change(row.record_id, row.raw, encode(rivals.pop()), None),))
        return result

    monkeypatch.setattr(find_and_modify, "_first", first_then_rival)
    reply = modify(ask, {"_id": 2}, **option)
    assert reply["value"] == {"_id": 2, "n": 60 if "update" in option else 50}


@pytest.mark.parametrize(
    "fields",
    [
        {"remove": True},
        {"update": {"$set": {"n": 7}}},
        {"update": {"$set": {"n": 7}}, "new": True},
        {"query": {"_id": 99}, "update": {"$set": {"n": 7}}, "new": True, "upsert": True},
    ],
    ids=["remove", "update", "update, new", "upsert"],
)
def test_a_projection_that_fails_leaves_all_as_it_was(ask: Ask, fields: dict[str, Any]) -> None:
    ask({"insert": "fruit", "documents": [{"_id": 1, "n": 1}]})
    projection = {"bad": {"$reverseArray": "$n"}}
    command = {"findAndModify": "fruit", "query": {"_id": 1}, "fields": projection, **fields}
    assert ask(command)["code"] == 34435
    assert ask({"find": "fruit"})["cursor"]["firstBatch"] == [{"_id": 1, "n": 1}]
