"""aggregate: the command around the pipeline."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Decimal128, Int64, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.runtime.clock import ManualClock


def aggregate(ask: Ask, *pipeline: dict[str, Any], **options: Any) -> Any:
    reply = ask({"aggregate": "fruit", "pipeline": list(pipeline), "cursor": {}, **options})
    assert reply["ok"] == 1.0, reply
    return reply["cursor"]["firstBatch"]


PIPELINES = [
    ("nothing", [], [1, 2, 3, 4, 5]),
    ("a match", [{"$match": {"n": 4}}], [1, 3]),
    ("a match by _id", [{"$match": {"_id": {"$in": [4, 2]}}}], [2, 4]),
    ("two matches", [{"$match": {"n": 4}}, {"$match": {"name": "fig"}}], [3]),
    ("match and sort", [{"$match": {"n": 4}}, {"$sort": {"_id": -1}}], [3, 1]),
    ("skip and limit", [{"$skip": 1}, {"$limit": 2}], [2, 3]),
    ("match, skip, limit", [{"$match": {"_id": {"$gt": 1}}}, {"$skip": 1}, {"$limit": 2}], [3, 4]),
    ("no match", [{"$match": {"n": 99}}], []),
]


@pytest.mark.parametrize(("name", "pipeline", "expected"), PIPELINES)
def test_pipelines(ask: Ask, fruit: None, name: str, pipeline: list[Any], expected: list[int]) -> None:
    assert [each["_id"] for each in aggregate(ask, *pipeline)] == expected


def test_group(ask: Ask, fruit: None) -> None:
    found = aggregate(ask, {"$group": {"_id": "$n", "count": {"$sum": 1}}}, {"$sort": {"_id": -1}})
    assert found == [{"_id": 4, "count": 2}, {"_id": 2, "count": 1}, {"_id": None, "count": 2}]


def test_another_collection(ask: Ask, fruit: None) -> None:
    ask({"insert": "stock", "documents": [{"_id": "a", "fruit": 2, "left": 7}]})
    lookup = {"$lookup": {"from": "stock", "localField": "_id", "foreignField": "fruit", "as": "stock"}}
    found = aggregate(ask, {"$match": {"_id": {"$lt": 3}}}, lookup, {"$project": {"stock": 1}})
    assert found == [{"_id": 1, "stock": []}, {"_id": 2, "stock": [{"_id": "a", "fruit": 2, "left": 7}]}]


def test_a_collection_that_is_not_there(ask: Ask) -> None:
    assert aggregate(ask, {"$match": {"a": 1}}) == []
    assert aggregate(ask, {"$count": "n"}, hint="any") == []


def test_no_collection(ask: Ask) -> None:
    reply = ask({"aggregate": 1, "pipeline": [{"$documents": [{"x": 1}]}], "cursor": {}})
    assert reply["cursor"] == {"firstBatch": [{"x": 1}], "id": 0, "ns": "shop.$cmd.aggregate"}


def test_batches(ask: Ask, fruit: None) -> None:
    reply = ask({"aggregate": "fruit", "pipeline": [{"$project": {"_id": 1}}], "cursor": {"batchSize": 2}})["cursor"]
    assert reply["firstBatch"] == [{"_id": 1}, {"_id": 2}]
    rest = ask({"getMore": Int64(reply["id"]), "collection": "fruit"})["cursor"]
    assert (rest["nextBatch"], rest["id"]) == ([{"_id": 3}, {"_id": 4}, {"_id": 5}], 0)


def test_an_empty_first_batch_keeps_the_cursor(ask: Ask, fruit: None) -> None:
    reply = ask({"aggregate": "fruit", "pipeline": [], "cursor": {"batchSize": 0}})["cursor"]
    assert (reply["firstBatch"], reply["id"] != 0) == ([], True)


def test_let(ask: Ask, fruit: None) -> None:
    found = aggregate(
        ask,
        {"$match": {"$expr": {"$eq": ["$n", "$$wanted"]}}},
        {"$project": {"x": "$$wanted", "y": "$$same"}},
        let={"wanted": 2, "same": "$$wanted"},
    )
    assert found == [{"_id": 2, "x": 2, "y": 2}]


def test_the_time_of_the_operation(ask: Ask, fruit: None, clock: ManualClock) -> None:
    found = aggregate(ask, {"$limit": 1}, {"$project": {"_id": 0, "now": "$$NOW", "time": "$$CLUSTER_TIME"}})
    assert found[0]["now"] == DatetimeMS(clock.now_ms())
    assert type(found[0]["time"]) is Timestamp


@pytest.mark.parametrize("one", [1, 1.0, Int64(1), Decimal128("1"), Decimal128("0.99999999999999999")])
def test_one_in_every_type_means_no_collection(ask: Ask, one: Any) -> None:
    assert ask({"aggregate": one, "pipeline": [{"$documents": []}], "cursor": {}})["ok"] == 1.0


ADDRESSES = [
    ("another number", 2, 2),
    ("a bit less", Decimal128("0.9999999999999999"), 2),
    ("not a number", float("nan"), 2),
    ("a boolean", True, 73),
    ("null", None, 73),
    ("an empty name", "", 73),
]


@pytest.mark.parametrize(("name", "value", "code"), ADDRESSES)
def test_what_an_aggregate_cannot_be_on(ask: Ask, name: str, value: Any, code: int) -> None:
    assert ask({"aggregate": value, "pipeline": [{"$documents": []}], "cursor": {}})["code"] == code


WRONG = [
    ("no pipeline", {"cursor": {}}, 40414),
    ("a pipeline of null", {"pipeline": None, "cursor": {}}, 14),
    ("a stage that is no document", {"pipeline": [1], "cursor": {}}, 14),
    ("no cursor", {"pipeline": []}, 9),
    ("a cursor of null", {"pipeline": [], "cursor": None}, 14),
    ("a cursor with an unknown field", {"pipeline": [], "cursor": {"BatchSize": 1}}, 40415),
    ("a batch below nothing", {"pipeline": [], "cursor": {"batchSize": -1}}, 2),
    ("disk use as a number", {"pipeline": [], "cursor": {}, "allowDiskUse": 1}, 14),
    ("disk use of null", {"pipeline": [], "cursor": {}, "allowDiskUse": None}, 14),
    ("an unknown field", {"pipeline": [], "cursor": {}, "foo": 1}, 40415),
    ("an unknown stage", {"pipeline": [{"$foo": 1}], "cursor": {}}, 40324),
    ("explain with a write concern", {"pipeline": [], "explain": True, "writeConcern": {"w": 1}}, 9),
    ("an unknown collation", {"pipeline": [], "cursor": {}, "collation": {"locale": "xx"}}, 2),
    ("an index that is not there", {"pipeline": [], "cursor": {}, "hint": "n_1"}, 2),
    ("a variable of nobody", {"pipeline": [{"$project": {"x": "$$nobody"}}], "cursor": {}}, 17276),
    ("a let that is none", {"pipeline": [], "cursor": {}, "let": [1]}, 14),
    ("a let with a bad name", {"pipeline": [], "cursor": {}, "let": {"Big": 1}}, 9),
    ("a let that reads", {"pipeline": [], "cursor": {}, "let": {"a": "$n"}}, 4890500),
    ("a let that reads all", {"pipeline": [], "cursor": {}, "let": {"a": "$$ROOT"}}, 4890500),
    ("a let of the time", {"pipeline": [], "cursor": {}, "let": {"a": "$$NOW"}}, 51144),
    ("a let before its time", {"pipeline": [], "cursor": {}, "let": {"a": "$$b", "b": 1}}, 17276),
]


@pytest.mark.parametrize(("name", "fields", "code"), WRONG)
def test_what_is_refused(ask: Ask, fruit: None, name: str, fields: dict[str, Any], code: int) -> None:
    reply = ask({"aggregate": "fruit", **fields})
    assert reply.get("code") == code, reply


def test_no_collection_and_no_stage(ask: Ask) -> None:
    assert ask({"aggregate": 1, "pipeline": [], "cursor": {}})["code"] == 73
