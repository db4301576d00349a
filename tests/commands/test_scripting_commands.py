"""JavaScript in commands: refused as by a server with scripting off, whether there is a collection or not."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Code

WHERE: dict[str, Any] = {"$where": "this.a == 1"}
MAP_REDUCE: dict[str, Any] = {"mapReduce": "c", "map": "f", "reduce": Code("g"), "out": {"inline": 1}}

QUERIES: list[dict[str, Any]] = [
    {"find": "c", "filter": WHERE},
    {"find": "none", "filter": WHERE},
    {"count": "c", "query": WHERE},
    {"count": "none", "query": WHERE},
    {"distinct": "c", "key": "a", "query": WHERE},
    {"distinct": "none", "key": "a", "query": WHERE},
    {"findAndModify": "c", "query": WHERE, "remove": True},
    {"findAndModify": "none", "query": WHERE, "update": {"$set": {"a": 2}}},
]


@pytest.fixture(autouse=True)
def collection(ask: Ask) -> None:
    ask({"insert": "c", "documents": [{"_id": 1, "a": 1}]})
    ask({"create": "v", "viewOn": "c"})


@pytest.mark.parametrize("command", QUERIES, ids=lambda command: " ".join(next(iter(command.items()))))
def test_where_in_queries(ask: Ask, command: dict[str, Any]) -> None:
    reply = ask(command)
    assert (reply["code"], reply["errmsg"]) == (6108304, "no globalScriptEngine in $where parsing")


@pytest.mark.parametrize("name", ["c", "none"])
def test_where_in_writes_is_an_error_of_the_statement(ask: Ask, name: str) -> None:
    updates = [{"q": WHERE, "u": {"$set": {"a": 2}}}, {"q": {}, "u": {"$set": {"b": 1}}}]
    for command in ({"update": name, "updates": updates}, {"delete": name, "deletes": [{"q": WHERE, "limit": 0}]}):
        reply = ask(command)
        assert reply["ok"] == 1.0
        assert [(error["index"], error["code"]) for error in reply["writeErrors"]] == [(0, 6108304)]
    assert ask({"find": "c"})["cursor"]["firstBatch"] == [{"_id": 1, "a": 1}]


def test_where_in_a_pipeline(ask: Ask) -> None:
    reply = ask({"aggregate": "c", "pipeline": [{"$match": WHERE}], "cursor": {}})
    assert (reply["code"], reply["errmsg"]) == (2, "$where is not allowed in this context")


def test_functions_fail_at_the_first_document(ask: Ask) -> None:
    function = {"$function": {"body": "f", "args": [], "lang": "js"}}
    fold = {"$accumulator": {"init": "f", "accumulate": "f", "accumulateArgs": [], "merge": "f", "lang": "js"}}
    for stage in ({"$project": {"r": function}}, {"$match": {"$expr": function}}, {"$group": {"_id": 1, "r": fold}}):
        assert ask({"aggregate": "c", "pipeline": [stage], "cursor": {}})["code"] == 31264
        assert ask({"aggregate": "none", "pipeline": [stage], "cursor": {}})["cursor"]["firstBatch"] == []


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("well written", {}, 31264),
    ("into a collection", {"out": {"merge": "r", "db": "other", "nonAtomic": True}}, 31264),
    ("with everything", {"query": {"a": 1}, "sort": {"a": 1}, "limit": 5, "finalize": "f", "scope": {"x": 1}}, 31264),
    ("on a view", {"mapReduce": "v"}, 166),
    ("unknown field", {"more": 1}, 40415),
    ("no out", {"out": None}, 40414),
    ("map of another type", {"map": 1}, 2),
    ("out of another type", {"out": 1}, 2),
    ("inline 2", {"out": {"inline": 2}}, 2),
    ("out nowhere", {"out": {"db": "x"}}, 2),
    ("out with more", {"out": {"replace": "r", "more": 1}}, 2),
    ("out atomic", {"out": {"replace": "r", "nonAtomic": False}}, 2),
    ("$where in the query", {"query": WHERE}, 2),
    ("negative limit", {"limit": -1}, 2),
]


@pytest.mark.parametrize(("changes", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_map_reduce(ask: Ask, changes: dict[str, Any], code: int) -> None:
    assert ask({**MAP_REDUCE, **changes})["code"] == code
