"""Query settings: what is set for a shape, what is refused, and what it does to queries of the shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking import Ask

from amongo.commands.instance import Instance
from amongo.values.codec import encode

NS = {"db": "shop", "coll": "fruit"}
HINTS = {"indexHints": [{"ns": NS, "allowedIndexes": ["n_1"]}]}
FIND = {"find": "fruit", "filter": {"n": 4}, "$db": "shop"}


def set_(ask: Ask, query: Any, settings: Any = None, **fields: Any) -> dict[str, Any]:
    return ask({"setQuerySettings": query, "settings": HINTS if settings is None else settings, **fields}, "admin")


def listed(ask: Ask, **options: Any) -> list[dict[str, Any]]:
    reply = ask({"aggregate": 1, "pipeline": [{"$querySettings": options}], "cursor": {}}, "admin")
    batch: list[dict[str, Any]] = reply["cursor"]["firstBatch"]
    return batch


def hinted(**hint: Any) -> dict[str, Any]:
    return {"indexHints": [{"ns": NS, "allowedIndexes": ["n_1"], **hint}]}


REFUSED: list[tuple[str, Any, Any, int]] = [
    ("null", None, HINTS, 14),
    ("a number", 1, HINTS, 14),
    ("no hash", "", HINTS, 16),
    ("a hash too short", "ABCD", HINTS, 16),
    ("an odd hash", "ABC", HINTS, 2),
    ("no hexadecimal hash", "Z" * 64, HINTS, 2),
    ("no database", {"find": "fruit"}, HINTS, 40414),
    ("database of a wrong type", {"find": "fruit", "$db": 1}, HINTS, 14),
    ("an empty database", {**FIND, "$db": ""}, HINTS, 73),
    ("no query", {"count": "fruit", "$db": "shop"}, HINTS, 7746402),
    ("a wrong field of the query", {**FIND, "colour": 1}, HINTS, 40415),
    ("a wrong filter", {**FIND, "filter": {"n": {"$colour": 1}}}, HINTS, 2),
    ("an internal database", {**FIND, "$db": "local"}, HINTS, 8584900),
    ("a system collection", {**FIND, "find": "system.js"}, HINTS, 8584901),
    ("a query by _id", {**FIND, "filter": {"_id": 1}}, HINTS, 7746606),
    ("empty settings", FIND, {}, 8727502),
    ("nothing but nulls", FIND, {"queryFramework": None, "comment": None}, 8727502),
    ("settings of a wrong type", FIND, 1, 14),
    ("an unknown setting", FIND, {"colour": 1}, 40415),
    ("an unknown framework", FIND, {"queryFramework": "duck"}, 2),
    ("a framework of a wrong type", FIND, {"queryFramework": 1}, 14),
    ("reject null", FIND, {"reject": None}, 14),
    ("reject 1", FIND, {"reject": 1}, 14),
    ("reject nothing", FIND, {"reject": False}, 7746604),
    ("a comment alone", FIND, {"comment": "why"}, 7746604),
    ("hints of a wrong type", FIND, {"indexHints": 1}, 14),
    ("a hint of a wrong type", FIND, {"indexHints": [1]}, 14),
    ("a hint without namespace", FIND, {"indexHints": {"allowedIndexes": []}}, 40414),
    ("a hint without indexes", FIND, {"indexHints": {"ns": NS}}, 40414),
    ("a hint without database", FIND, hinted(ns={"coll": "fruit"}), 8727500),
    ("a hint without collection", FIND, hinted(ns={"db": "shop", "coll": None}), 8727501),
    ("a database of a wrong type", FIND, hinted(ns={"db": 1, "coll": "fruit"}), 14),
    ("indexes of a wrong type", FIND, hinted(allowedIndexes="n_1"), 14),
    ("an index of a wrong type", FIND, hinted(allowedIndexes=[1]), 9),
    ("a scan in no direction", FIND, hinted(allowedIndexes=[{"$natural": 2}]), 2),
    ("no index at all", FIND, hinted(allowedIndexes=[]), 7746604),
    ("a collection twice", FIND, {"indexHints": HINTS["indexHints"] * 2}, 7746608),
]


@pytest.mark.parametrize(
    ("query", "settings", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_settings_are_refused(ask: Ask, query: Any, settings: Any, code: int) -> None:
    assert set_(ask, query, settings)["code"] == code
    assert listed(ask) == []


def test_the_command_itself_is_checked(ask: Ask) -> None:
    assert ask({"setQuerySettings": FIND}, "admin")["code"] == 40414
    assert set_(ask, FIND, colour=1)["code"] == 40415
    assert ask({"setQuerySettings": FIND, "settings": HINTS})["code"] == 13
    assert ask({"removeQuerySettings": {"count": "fruit", "$db": "shop"}}, "admin")["code"] == 7746402


def test_what_is_set_is_shown_and_merged(ask: Ask) -> None:
    first = set_(ask, FIND)
    assert (first["ok"], first["settings"], first["representativeQuery"]) == (1.0, HINTS, FIND)
    same_shape = {**FIND, "filter": {"n": 7.5}}
    merged = set_(ask, same_shape, {"queryFramework": "classic", "comment": {"by": "ann"}, "reject": False})
    expected = {**HINTS, "queryFramework": "classic", "comment": {"by": "ann"}}
    assert merged["queryShapeHash"] == first["queryShapeHash"]
    assert merged["settings"] == expected
    by_hash = set_(ask, first["queryShapeHash"].lower(), {"reject": True})
    assert by_hash["settings"] == {**expected, "reject": True}
    (shown,) = listed(ask, showDebugQueryShape=True)
    assert shown.pop("debugQueryShape") == {"cmdNs": NS, "command": "find", "filter": {"n": {"$eq": "?number"}}}
    assert [shown] == listed(ask)
    assert shown == {
        "queryShapeHash": first["queryShapeHash"],
        "settings": by_hash["settings"],
        "representativeQuery": same_shape,
    }


def test_what_is_removed_is_gone_and_may_be_removed_again(ask: Ask, instance: Instance) -> None:
    hash = set_(ask, FIND)["queryShapeHash"]
    set_(ask, {**FIND, "find": "nuts"})
    assert ask({"removeQuerySettings": hash}, "admin") == {"ok": 1.0}
    assert len(listed(ask)) == 1
    for _ in range(2):
        assert ask({"removeQuerySettings": {**FIND, "find": "nuts"}}, "admin") == {"ok": 1.0}
    assert listed(ask) == []
    assert instance.query_settings is None


PIPELINE = [{"$match": {"n": {"$in": [1, 2]}}}, {"$group": {"_id": "$n", "most": {"$max": {"$add": ["$n", 1]}}}}]
OTHER = [{"$match": {"n": {"$in": [5, 6, 7]}}}, {"$group": {"_id": "$n", "most": {"$max": {"$add": ["$n", 2.5]}}}}]
DISTINCT = {"distinct": "fruit", "key": "name"}
REJECTED: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("another constant", FIND, {"find": "fruit", "filter": {"n": 1}}, True),
    ("another hint", FIND, {"find": "fruit", "filter": {"n": 1}, "hint": "_id_"}, True),
    ("another type", FIND, {"find": "fruit", "filter": {"n": "1"}}, False),
    ("another field", FIND, {"find": "fruit", "filter": {"m": 1}}, False),
    ("another operator", FIND, {"find": "fruit", "filter": {"n": {"$gt": 1}}}, False),
    ("$eq written out", FIND, {"find": "fruit", "filter": {"n": {"$eq": 1}}}, True),
    ("another sort", FIND, {"find": "fruit", "filter": {"n": 4}, "sort": {"n": 1}}, False),
    ("a limit", FIND, {"find": "fruit", "filter": {"n": 4}, "limit": 1}, False),
    ("a collation", FIND, {"find": "fruit", "filter": {"n": 4}, "collation": {"locale": "en"}}, False),
    ("another command", FIND, {"count": "fruit", "query": {"n": 4}}, False),
    ("a get by _id", {"find": "fruit", "filter": {}}, {"find": "fruit", "filter": {"_id": 1}}, False),
    ("a pipeline", {"aggregate": "fruit", "pipeline": PIPELINE}, {"aggregate": "fruit", "pipeline": OTHER}, True),
    (
        "a shorter one",
        {"aggregate": "fruit", "pipeline": PIPELINE},
        {"aggregate": "fruit", "pipeline": OTHER[:1]},
        False,
    ),
    ("distinct", {**DISTINCT, "query": {"n": 1}}, {**DISTINCT, "query": {"n": 2}}, True),
    ("another key", {**DISTINCT, "query": {"n": 1}}, {**DISTINCT, "key": "tags", "query": {"n": 2}}, False),
]


@pytest.mark.usefixtures("fruit")
@pytest.mark.parametrize(
    ("query", "command", "is_rejected"), [case[1:] for case in REJECTED], ids=[case[0] for case in REJECTED]
)
def test_queries_of_the_shape_are_rejected(
    ask: Ask, query: dict[str, Any], command: dict[str, Any], is_rejected: bool
) -> None:
    command = {**command, "cursor": {}} if "aggregate" in command else command
    assert ask(command)["ok"] == 1.0
    assert set_(ask, {**query, "$db": "shop"}, {"reject": True})["ok"] == 1.0
    reply = ask(command)
    assert (reply.get("code") == 411) == is_rejected
    assert reply["ok"] == (0.0 if is_rejected else 1.0)


@pytest.mark.usefixtures("fruit")
@pytest.mark.parametrize(
    "command",
    [
        {"find": "fruit", "filter": {"n": 4}},
        {**DISTINCT, "query": {"n": 4}},
        {"aggregate": "fruit", "pipeline": PIPELINE},
    ],
)
def test_explain_shows_what_is_set_and_is_not_rejected(ask: Ask, command: dict[str, Any]) -> None:
    before = ask({"explain": command, "verbosity": "queryPlanner"})
    set_by = set_(ask, {**command, "$db": "shop"}, {"reject": True})
    after = ask({"explain": command, "verbosity": "queryPlanner"})
    assert before["queryShapeHash"] == after["queryShapeHash"] == set_by["queryShapeHash"]
    planners = [
        (each["stages"][0]["$cursor"] if "stages" in each else each)["queryPlanner"] for each in (before, after)
    ]
    assert "querySettings" not in planners[0]
    assert planners[1]["querySettings"] == {"reject": True}


@pytest.mark.usefixtures("fruit")
def test_a_hint_of_the_settings_stands_over_that_of_the_query(ask: Ask) -> None:
    hint = {"find": "fruit", "filter": {"n": 4}, "hint": "nothing of this name"}
    assert ask(hint)["code"] == 2
    set_(ask, FIND, hinted(ns={"db": "shop", "coll": "nuts"}))
    assert ask(hint)["code"] == 2, "the settings speak of another collection"
    set_(ask, FIND)
    assert len(ask(hint)["cursor"]["firstBatch"]) == 2


def test_settings_outlive_the_instance(tmp_path: Path) -> None:
    path = str(tmp_path / "store")
    opened = Instance.open(path)
    command = {"setQuerySettings": FIND, "settings": {"reject": True}}
    hash = opened.run_command("admin", encode(command))["queryShapeHash"]
    opened.close()
    again = Instance.open(path)
    assert again.query_settings is not None
    assert again.query_settings.by_hash[hash].document(hash) == {
        "queryShapeHash": hash,
        "settings": {"reject": True},
        "representativeQuery": FIND,
    }
    again.close()
