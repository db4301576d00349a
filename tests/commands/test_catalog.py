"""create, drop, dropDatabase, renameCollection, listCollections, listDatabases, listIndexes."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Binary, Code, Decimal128, Int64

from amongo.commands.instance import Instance
from amongo.engine.files import MemoryFiles
from amongo.runtime.clock import ManualClock
from amongo.values.codec import encode


def names(ask: Ask, database: str = "shop") -> list[str]:
    listed = ask({"listCollections": 1, "nameOnly": True}, database)
    return [each["name"] for each in listed["cursor"]["firstBatch"]]


def uuid_of(ask: Ask, name: str, database: str = "shop") -> Binary:
    (found,) = ask({"listCollections": 1, "filter": {"name": name}}, database)["cursor"]["firstBatch"]
    uuid = found["info"]["uuid"]
    assert type(uuid) is Binary and uuid.subtype == 4 and len(uuid) == 16
    return uuid


# create


def test_create_makes_an_empty_collection(ask: Ask) -> None:
    assert ask({"create": "a"}) == {"ok": 1.0}
    assert ask({"count": "a"}) == {"n": 0, "ok": 1.0}
    assert names(ask) == ["a"]


def test_create_again_is_fine_with_the_same_options(ask: Ask) -> None:
    options = {"changeStreamPreAndPostImages": {"enabled": True}, "validationLevel": "off"}
    assert ask({"create": "a", **options}) == {"ok": 1.0}
    assert ask({"create": "a", **dict(reversed(options.items()))}) == {"ok": 1.0}


def test_create_again_with_other_options_fails(ask: Ask) -> None:
    ask({"create": "a"})
    reply = ask({"create": "a", "validationLevel": "off"})
    assert (reply["code"], reply["codeName"]) == (48, "NamespaceExists")
    assert reply["errmsg"].startswith("namespace shop.a already exists, but with different options: ")


def test_options_are_kept_and_shown(ask: Ask) -> None:
    options = {
        "storageEngine": {"wiredTiger": {"configString": ""}},
        "indexOptionDefaults": {"storageEngine": {"wiredTiger": {"configString": ""}}},
        "validationLevel": "moderate",
        "validationAction": "warn",
        "changeStreamPreAndPostImages": {"enabled": True},
    }
    ask({"create": "a", **options, "comment": "why", "writeConcern": {"w": 1}})
    (found,) = ask({"listCollections": 1})["cursor"]["firstBatch"]
    assert found["options"] == options


ACCEPTED = [
    ("nothing asked for", {"capped": False, "clusteredIndex": False, "collation": None, "validator": {}}),
    ("the simple collation", {"collation": {"locale": "simple"}}),
    ("the usual index on _id", {"idIndex": {"key": {"_id": 1}, "name": "_id_"}}),
]


@pytest.mark.parametrize(("name", "options"), ACCEPTED)
def test_options_that_change_nothing_are_taken(ask: Ask, name: str, options: dict[str, Any]) -> None:
    assert ask({"create": "a", **options}) == {"ok": 1.0}
    (found,) = ask({"listCollections": 1})["cursor"]["firstBatch"]
    assert found["options"] == {}


NOT_YET = [
    ("temporary", {"temp": True}),
]


@pytest.mark.parametrize(("name", "options"), NOT_YET)
def test_options_that_are_not_there_yet_are_refused_by_name(ask: Ask, name: str, options: dict[str, Any]) -> None:
    reply = ask({"create": "a", **options})
    assert (reply["code"], reply["codeName"]) == (115, "CommandNotSupported")
    assert "not in amongo yet" in reply["errmsg"] and "create" in reply["errmsg"]
    assert names(ask) == []


WRONG = [
    ("an unknown option", {"foo": 1}, 40415),
    ("capped as text", {"capped": "yes"}, 14),
    ("capped without a size", {"capped": True}, 72),
    ("a size of nothing", {"capped": True, "size": 0}, 2),
    ("a size rounded to nothing", {"capped": True, "size": Decimal128("0.5")}, 2),
    ("an endless size", {"capped": True, "size": float("inf")}, 2),
    ("a size without capped", {"size": 4096}, 72),
    ("a pipeline without a view", {"pipeline": []}, 72),
    ("a view on nothing", {"viewOn": "", "pipeline": []}, 2),
    ("a view that writes", {"viewOn": "b", "pipeline": [{"$out": "c"}]}, 167),
    ("a view with an index", {"viewOn": "b", "pipeline": [], "idIndex": {"key": {"_id": 1}, "name": "_id_"}}, 72),
    ("a stage that is no document", {"viewOn": "b", "pipeline": [1]}, 14),
    ("an unknown stage", {"viewOn": "b", "pipeline": [{"$badStage": {}}]}, 40324),
    ("an unknown level", {"validationLevel": "Strict"}, 2),
    ("an unknown action", {"validationAction": "ERROR"}, 2),
    ("a validator with an unknown operator", {"validator": {"$badOp": 1}}, 2),
    ("a validator with JavaScript", {"validator": {"$where": Code("true")}}, 2),
    ("a validator by distance", {"validator": {"x": {"$near": [0, 0]}}}, 5626500),
    ("expiry of plain documents", {"expireAfterSeconds": 60}, 72),
    ("images without a word", {"changeStreamPreAndPostImages": {}}, 40414),
    ("images as a number", {"changeStreamPreAndPostImages": {"enabled": 1}}, 14),
    ("an unknown engine", {"storageEngine": {"mmapv1": {}}}, 72),
    ("another index on _id", {"idIndex": {"key": {"a": 1}, "name": "_id_"}}, 2),
    ("clustered by null", {"clusteredIndex": None}, 14),
    ("clustered, the old way", {"clusteredIndex": True}, 5979703),
    ("clustered by another field", {"clusteredIndex": {"key": {"a": 1}, "unique": True}}, 197),
    ("clustered, not unique", {"clusteredIndex": {"key": {"_id": 1}, "unique": False}}, 5979700),
    ("clustered, another version", {"clusteredIndex": {"key": {"_id": 1}, "unique": True, "v": 1}}, 5979704),
    ("clustered and capped", {"clusteredIndex": False, "capped": True, "size": 1}, 6049200),
    ("clustered without a key", {"clusteredIndex": {"unique": True}}, 40414),
    ("time series without a time", {"timeseries": {}}, 40414),
    ("time in a nested field", {"timeseries": {"timeField": "a.b"}}, 72),
    ("time series with an unknown grain", {"timeseries": {"timeField": "t", "granularity": "days"}}, 2),
    ("time series with a validator", {"timeseries": {"timeField": "t"}, "validator": {"a": 1}}, 72),
    ("a collation without a locale", {"collation": {}}, 40414),
    ("a collation too strong", {"collation": {"locale": "en", "strength": 6}}, 2),
    ("a collation as text", {"collation": "en"}, 14),
]


@pytest.mark.parametrize(("name", "options", "code"), WRONG)
def test_options_that_are_wrong(ask: Ask, name: str, options: dict[str, Any], code: int) -> None:
    reply = ask({"create": "a", **options})
    assert reply["ok"] == 0.0
    assert reply["code"] == code, reply["errmsg"]
    assert names(ask) == []


def test_a_database_is_not_made_in_another_case(ask: Ask) -> None:
    ask({"create": "a"})
    for command in ({"create": "b"}, {"insert": "b", "documents": [{}]}):
        reply = ask(command, "Shop")
        code = reply.get("code") or reply["writeErrors"][0]["code"]
        assert code == 13297


# drop, dropDatabase


def test_drop_removes_the_collection(ask: Ask, fruit: None) -> None:
    assert ask({"drop": "fruit"}) == {"nIndexesWas": 1, "ns": "shop.fruit", "ok": 1.0}
    assert names(ask) == []
    assert ask({"count": "fruit"})["n"] == 0


def test_drop_of_what_is_not_there_is_fine(ask: Ask) -> None:
    assert ask({"drop": "fruit"}) == {"ok": 1.0}


def test_drop_holds_to_the_uuid(ask: Ask, fruit: None) -> None:
    reply = ask({"drop": "fruit", "collectionUUID": Binary(bytes(16), 4)})
    assert (reply["code"], reply["codeName"]) == (361, "CollectionUUIDMismatch")
    assert (reply["db"], reply["expectedCollection"], reply["actualCollection"]) == ("shop", "fruit", None)
    assert ask({"drop": "fruit", "collectionUUID": uuid_of(ask, "fruit")})["ok"] == 1.0


def test_a_wrong_uuid_tells_whose_it_is(ask: Ask, fruit: None) -> None:
    ask({"create": "nuts"})
    reply = ask({"drop": "nuts", "collectionUUID": uuid_of(ask, "fruit")})
    assert (reply["expectedCollection"], reply["actualCollection"]) == ("nuts", "fruit")


DROPS = [
    ("a number", {"drop": 1}, 73),
    ("an unknown field", {"drop": "a", "x": 1}, 40415),
    ("a system collection", {"drop": "system.foo"}, 20),
    ("a uuid that is none", {"drop": "a", "collectionUUID": "x"}, 14),
    ("a uuid too short", {"drop": "a", "collectionUUID": Binary(bytes(8), 4)}, 207),
    ("a database by another number", {"dropDatabase": 2}, 5255100),
    ("a database by text", {"dropDatabase": "1"}, 14),
    ("a database by nothing", {"dropDatabase": None}, 40414),
]


@pytest.mark.parametrize(("name", "command", "code"), DROPS)
def test_drops_that_are_wrong(ask: Ask, name: str, command: dict[str, Any], code: int) -> None:
    assert ask(command)["code"] == code


def test_drop_database_removes_its_collections_and_no_others(ask: Ask, fruit: None) -> None:
    ask({"create": "nuts"})
    ask({"create": "fruit"}, "shops")
    assert ask({"dropDatabase": Decimal128("0.9")}) == {"ok": 1.0}
    assert (names(ask), names(ask, "shops")) == ([], ["fruit"])
    assert ask({"dropDatabase": 1}) == {"ok": 1.0}


@pytest.mark.parametrize("database", ["admin", "local"])
def test_databases_of_the_server_are_not_dropped(ask: Ask, database: str) -> None:
    assert ask({"dropDatabase": 1}, database)["code"] == 20


# renameCollection


def test_rename_keeps_documents_and_uuid(ask: Ask, fruit: None) -> None:
    uuid = uuid_of(ask, "fruit")
    assert ask({"renameCollection": "shop.fruit", "to": "shop.food"}, "admin") == {"ok": 1.0}
    assert names(ask) == ["food"]
    assert ask({"count": "food"})["n"] == 5
    assert uuid_of(ask, "food") == uuid


def test_rename_to_another_database(ask: Ask, fruit: None) -> None:
    assert ask({"renameCollection": "shop.fruit", "to": "store.fruit"}, "admin") == {"ok": 1.0}
    assert (names(ask), names(ask, "store")) == ([], ["fruit"])


def test_rename_drops_a_target_only_when_told(ask: Ask, fruit: None) -> None:
    ask({"insert": "food", "documents": [{"_id": "old"}]})
    rename = {"renameCollection": "shop.fruit", "to": "shop.food"}
    reply = ask(rename, "admin")
    assert (reply["code"], reply["errmsg"]) == (48, "target namespace exists")
    assert ask({"count": "food"})["n"] == 1
    assert ask({**rename, "dropTarget": Binary(bytes(16), 4)}, "admin")["code"] == 361
    assert ask({**rename, "dropTarget": uuid_of(ask, "food")}, "admin") == {"ok": 1.0}
    assert ask({"count": "food"})["n"] == 5
    assert names(ask) == ["food"]


RENAMES = [
    ("elsewhere than on admin", {"to": "shop.b"}, "shop", 13),
    ("without a target", {}, "admin", 40414),
    ("to a number", {"to": 1}, "admin", 14),
    ("to no namespace", {"to": "nodot"}, "admin", 73),
    ("to itself", {"to": "shop.fruit"}, "admin", 20),
    ("to a name with a dollar", {"to": "shop.a$b"}, "admin", 20),
    ("to a system collection", {"to": "shop.system.foo"}, "admin", 20),
    ("to a database of another case", {"to": "SHOP.b"}, "admin", 13297),
    ("with a wrong source uuid", {"to": "shop.b", "collectionUUID": Binary(bytes(16), 4)}, "admin", 361),
    ("dropping by a number", {"to": "shop.b", "dropTarget": 1}, "admin", 14),
    ("dropping by an old uuid", {"to": "shop.b", "dropTarget": Binary(bytes(16), 3)}, "admin", 207),
    ("dropping by uuid elsewhere", {"to": "other.b", "dropTarget": Binary(bytes(16), 4)}, "admin", 72),
    ("with an unknown field", {"to": "shop.b", "x": 1}, "admin", 40415),
]


@pytest.mark.parametrize(("name", "fields", "database", "code"), RENAMES)
def test_renames_that_are_wrong(
    ask: Ask, fruit: None, name: str, fields: dict[str, Any], database: str, code: int
) -> None:
    assert ask({"renameCollection": "shop.fruit", **fields}, database)["code"] == code
    assert names(ask) == ["fruit"]


def test_rename_of_what_is_not_there(ask: Ask) -> None:
    reply = ask({"renameCollection": "shop.a", "to": "shop.b"}, "admin")
    assert (reply["code"], reply["errmsg"]) == (26, "Source collection shop.a does not exist")


# listCollections, listDatabases, listIndexes


def test_list_collections_shows_everything(ask: Ask, fruit: None) -> None:
    reply = ask({"listCollections": 1})
    assert (reply["cursor"]["id"], reply["cursor"]["ns"]) == (0, "shop.$cmd.listCollections")
    assert reply["cursor"]["firstBatch"] == [
        {
            "name": "fruit",
            "type": "collection",
            "options": {},
            "info": {"readOnly": False, "uuid": uuid_of(ask, "fruit")},
            "idIndex": {"v": 2, "key": {"_id": 1}, "name": "_id_"},
        }
    ]


FILTERS = [
    ("by name", {"name": "fruit"}, False, ["fruit"]),
    ("by pattern", {"name": {"$regex": "^f"}}, False, ["fruit"]),
    ("by type", {"type": "collection"}, True, ["fruit", "nuts"]),
    ("by what is not shown", {"options": {}}, True, []),
    ("by what is shown", {"info.readOnly": False}, False, ["fruit", "nuts"]),
]


@pytest.mark.parametrize(("name", "wanted", "name_only", "expected"), FILTERS)
def test_list_collections_filters(
    ask: Ask, fruit: None, name: str, wanted: dict[str, Any], name_only: bool, expected: list[str]
) -> None:
    ask({"create": "nuts"})
    reply = ask({"listCollections": 1, "filter": wanted, "nameOnly": name_only, "authorizedCollections": True})
    assert [each["name"] for each in reply["cursor"]["firstBatch"]] == expected


def test_list_collections_in_batches(ask: Ask) -> None:
    for name in "abc":
        ask({"create": name})
    first = ask({"listCollections": 1, "nameOnly": True, "cursor": {"batchSize": 2}})["cursor"]
    assert [each["name"] for each in first["firstBatch"]] == ["a", "b"]
    rest = ask({"getMore": Int64(first["id"]), "collection": "$cmd.listCollections"})["cursor"]
    assert ([each["name"] for each in rest["nextBatch"]], rest["id"]) == (["c"], 0)


LISTS = [
    ("a name that is a number", {"listCollections": 1, "nameOnly": 1}, "shop", 14),
    ("a batch below nothing", {"listCollections": 1, "cursor": {"batchSize": -1}}, "shop", 2),
    ("an unknown cursor field", {"listCollections": 1, "cursor": {"size": 1}}, "shop", 40415),
    ("a filter with JavaScript", {"listDatabases": 1, "filter": {"$where": "true"}}, "admin", 2),
    ("databases asked elsewhere", {"listDatabases": 1}, "shop", 13),
    ("indexes of nothing", {"listIndexes": "nowhere"}, "shop", 26),
    ("flags that exclude", {"listIndexes": "a", "includeBuildUUIDs": 1, "includeIndexBuildInfo": 1}, "shop", 72),
]


@pytest.mark.parametrize(("name", "command", "database", "code"), LISTS)
def test_lists_that_are_wrong(ask: Ask, name: str, command: dict[str, Any], database: str, code: int) -> None:
    assert ask(command, database)["code"] == code


def test_list_databases(ask: Ask, fruit: None) -> None:
    reply = ask({"listDatabases": 1}, "admin")
    found = {each["name"]: each for each in reply["databases"]}
    assert list(found) == ["admin", "config", "local", "shop"]
    assert found["shop"]["sizeOnDisk"] == reply["totalSize"] == ask({"dbStats": 1})["dataSize"] > 0
    assert [type(reply["totalSize"]), type(reply["totalSizeMb"]), type(found["shop"]["sizeOnDisk"])] == [Int64] * 3
    assert (found["shop"]["empty"], found["local"]["empty"]) == (False, True)


def test_list_databases_by_name_alone(ask: Ask, fruit: None) -> None:
    reply = ask({"listDatabases": 1, "nameOnly": 1.0, "filter": {"name": {"$regex": "^s"}}}, "admin")
    assert reply == {"databases": [{"name": "shop"}], "ok": 1.0}


def test_list_indexes(ask: Ask, fruit: None) -> None:
    reply = ask({"listIndexes": "fruit"})["cursor"]
    assert reply == {"firstBatch": [{"v": 2, "key": {"_id": 1}, "name": "_id_"}], "id": 0, "ns": "shop.fruit"}


def test_what_was_done_to_the_catalog_is_there_after_reopening() -> None:
    files, clock = MemoryFiles(), ManualClock()
    instance = Instance.open("data", files=files, clock=clock)
    for database, command in [
        ("shop", {"create": "a", "validationLevel": "off"}),
        ("shop", {"insert": "b", "documents": [{"_id": 1}]}),
        ("shop", {"create": "c"}),
        ("admin", {"renameCollection": "shop.b", "to": "store.b"}),
        ("shop", {"drop": "c"}),
        ("gone", {"create": "a"}),
        ("gone", {"dropDatabase": 1}),
    ]:
        instance.run_command(database, encode(command))
    instance.close()
    reopened = Instance.open("data", files=files, clock=clock)
    found = {name: (each.options, each.count) for name, each in reopened.store.catalog.by_namespace.items()}
    reopened.close()
    assert found == {"shop.a": ({"validationLevel": "off"}, 0), "store.b": ({}, 1)}
