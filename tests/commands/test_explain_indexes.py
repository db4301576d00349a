"""explain of queries that indexes serve: the stages, the indexes, what they look at, and what is left to ask."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import MaxKey, MinKey

Document = dict[str, Any]


@pytest.fixture
def stock(ask: Ask) -> None:
    """A hundred documents in `shop.stock`: a is n modulo 10, b is n // 10, c an array, s text; and indexes."""
    documents = [
        {"_id": n, "a": n % 10, "b": n // 10, "c": [n % 4, n % 7], "s": f"x{n % 13}", "d": {"e": n}} for n in range(100)
    ]
    assert ask({"insert": "stock", "documents": documents})["n"] == 100
    keys: list[Document] = [
        {"a": 1},
        {"a": 1, "b": -1},
        {"c": 1},
        {"s": 1},
        {"d.e": 1},
    ]
    indexes = [{"key": key, "name": "_".join(key)} for key in keys]
    indexes.append({"key": {"b": 1}, "name": "partial", "partialFilterExpression": {"b": {"$gte": 8}}})
    assert ask({"createIndexes": "stock", "indexes": indexes})["ok"] == 1


def explained(ask: Ask, command: Document, verbosity: str = "executionStats") -> Document:
    return ask({"explain": command, "verbosity": verbosity})


def outline(stage: Document) -> Any:
    """The names of the stages with those below them; of an index its name."""
    name = f"{stage['stage']} {stage['indexName']}" if "indexName" in stage else stage["stage"]
    if "inputStages" in stage:
        return [name, [outline(each) for each in stage["inputStages"]]]
    return [name, *([outline(stage["inputStage"])] if "inputStage" in stage else [])]


def flat(stage: Any) -> str:
    name, *below = stage
    return " > ".join([name, *("; ".join(map(flat, each)) if type(each[0]) is list else flat(each) for each in below)])


# name, the find, stages, (returned, keys examined, documents examined)
FINDS: list[tuple[str, Document, str, tuple[int, int, int]]] = [
    ("equality", {"filter": {"a": 3}}, "FETCH > IXSCAN a", (10, 10, 10)),
    ("equalities", {"filter": {"a": 3, "b": 5}}, "FETCH > IXSCAN a_b", (1, 1, 1)),
    ("equality and range", {"filter": {"a": 3, "b": {"$gt": 5}}}, "FETCH > IXSCAN a_b", (4, 4, 4)),
    ("what is left", {"filter": {"a": 3, "z": None}}, "FETCH > IXSCAN a", (10, 10, 10)),
    ("the rarer one", {"filter": {"a": 3, "s": "x3"}}, "FETCH > IXSCAN s", (1, 8, 8)),
    ("array", {"filter": {"c": 3}}, "FETCH > IXSCAN c", (35, 35, 35)),
    ("dotted", {"filter": {"d.e": {"$lt": 7}}}, "FETCH > IXSCAN d.e", (7, 7, 7)),
    ("partial", {"filter": {"b": 9}}, "FETCH > IXSCAN partial", (10, 10, 10)),
    ("not in the partial index", {"filter": {"b": {"$gte": 7}}}, "COLLSCAN", (30, 0, 100)),
    ("order", {"sort": {"s": 1}, "limit": 4}, "LIMIT > FETCH > IXSCAN s", (4, 4, 4)),
    ("order backwards", {"sort": {"a": -1, "b": 1}, "limit": 4}, "LIMIT > FETCH > IXSCAN a_b", (4, 4, 4)),
    ("order behind a value", {"filter": {"a": 3}, "sort": {"b": 1}}, "FETCH > IXSCAN a_b", (10, 10, 10)),
    (
        "order of two values",
        {"filter": {"a": {"$in": [3, 4]}}, "sort": {"b": -1}, "limit": 3},
        "LIMIT > FETCH > SORT_MERGE > IXSCAN a_b; IXSCAN a_b",
        (3, 4, 3),
    ),
    ("sorted", {"filter": {"c": 3}, "sort": {"z": 1}}, "SORT > FETCH > IXSCAN c", (35, 35, 35)),
    (
        "multikey gives no order",
        {"filter": {"c": {"$gt": 5}}, "sort": {"c": 1}},
        "SORT > FETCH > IXSCAN c",
        (14, 14, 14),
    ),
    ("or", {"filter": {"$or": [{"a": 3}, {"s": "x3"}]}}, "SUBPLAN > FETCH > OR > IXSCAN a; IXSCAN s", (17, 18, 17)),
    (
        "or with more to ask",
        {"filter": {"$or": [{"a": 3, "z": None}, {"s": "x3", "b": 1}]}},
        "SUBPLAN > OR > FETCH > IXSCAN a; FETCH > IXSCAN s",
        (11, 18, 18),
    ),
    ("or without an index", {"filter": {"$or": [{"a": 3}, {"z": 3}]}}, "SUBPLAN > COLLSCAN", (10, 0, 100)),
    ("or of one field", {"filter": {"$or": [{"a": 3}, {"a": 4}]}}, "FETCH > IXSCAN a", (20, 21, 20)),
    (
        "covered",
        {"filter": {"a": 3}, "projection": {"_id": 0, "a": 1, "b": 1}},
        "PROJECTION_COVERED > IXSCAN a_b",
        (10, 10, 0),
    ),
    ("not covered", {"filter": {"a": 3}, "projection": {"a": 1}}, "PROJECTION_SIMPLE > FETCH > IXSCAN a", (10, 10, 10)),
    ("natural", {"filter": {"a": 3}, "hint": {"$natural": 1}}, "COLLSCAN", (10, 0, 100)),
    ("hint", {"filter": {"a": 3, "s": "x3"}, "hint": "a"}, "FETCH > IXSCAN a", (1, 10, 10)),
    ("hint of another field", {"filter": {"a": 3}, "hint": {"s": 1}}, "FETCH > IXSCAN s", (10, 100, 100)),
]


@pytest.mark.parametrize(("find", "stages", "counts"), [each[1:] for each in FINDS], ids=[each[0] for each in FINDS])
def test_find(ask: Ask, stock: None, find: Document, stages: str, counts: tuple[int, int, int]) -> None:
    told = explained(ask, {"find": "stock", **find})
    stats = told["executionStats"]
    assert flat(outline(told["queryPlanner"]["winningPlan"])) == stages
    assert flat(outline(stats["executionStages"])) == stages
    assert (stats["nReturned"], stats["totalKeysExamined"], stats["totalDocsExamined"]) == counts
    found = ask({"find": "stock", **find})["cursor"]["firstBatch"]
    assert len(found) == counts[0]


# name, the command, stages below it, (keys examined, documents examined)
OTHERS: list[tuple[str, Document, str, tuple[int, int]]] = [
    ("count", {"count": "stock", "query": {"a": 3}}, "COUNT > COUNT_SCAN a", (10, 0)),
    ("count in a range", {"count": "stock", "query": {"a": 3, "b": {"$lt": 4}}}, "COUNT > COUNT_SCAN a_b", (4, 0)),
    ("count with more to ask", {"count": "stock", "query": {"a": 3, "z": 1}}, "COUNT > FETCH > IXSCAN a", (10, 10)),
    ("distinct", {"distinct": "stock", "key": "a"}, "PROJECTION_COVERED > DISTINCT_SCAN a", (10, 0)),
    (
        "distinct in a range",
        {"distinct": "stock", "key": "a", "query": {"a": {"$gt": 6}}},
        "PROJECTION_COVERED > DISTINCT_SCAN a",
        (3, 0),
    ),
    ("distinct of arrays", {"distinct": "stock", "key": "c"}, "DISTINCT_SCAN c", (7, 0)),
    ("distinct with a filter", {"distinct": "stock", "key": "b", "query": {"a": 3}}, "FETCH > IXSCAN a", (10, 10)),
    (
        "update",
        {"update": "stock", "updates": [{"q": {"a": 3}, "u": {"$set": {"z": 1}}, "multi": True}]},
        "UPDATE > FETCH > IXSCAN a",
        (10, 10),
    ),
    ("delete", {"delete": "stock", "deletes": [{"q": {"s": "x3"}, "limit": 0}]}, "DELETE > FETCH > IXSCAN s", (8, 8)),
    (
        "findAndModify",
        {"findAndModify": "stock", "query": {"a": 3}, "sort": {"b": 1}, "update": {"$set": {"z": 1}}},
        "UPDATE > FETCH > IXSCAN a_b",
        (1, 1),
    ),
    (
        "pipeline in order",
        {"aggregate": "stock", "pipeline": [{"$match": {"a": 3}}, {"$sort": {"b": 1}}], "cursor": {}},
        "FETCH > IXSCAN a_b",
        (10, 10),
    ),
]


@pytest.mark.parametrize(
    ("command", "stages", "counts"), [each[1:] for each in OTHERS], ids=[each[0] for each in OTHERS]
)
def test_other_commands(ask: Ask, stock: None, command: Document, stages: str, counts: tuple[int, int]) -> None:
    told = explained(ask, command)
    stats = told["executionStats"]
    assert flat(outline(told["queryPlanner"]["winningPlan"])) == stages
    assert (stats["totalKeysExamined"], stats["totalDocsExamined"]) == counts


def test_an_index_scan_tells_of_its_index(ask: Ask, stock: None) -> None:
    told = explained(ask, {"find": "stock", "filter": {"c": {"$gte": 2}, "z": None}}, "queryPlanner")
    fetch = told["queryPlanner"]["winningPlan"]
    assert fetch["filter"] == {"z": {"$eq": None}}
    assert {name: value for name, value in fetch["inputStage"].items() if name != "stage"} == {
        "keyPattern": {"c": 1},
        "indexName": "c",
        "isMultiKey": True,
        "multiKeyPaths": {"c": ["c"]},
        "isUnique": False,
        "isSparse": False,
        "isPartial": False,
        "indexVersion": 2,
        "direction": "forward",
        "indexBounds": {"c": ["[2, inf.0]"]},
    }


def test_bounds_are_shown_in_the_direction_of_the_scan(ask: Ask, stock: None) -> None:
    told = explained(ask, {"find": "stock", "filter": {"a": {"$gt": 7}}, "sort": {"a": -1, "b": 1}}, "queryPlanner")
    scan = told["queryPlanner"]["winningPlan"]["inputStage"]
    assert scan["direction"] == "backward"
    assert scan["indexBounds"] == {"a": ["[inf.0, 7)"], "b": ["[MinKey, MaxKey]"]}


def test_a_count_scan_tells_its_keys(ask: Ask, stock: None) -> None:
    told = explained(ask, {"count": "stock", "query": {"a": 3, "b": {"$lt": 4}}}, "queryPlanner")
    assert told["queryPlanner"]["winningPlan"]["inputStage"]["indexBounds"] == {
        "startKey": {"a": 3, "b": 4},
        "startKeyInclusive": False,
        "endKey": {"a": 3, "b": float("-inf")},
        "endKeyInclusive": True,
    }
    whole = explained(ask, {"count": "stock", "query": {"a": 3}, "hint": "a_b"}, "queryPlanner")
    bounds = whole["queryPlanner"]["winningPlan"]["inputStage"]["indexBounds"]
    assert (bounds["startKey"], bounds["endKey"]) == ({"a": 3, "b": MaxKey()}, {"a": 3, "b": MinKey()})


def test_plans_that_were_weighed_are_rejected(ask: Ask, stock: None) -> None:
    told = explained(ask, {"find": "stock", "filter": {"a": 3, "s": "x3"}}, "queryPlanner")
    rejected = [flat(outline(each)) for each in told["queryPlanner"]["rejectedPlans"]]
    assert rejected == ["FETCH > IXSCAN a", "FETCH > IXSCAN a_b"]


def test_two_indexes_are_intersected_where_both_find_many(ask: Ask) -> None:
    documents = [{"_id": n, "a": n % 2, "b": n // 2 % 2, "c": n} for n in range(4000)]
    ask({"insert": "many", "documents": documents})
    ask({"createIndexes": "many", "indexes": [{"key": {"a": 1}, "name": "a"}, {"key": {"b": 1}, "name": "b"}]})
    told = explained(ask, {"find": "many", "filter": {"a": 1, "b": 0}, "limit": 1})
    assert flat(outline(told["queryPlanner"]["winningPlan"])) == "LIMIT > FETCH > IXSCAN a"
    documents = [{"_id": -n, "a": 7 + (n > 600), "b": 7 + (n > 600 or n < 590), "c": n} for n in range(1, 1200)]
    ask({"insert": "many", "documents": documents})
    told = explained(ask, {"find": "many", "filter": {"a": 7, "b": 8}})
    assert flat(outline(told["queryPlanner"]["winningPlan"])) == "FETCH > AND_SORTED > IXSCAN a; IXSCAN b"
    assert told["executionStats"]["nReturned"] == told["executionStats"]["totalDocsExamined"] == 589


def test_without_a_sort_documents_come_in_the_order_of_the_index(ask: Ask, stock: None) -> None:
    found = ask({"find": "stock", "filter": {"a": {"$gt": 7}}})["cursor"]["firstBatch"]
    assert [each["_id"] for each in found] == [*range(8, 100, 10), *range(9, 100, 10)]


def test_a_clustered_scan_and_a_hidden_index(ask: Ask, stock: None) -> None:
    ask({"collMod": "stock", "index": {"name": "s", "hidden": True}})
    told = explained(ask, {"find": "stock", "filter": {"s": "x3"}})
    assert told["queryPlanner"]["winningPlan"]["stage"] == "COLLSCAN"
    ask({"collMod": "stock", "index": {"name": "s", "hidden": False}})
    told = explained(ask, {"find": "stock", "filter": {"s": "x3"}})
    assert flat(outline(told["queryPlanner"]["winningPlan"])) == "FETCH > IXSCAN s"
