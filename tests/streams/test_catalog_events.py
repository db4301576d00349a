"""Events of collections, indexes, databases and views: who sees which, and when a stream ends."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary
from watching import EXPANDED, SHOP, World, kinds, told

from amongo.streams.options import Scope

FRUIT = {"db": "shop", "coll": "fruit"}
ID_INDEX = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
CLUSTER = Scope()
EXPIRY = "expireAfterSeconds"


@pytest.fixture
def fruit(world: World) -> World:
    """`shop.fruit`, which is empty."""
    world.ask({"create": "fruit"})
    world.skip()
    return world


def uuid_of(world: World, namespace: str) -> Binary:
    return Binary(world.instance.store.catalog.by_namespace[namespace].uuid, 4)


class TestCollections:
    def test_create(self, world: World) -> None:
        world.ask({"create": "fruit", "capped": True, "size": 4096})
        (event,) = world.events(EXPANDED)
        assert list(event.document) == [
            "_id",
            "operationType",
            "clusterTime",
            "collectionUUID",
            "wallTime",
            "ns",
            "operationDescription",
        ]
        assert told(event) == {
            "operationType": "create",
            "ns": FRUIT,
            "operationDescription": {"capped": True, "size": 4096, "idIndex": ID_INDEX},
        }
        assert event.document["collectionUUID"] == uuid_of(world, "shop.fruit")

    def test_create_with_a_collation(self, world: World) -> None:
        world.ask({"create": "fruit", "collation": {"locale": "fr"}})
        description = world.events(EXPANDED)[0].document["operationDescription"]
        assert description["idIndex"] == ID_INDEX | {"collation": description["collation"]}

    def test_create_clustered(self, world: World) -> None:
        world.ask({"create": "fruit", "clusteredIndex": {"key": {"_id": 1}, "unique": True}})
        description = world.events(EXPANDED)[0].document["operationDescription"]
        assert "idIndex" not in description
        assert description["clusteredIndex"]["key"] == {"_id": 1}

    def test_an_insert_creates(self, world: World) -> None:
        world.ask({"insert": "fruit", "documents": [{"_id": 1}]})
        assert kinds(world.events(EXPANDED)) == ["create", "insert"]
        assert kinds(world.events()) == ["insert"]

    def test_drop(self, fruit: World) -> None:
        identity = uuid_of(fruit, "shop.fruit")
        fruit.ask({"drop": "fruit"})
        (event,) = fruit.events(EXPANDED)
        assert told(event) == {"operationType": "drop", "ns": FRUIT}
        assert event.document["collectionUUID"] == identity
        assert told(fruit.events()[0]) == told(event)

    def test_rename(self, fruit: World) -> None:
        fruit.ask({"renameCollection": "shop.fruit", "to": "shop.pears"}, "admin")
        (event,) = fruit.events()
        to = {"db": "shop", "coll": "pears"}
        assert list(event.document) == ["to", "_id", "operationType", "clusterTime", "wallTime", "ns"]
        assert told(event) == {"to": to, "operationType": "rename", "ns": FRUIT}
        (event,) = fruit.events(EXPANDED)
        assert event.document["operationDescription"] == {"to": to}

    def test_rename_over_another(self, fruit: World) -> None:
        fruit.ask({"create": "pears"})
        fruit.skip()
        dropped = uuid_of(fruit, "shop.pears")
        fruit.ask({"renameCollection": "shop.fruit", "to": "shop.pears", "dropTarget": True}, "admin")
        (event,) = fruit.events(EXPANDED)
        assert event.document["operationDescription"] == {"to": {"db": "shop", "coll": "pears"}, "dropTarget": dropped}

    def test_drop_database(self, fruit: World) -> None:
        fruit.ask({"create": "pears"})
        fruit.ask({"create": "far"}, "elsewhere")
        fruit.skip()
        fruit.ask({"dropDatabase": 1})
        first, second, third = fruit.events(EXPANDED, CLUSTER)
        assert [told(first), told(second)] == [
            {"operationType": "drop", "ns": FRUIT},
            {"operationType": "drop", "ns": {"db": "shop", "coll": "pears"}},
        ]
        assert told(third) == {"operationType": "dropDatabase", "ns": {"db": "shop"}}
        assert "collectionUUID" not in third.document
        assert fruit.events(EXPANDED, Scope("elsewhere")) == []

    def test_convert_to_capped(self, fruit: World) -> None:
        old = uuid_of(fruit, "shop.fruit")
        fruit.ask({"convertToCapped": "fruit", "size": 4096})
        (event,) = fruit.events(EXPANDED)
        assert event.document["to"] == FRUIT
        assert event.document["ns"]["coll"].endswith(".convertToCapped.fruit")
        assert event.document["operationDescription"] == {"to": FRUIT, "dropTarget": old}
        assert event.document["collectionUUID"] == uuid_of(fruit, "shop.fruit") != old

    def test_out_takes_the_place_of_a_collection(self, fruit: World) -> None:
        fruit.ask({"aggregate": "fruit", "pipeline": [{"$out": "fruit"}], "cursor": {}})
        events = fruit.events(EXPANDED)
        assert kinds(events) == ["create", "rename"]
        assert events[1].document["to"] == FRUIT


class TestModify:
    def test_validator(self, fruit: World) -> None:
        fruit.ask({"collMod": "fruit", "validator": {"x": 1}})
        fruit.ask({"collMod": "fruit", "validationLevel": "off"})
        first, second = fruit.events(EXPANDED)
        uuid = {"uuid": uuid_of(fruit, "shop.fruit")}
        assert told(first) == {
            "operationType": "modify",
            "ns": FRUIT,
            "operationDescription": {"validator": {"x": 1}},
            "stateBeforeChange": {"collectionOptions": uuid},
        }
        before = uuid | {"validator": {"x": 1}, "validationLevel": "strict", "validationAction": "error"}
        assert second.document["operationDescription"] == {"validationLevel": "off"}
        assert second.document["stateBeforeChange"] == {"collectionOptions": before}

    def test_images(self, fruit: World) -> None:
        fruit.ask({"collMod": "fruit", "changeStreamPreAndPostImages": {"enabled": True}})
        (event,) = fruit.events(EXPANDED)
        assert event.document["operationDescription"] == {"changeStreamPreAndPostImages": {"enabled": True}}

    def test_what_stays_as_it_is_is_told_too(self, fruit: World) -> None:
        for _ in range(2):
            fruit.ask({"collMod": "fruit", "validationLevel": "off"})
        fruit.ask({"collMod": "fruit"})
        events = fruit.events(EXPANDED)
        assert kinds(events) == ["modify"] * 3
        assert events[2].document["operationDescription"] == {}

    INDEXES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = [
        ("hidden", {}, {"hidden": True}, {"hidden": True}, {"hidden": False}),
        ("shown", {"hidden": True}, {"hidden": False}, {"hidden": False}, {"hidden": True}),
        ("expiry", {EXPIRY: 5}, {EXPIRY: 9}, {EXPIRY: 9}, {EXPIRY: 5}),
        ("first expiry", {}, {EXPIRY: 9}, {EXPIRY: 9}, {}),
        ("prepared", {}, {"prepareUnique": True}, {"prepareUnique": True}, {"prepareUnique": False}),
        ("unique", {"prepareUnique": True}, {"unique": True}, {"unique": True}, {}),
    ]  # fmt: skip

    @pytest.mark.parametrize(
        ("index", "asked", "description", "before"), [case[1:] for case in INDEXES], ids=[case[0] for case in INDEXES]
    )
    def test_index(self, fruit: World, index: Any, asked: Any, description: Any, before: Any) -> None:
        fruit.ask({"createIndexes": "fruit", "indexes": [{"key": {"a": 1}, "name": "a_1", **index}]})
        fruit.skip()
        fruit.ask({"collMod": "fruit", "index": {"name": "a_1", **asked}})
        (event,) = fruit.events(EXPANDED)
        assert event.document["operationDescription"] == {"index": {"name": "a_1", **description}}
        assert event.document["stateBeforeChange"]["indexOptions"] == before

    def test_options_and_an_index_together(self, fruit: World) -> None:
        fruit.ask({"createIndexes": "fruit", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})
        fruit.skip()
        fruit.ask({"collMod": "fruit", "validationLevel": "off", "index": {"name": "a_1", "hidden": True}})
        (event,) = fruit.events(EXPANDED)
        index = {"name": "a_1", "hidden": True}
        assert event.document["operationDescription"] == {"validationLevel": "off", "index": index}
        assert event.document["stateBeforeChange"]["indexOptions"] == {"hidden": False}
        collection = fruit.instance.store.catalog.by_namespace["shop.fruit"]
        assert collection.options["validationLevel"] == "off"
        assert collection.indexes["a_1"]["hidden"]

    def test_not_without_expanded_events(self, fruit: World) -> None:
        fruit.ask({"collMod": "fruit", "validator": {"x": 1}})
        fruit.ask({"createIndexes": "fruit", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})
        fruit.ask({"dropIndexes": "fruit", "index": "a_1"})
        assert fruit.events() == []


class TestIndexes:
    A, B = {"key": {"a": 1}, "name": "a_1"}, {"key": {"b": -1}, "name": "b_-1"}

    def test_of_an_empty_collection_are_told_one_by_one(self, fruit: World) -> None:
        fruit.ask({"createIndexes": "fruit", "indexes": [self.A, self.B]})
        first, second = fruit.events(EXPANDED)
        assert told(first) == {
            "operationType": "createIndexes",
            "ns": FRUIT,
            "operationDescription": {"indexes": [{"v": 2, **self.A}]},
        }
        assert second.document["operationDescription"] == {"indexes": [{"v": 2, **self.B}]}

    def test_of_a_filled_collection_are_told_together(self, fruit: World) -> None:
        fruit.ask({"insert": "fruit", "documents": [{"_id": 1}]})
        fruit.skip()
        fruit.ask({"createIndexes": "fruit", "indexes": [self.A, self.B]})
        events = fruit.events(EXPANDED)
        assert [each.document["operationDescription"] for each in events] == [
            {"indexes": [{"v": 2, **self.A}, {"v": 2, **self.B}]}
        ]
        assert fruit.events(EXPANDED, start=events[0].token) == [], "resumed behind it, nothing comes again"

    def test_dropped(self, fruit: World) -> None:
        fruit.ask({"createIndexes": "fruit", "indexes": [self.A, self.B]})
        fruit.skip()
        fruit.ask({"dropIndexes": "fruit", "index": "*"})
        assert [told(event) for event in fruit.events(EXPANDED)] == [
            {
                "operationType": "dropIndexes",
                "ns": FRUIT,
                "operationDescription": {"indexes": [{"v": 2, **index}]},
            }
            for index in (self.A, self.B)
        ]


class TestViews:
    def test_events(self, fruit: World) -> None:
        fruit.ask({"create": "ripe", "viewOn": "fruit", "pipeline": [{"$match": {"ripe": True}}]})
        fruit.ask({"collMod": "ripe", "viewOn": "fruit", "pipeline": []})
        fruit.ask({"drop": "ripe"})
        name = {"db": "shop", "coll": "ripe"}
        create, modify, drop = fruit.events(EXPANDED)
        assert told(create) == {
            "operationType": "create",
            "ns": name,
            "operationDescription": {"viewOn": "fruit", "pipeline": [{"$match": {"ripe": True}}]},
        }
        assert told(modify) == {
            "operationType": "modify",
            "ns": name,
            "operationDescription": {"viewOn": "fruit", "pipeline": []},
        }
        assert told(drop) == {"operationType": "drop", "ns": name}
        assert "collectionUUID" not in create.document

    def test_only_expanded_streams_of_a_database_or_more_see_them(self, fruit: World) -> None:
        fruit.ask({"create": "ripe", "viewOn": "fruit", "pipeline": []})
        assert fruit.events() == []
        assert fruit.events(EXPANDED, Scope("shop", "ripe")) == []
        assert fruit.events(EXPANDED, Scope("elsewhere")) == []
        assert kinds(fruit.events(EXPANDED, CLUSTER)) == ["create"]


class TestInvalidate:
    """A stream on a collection ends when that is dropped or renamed, or another takes its name; one on a database, when
    that is dropped; one on the deployment never."""

    DROP = ({"drop": "fruit"}, "shop")
    RENAME = ({"renameCollection": "shop.fruit", "to": "shop.pears"}, "admin")
    DROP_DATABASE = ({"dropDatabase": 1}, "shop")
    PEARS, OTHER = Scope("shop", "pears"), Scope("shop", "other")
    COLLECTION = Scope("shop", "fruit")

    CASES: list[tuple[str, Any, Scope, list[str]]] = [
        ("drop, its collection", DROP, COLLECTION, ["drop", "invalidate"]),
        ("drop, another collection", DROP, OTHER, []),
        ("drop, its database", DROP, SHOP, ["drop"]),
        ("drop, the deployment", DROP, CLUSTER, ["drop"]),
        ("rename, the source", RENAME, COLLECTION, ["rename", "invalidate"]),
        ("rename, the target", RENAME, PEARS, ["rename", "invalidate"]),
        ("rename, another collection", RENAME, OTHER, []),
        ("rename, its database", RENAME, SHOP, ["rename"]),
        ("dropDatabase, a collection", DROP_DATABASE, COLLECTION, ["drop", "invalidate"]),
        ("dropDatabase, a collection that is not there", DROP_DATABASE, OTHER, []),
        ("dropDatabase, its database", DROP_DATABASE, SHOP, ["drop", "dropDatabase", "invalidate"]),
        ("dropDatabase, the deployment", DROP_DATABASE, CLUSTER, ["drop", "dropDatabase"]),
    ]

    @pytest.mark.parametrize(("asked", "scope", "seen"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
    def test_who_sees_what(self, fruit: World, asked: Any, scope: Scope, seen: list[str]) -> None:
        fruit.ask(*asked)
        fruit.ask({"insert": "fruit", "documents": [{"_id": 1}]})
        events = fruit.events(scope=scope)
        assert [kind for kind in kinds(events) if kind != "insert"] == seen
        assert ("insert" in kinds(events)) == (scope.covers("shop", "fruit", False) and "invalidate" not in seen)

    def test_the_event(self, fruit: World) -> None:
        fruit.ask({"drop": "fruit"})
        drop, invalidate = fruit.events(EXPANDED, self.COLLECTION)
        assert list(invalidate.document) == ["_id", "operationType", "clusterTime", "wallTime"]
        assert invalidate.document["clusterTime"] == drop.document["clusterTime"]
        assert drop.token < invalidate.token
        assert (drop.is_invalidate, invalidate.is_invalidate) == (False, True)

    def test_a_stream_that_starts_behind_an_invalidate_goes_on(self, fruit: World) -> None:
        fruit.ask({"drop": "fruit"})
        fruit.ask({"insert": "fruit", "documents": [{"_id": 1}]})
        drop, invalidate = fruit.events(scope=self.COLLECTION)
        assert kinds(fruit.events(scope=self.COLLECTION, start=invalidate.token)) == ["insert"]
        assert kinds(fruit.events(scope=self.COLLECTION, start=drop.token)) == ["invalidate"]
