"""Clustered collections by command: how they are shown, their order, what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Binary, Decimal128, Int64

from amongo.runtime.limits import RECORD_KEY_BYTES

BY_ID: dict[str, Any] = {"key": {"_id": 1}, "unique": True}


@pytest.fixture
def table(ask: Ask) -> str:
    """An empty clustered collection."""
    assert ask({"create": "table", "clusteredIndex": BY_ID}) == {"ok": 1.0}
    return "table"


def found(ask: Ask, name: str, **options: Any) -> list[Any]:
    return [each["_id"] for each in ask({"find": name, **options})["cursor"]["firstBatch"]]


def insert(ask: Ask, name: str, *identities: Any, **options: Any) -> dict[str, Any]:
    return ask({"insert": name, "documents": [{"_id": each} for each in identities], **options})


def test_how_it_is_shown(ask: Ask) -> None:
    index = {"key": {"_id": 1.0}, "unique": 1, "name": "by id"}
    ask({"create": "table", "clusteredIndex": index, "expireAfterSeconds": 60})
    (shown,) = ask({"listCollections": 1})["cursor"]["firstBatch"]
    assert shown["options"] == {
        "clusteredIndex": {"v": 2, "key": {"_id": 1}, "name": "by id", "unique": True},
        "expireAfterSeconds": Int64(60),
    }
    assert "idIndex" not in shown
    assert ask({"listIndexes": "table"})["cursor"]["firstBatch"] == [
        {"v": 2, "key": {"_id": 1}, "name": "by id", "unique": True, "clustered": True}
    ]
    assert ask({"create": "table", "clusteredIndex": index, "expireAfterSeconds": 60}) == {"ok": 1.0}
    assert ask({"create": "table"})["code"] == 48


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("another key", {"key": {"x": 1}, "unique": True}, 197),
    ("descending", {"key": {"_id": -1}, "unique": True}, 197),
    ("not unique", {"key": {"_id": 1}, "unique": False}, 5979700),
    ("unique left out", {"key": {"_id": 1}}, 40414),
    ("an old version", {"key": {"_id": 1}, "unique": True, "v": 1}, 5979704),
    ("something else", {"key": {"_id": 1}, "unique": True, "sparse": True}, 40415),
]


@pytest.mark.parametrize(("name", "index", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_definitions_that_are_none(ask: Ask, name: str, index: dict[str, Any], code: int) -> None:
    assert ask({"create": "table", "clusteredIndex": index})["code"] == code


def test_false_makes_an_ordinary_collection(ask: Ask) -> None:
    for falsy in (False, 0, Decimal128("-0")):
        assert ask({"create": "plain", "clusteredIndex": falsy}) == {"ok": 1.0}
    assert ask({"listCollections": 1})["cursor"]["firstBatch"][0]["options"] == {}


def test_its_natural_order_is_that_of_the_ids(ask: Ask, table: str) -> None:
    insert(ask, table, "c", 2, "a", None)
    insert(ask, table, "b", 1.5)
    expected = [None, 1.5, 2, "a", "b", "c"]
    assert found(ask, table) == expected
    assert found(ask, table, sort={"$natural": -1}) == expected[::-1]
    assert found(ask, table, hint={"_id": 1}) == expected
    assert found(ask, table, filter={"_id": {"$gte": "a"}}, limit=2) == ["a", "b"]
    piped = ask({"aggregate": table, "pipeline": [{"$match": {"x": None}}, {"$limit": 3}], "cursor": {}})
    assert [each["_id"] for each in piped["cursor"]["firstBatch"]] == expected[:3]
    ask({"delete": table, "deletes": [{"q": {}, "limit": 1}]})
    assert found(ask, table) == expected[1:]


def test_batches_go_on_in_order(ask: Ask, table: str) -> None:
    insert(ask, table, *reversed(range(10)))
    reply = ask({"find": table, "batchSize": 4})
    assert [each["_id"] for each in reply["cursor"]["firstBatch"]] == [0, 1, 2, 3]
    rest = ask({"getMore": Int64(reply["cursor"]["id"]), "collection": table})
    assert [each["_id"] for each in rest["cursor"]["nextBatch"]] == [4, 5, 6, 7, 8, 9]


DUPLICATES: list[tuple[str, Any, int]] = [
    ("a whole number", 7, 11000),
    ("the same as a double", 7.0, 11000),
    ("a string", "x", 11000),
    ("not a number", float("nan"), 50819),
    ("nor as a decimal", Decimal128("NaN"), 50819),
    ("infinity", float("-inf"), 50826),
    ("as a decimal", Decimal128("Infinity"), 50826),
    ("beyond 64 bits", 1e300, 50826),
    ("beyond doubles", Decimal128("1E+6000"), 50818),
    ("a fraction", 1.5, 50810),
    ("below one", Decimal128("0.25"), 50825),
    ("next to nothing", 1e-200, 50823),
    ("in a document", {"a": [], "b": float("inf")}, 50826),
]


@pytest.mark.parametrize(("name", "identity", "code"), DUPLICATES, ids=[case[0] for case in DUPLICATES])
def test_duplicates(ask: Ask, table: str, name: str, identity: Any, code: int) -> None:
    assert insert(ask, table, identity)["n"] == 1
    reply = insert(ask, table, identity)
    assert (reply["n"], reply["writeErrors"][0]["code"]) == (0, code)
    ask({"create": "plain"})
    insert(ask, "plain", identity)
    assert insert(ask, "plain", identity)["writeErrors"][0]["code"] == 11000


SIZES: list[tuple[str, Any, bool]] = [
    ("binary that just fits", Binary(bytes(RECORD_KEY_BYTES - 7)), True),
    ("binary, a byte more", Binary(bytes(RECORD_KEY_BYTES - 6)), False),
    ("a string that just fits", "x" * (RECORD_KEY_BYTES - 2), True),
    ("a string, a byte more", "x" * (RECORD_KEY_BYTES - 1), False),
    ("NULs count twice", "\x00" * (RECORD_KEY_BYTES // 2), False),
]


@pytest.mark.parametrize(("name", "identity", "fits"), SIZES, ids=[case[0] for case in SIZES])
def test_ids_too_large_for_a_record(ask: Ask, table: str, name: str, identity: Any, fits: bool) -> None:
    reply = insert(ask, table, 1, identity, 2)
    assert reply["n"] == (3 if fits else 1)
    upserted = ask({"update": table, "updates": [{"q": {"_id": identity}, "u": {"$set": {"x": 1}}, "upsert": True}]})
    if not fits:
        assert (reply["writeErrors"][0]["index"], reply["writeErrors"][0]["code"]) == (1, 5894900)
        assert upserted["writeErrors"][0]["code"] == 5894900
        assert insert(ask, table, identity, 2, ordered=False)["n"] == 1
    assert ask({"count": table})["n"] == (3 if fits else 2)
    ask({"create": "plain"})
    assert insert(ask, "plain", identity)["n"] == 1
