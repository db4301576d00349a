"""Where a collation counts: in which commands, on which index, and whose it is."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask

from amongo.commands.find import FindRequest
from amongo.commands.instance import Instance
from amongo.runtime.limits import LOOP_DOCUMENTS, SLOW_KEY_DOCUMENTS

_BLIND = {"locale": "en", "strength": 2}  # to case
_SIMPLE = {"locale": "simple"}

_DOCUMENTS = [
    {"_id": "a", "name": "apple", "n": 1, "tags": ["Red", "sweet"], "in": {"deep": ["Core"]}},
    {"_id": "B", "name": "Apple", "n": 2, "tags": ["RED"], "in": {"deep": ["pip"]}},
    {"_id": "c", "name": "pear", "n": 3, "tags": ["green"], "in": {"deep": []}},
    {"_id": "D", "name": "Pear", "n": 4, "tags": [], "in": {}},
    {"_id": 5, "name": 7, "n": 5},
]


@pytest.fixture(params=["asked for", "by default"])
def blind(request: pytest.FixtureRequest, ask: Ask) -> Ask:
    """`ask` on the collection `fruit`, whose strings compare without case: as asked each time, or as it was created."""
    is_default = request.param == "by default"
    ask({"create": "fruit", **({"collation": _BLIND} if is_default else {})})
    assert ask({"insert": "fruit", "documents": _DOCUMENTS})["n"] == 5

    def run(command: dict[str, Any], database: str = "shop") -> dict[str, Any]:
        if not is_default:
            for field in ("updates", "deletes"):
                if field in command:
                    command = command | {field: [each | {"collation": _BLIND} for each in command[field]]}
                    break
            else:
                command = command | {"collation": _BLIND}
        return ask(command, database)

    return run


def numbers(reply: dict[str, Any]) -> list[int]:
    return [each["n"] for each in reply["cursor"]["firstBatch"]]


FILTERS: list[tuple[str, dict[str, Any], list[int]]] = [
    ("equality", {"name": "APPLE"}, [1, 2]),
    ("$ne", {"name": {"$ne": "APPLE"}}, [3, 4, 5]),
    ("$gt", {"name": {"$gt": "APPLE"}}, [3, 4]),
    ("$gte and $lte", {"name": {"$gte": "APPLE", "$lte": "APPLE"}}, [1, 2]),
    ("$in", {"name": {"$in": ["PEAR", 7]}}, [3, 4, 5]),
    ("$nin", {"name": {"$nin": ["PEAR", 7]}}, [1, 2]),
    ("an element", {"tags": "red"}, [1, 2]),
    ("$all", {"tags": {"$all": ["SWEET", "red"]}}, [1]),
    ("$elemMatch", {"tags": {"$elemMatch": {"$eq": "GREEN"}}}, [3]),
    ("deep in a document", {"in": {"deep": ["CORE"]}}, [1]),
    ("names of fields", {"in": {"DEEP": ["Core"]}}, []),
    ("$not", {"name": {"$not": {"$eq": "apple"}}}, [3, 4, 5]),
    ("$nor", {"$nor": [{"name": "apple"}, {"name": "pear"}]}, [5]),
    ("$expr", {"$expr": {"$eq": ["$name", "APPLE"]}}, [1, 2]),
    ("$expr with sets", {"$expr": {"$setIsSubset": [["RED"], {"$ifNull": ["$tags", []]}]}}, [1, 2]),
    ("$regex sees case", {"name": {"$regex": "^Apple$"}}, [2]),
    ("$strcasecmp and bytes see what they always do", {"$expr": {"$eq": [{"$indexOfBytes": ["$_id", "b"]}, 0]}}, []),
    ("the index on _id", {"_id": "b"}, [2]),
    ("several of the index", {"_id": {"$in": ["A", "C", 5]}}, [1, 3, 5]),
    ("a range of the index", {"_id": {"$gt": "B", "$lt": "E"}}, [3, 4]),
    ("a number in the index", {"_id": 5}, [5]),
]


@pytest.mark.parametrize(("name", "filter", "expected"), FILTERS)
def test_filters(blind: Ask, name: str, filter: dict[str, Any], expected: list[int]) -> None:
    if "strcasecmp" in name:
        filter = {"$and": [{"_id": {"$type": "string"}}, filter]}
    assert sorted(numbers(blind({"find": "fruit", "filter": filter}))) == expected
    assert blind({"count": "fruit", "query": filter})["n"] == len(expected)
    pipeline = [{"$match": filter}, {"$sort": {"n": 1}}]
    assert numbers(blind({"aggregate": "fruit", "pipeline": pipeline, "cursor": {}})) == expected


def test_sorting(blind: Ask) -> None:
    assert numbers(blind({"find": "fruit", "sort": {"name": 1, "n": -1}})) == [5, 2, 1, 4, 3]
    assert numbers(blind({"find": "fruit", "sort": {"name": -1, "n": 1}, "limit": 3})) == [3, 4, 1]
    assert numbers(blind({"find": "fruit", "sort": {"_id": 1}})) == [5, 1, 2, 3, 4]
    assert numbers(blind({"find": "fruit", "filter": {"_id": {"$gte": "b"}}, "sort": {"_id": -1}})) == [4, 3, 2]


def test_distinct_keeps_the_first_of_equals(blind: Ask) -> None:
    assert blind({"distinct": "fruit", "key": "name"})["values"] == [7, "apple", "pear"]
    assert blind({"distinct": "fruit", "key": "tags"})["values"] == ["green", "Red", "sweet"]


STAGES: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = [
    (
        "$group",
        [{"$match": {"n": {"$lt": 5}}}, {"$group": {"_id": "$name", "s": {"$sum": "$n"}}}, {"$sort": {"_id": 1}}],
        [{"_id": "apple", "s": 3}, {"_id": "pear", "s": 7}],
    ),
    (
        "$addToSet, $min, $max",
        [
            {"$match": {"n": {"$lt": 5}}},
            {
                "$group": {
                    "_id": None,
                    "all": {"$addToSet": "$name"},
                    "low": {"$min": "$name"},
                    "high": {"$max": "$_id"},
                }
            },
            {"$project": {"_id": 0, "all": {"$size": "$all"}, "low": 1, "high": 1}},
        ],
        [{"all": 2, "low": "apple", "high": "D"}],
    ),
    (
        "$sortByCount",
        [{"$match": {"n": {"$lte": 3}}}, {"$sortByCount": "$name"}],
        [{"_id": "apple", "count": 2}, {"_id": "pear", "count": 1}],
    ),
    (
        "$bucket",
        [{"$match": {"n": {"$lt": 5}}}, {"$bucket": {"groupBy": "$name", "boundaries": ["APPLE", "B", "Z"]}}],
        [{"_id": "APPLE", "count": 2}, {"_id": "B", "count": 2}],
    ),
    (
        "$lookup",
        [
            {"$match": {"n": 1}},
            {"$lookup": {"from": "fruit", "localField": "name", "foreignField": "name", "as": "same"}},
            {"$project": {"_id": 0, "same.n": 1}},
        ],
        [{"same": [{"n": 1}, {"n": 2}]}],
    ),
    (
        "$unionWith and $facet",
        [
            {"$match": {"name": "PEAR"}},
            {"$unionWith": {"coll": "fruit", "pipeline": [{"$match": {"name": "APPLE"}}]}},
            {"$facet": {"a": [{"$match": {"name": "Apple"}}, {"$count": "n"}], "b": [{"$count": "n"}]}},
        ],
        [{"a": [{"n": 2}], "b": [{"n": 4}]}],
    ),
    (
        "expressions",
        [
            {"$match": {"n": 1}},
            {
                "$project": {
                    "_id": 0,
                    "cmp": {"$cmp": ["$name", "APPLE"]},
                    "in": {"$in": ["RED", "$tags"]},
                    "at": {"$indexOfArray": ["$tags", "SWEET"]},
                    "union": {"$size": {"$setUnion": ["$tags", ["RED"]]}},
                    "sorted": {"$sortArray": {"input": ["b", "A", "c"], "sortBy": 1}},
                    "least": {"$minN": {"n": 1, "input": ["b", "A"]}},
                    "case": {"$strcasecmp": ["$name", "apple"]},
                }
            },
        ],
        [
            {
                "cmp": 0,
                "in": True,
                "at": 1,
                "union": 2,
                "sorted": ["A", "b", "c"],
                "least": ["A"],
                "case": 0,
            }
        ],
    ),
]


@pytest.mark.parametrize(("name", "pipeline", "expected"), STAGES)
def test_pipelines(blind: Ask, name: str, pipeline: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert blind({"aggregate": "fruit", "pipeline": pipeline, "cursor": {}})["cursor"]["firstBatch"] == expected


def test_boundaries_that_a_collation_makes_equal_are_refused(blind: Ask) -> None:
    stage = {"$bucket": {"groupBy": "$name", "boundaries": ["a", "A"]}}
    assert blind({"aggregate": "fruit", "pipeline": [stage], "cursor": {}})["code"] == 40194


UPDATES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("$pull", {"$pull": {"tags": "RED"}}, {"tags": ["sweet"]}),
    ("$pull by comparison", {"$pull": {"tags": {"$gte": "SWEET"}}}, {"tags": ["Red"]}),
    ("$pullAll", {"$pullAll": {"tags": ["RED", "SWEET"]}}, {"tags": []}),
    ("$addToSet", {"$addToSet": {"tags": {"$each": ["RED", "new", "NEW"]}}}, {"tags": ["Red", "sweet", "new"]}),
    ("$max of an equal string", {"$max": {"name": "APPLE"}}, {"name": "apple"}),
    ("$min", {"$min": {"name": "AA"}}, {"name": "AA"}),
    ("$push in order", {"$push": {"tags": {"$each": ["S", "a"], "$sort": 1}}}, {"tags": ["a", "Red", "S", "sweet"]}),
    ("positional", {"$set": {"tags.$": "x"}}, {"tags": ["x", "sweet"]}),
    ("pipeline", [{"$set": {"is": {"$eq": ["$name", "APPLE"]}}}], {"is": True}),
]


@pytest.mark.parametrize(("name", "update", "expected"), UPDATES)
def test_updates(blind: Ask, ask: Ask, name: str, update: Any, expected: dict[str, Any]) -> None:
    blind({"update": "fruit", "updates": [{"q": {"_id": "A", "tags": "red"}, "u": update}]})
    (found,) = ask({"find": "fruit", "filter": {"n": 1}})["cursor"]["firstBatch"]
    assert {field: found[field] for field in expected} == expected


def test_array_filters(blind: Ask, ask: Ask) -> None:
    statement = {"q": {"_id": "A"}, "u": {"$set": {"tags.$[t]": "x"}}, "arrayFilters": [{"t": "RED"}]}
    assert blind({"update": "fruit", "updates": [statement]})["nModified"] == 1
    assert ask({"distinct": "fruit", "key": "tags", "query": {"n": 1}})["values"] == ["sweet", "x"]


def test_deletes_and_find_and_modify(blind: Ask, ask: Ask) -> None:
    assert blind({"delete": "fruit", "deletes": [{"q": {"_id": "b"}, "limit": 1}]})["n"] == 1
    assert blind({"delete": "fruit", "deletes": [{"q": {"name": "APPLE"}, "limit": 0}]})["n"] == 1
    changed = blind({"findAndModify": "fruit", "query": {"_id": "C"}, "update": {"$set": {"n": 30}}, "new": True})
    assert changed["value"]["n"] == 30
    fields = {"findAndModify": "fruit", "query": {"_id": "C"}, "fields": {"tags": {"$elemMatch": {"$eq": "GREEN"}}}}
    assert blind({**fields, "remove": True})["value"] == {"_id": "c", "tags": ["green"]}
    assert ask({"distinct": "fruit", "key": "_id"})["values"] == [5, "D"]


PROJECTIONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("$elemMatch", {"_id": 0, "tags": {"$elemMatch": {"$eq": "SWEET"}}}, {"tags": ["sweet"]}),
    ("positional", {"_id": 0, "tags.$": 1}, {"tags": ["Red"]}),
    ("an expression", {"_id": 0, "is": {"$eq": ["$name", "APPLE"]}}, {"is": True}),
]


@pytest.mark.parametrize(("name", "projection", "expected"), PROJECTIONS)
def test_projections(blind: Ask, name: str, projection: dict[str, Any], expected: dict[str, Any]) -> None:
    reply = blind({"find": "fruit", "filter": {"n": 1, "tags": "RED"}, "projection": projection})
    assert reply["cursor"]["firstBatch"] == [expected]


# Whose collation it is


@pytest.fixture
def collated(ask: Ask) -> Ask:
    """`ask`, with a collection `words` that compares without case."""
    ask({"create": "words", "collation": _BLIND})
    ask({"insert": "words", "documents": [{"_id": "one", "w": "x"}, {"_id": "Two", "w": "X"}]})
    return ask


def test_an_operation_may_ask_for_another(collated: Ask) -> None:
    find = {"find": "words", "filter": {"w": "x"}}
    assert len(collated(find)["cursor"]["firstBatch"]) == 2
    assert len(collated(find | {"collation": {}})["cursor"]["firstBatch"]) == 2
    assert len(collated(find | {"collation": _SIMPLE})["cursor"]["firstBatch"]) == 1
    assert len(collated(find | {"collation": {"locale": "en"}})["cursor"]["firstBatch"]) == 1


def test_the_index_on_id_has_that_of_the_collection(collated: Ask) -> None:
    (failure,) = collated({"insert": "words", "documents": [{"_id": "ONE"}]})["writeErrors"]
    assert (failure["code"], failure["keyPattern"], failure["collation"]["strength"]) == (11000, {"_id": 1}, 2)
    assert failure["keyValue"]["_id"].startswith("0x")
    assert f'dup key: {{ _id: "{failure["keyValue"]["_id"]}" }}' in failure["errmsg"]
    for collation in (_SIMPLE, {"locale": "en"}):
        find = {"find": "words", "filter": {"_id": "ONE"}, "collation": collation}
        assert collated(find)["cursor"]["firstBatch"] == []
    find = {"find": "words", "filter": {"_id": {"$gt": "T"}}, "sort": {"_id": 1}, "collation": _SIMPLE}
    assert [each["_id"] for each in collated(find)["cursor"]["firstBatch"]] == ["Two", "one"]
    upsert = {"q": {"_id": "TWO"}, "u": {"$set": {"w": "y"}}, "upsert": True}
    assert collated({"update": "words", "updates": [upsert]})["nModified"] == 1
    assert collated({"validate": "words"})["valid"] is True


def test_it_shows(collated: Ask) -> None:
    (described,) = collated({"listCollections": 1, "filter": {"name": "words"}})["cursor"]["firstBatch"]
    full = described["options"]["collation"]
    assert (full["locale"], full["strength"], full["version"]) == ("en", 2, "57.1")
    (index,) = collated({"listIndexes": "words"})["cursor"]["firstBatch"]
    assert index["collation"] == full == described["idIndex"]["collation"]


def test_creating_again_with_what_comes_to_the_same(collated: Ask) -> None:
    assert collated({"create": "words", "collation": {"strength": 2.0, "locale": "en"}}) == {"ok": 1.0}
    assert collated({"create": "words", "collation": {"locale": "en"}})["code"] == 48
    id_index = {"key": {"_id": 1}, "name": "_id_", "collation": {"locale": "fr"}}
    assert collated({"create": "others", "idIndex": id_index, "collation": _BLIND})["code"] == 2
    assert collated({"create": "others", "idIndex": id_index, "collation": {"locale": "fr"}}) == {"ok": 1.0}


def test_views_have_their_own(collated: Ask) -> None:
    collated({"create": "plain", "viewOn": "words", "pipeline": []})
    collated({"create": "blind", "viewOn": "words", "pipeline": [], "collation": _BLIND})
    for name, count in (("plain", 1), ("blind", 2)):
        assert collated({"count": name, "query": {"w": "x"}})["n"] == count
        assert len(collated({"find": name, "filter": {"w": "x"}})["cursor"]["firstBatch"]) == count
        assert len(collated({"distinct": name, "key": "w"})["values"]) == 3 - count
    match = {"pipeline": [{"$match": {"w": "x"}}], "cursor": {}}
    assert len(collated({"aggregate": "blind", **match, "collation": _BLIND})["cursor"]["firstBatch"]) == 2
    assert collated({"aggregate": "blind", **match, "collation": _SIMPLE})["code"] == 167
    assert collated({"find": "plain", "collation": _BLIND})["code"] == 167
    assert collated({"distinct": "plain", "key": "w", "collation": _BLIND})["code"] == 167


def test_a_pipeline_reads_views_of_its_own_collation_alone(collated: Ask) -> None:
    collated({"create": "blind", "viewOn": "words", "pipeline": [{"$match": {"w": "X"}}], "collation": _BLIND})
    collated({"insert": "plain", "documents": [{"_id": 1}]})
    union = {"pipeline": [{"$unionWith": "blind"}], "cursor": {}}
    assert collated({"aggregate": "plain", **union})["code"] == 167
    assert len(collated({"aggregate": "plain", **union, "collation": _BLIND})["cursor"]["firstBatch"]) == 3
    assert len(collated({"aggregate": "words", **union})["cursor"]["firstBatch"]) == 4


INDEXES: list[tuple[str, str, dict[str, Any], dict[str, Any] | int | None]] = [
    ("inherited", "words", {"key": {"w": 1}}, {"locale": "en", "strength": 2}),
    ("its own", "words", {"key": {"w": 1}, "collation": {"locale": "fr"}}, {"locale": "fr", "strength": 3}),
    ("simple", "words", {"key": {"w": 1}, "collation": _SIMPLE}, None),
    ("none", "plain", {"key": {"w": 1}}, None),
    ("simple where there is none", "plain", {"key": {"w": 1}, "collation": _SIMPLE}, None),
    ("one on a plain collection", "plain", {"key": {"w": 1}, "collation": {"locale": "en"}}, {"locale": "en"}),
    ("text with a collation", "plain", {"key": {"w": "text"}, "collation": {"locale": "en"}}, 67),
    ("text on a collection with a collation", "words", {"key": {"w": "text"}}, 67),
    ("2d with the simple one", "words", {"key": {"w": "2d"}, "collation": _SIMPLE}, None),
    ("another one on _id", "words", {"key": {"_id": 1}, "collation": {"locale": "fr"}}, 2),
    ("a wrong one", "plain", {"key": {"w": 1}, "collation": {"locale": "xx"}}, 2),
    ("an empty one", "plain", {"key": {"w": 1}, "collation": {}}, 2),
]


@pytest.mark.parametrize(("name", "collection", "index", "expected"), INDEXES)
def test_indexes_have_a_collation(
    collated: Ask, name: str, collection: str, index: dict[str, Any], expected: dict[str, Any] | int | None
) -> None:
    reply = collated({"createIndexes": collection, "indexes": [{"name": "i", **index}]})
    if type(expected) is int:
        assert reply["code"] == expected
        return
    found = collated({"listIndexes": collection})["cursor"]["firstBatch"][-1]
    assert found["name"] == "i"
    if expected is None:
        assert "collation" not in found
    else:
        assert expected.items() <= found["collation"].items()
        assert len(found["collation"]) == 10


def test_what_is_slow_without_icu_goes_to_a_worker(
    collated: Ask, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    collated({"insert": "plain", "documents": [{"_id": 1}, {"_id": 2}]})
    requests = [FindRequest(f"shop.{name}", {"w": "x"}) for name in ("words", "plain")]
    assert [instance.examines(request) for request in requests] == [2, 2]
    monkeypatch.setattr("amongo.commands.instance.KEYS_ARE_QUICK", False)
    assert [instance.examines(request) for request in requests] == [2 * SLOW_KEY_DOCUMENTS, 2]
    assert 2 * SLOW_KEY_DOCUMENTS > LOOP_DOCUMENTS
