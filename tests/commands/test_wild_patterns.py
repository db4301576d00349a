"""Regular expressions that may run away keep off the event loop, and end."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson.regex import Regex
from pymongo.errors import OperationFailure

from amongo import AsyncMongoClient
from amongo.commands.find import FindRequest
from amongo.commands.instance import Instance
from amongo.commands.wild_patterns import has_wild_pattern
from amongo.runtime.limits import LOOP_DOCUMENTS

CASES: list[tuple[str, Any, bool]] = [
    ("literal", {"a": Regex("^abc")}, False),
    ("one repeat", {"a": {"$regex": "^a.*b$"}}, False),
    ("repeated group", {"a": {"$regex": "^(a|b)*$"}}, True),
    ("with flags", {"a": Regex("(a+)+$", 2)}, True),
    ("deep inside", {"$or": [{"b": 1}, {"a": {"$not": {"$in": [Regex("(a+)+$")]}}}]}, True),
    ("expression", [{"$match": {"$expr": {"$regexMatch": {"input": "$a", "regex": "(a+)+$"}}}}], True),
    ("a string that is none", {"a": "(a+)+$"}, False),
    ("invalid", {"a": {"$regex": "((a+)+"}}, False),
]


@pytest.mark.parametrize(("value", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_wild(value: Any, expected: bool) -> None:
    assert has_wild_pattern(value) is expected


def test_wild_requests_go_to_a_worker(instance: Instance) -> None:
    instance.run_command("db", bson.encode({"insert": "c", "documents": [{"a": "x"}, {"a": "y"}]}))
    assert instance.examines(FindRequest("db.c", {"a": Regex("^x")})) == 2
    assert instance.examines(FindRequest("db.c", {"a": Regex("(x+)+y")})) > LOOP_DOCUMENTS


@pytest.mark.anyio
async def test_a_search_that_runs_away_ends_in_the_servers_error() -> None:
    async with AsyncMongoClient("memory://") as client:
        await client.db.c.insert_many([{"a": "a" * 40 + "!"}, {"a": "b"}])
        with pytest.raises(OperationFailure) as caught:
            await client.db.c.find({"a": {"$regex": "^(?:a|aa)+$"}}).to_list()
        assert caught.value.code == 51156
