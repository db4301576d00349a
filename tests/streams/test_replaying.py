"""Events tell everything: who applies them to an old copy has the present documents, byte for byte, and the catalog."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
from bson import encode as bson_encode
from watching import World
from workloads import Document, random_work

from amongo.streams.events import Event
from amongo.streams.options import Scope
from amongo.values.codec import decode, encode

IMAGES = {"showExpandedEvents": True, "fullDocument": "whenAvailable", "fullDocumentBeforeChange": "whenAvailable"}


@dataclass
class Copy:
    """What a consumer has made of the events.

    collections   by namespace: documents as BSON by the bytes of their `_id`, in natural order
    identities    by namespace: the collection's UUID
    indexes       by namespace: definitions by name
    """

    collections: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    identities: dict[str, bytes] = field(default_factory=dict)
    indexes: dict[str, dict[str, Document]] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        document = decode(event.raw)
        getattr(self, "_" + document["operationType"])(document, _namespace(document["ns"]))

    def _create(self, event: Document, namespace: str) -> None:
        if "viewOn" in event["operationDescription"]:
            return
        self.collections[namespace] = {}
        self.identities[namespace] = bytes(event["collectionUUID"])
        self.indexes[namespace] = {}

    def _drop(self, event: Document, namespace: str) -> None:
        if "collectionUUID" in event:
            assert self.identities[namespace] == bytes(event["collectionUUID"])
            for each in (self.collections, self.identities, self.indexes):
                del each[namespace]

    def _rename(self, event: Document, namespace: str) -> None:
        target = _namespace(event["to"])
        dropped = event["operationDescription"].get("dropTarget")
        assert (target in self.collections) == (dropped is not None)
        assert dropped is None or self.identities[target] == bytes(dropped)
        for each in (self.collections, self.identities, self.indexes):
            each[target] = each.pop(namespace)  # type: ignore[index, attr-defined]

    def _dropDatabase(self, event: Document, namespace: str) -> None:
        assert not [each for each in self.collections if each.startswith(event["ns"]["db"] + ".")], "all were dropped"

    def _createIndexes(self, event: Document, namespace: str) -> None:
        for definition in event["operationDescription"]["indexes"]:
            assert definition["name"] not in self.indexes[namespace]
            self.indexes[namespace][definition["name"]] = definition

    def _dropIndexes(self, event: Document, namespace: str) -> None:
        for definition in event["operationDescription"]["indexes"]:
            assert self.indexes[namespace].pop(definition["name"]) == definition

    def _modify(self, event: Document, namespace: str) -> None:
        if "stateBeforeChange" in event:
            assert bytes(event["stateBeforeChange"]["collectionOptions"]["uuid"]) == self.identities[namespace]

    def _insert(self, event: Document, namespace: str) -> None:
        key = _key(event)
        assert key not in self.collections[namespace]
        self.collections[namespace][key] = encode(event["fullDocument"])

    def _replace(self, event: Document, namespace: str) -> None:
        before = self.collections[namespace][_key(event)]
        assert event["fullDocumentBeforeChange"] in (None, decode(before))
        self.collections[namespace][_key(event)] = encode(event["fullDocument"])

    def _update(self, event: Document, namespace: str) -> None:
        before = self.collections[namespace][_key(event)]
        assert event["fullDocumentBeforeChange"] in (None, decode(before))
        after = updated(decode(before), event["updateDescription"])
        self.collections[namespace][_key(event)] = encode(after)
        if event["fullDocument"] is not None:
            assert encode(event["fullDocument"]) == encode(after)

    def _delete(self, event: Document, namespace: str) -> None:
        before = self.collections[namespace].pop(_key(event))
        assert event["fullDocumentBeforeChange"] in (None, decode(before))


def _namespace(named: Document) -> str:
    return ".".join(named.values())


def _key(event: Document) -> bytes:
    return bson_encode(event["documentKey"])


def updated(document: Document, description: Document) -> Document:
    """The document with an update's description applied."""
    result = deepcopy(document)
    named = description["disambiguatedPaths"]
    for path in description["removedFields"]:
        around, last = _around(result, path, named)
        del around[last]
    for cut in description["truncatedArrays"]:
        around, last = _around(result, cut["field"], named)
        del around[last][cut["newSize"] :]
    for path, value in description["updatedFields"].items():
        around, last = _around(result, path, named)
        if type(around) is list:
            around.extend([None] * (last + 1 - len(around)))
        around[last] = value
    return result


def _around(document: Document, path: str, named: dict[str, list[Any]]) -> tuple[Any, Any]:
    parts = named.get(path) or path.split(".")
    value: Any = document
    for part in parts[:-1]:
        value = value[int(part) if type(value) is list else part]
    last = parts[-1]
    return value, int(last) if type(value) is list else last


def present(world: World) -> Copy:
    """What is there."""
    copy = Copy()
    for namespace, collection in world.instance.store.catalog.by_namespace.items():
        if not namespace.partition(".")[2].startswith("system."):
            documents = {bson_encode({"_id": decode(raw)["_id"]}): raw for raw in collection.view().documents()}
            copy.collections[namespace] = documents
            copy.identities[namespace] = collection.uuid
            copy.indexes[namespace] = {
                name: dict(definition) for name, definition in collection.indexes.items() if name != "_id_"
            }
    return copy


@pytest.mark.parametrize("seed", range(30))
def test_events_make_the_present_store(seed: int) -> None:
    world = World()
    try:
        for step in random_work(seed, 80):
            step(world)
        copy, found = Copy(), present(world)
        for event in world.events(IMAGES, Scope()):
            copy.apply(event)
        assert copy.identities == found.identities
        assert copy.indexes == found.indexes
        for namespace, documents in found.collections.items():
            assert list(copy.collections[namespace].items()) == list(documents.items()), namespace
    finally:
        world.close()
