"""validate: every document, every index, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask

from amongo.commands.instance import Instance
from amongo.engine.indexes import entry_of
from amongo.values.codec import encode


@pytest.fixture
def indexed(ask: Ask, fruit: None) -> None:
    """Indexes on `shop.fruit`."""
    indexes = [{"key": {"n": 1}, "name": "n_1"}, {"key": {"tags": 1, "n": -1}, "name": "tags", "sparse": True}]
    assert ask({"createIndexes": "fruit", "indexes": indexes})["ok"] == 1.0


def test_validate_looks_at_every_document(ask: Ask, fruit: None) -> None:
    reply = ask({"validate": "fruit", "scandata": False, "full": True})
    assert (reply["ns"], reply["valid"], reply["errors"]) == ("shop.fruit", True, [])
    assert (reply["nrecords"], reply["nIndexes"], reply["keysPerIndex"]) == (5, 1, {"_id_": 5})
    assert reply["indexDetails"]["_id_"] == {"valid": True, "spec": {"v": 2, "key": {"_id": 1}, "name": "_id_"}}


def test_validate_finds_what_is_wrong(instance: Instance, ask: Ask, fruit: None) -> None:
    collection = instance.store.catalog.by_namespace["shop.fruit"]
    collection.replace(2, encode({"_id": 77}))  # behind the index's back
    collection.replace(4, b"\x06\x00\x00\x00\x00\x00")
    reply = ask({"validate": "fruit"})
    assert (reply["valid"], reply["nInvalidDocuments"], reply["corruptRecords"]) == (False, 1, [4])
    assert len(reply["errors"]) == 2 and reply["errors"][0] == "record 2 is not found under its _id"


def test_validate_of_the_catalog_alone(ask: Ask, fruit: None) -> None:
    reply = ask({"validate": "fruit", "metadata": True})
    assert reply["valid"] is True and "nrecords" not in reply


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"metadata": True, "full": True}, 72),
        ({"repair": True}, 72),
        ({"background": 1}, None),
        ({"background": True, "full": True}, 72),
        ({"background": False}, None),
        ({"unknown": 1, "checkBSONConformance": "yes"}, None),
    ],
)
def test_validate_options(ask: Ask, fruit: None, options: dict[str, Any], code: int | None) -> None:
    assert ask({"validate": "fruit", **options}).get("code") == code


def test_validate_of_what_is_not_there(ask: Ask) -> None:
    assert ask({"validate": "nowhere"})["code"] == 26
    assert ask({"validate": 1})["code"] == 73


def test_the_keys_of_every_index(ask: Ask, indexed: None) -> None:
    reply = ask({"validate": "fruit"})
    assert reply["valid"] is True
    assert (reply["nIndexes"], reply["keysPerIndex"]) == (3, {"_id_": 5, "n_1": 5, "tags": 7})
    assert [part["valid"] for part in reply["indexDetails"].values()] == [True] * 3


def test_an_index_that_is_wrong(instance: Instance, ask: Ask, indexed: None) -> None:
    secondary = instance.store.catalog.by_namespace["shop.fruit"].secondary
    assert secondary is not None
    index = secondary.indexes[0]
    first = next(iter(index.entries.view()))
    index.entries.discard(first)
    index.entries.add(entry_of(b"\x7f", 3))
    index.entries.add(entry_of(b"\x7f", 99))
    reply = ask({"validate": "fruit"})
    assert reply["valid"] is False
    assert reply["missingIndexEntries"] == [{"indexName": "n_1", "recordId": 4, "idKey": {"_id": 4}}]
    assert reply["extraIndexEntries"] == [{"indexName": "n_1", "recordId": 3}, {"indexName": "n_1", "recordId": 99}]
    assert {name: part["valid"] for name, part in reply["indexDetails"].items()} == {
        "_id_": True,
        "n_1": False,
        "tags": True,
    }


def test_conformance(instance: Instance, ask: Ask, fruit: None) -> None:
    collection = instance.store.catalog.by_namespace["shop.fruit"]
    collection.replace(2, encode({"_id": 2, "a": 1, "b": 2}).replace(b"\x10b\0", b"\x10a\0"))
    assert ask({"validate": "fruit"})["nNonCompliantDocuments"] == 0
    reply = ask({"validate": "fruit", "checkBSONConformance": True})
    assert (reply["valid"], reply["nNonCompliantDocuments"], len(reply["warnings"])) == (True, 1, 1)


def test_a_view_is_not_validated(ask: Ask, fruit: None) -> None:
    ask({"create": "v", "viewOn": "fruit"})
    assert ask({"validate": "v"})["code"] == 166
