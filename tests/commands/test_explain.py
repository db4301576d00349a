"""explain: the stages that a command really runs, what they count, and that nothing is written."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson.datetime_ms import DatetimeMS

from amongo import AsyncMongoClient
from amongo.mql.matcher.normal_form import normal_form

Document = dict[str, Any]


@pytest.fixture
def ten(ask: Ask) -> None:
    """Ten documents in `shop.ten`: n from 0 to 9, k is n modulo 3."""
    assert ask({"insert": "ten", "documents": [{"_id": n, "n": n, "k": n % 3} for n in range(10)]})["n"] == 10


def stages(plan: Document) -> list[str]:
    """The names of the stages, the last one first."""
    return [plan["stage"], *stages(plan["inputStage"])] if "inputStage" in plan else [plan["stage"]]


# name, command, stages, (nReturned, keys examined, documents examined)
PLANS: list[tuple[str, Document, list[str], tuple[int, int, int]]] = [
    ("everything", {"find": "ten"}, ["COLLSCAN"], (10, 0, 10)),
    ("filter", {"find": "ten", "filter": {"k": 1}}, ["COLLSCAN"], (3, 0, 10)),
    ("limit ends the scan", {"find": "ten", "filter": {"k": 1}, "limit": 2}, ["LIMIT", "COLLSCAN"], (2, 0, 5)),
    ("limit not reached", {"find": "ten", "filter": {"k": 1}, "limit": 9}, ["LIMIT", "COLLSCAN"], (3, 0, 10)),
    ("skip", {"find": "ten", "skip": 4}, ["SKIP", "COLLSCAN"], (6, 0, 10)),
    ("skip and limit", {"find": "ten", "skip": 1, "limit": 2}, ["LIMIT", "SKIP", "COLLSCAN"], (2, 0, 3)),
    ("sort", {"find": "ten", "sort": {"k": 1}}, ["SORT", "COLLSCAN"], (10, 0, 10)),
    ("sort and limit", {"find": "ten", "sort": {"k": 1}, "limit": 2}, ["SORT", "COLLSCAN"], (2, 0, 10)),
    ("inclusion", {"find": "ten", "projection": {"n": 1}}, ["PROJECTION_SIMPLE", "COLLSCAN"], (10, 0, 10)),
    ("computed", {"find": "ten", "projection": {"m": "$n"}}, ["PROJECTION_DEFAULT", "COLLSCAN"], (10, 0, 10)),
    ("by _id", {"find": "ten", "filter": {"_id": 3}}, ["EXPRESS_IXSCAN"], (1, 1, 1)),
    ("by _id, nothing", {"find": "ten", "filter": {"_id": 33}}, ["EXPRESS_IXSCAN"], (0, 0, 0)),
    ("by _id and more", {"find": "ten", "filter": {"_id": 3, "k": 1}}, ["FETCH", "IXSCAN"], (0, 1, 1)),
    ("several _ids", {"find": "ten", "filter": {"_id": {"$in": [3, 4, 44]}}}, ["FETCH", "IXSCAN"], (2, 2, 2)),
    ("a range of _ids", {"find": "ten", "filter": {"_id": {"$gt": 6}}}, ["FETCH", "IXSCAN"], (3, 3, 3)),
    ("in the order of _ids", {"find": "ten", "sort": {"_id": -1}}, ["FETCH", "IXSCAN"], (10, 10, 10)),
    ("no such collection", {"find": "none"}, ["EOF"], (0, 0, 0)),
    ("a filter of nothing", {"find": "ten", "filter": {"$alwaysFalse": 1}, "sort": {"k": 1}}, ["EOF"], (0, 0, 0)),
    ("in no values, and more", {"find": "ten", "filter": {"k": {"$in": []}, "n": 1}, "limit": 2}, ["EOF"], (0, 0, 0)),
    ("no _ids", {"find": "ten", "filter": {"_id": {"$in": []}}}, ["EOF"], (0, 0, 0)),
    (
        "one of no conditions",
        {"find": "ten", "filter": {"$or": [{"k": {"$in": []}}]}, "hint": {"$natural": 1}},
        ["EOF"],
        (0, 0, 0),
    ),
    ("count of nothing", {"count": "ten", "query": {"$alwaysFalse": 1}}, ["COUNT", "EOF"], (0, 0, 0)),
    (
        "delete of nothing",
        {"delete": "ten", "deletes": [{"q": {"k": {"$in": []}}, "limit": 0}]},
        ["DELETE", "EOF"],
        (0, 0, 0),
    ),
    ("distinct", {"distinct": "ten", "key": "k", "query": {"n": {"$lt": 4}}}, ["COLLSCAN"], (4, 0, 10)),
    ("count", {"count": "ten", "query": {"k": 0}}, ["COUNT", "COLLSCAN"], (0, 0, 10)),
    ("count of everything", {"count": "ten"}, ["RECORD_STORE_FAST_COUNT"], (0, 0, 0)),
    (
        "update of many",
        {"update": "ten", "updates": [{"q": {"k": 1}, "u": {"$set": {"n": 1}}, "multi": True}]},
        ["UPDATE", "COLLSCAN"],
        (0, 0, 10),
    ),
    (
        "update of one",
        {"update": "ten", "updates": [{"q": {"k": 1}, "u": {"$inc": {"n": 1}}}]},
        ["UPDATE", "COLLSCAN"],
        (0, 0, 2),
    ),
    (
        "update by _id",
        {"update": "ten", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}]},
        ["EXPRESS_UPDATE"],
        (0, 1, 1),
    ),
    ("delete of many", {"delete": "ten", "deletes": [{"q": {"k": 1}, "limit": 0}]}, ["DELETE", "COLLSCAN"], (0, 0, 10)),
    ("delete by _id", {"delete": "ten", "deletes": [{"q": {"_id": 1}, "limit": 1}]}, ["EXPRESS_DELETE"], (0, 1, 1)),
    (
        "findAndModify",
        {"findAndModify": "ten", "query": {"k": 2}, "sort": {"n": -1}, "update": {"$set": {"n": 0}}},
        ["UPDATE", "SORT", "COLLSCAN"],
        (1, 0, 10),
    ),
    ("removal", {"findAndModify": "ten", "query": {"_id": 2}, "remove": True}, ["DELETE", "IDHACK"], (1, 1, 1)),
    ("pipeline of a filter", {"aggregate": "ten", "pipeline": [{"$match": {"k": 1}}]}, ["COLLSCAN"], (3, 0, 10)),
]


@pytest.mark.usefixtures("ten")
@pytest.mark.parametrize(("command", "names", "counts"), [case[1:] for case in PLANS], ids=[case[0] for case in PLANS])
def test_plan_and_its_execution(ask: Ask, command: Document, names: list[str], counts: tuple[int, int, int]) -> None:
    before = ask({"find": "ten"})["cursor"]["firstBatch"]
    planned = ask({"explain": command, "verbosity": "queryPlanner"})
    assert stages(planned["queryPlanner"]["winningPlan"]) == names
    assert "executionStats" not in planned
    executed = ask({"explain": command})
    statistics = executed["executionStats"]
    assert (statistics["nReturned"], statistics["totalKeysExamined"], statistics["totalDocsExamined"]) == counts
    assert stages(statistics["executionStages"]) == names
    assert executed["queryPlanner"] == planned["queryPlanner"]
    assert statistics["allPlansExecution"] == []
    assert executed["command"] == {**command, "$db": "shop"}
    assert ask({"find": "ten"})["cursor"]["firstBatch"] == before


@pytest.mark.usefixtures("ten")
def test_a_filter_of_nothing_finds_and_writes_nothing(ask: Ask) -> None:
    nothing: Document = {"k": {"$in": []}}
    assert ask({"explain": {"find": "ten", "filter": nothing}})["queryPlanner"]["parsedQuery"] == {"$alwaysFalse": 1}
    assert ask({"find": "ten", "filter": nothing})["cursor"]["firstBatch"] == []
    assert ask({"count": "ten", "query": nothing})["n"] == 0
    assert ask({"distinct": "ten", "key": "k", "query": nothing})["values"] == []
    assert ask({"update": "ten", "updates": [{"q": nothing, "u": {"$set": {"k": 9}}, "multi": True}]})["n"] == 0
    upserted = ask({"update": "ten", "updates": [{"q": nothing, "u": {"$setOnInsert": {"_id": 1}}, "upsert": True}]})
    assert [each["code"] for each in upserted["writeErrors"]] == [11000]
    assert ask({"count": "ten"})["n"] == 10


@pytest.mark.usefixtures("ten")
def test_what_a_write_would_do(ask: Ask) -> None:
    def counted(command: Document) -> Document:
        answer: Document = ask({"explain": command, "verbosity": "executionStats"})["executionStats"]["executionStages"]
        return {name: value for name, value in answer.items() if name.startswith("n") and name != "nReturned"} | {
            name: answer[name] for name in () if name in answer
        }

    update = {"q": {"k": 1}, "u": {"$max": {"n": 5}}, "multi": True}
    expected = {"needTime": 11, "needYield": 0, "nMatched": 3, "nWouldModify": 2, "nWouldUpsert": 0}
    assert counted({"update": "ten", "updates": [update]}) == expected
    upsert = counted({"update": "ten", "updates": [{"q": {"k": 7}, "u": {"$set": {"n": 1}}, "upsert": True}]})
    assert (upsert["nMatched"], upsert["nWouldUpsert"]) == (0, 1)
    assert counted({"delete": "ten", "deletes": [{"q": {"k": 1}, "limit": 0}]})["nWouldDelete"] == 3
    count = counted({"count": "ten", "query": {"k": 0}, "skip": 1, "limit": 2})
    assert (count["nCounted"], count["nSkipped"]) == (2, 1)


@pytest.mark.usefixtures("ten")
def test_pipeline_in_stages(ask: Ask) -> None:
    pipeline = [{"$match": {"k": 1}}, {"$group": {"_id": "$k", "n": {"$sum": 1}}}, {"$limit": 5}]
    answer = ask({"explain": {"aggregate": "ten", "pipeline": pipeline, "cursor": {}}, "verbosity": "executionStats"})
    cursor, *rest = answer["stages"]
    assert cursor["$cursor"]["executionStats"]["totalDocsExamined"] == 10
    assert [next(iter(stage)) for stage in rest] == ["$group", "$limit"]
    assert [stage["nReturned"] for stage in (cursor, *rest)] == [3, 1, 1]
    assert "queryPlanner" in ask({"aggregate": "ten", "pipeline": [], "explain": True})


@pytest.mark.usefixtures("ten")
def test_a_view_is_explained_as_its_pipeline(ask: Ask) -> None:
    assert ask({"create": "few", "viewOn": "ten", "pipeline": [{"$match": {"k": 1}}]})["ok"] == 1
    answer = ask({"explain": {"find": "few", "filter": {"n": {"$gt": 4}}}, "verbosity": "executionStats"})
    assert answer["executionStats"]["nReturned"] == 1  # its filter and that of the find have become one
    assert answer["queryPlanner"]["namespace"] == "shop.ten"
    assert answer["amongoPasses"] == ["merged_matches"]


def test_a_pipeline_that_makes_its_documents(ask: Ask) -> None:
    pipeline = [{"$documents": [{"n": 1}, {"n": 2}]}, {"$match": {"n": 2}}]
    answer = ask({"explain": {"aggregate": 1, "pipeline": pipeline, "cursor": {}}, "verbosity": "executionStats"})
    assert [next(iter(stage)) for stage in answer["stages"]] == ["$documents", "$match"]
    assert [stage["nReturned"] for stage in answer["stages"]] == [2, 1]


def test_a_time_series_is_a_scan_of_its_measurements(ask: Ask) -> None:
    assert ask({"create": "times", "timeseries": {"timeField": "t"}})["ok"] == 1
    ask({"insert": "times", "documents": [{"t": DatetimeMS(n), "n": n} for n in range(4)]})
    ask({"create": "late", "viewOn": "times", "pipeline": [{"$match": {"n": {"$gt": 0}}}]})
    answer = ask({"explain": {"find": "late", "filter": {"n": {"$lt": 3}}}, "verbosity": "executionStats"})
    assert [stage["nReturned"] for stage in answer["stages"]] == [4, 2]


@pytest.mark.usefixtures("ten")
@pytest.mark.parametrize("verbosity", ["queryPlanner", "executionStats", "allPlansExecution"])
def test_the_passes_that_changed_something_are_listed(ask: Ask, verbosity: str) -> None:
    pipeline = [
        {"$lookup": {"from": "ten", "localField": "k", "foreignField": "k", "as": "f"}},
        {"$unwind": "$f"},
        {"$match": {"n": {"$gt": 6}, "f.n": {"$lt": 9}}},
        {"$sort": {"f.n": -1}},
        {"$limit": 4},
    ]
    answer = ask({"explain": {"aggregate": "ten", "pipeline": pipeline, "cursor": {}}, "verbosity": verbosity})
    cursor, lookup, sort, _limit = answer["stages"]
    assert answer["amongoPasses"] == ["match_first", "unwound_lookups", "top_documents"]
    assert cursor["$cursor"]["queryPlanner"]["parsedQuery"] == {"n": {"$gt": 6}}
    assert lookup["$lookup"]["pipeline"] == [{"$match": {"n": {"$lt": 9}}}]
    assert lookup["$lookup"]["unwinding"] == {"preserveNullAndEmptyArrays": False}
    assert sort["$sort"] == {"sortKey": {"f.n": -1}, "limit": 4}
    counts = [stage.get("nReturned") for stage in answer["stages"]]
    assert counts == ([None] * 4 if verbosity == "queryPlanner" else [3, 9, 4, 4])
    plain = [{"$group": {"_id": "$k"}}]
    answer = ask({"explain": {"aggregate": "ten", "pipeline": plain, "cursor": {}}, "verbosity": verbosity})
    assert "amongoPasses" not in answer


BOUNDS: list[tuple[str, Document, list[str]]] = [
    ("point", {"_id": 1, "k": 1}, ["[1, 1]"]),
    ("points", {"_id": {"$in": ["a", "b"]}}, ['["a", "a"]', '["b", "b"]']),
    ("numbers above", {"_id": {"$gt": 5}}, ["(5, inf.0]"]),
    ("numbers below", {"_id": {"$lte": 5}}, ["[-inf.0, 5]"]),
    ("between", {"_id": {"$gte": "a", "$lt": "b"}}, ['["a", "b")']),
    ("strings above", {"_id": {"$gt": "a"}}, ['("a", {})']),
]


@pytest.mark.usefixtures("ten")
@pytest.mark.parametrize(("filter", "bounds"), [case[1:] for case in BOUNDS], ids=[case[0] for case in BOUNDS])
def test_bounds(ask: Ask, filter: Document, bounds: list[str]) -> None:
    plan = ask({"explain": {"find": "ten", "filter": filter}})["queryPlanner"]["winningPlan"]
    assert plan["inputStage"]["indexBounds"] == {"_id": bounds}


NORMAL: list[tuple[str, Document, Document]] = [
    ("nothing", {}, {}),
    ("equality", {"a": 1}, {"a": {"$eq": 1}}),
    ("a document is a value", {"a": {"b": 1}}, {"a": {"$eq": {"b": 1}}}),
    ("two fields", {"b": 1, "a": 2}, {"$and": [{"a": {"$eq": 2}}, {"b": {"$eq": 1}}]}),
    ("two operators", {"a": {"$gt": 1, "$lte": 5}}, {"$and": [{"a": {"$lte": 5}}, {"a": {"$gt": 1}}]}),
    ("$ne", {"a": {"$ne": 1}}, {"a": {"$not": {"$eq": 1}}}),
    ("$nin", {"a": {"$nin": [1]}}, {"a": {"$not": {"$in": [1]}}}),
    ("$exists", {"a": {"$exists": 0}}, {"a": {"$not": {"$exists": True}}}),
    ("$in of one", {"a": {"$in": [1]}}, {"a": {"$eq": 1}}),
    ("$all", {"a": {"$all": [1, 2]}}, {"$and": [{"a": {"$eq": 1}}, {"a": {"$eq": 2}}]}),
    ("$and is spliced", {"$and": [{"a": 1}, {"b": 2}]}, {"$and": [{"a": {"$eq": 1}}, {"b": {"$eq": 2}}]}),
    ("$or", {"$or": [{"a": 1}, {"b": 2}]}, {"$or": [{"a": {"$eq": 1}}, {"b": {"$eq": 2}}]}),
    ("$regex", {"a": {"$regex": "x", "$options": "i"}}, {"a": {"$regex": "x", "$options": "i"}}),
    ("$comment", {"a": 1, "$comment": "x"}, {"a": {"$eq": 1}}),
    ("$elemMatch", {"a": {"$elemMatch": {"b": 1}}}, {"a": {"$elemMatch": {"b": {"$eq": 1}}}}),
]


@pytest.mark.parametrize(("filter", "expected"), [case[1:] for case in NORMAL], ids=[case[0] for case in NORMAL])
def test_parsed_query(filter: Document, expected: Document) -> None:
    assert normal_form(filter) == expected


REFUSED: list[tuple[str, Document, int]] = [
    ("no document", {"explain": 1}, 14),
    ("nothing", {"explain": None}, 40414),
    ("verbosity of another type", {"explain": {"find": "c"}, "verbosity": 1}, 14),
    ("unknown verbosity", {"explain": {"find": "c"}, "verbosity": "all"}, 2),
    ("unknown field", {"explain": {"find": "c"}, "what": 1}, 40415),
    ("unknown command", {"explain": {"seek": "c"}}, 59),
    ("a command without a plan", {"explain": {"insert": "c", "documents": [{}]}}, 20),
    ("another database", {"explain": {"find": "c", "$db": "other"}}, 73),
    ("two updates", {"explain": {"update": "c", "updates": [{"q": {}, "u": {}}, {"q": {}, "u": {}}]}}, 16),
    ("wrong filter", {"explain": {"find": "c", "filter": {"$nope": 1}}}, 2),
    ("wrong update", {"explain": {"update": "c", "updates": [{"q": {}, "u": {"$nope": {}}}]}}, 9),
    ("unknown field inside", {"explain": {"find": "c", "what": 1}}, 40415),
    ("cluster time", {"explain": {"aggregate": "c", "pipeline": [{"$set": {"t": "$$CLUSTER_TIME"}}]}}, 10071200),
]


@pytest.mark.parametrize(("command", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(ask: Ask, command: Document, code: int) -> None:
    assert ask(command)["code"] == code


def test_the_same_shape_has_the_same_hash(ask: Ask) -> None:
    def outline(filter: Document) -> Any:
        return ask({"explain": {"find": "c", "filter": filter}})["queryPlanner"]["queryHash"]

    ask({"insert": "c", "documents": [{}]})
    assert outline({"a": 1, "b": 2}) == outline({"b": 3, "a": 4})
    assert outline({"a": 1}) != outline({"b": 1})


@pytest.mark.anyio
async def test_through_the_client() -> None:
    async with AsyncMongoClient("memory://") as client:
        await client.db.c.insert_many([{"a": n} for n in range(5)])
        answer = await client.db.c.find({"a": {"$gte": 3}}).sort("a").explain()
        assert stages(answer["queryPlanner"]["winningPlan"]) == ["SORT", "COLLSCAN"]
        assert answer["executionStats"]["nReturned"] == 2
        command = {"count": "c", "query": {"a": 1}}
        answer = await client.db.command("explain", command, verbosity="queryPlanner")
        assert stages(answer["queryPlanner"]["winningPlan"]) == ["COUNT", "COLLSCAN"]
