"""createIndexes: definitions as the catalog keeps them, what is refused, replies."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Decimal128, Int64

from amongo.commands.instance import Instance

E = {"locale": "en", "strength": 2}

# (case, specification, code)
REFUSED: list[tuple[str, Any, int]] = [
    ("not a document", 3, 14),
    ("nothing", {}, 9),
    ("no name", {"key": {"a": 1}}, 9),
    ("no key", {"name": "x"}, 9),
    ("key of another type", {"key": 1, "name": "x"}, 14),
    ("name of another type", {"key": {"a": 1}, "name": 1}, 14),
    ("unknown option", {"key": {"a": 1}, "name": "x", "sorted": True}, 197),
    ("empty key", {"key": {}, "name": "x"}, 67),
    ("direction 0", {"key": {"a": 0}, "name": "x"}, 67),
    ("direction NaN", {"key": {"a": float("nan")}, "name": "x"}, 67),
    ("direction true", {"key": {"a": True}, "name": "x"}, 67),
    ("unknown kind", {"key": {"a": "trie"}, "name": "x"}, 67),
    ("two kinds", {"key": {"a": "text", "b": "2dsphere"}, "name": "x"}, 67),
    ("empty field", {"key": {"": 1}, "name": "x"}, 67),
    ("empty part", {"key": {"a..b": 1}, "name": "x"}, 67),
    ("dollar", {"key": {"a.$b": 1}, "name": "x"}, 67),
    ("33 fields", {"key": {f"f{number}": 1 for number in range(33)}, "name": "x"}, 13103),
    ("empty name", {"key": {"a": 1}, "name": ""}, 67),
    ("name with NUL", {"key": {"a": 1}, "name": "a\0"}, 67),
    ("name *", {"key": {"a": 1}, "name": "*"}, 2),
    ("name of the index on _id", {"key": {"a": 1}, "name": "_id_"}, 2),
    ("_id descending", {"key": {"_id": -1}, "name": "x"}, 2),
    ("_id with options", {"key": {"_id": 1}, "name": "x", "sparse": True}, 197),
    ("version 0", {"key": {"a": 1}, "name": "x", "v": 0}, 67),
    ("version 3", {"key": {"a": 1}, "name": "x", "v": 3}, 67),
    ("version 1.5", {"key": {"a": 1}, "name": "x", "v": 1.5}, 2),
    ("version 1 with collation", {"key": {"a": 1}, "name": "x", "v": 1, "collation": E}, 67),
    ("version 1 wildcard", {"key": {"$**": 1}, "name": "x", "v": 1}, 67),
    ("unique of another type", {"key": {"a": 1}, "name": "x", "unique": "yes"}, 14),
    ("hidden as a number", {"key": {"a": 1}, "name": "x", "hidden": 1}, 14),
    ("collation empty", {"key": {"a": 1}, "name": "x", "collation": {}}, 2),
    ("collation without locale", {"key": {"a": 1}, "name": "x", "collation": {"strength": 2}}, 40414),
    ("text with collation", {"key": {"a": "text"}, "name": "x", "collation": E}, 67),
    ("seconds of another type", {"key": {"a": 1}, "name": "x", "expireAfterSeconds": "1"}, 67),
    ("seconds below 0", {"key": {"a": 1}, "name": "x", "expireAfterSeconds": -1}, 67),
    ("seconds past int32", {"key": {"a": 1}, "name": "x", "expireAfterSeconds": Int64(2**31)}, 67),
    ("seconds NaN", {"key": {"a": 1}, "name": "x", "expireAfterSeconds": float("nan")}, 67),
    ("lifetime on two fields", {"key": {"a": 1, "b": 1}, "name": "x", "expireAfterSeconds": 1}, 67),
    ("partial and sparse", {"key": {"a": 1}, "name": "x", "sparse": True, "partialFilterExpression": {"a": 1}}, 67),
    ("partial with $ne", {"key": {"a": 1}, "name": "x", "partialFilterExpression": {"a": {"$ne": 1}}}, 67),
    (
        "partial with $exists false",
        {"key": {"a": 1}, "name": "x", "partialFilterExpression": {"a": {"$exists": False}}},
        67,
    ),
    ("partial with $nor inside", {"key": {"a": 1}, "name": "x", "partialFilterExpression": {"$nor": [{"a": 1}]}}, 67),
    ("partial with $expr", {"key": {"a": 1}, "name": "x", "partialFilterExpression": {"$expr": True}}, 224),
    ("partial with $text", {"key": {"a": 1}, "name": "x", "partialFilterExpression": {"$text": {"$search": "a"}}}, 2),
    ("partial of another type", {"key": {"a": 1}, "name": "x", "partialFilterExpression": 1}, 14),
    ("hashed unique", {"key": {"a": "hashed"}, "name": "x", "unique": True}, 16764),
    ("hashed twice", {"key": {"a": "hashed", "b": "hashed"}, "name": "x"}, 31303),
    ("wildcard descending", {"key": {"$**": -1}, "name": "x"}, 67),
    ("wildcard in the middle", {"key": {"a.$**.b": 1}, "name": "x"}, 67),
    ("two wildcards", {"key": {"$**": 1, "a.$**": 1}, "name": "x"}, 7246201),
    ("wildcard sparse", {"key": {"$**": 1}, "name": "x", "sparse": True}, 67),
    ("wildcard unique", {"key": {"$**": 1}, "name": "x", "unique": True}, 67),
    ("projection without wildcard", {"key": {"a": 1}, "name": "x", "wildcardProjection": {"a": 1}}, 2),
    ("projection below a path", {"key": {"a.$**": 1}, "name": "x", "wildcardProjection": {"a": 1}}, 9),
    ("projection empty", {"key": {"$**": 1}, "name": "x", "wildcardProjection": {}}, 9),
    ("wildcard over another field", {"key": {"a": 1, "$**": 1}, "name": "x"}, 7246200),
    ("wildcard below another field", {"key": {"a": 1, "a.b.$**": 1}, "name": "x"}, 7246200),
    ("wildcard above another field", {"key": {"a.b.c": 1, "a.b.$**": 1}, "name": "x"}, 7246200),
    ("other field taken in", {"key": {"a.b": 1, "$**": 1}, "name": "x", "wildcardProjection": {"a": 1}}, 7246200),
    ("other not left out", {"key": {"a": 1, "$**": 1}, "name": "x", "wildcardProjection": {"a": {"b": 0}}}, 7246200),
    ("_id taken in", {"key": {"_id": 1, "$**": 1}, "name": "x", "wildcardProjection": {"_id": 1, "a": 1}}, 7246200),
    ("coarsest level", {"key": {"a": "2dsphere"}, "name": "x", "coarsestIndexedLevel": -1}, 16747),
    ("finest level", {"key": {"a": "2dsphere"}, "name": "x", "finestIndexedLevel": 31}, 16748),
    (
        "levels the wrong way round",
        {"key": {"a": "2dsphere"}, "name": "x", "finestIndexedLevel": 3, "coarsestIndexedLevel": 4},
        16749,
    ),
    ("text fields apart", {"key": {"a": "text", "b": 1, "c": "text"}, "name": "x"}, 67),
    ("text beside direction 2", {"key": {"a": "text", "b": 2}, "name": "x"}, 67),
    ("text version 4", {"key": {"a": "text"}, "name": "x", "textIndexVersion": 4}, 67),
    ("weight of text", {"key": {"a": "text"}, "name": "x", "weights": {"a": "1"}}, 67),
    ("weight 0", {"key": {"a": "text"}, "name": "x", "weights": {"a": 0}}, 67),
    ("weights as a number", {"key": {"a": "text"}, "name": "x", "weights": 3}, 14),
    ("weights as a name", {"key": {"a": "text"}, "name": "x", "weights": "a"}, 67),
    ("language unknown", {"key": {"a": "text"}, "name": "x", "default_language": "klingon"}, 67),
    ("override with a dot", {"key": {"a": "text"}, "name": "x", "language_override": "a.b"}, 67),
    ("2d twice", {"key": {"a": "2d", "b": "2d"}, "name": "x"}, 16800),
    ("2d not first", {"key": {"a": 1, "b": "2d"}, "name": "x"}, 16801),
    ("2d with 33 bits", {"key": {"a": "2d"}, "name": "x", "bits": 33}, 72),
    ("2d without a region", {"key": {"a": "2d"}, "name": "x", "min": 5, "max": 5}, 72),
    ("2d without bounds", {"key": {"a": "2d"}, "name": "x", "max": float("inf")}, 72),
    ("2dsphere version 4", {"key": {"a": "2dsphere"}, "name": "x", "2dsphereIndexVersion": 4}, 67),
]

# (case, specification, what listIndexes shows beside v and name)
KEPT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("plain", {"key": {"a": 1.0}}, {"key": {"a": 1.0}}),
    (
        "flags as numbers",
        {"key": {"a": 1}, "unique": 1, "sparse": 2.5},
        {"key": {"a": 1}, "unique": True, "sparse": True},
    ),
    (
        "seconds as a decimal",
        {"key": {"a": 1}, "expireAfterSeconds": Decimal128("60")},
        {"key": {"a": 1}, "expireAfterSeconds": 60},
    ),
    ("simple collation", {"key": {"a": 1}, "collation": {"locale": "simple"}}, {"key": {"a": 1}}),
    ("what is ignored", {"key": {"a": 1}, "ns": "x.y", "dropDups": True}, {"key": {"a": 1}}),
    ("2d", {"key": {"a": "2d"}, "min": -1, "bits": 20.0}, {"key": {"a": "2d"}, "min": -1.0, "bits": 20}),
    ("2dsphere", {"key": {"a": "2dsphere"}}, {"key": {"a": "2dsphere"}, "2dsphereIndexVersion": 3}),
    (
        "text",
        {"key": {"z": 1, "b": "text", "a": "text"}, "weights": {"c": 3}},
        {
            "key": {"z": 1, "_fts": "text", "_ftsx": 1},
            "weights": {"a": 1, "b": 1, "c": 3},
            "default_language": "english",
            "language_override": "language",
            "textIndexVersion": 3,
        },
    ),
    (
        "text of everything",
        {"key": {"$**": "text"}, "default_language": "none"},
        {
            "key": {"_fts": "text", "_ftsx": 1},
            "weights": {"$**": 1},
            "default_language": "none",
            "language_override": "language",
            "textIndexVersion": 3,
        },
    ),
]

# (case, indexes there, index asked for, code)
IN_THE_WAY: list[tuple[str, dict[str, Any], dict[str, Any], int]] = [
    ("name of another key", {"key": {"a": 1}, "name": "x"}, {"key": {"b": 1}, "name": "x"}, 86),
    ("name, other uniqueness", {"key": {"a": 1}, "name": "x"}, {"key": {"a": 1}, "name": "x", "unique": True}, 86),
    (
        "name, other lifetime",
        {"key": {"a": 1}, "name": "x"},
        {"key": {"a": 1}, "name": "x", "expireAfterSeconds": 1},
        85,
    ),
    ("key under another name", {"key": {"a": 1}, "name": "x"}, {"key": {"a": 1}, "name": "y"}, 85),
    (
        "key, other lifetime",
        {"key": {"a": 1}, "name": "x"},
        {"key": {"a": 1}, "name": "y", "expireAfterSeconds": 1},
        85,
    ),
    ("second text index", {"key": {"a": "text"}, "name": "x"}, {"key": {"b": "text"}, "name": "y"}, 85),
    (
        "second text index, compound",
        {"key": {"a": "text"}, "name": "x"},
        {"key": {"c": 1, "b": "text"}, "name": "y"},
        67,
    ),
]

# (case, index there, index asked for beside it)
SIDE_BY_SIDE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("other direction", {"key": {"a": 1}, "name": "x"}, {"key": {"a": -1}, "name": "y"}),
    ("other order", {"key": {"a": 1, "b": 1}, "name": "x"}, {"key": {"b": 1, "a": 1}, "name": "y"}),
    ("unique", {"key": {"a": 1}, "name": "x"}, {"key": {"a": 1}, "name": "y", "unique": True}),
    ("sparse", {"key": {"a": 1}, "name": "x"}, {"key": {"a": 1}, "name": "y", "sparse": True}),
    ("partial", {"key": {"a": 1}, "name": "x"}, {"key": {"a": 1}, "name": "y", "partialFilterExpression": {"b": 1}}),
    ("collation", {"key": {"a": 1}, "name": "x"}, {"key": {"a": 1}, "name": "y", "collation": E}),
]


def create(ask: Ask, *indexes: Any, **options: Any) -> dict[str, Any]:
    return ask({"createIndexes": "c", "indexes": list(indexes), **options})


def listed(ask: Ask) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask({"listIndexes": "c"})["cursor"]["firstBatch"]
    return found


@pytest.mark.parametrize(("specification", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(ask: Ask, instance: Instance, specification: Any, code: int) -> None:
    assert create(ask, specification)["code"] == code
    assert instance.store.catalog.get("shop.c") is None, "a refused request leaves no collection behind"


@pytest.mark.parametrize(("specification", "shown"), [case[1:] for case in KEPT], ids=[case[0] for case in KEPT])
def test_kept(ask: Ask, specification: dict[str, Any], shown: dict[str, Any]) -> None:
    assert create(ask, {**specification, "name": "x"})["ok"] == 1.0
    assert listed(ask)[1] == {"v": 2, "name": "x", **shown}
    assert {name: type(value) for name, value in listed(ask)[1].items()} == {
        name: type(value) for name, value in {"v": 2, "name": "x", **shown}.items()
    }


@pytest.mark.parametrize(("there", "asked", "code"), [case[1:] for case in IN_THE_WAY], ids=[c[0] for c in IN_THE_WAY])
def test_in_the_way(ask: Ask, there: dict[str, Any], asked: dict[str, Any], code: int) -> None:
    create(ask, there)
    before = listed(ask)
    assert create(ask, asked)["code"] == code
    assert listed(ask) == before


@pytest.mark.parametrize(("there", "asked"), [case[1:] for case in SIDE_BY_SIDE], ids=[c[0] for c in SIDE_BY_SIDE])
def test_side_by_side(ask: Ask, there: dict[str, Any], asked: dict[str, Any]) -> None:
    create(ask, there)
    assert create(ask, asked)["numIndexesAfter"] == 3


@pytest.mark.parametrize(
    ("key", "projection"),
    [
        ({"a": 1, "$**": 1}, {"a": 0}),
        ({"a.b": 1, "$**": 1}, {"a": 0, "c": 0}),
        ({"a": 1, "$**": 1}, {"b": {"c": 1}}),
        ({"_id": 1, "$**": 1}, {"a": 1}),
        ({"_id": 1, "$**": 1}, {"a": 0}),
        ({"a": 1, "$**": 1}, {"_id": 1}),
        ({"ab": 1, "a.$**": 1}, None),
    ],
    ids=str,
)
def test_a_wildcard_that_leaves_out_the_other_fields(ask: Ask, key: Any, projection: Any) -> None:
    more = {} if projection is None else {"wildcardProjection": projection}
    assert ask({"createIndexes": "c", "indexes": [{"key": key, "name": "x", **more}]})["ok"] == 1


def test_replies(ask: Ask) -> None:
    index = {"key": {"a": 1}, "name": "a_1"}
    new = {"numIndexesBefore": 1, "numIndexesAfter": 2, "createdCollectionAutomatically": True, "ok": 1.0}
    assert create(ask, index) == new
    again = {"numIndexesBefore": 2, "numIndexesAfter": 2, "note": "all indexes already exist", "ok": 1.0}
    assert create(ask, index) == again
    more = create(ask, index, {"key": {"b": 1}, "name": "b_1"})
    assert more == {"numIndexesBefore": 2, "numIndexesAfter": 3, "createdCollectionAutomatically": False, "ok": 1.0}


def test_the_index_on_id_is_there_already(ask: Ask) -> None:
    reply = create(ask, {"key": {"_id": 1}, "name": "_id_1"})
    assert (reply["numIndexesAfter"], reply["note"]) == (1, "all indexes already exist")


def test_one_request_cannot_ask_twice(ask: Ask) -> None:
    index = {"key": {"a": 1}, "name": "a_1"}
    assert create(ask, index, index)["code"] == 68
    assert create(ask, index, {**index, "key": {"b": 1}})["code"] == 86


def test_unknown_options_may_be_ignored(ask: Ask) -> None:
    index = {"key": {"a": 1}, "name": "a_1", "sorted": True}
    assert create(ask, index, ignoreUnknownIndexOptions=True)["ok"] == 1.0
    assert listed(ask)[1] == {"v": 2, "key": {"a": 1}, "name": "a_1"}


def test_a_collection_has_64_indexes_at_most(ask: Ask) -> None:
    indexes = [{"key": {f"f{number}": 1}, "name": f"f{number}"} for number in range(64)]
    assert create(ask, *indexes)["code"] == 67
    assert create(ask, *indexes[:63])["numIndexesAfter"] == 64
    assert create(ask, indexes[63])["code"] == 67


def test_the_command_itself_is_checked(ask: Ask) -> None:
    assert create(ask)["code"] == 2
    assert ask({"createIndexes": "c"})["code"] == 40414
    assert ask({"createIndexes": "c", "indexes": 1})["code"] == 14
    assert create(ask, {"key": {"a": 1}, "name": "x"}, commitQuorum=[1])["code"] == 14
    assert create(ask, {"key": {"a": 1}, "name": "x"}, commitQuorum="majority")["ok"] == 1.0
    assert create(ask, {"key": {"a": 1}, "name": "x"}, quorum=1)["code"] == 40415
    assert ask({"createIndexes": "system.x", "indexes": [{"key": {"a": 1}, "name": "x"}]})["code"] == 73


@pytest.mark.parametrize(("quorum", "code"), [("", 2), (-1, 2), ("members", 79), (2, 278), (Int64(51), 278)])
def test_a_quorum_that_cannot_be_had_is_refused(ask: Ask, quorum: Any, code: int) -> None:
    assert create(ask, {"key": {"a": 1}, "name": "x"}, commitQuorum=quorum)["code"] == code
    assert create(ask, {"key": {"b": 1}, "name": "y"})["createdCollectionAutomatically"] is True


@pytest.mark.parametrize("quorum", ["votingMembers", "majority", 0, 1.0])
def test_a_quorum_of_one_is_had(ask: Ask, quorum: Any) -> None:
    assert create(ask, {"key": {"a": 1}, "name": "x"}, commitQuorum=quorum)["ok"] == 1.0


def test_indexes_take_the_collation_of_their_collection(ask: Ask) -> None:
    ask({"create": "c", "collation": E})
    create(ask, {"key": {"a": 1}, "name": "a"}, {"key": {"b": 1}, "name": "b", "collation": {"locale": "simple"}})
    first, second, third = listed(ask)
    assert first["collation"]["strength"] == second["collation"]["strength"] == 2
    assert "collation" not in third
    assert create(ask, {"key": {"_id": 1}, "name": "_id_", "collation": {"locale": "fr"}})["code"] == 2
    assert create(ask, {"key": {"t": "text"}, "name": "t"})["code"] == 67


def test_re_index_is_refused(ask: Ask) -> None:
    assert ask({"reIndex": "c"})["code"] == 20
