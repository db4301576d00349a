"""$graphLookup: what can be reached, in how many steps."""

from typing import Any

import pytest
from bson import Int64
from hypothesis import given
from hypothesis import strategies as st

from amongo.aggregate import Environment, parse_pipeline
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt, OperationInterrupted

AIRPORTS = [
    {"_id": "JFK", "to": ["BOS", "ORD"]},
    {"_id": "BOS", "to": ["JFK", "PWM"]},
    {"_id": "ORD", "to": ["JFK"]},
    {"_id": "PWM", "to": ["BOS", "LHR"]},
    {"_id": "LHR", "to": "PWM", "far": True},
    {"_id": "XXX"},
]


def reached(document: dict[str, Any], nodes: list[dict[str, Any]] = AIRPORTS, **spec: Any) -> list[dict[str, Any]]:
    """What the stage finds for one document."""
    whole = {"from": "nodes", "startWith": "$at", "connectFromField": "to", "connectToField": "_id", "as": "r", **spec}
    environment = Environment("test", lambda database, collection: nodes)
    (result,) = parse_pipeline([{"$graphLookup": whole}]).run([document], environment)
    found = result["r"]
    assert isinstance(found, list)
    return found


def names(found: list[dict[str, Any]]) -> list[Any]:
    return [each["_id"] for each in found]


CASES: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("all that is connected", {"at": "JFK"}, {}, ["JFK", "BOS", "ORD", "PWM", "LHR"]),
    ("no steps", {"at": "JFK"}, {"maxDepth": 0}, ["JFK"]),
    ("one step", {"at": "JFK"}, {"maxDepth": 1.0}, ["JFK", "BOS", "ORD"]),
    ("several beginnings", {"at": ["LHR", "ORD"]}, {"maxDepth": 0}, ["ORD", "LHR"]),
    ("a missing beginning", {}, {}, []),
    (
        "a filter on the way",
        {"at": "JFK"},
        {"restrictSearchWithMatch": {"far": {"$ne": True}}},
        ["JFK", "BOS", "ORD", "PWM"],
    ),
    ("null finds what has no such field", {"at": None}, {"connectToField": "to"}, ["XXX"]),
    ("into arrays", {"at": "JFK"}, {"connectToField": "to", "connectFromField": "_id", "maxDepth": 0}, ["BOS", "ORD"]),
]


@pytest.mark.parametrize(("name", "document", "spec", "expected"), CASES, ids=[case[0] for case in CASES])
def test_what_is_reached(name: str, document: dict[str, Any], spec: dict[str, Any], expected: list[str]) -> None:
    assert names(reached(document, **spec)) == expected


def test_the_depth_is_a_long_at_a_path() -> None:
    found = reached({"at": "JFK"}, depthField="d.n", maxDepth=1)
    assert [each["d"] for each in found] == [{"n": Int64(0)}, {"n": Int64(1)}, {"n": Int64(1)}]
    assert all(type(each["d"]["n"]) is Int64 for each in found)


REFUSED: list[tuple[str, Any, int]] = [
    ("no object", 4, 9),
    ("no from", {"as": "r"}, 9),
    ("from no text", {"from": 1}, 9),
    ("from nothing", {"from": ""}, 73),
    ("depth of text", {"maxDepth": "1"}, 40100),
    ("depth below zero", {"maxDepth": -1}, 40101),
    ("half a depth", {"maxDepth": 2.3}, 40102),
    ("as a number", {"as": 0}, 40103),
    ("as with a dollar", {"as": "$r"}, 16410),
    ("unknown", {"nope": "x"}, 40104),
    ("filter", {"restrictSearchWithMatch": "x"}, 40185),
    ("filter inside", {"restrictSearchWithMatch": {"$foo": 1}}, 2),
]


@pytest.mark.parametrize(("name", "change", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused(name: str, change: Any, code: int) -> None:
    whole = {"from": "n", "startWith": "$at", "connectFromField": "to", "connectToField": "_id", "as": "r"}
    is_whole = type(change) is not dict or name == "no from"
    with pytest.raises(ServerError) as caught:
        parse_pipeline([{"$graphLookup": change if is_whole else {**whole, **change}}])
    assert caught.value.code == code


@pytest.mark.parametrize("missing", ["startWith", "connectFromField", "connectToField", "as"])
def test_incomplete(missing: str) -> None:
    whole = {"from": "n", "startWith": "$at", "connectFromField": "to", "connectToField": "_id", "as": "r"}
    del whole[missing]
    with pytest.raises(ServerError) as caught:
        parse_pipeline([{"$graphLookup": whole}])
    assert caught.value.code == 40105


def test_documents_need_an_id() -> None:
    with pytest.raises(ServerError) as caught:
        reached({"at": 1}, [{"n": 1}], connectToField="n")
    assert caught.value.code == 40271


def test_it_can_be_interrupted() -> None:
    interrupt = Interrupt()
    interrupt.stop("enough")
    environment = Environment("test", lambda database, collection: AIRPORTS, interrupt=interrupt)
    spec = {"from": "n", "startWith": "$at", "connectFromField": "to", "connectToField": "_id", "as": "r"}
    with pytest.raises(OperationInterrupted):
        list(parse_pipeline([{"$graphLookup": spec}]).run([{"at": "JFK"}], environment))


@given(st.lists(st.lists(st.integers(0, 7), max_size=3), min_size=8, max_size=8), st.integers(0, 7), st.integers(0, 4))
def test_the_search_is_one_in_breadth(edges: list[list[int]], start: int, most: int) -> None:
    nodes = [{"_id": number, "to": targets} for number, targets in enumerate(edges)]
    steps = {start: 0}
    frontier = [start]
    for step in range(1, most + 1):
        frontier = [target for node in frontier for target in edges[node] if target not in steps]
        steps.update(dict.fromkeys(frontier, step))
    found = reached({"at": start}, nodes, maxDepth=most, depthField="d")
    assert {each["_id"]: each["d"] for each in found} == steps
    assert len(found) == len(steps)
