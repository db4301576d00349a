"""The options of create and collMod that say which documents a collection takes."""

from typing import Any

import pytest
from asking import Ask

ENCRYPTED = {"$jsonSchema": {"properties": {"a": {"type": "object", "properties": {"b": {"encrypt": {}}}}}}}

REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("no document", {"validator": 1}, 14),
    ("unknown operator", {"validator": {"a": {"$foo": 1}}}, 2),
    ("$where", {"validator": {"$where": "true"}}, 2),
    ("$text in $or", {"validator": {"$or": [{"$text": {"$search": "x"}}]}}, 2),
    ("$near", {"validator": {"a": {"$near": [0, 0]}}}, 5626500),
    ("$nearSphere in $not", {"validator": {"a": {"$not": {"$nearSphere": [0, 0]}}}}, 5626500),
    ("$geoNear in $elemMatch", {"validator": {"a": {"$elemMatch": {"b": {"$geoNear": [0, 0]}}}}}, 5626500),
    ("unknown variable", {"validator": {"$expr": "$$x"}}, 17276),
    (
        "JavaScript",
        {"validator": {"$and": [{"$expr": {"$function": {"body": "", "args": [], "lang": "js"}}}]}},
        4660800,
    ),
    ("schema", {"validator": {"$jsonSchema": {"x": 1}}}, 9),
    ("level", {"validationLevel": "Strict"}, 2),
    ("level type", {"validationLevel": 1}, 14),
    ("action", {"validationAction": ""}, 2),
    ("encryption that only warns", {"validator": ENCRYPTED, "validationAction": "warn"}, 224),
    ("encryption that is moderate", {"validator": {"$or": [ENCRYPTED]}, "validationLevel": "moderate"}, 224),
]


@pytest.mark.parametrize("command", ["create", "collMod"])
@pytest.mark.parametrize(("options", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(ask: Ask, command: str, options: dict[str, Any], code: int) -> None:
    if command == "collMod":
        ask({"create": "c"})
    assert ask({command: "c", **options})["code"] == code
    assert ask({"insert": "c", "documents": [{}]})["n"] == 1


@pytest.mark.parametrize("database", ["admin", "config", "local"])
def test_not_on_databases_of_the_server(ask: Ask, database: str) -> None:
    reply = ask({"create": "c", "validator": {"a": 1}}, database)
    assert reply["code"] == 72
    assert ask({"create": "c", "validator": {}}, database)["ok"] == 1
    assert ask({"collMod": "c", "validator": {"a": 1}}, database)["code"] == 72
    assert ask({"collMod": "c", "validationLevel": "off"}, database)["ok"] == 1


def test_not_on_system_collections(ask: Ask) -> None:
    assert ask({"create": "system.js", "validator": {"a": 1}})["code"] == 72


def options(ask: Ask) -> dict[str, Any]:
    (found,) = ask({"listCollections": 1, "filter": {"name": "c"}})["cursor"]["firstBatch"]
    return found["options"]


def test_create_keeps_what_is_given(ask: Ask) -> None:
    assert ask({"create": "c", "validator": {"a": {"$gt": 1}}})["ok"] == 1
    assert options(ask) == {"validator": {"a": {"$gt": 1}}}
    assert ask({"create": "c", "validator": {"a": {"$gt": 1}}})["ok"] == 1
    assert ask({"create": "c", "validator": {"a": {"$gt": 2}}})["code"] == 48


def test_create_without_a_validator(ask: Ask) -> None:
    assert ask({"create": "c", "validator": {}, "validationLevel": "off", "validationAction": None})["ok"] == 1
    assert options(ask) == {"validationLevel": "off"}


def test_coll_mod_writes_everything_out(ask: Ask) -> None:
    ask({"create": "c"})
    ask({"collMod": "c", "validator": {"a": 1}})
    everything = {"validator": {"a": 1}, "validationLevel": "strict", "validationAction": "error"}
    assert options(ask) == everything
    ask({"collMod": "c", "validationAction": "warn"})
    assert options(ask) == everything | {"validationAction": "warn"}
    ask({"collMod": "c", "validator": {}})
    assert options(ask) == {"validationLevel": "strict", "validationAction": "warn"}


def test_encryption_stays_strict(ask: Ask) -> None:
    assert ask({"create": "c", "validator": ENCRYPTED, "validationAction": "error"})["ok"] == 1
    assert ask({"collMod": "c", "validationLevel": "moderate"})["code"] == 224
    assert ask({"collMod": "c", "validationAction": "warn"})["code"] == 224


def test_deepest_validator(ask: Ask) -> None:
    validator: dict[str, Any] = {"x": 1}
    for _ in range(99):
        validator = {"$and": [validator]}
    assert ask({"create": "c", "validator": validator})["ok"] == 1
    assert ask({"insert": "c", "documents": [{"x": 2}]})["writeErrors"][0]["code"] == 121
    assert ask({"create": "d", "validator": {"$and": [validator]}})["code"] == 15
