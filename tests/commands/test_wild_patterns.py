"""What may take long however few documents there are keeps off the event loop, and ends."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson.regex import Regex
from pymongo.errors import ExecutionTimeout, OperationFailure

from amongo import AsyncMongoClient
from amongo.commands.context import NO_CONTEXT
from amongo.commands.find import FindRequest
from amongo.commands.instance import Instance
from amongo.commands.wild_patterns import has_wild_pattern
from amongo.runtime.limits import LOOP_DOCUMENTS

LOOP = {"$reduce": {"input": "$a", "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}}
CASES: list[tuple[str, Any, bool]] = [
    ("literal", {"a": Regex("^abc")}, False),
    ("one repeat", {"a": {"$regex": "^a.*b$"}}, False),
    ("repeated group", {"a": {"$regex": "^(a|b)*$"}}, True),
    ("with flags", {"a": Regex("(a+)+$", 2)}, True),
    ("deep inside", {"$or": [{"b": 1}, {"a": {"$not": {"$in": [Regex("(a+)+$")]}}}]}, True),
    ("expression", [{"$match": {"$expr": {"$regexMatch": {"input": "$a", "regex": "(a+)+$"}}}}], True),
    ("a string that is none", {"a": "(a+)+$"}, False),
    ("invalid", {"a": {"$regex": "((a+)+"}}, False),
    ("a range", [{"$set": {"n": {"$size": {"$range": [0, "$n"]}}}}], True),
    ("a loop", [{"$set": {"n": {"$map": {"input": "$a", "in": {"$add": ["$$this", 1]}}}}}], False),
    ("loops side by side", [{"$set": {"n": LOOP, "m": LOOP}}], False),
    ("a loop within a loop", [{"$set": {"n": {"$filter": {"input": "$a", "cond": {"$gt": [LOOP, 1]}}}}}], True),
]


@pytest.mark.parametrize(("value", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_wild(value: Any, expected: bool) -> None:
    assert has_wild_pattern(value) is expected


def test_wild_requests_go_to_a_worker(instance: Instance) -> None:
    instance.run_command("db", bson.encode({"insert": "c", "documents": [{"a": "x"}, {"a": "y"}]}))
    assert instance.examines(FindRequest("db.c", {"a": Regex("^x")})) == 2
    assert instance.examines(FindRequest("db.c", {"a": Regex("(x+)+y")})) > LOOP_DOCUMENTS
    assert instance.examines(FindRequest("db.c", {}, projection={"a": {"$size": {"$range": [0, 9]}}})) > LOOP_DOCUMENTS


@pytest.mark.parametrize(
    "command",
    [
        {"find": "c", "projection": {"a": {"$size": {"$range": [0, 9]}}}},
        {"find": "c", "filter": {"$expr": {"$size": {"$range": [0, 9]}}}},
        {"aggregate": "c", "pipeline": [{"$set": {"a": {"$range": [0, 9]}}}], "cursor": {}},
        {"update": "c", "updates": [{"q": {}, "u": [{"$set": {"a": {"$range": [0, 9]}}}]}]},
        {"delete": "c", "deletes": [{"q": {"$expr": {"$size": {"$range": [0, 9]}}}, "limit": 1}]},
        {"findAndModify": "c", "update": [{"$set": {"a": {"$range": [0, 9]}}}]},
        {"findAndModify": "c", "update": {"$set": {"a": 1}}, "fields": {"a": {"$size": {"$range": [0, 9]}}}},
    ],
    ids=lambda command: next(iter(command)),
)
def test_what_strangers_send_keeps_off_the_loop_however_few_documents_there_are(
    instance: Instance, command: dict[str, Any]
) -> None:
    instance.run_command("db", bson.encode({"insert": "c", "documents": [{"_id": 1}]}))
    assert not instance.is_small(instance.parse_command("db", bson.encode(command), NO_CONTEXT))
    plain = {"find": "c", "filter": {"_id": 1}}
    assert instance.is_small(instance.parse_command("db", bson.encode(plain), NO_CONTEXT))


@pytest.mark.anyio
async def test_a_search_that_runs_away_ends_in_the_servers_error() -> None:
    async with AsyncMongoClient("memory://") as client:
        await client.db.c.insert_many([{"a": "a" * 40 + "!"}, {"a": "b"}])
        with pytest.raises(OperationFailure) as caught:
            await client.db.c.find({"a": {"$regex": "^(?:a|aa)+$"}}).to_list()
        assert caught.value.code == 51156


LONG = {"$reduce": {"input": {"$range": [0, 3_000_000]}, "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}}


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["aggregate", "find", "update"])
async def test_a_long_loop_within_one_document_ends_in_time(way: str) -> None:
    async with AsyncMongoClient("memory://") as client:
        await client.db.c.insert_many([{"_id": 1}, {"_id": 2}])
        with pytest.raises(ExecutionTimeout):
            if way == "aggregate":
                await (await client.db.c.aggregate([{"$set": {"n": LONG}}], maxTimeMS=20)).to_list()
            elif way == "find":
                await client.db.c.find({"$expr": {"$gt": [LONG, 1]}}, max_time_ms=20).to_list()
            else:
                await client.db.command(
                    {"update": "c", "updates": [{"q": {}, "u": [{"$set": {"n": LONG}}]}], "maxTimeMS": 20}
                )
