"""collMod: collections, their indexes, views and time series."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Binary, Decimal128, Int64

from amongo.commands.instance import Instance
from amongo.engine.files import MemoryFiles
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode

Document = dict[str, Any]

NAN = float("nan")


def batch(reply: Document) -> list[Document]:
    found: list[Document] = reply["cursor"]["firstBatch"]
    return found


def shown(ask: Ask, name: str) -> Document:
    (found,) = batch(ask({"listCollections": 1, "filter": {"name": name}}))
    return found


def index(ask: Ask, name: str) -> Document:
    (found,) = (each for each in batch(ask({"listIndexes": "plain"})) if each["name"] == name)
    return found


@pytest.fixture(autouse=True)
def _collections(ask: Ask) -> None:
    """One of each kind, `plain` with indexes."""
    ask({"create": "plain"})
    ask({"create": "capped", "capped": True, "size": 4096, "max": 10})
    ask({"create": "clustered", "clusteredIndex": {"key": {"_id": 1}, "unique": True}})
    ask({"create": "series", "timeseries": {"timeField": "t", "metaField": "m"}})
    ask({"create": "view", "viewOn": "plain"})
    indexes = [
        {"key": {"a": 1}, "name": "a_1"},
        {"key": {"b": 1}, "name": "b_1", "expireAfterSeconds": 100},
        {"key": {"a": 1, "b": 1}, "name": "a_1_b_1", "hidden": True},
        {"key": {"c": 1}, "name": "c_1", "unique": True},
        {"key": {"d": 1}, "name": "d_1"},
        {"key": {"d": 1}, "name": "d_1_sparse", "sparse": True},
    ]
    assert ask({"createIndexes": "plain", "indexes": indexes})["ok"] == 1.0


# Any collection


def test_nothing_is_changed_by_nothing(ask: Ask) -> None:
    for name in ("plain", "capped", "clustered", "series", "view"):
        before = shown(ask, name)
        options = dict.fromkeys(("index", "validator", "viewOn", "pipeline", "timeseries", "cappedMax"))
        assert ask({"collMod": name, **options}) == {"ok": 1.0}
        assert shown(ask, name) == before


NAMES: dict[str, tuple[Any, int]] = {
    "missing": ("nowhere", 26),
    "empty": ("", 73),
    "dot": (".a", 73),
    "number": (1, 73),
    "null": (None, 73),
}


@pytest.mark.parametrize("name", NAMES)
def test_names(ask: Ask, name: str) -> None:
    value, code = NAMES[name]
    assert ask({"collMod": value})["code"] == code


OPTIONS: dict[str, tuple[str, Document, int]] = {
    "unknown": ("plain", {"w": 1}, 40415),
    "index type": ("plain", {"index": "a_1"}, 14),
    "validator type": ("plain", {"validator": []}, 14),
    "level type": ("plain", {"validationLevel": 1}, 14),
    "level": ("plain", {"validationLevel": "hard"}, 2),
    "action": ("plain", {"validationAction": "Warn"}, 2),
    "pipeline on a collection": ("plain", {"pipeline": []}, 72),
    "viewOn on a collection": ("plain", {"viewOn": "x"}, 72),
    "empty viewOn": ("view", {"viewOn": ""}, 2),
    "images without enabled": ("plain", {"changeStreamPreAndPostImages": {}}, 40414),
    "images type": ("plain", {"changeStreamPreAndPostImages": {"enabled": 1}}, 14),
    "images on a view": ("view", {"changeStreamPreAndPostImages": {"enabled": False}}, 72),
    "images on a series": ("series", {"changeStreamPreAndPostImages": {"enabled": True}}, 72),
    "validator on a view": ("view", {"validator": {"a": 1}}, 72),
    "validator on a series": ("series", {"validator": {"a": 1}}, 72),
    "level on a series": ("series", {"validationLevel": "moderate"}, 72),
    "lifetime of a plain one": ("plain", {"expireAfterSeconds": 1}, 72),
    "lifetime of a view": ("view", {"expireAfterSeconds": 1}, 72),
    "lifetime type": ("clustered", {"expireAfterSeconds": True}, 14),
    "lifetime word": ("clustered", {"expireAfterSeconds": "on"}, 72),
    "negative lifetime": ("clustered", {"expireAfterSeconds": -1}, 72),
    "endless lifetime": ("series", {"expireAfterSeconds": Int64(2**31)}, 72),
    "size of a plain one": ("plain", {"cappedSize": 4096}, 72),
    "count of a clustered one": ("clustered", {"cappedMax": 1}, 72),
    "size of a view": ("view", {"cappedSize": 4096}, 72),
    "count": ("capped", {"cappedMax": Int64(2**31)}, 2),
    "count type": ("capped", {"cappedMax": True}, 14),
    "series of a plain one": ("plain", {"timeseries": {}}, 72),
    "series of a view": ("view", {"timeseries": {}}, 72),
    "recordPreImages": ("plain", {"recordPreImages": True}, 40415),
    "uuid": ("plain", {"collectionUUID": Binary(bytes(16), 4)}, 361),
    "uuid type": ("plain", {"collectionUUID": "x"}, 14),
    "trial of nothing": ("plain", {"dryRun": True}, 72),
    "trial of hiding": ("plain", {"dryRun": True, "index": {"name": "a_1", "hidden": True}}, 72),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_are_refused(ask: Ask, name: str) -> None:
    target, options, code = OPTIONS[name]
    before = shown(ask, target)
    assert ask({"collMod": target, **options})["code"] == code
    assert shown(ask, target) == before


def test_the_oplog_has_its_own_command(ask: Ask) -> None:
    assert ask({"collMod": "oplog.rs", "cappedSize": 4096}, "local")["code"] == 72


def test_images(ask: Ask) -> None:
    ask({"collMod": "plain", "changeStreamPreAndPostImages": {"enabled": True}})
    assert shown(ask, "plain")["options"] == {"changeStreamPreAndPostImages": {"enabled": True}}
    ask({"collMod": "plain", "changeStreamPreAndPostImages": {"enabled": False}})
    assert shown(ask, "plain")["options"] == {}


def test_limits_of_a_capped_collection(ask: Ask) -> None:
    ask({"insert": "capped", "documents": [{"_id": number} for number in range(5)]})
    assert ask({"collMod": "capped", "cappedMax": 2}) == {"ok": 1.0}
    assert ask({"count": "capped"})["n"] == 5
    ask({"insert": "capped", "documents": [{"_id": 5}]})
    assert [each["_id"] for each in batch(ask({"find": "capped"}))] == [4, 5]


@pytest.mark.parametrize("name", ["clustered", "series"])
def test_lifetime(ask: Ask, name: str) -> None:
    assert ask({"collMod": name, "expireAfterSeconds": 7200}) == {"ok": 1.0}
    assert shown(ask, name)["options"]["expireAfterSeconds"] == Int64(7200)
    assert ask({"collMod": name, "expireAfterSeconds": "off"}) == {"ok": 1.0}
    assert "expireAfterSeconds" not in shown(ask, name)["options"]


# Indexes


CHANGES: dict[str, tuple[Document, Document]] = {
    "hidden": ({"name": "a_1", "hidden": True}, {"hidden_old": False, "hidden_new": True}),
    "hidden, by number": ({"keyPattern": {"a": 1}, "hidden": NAN}, {"hidden_old": False, "hidden_new": True}),
    "shown again": ({"name": "a_1_b_1", "hidden": Decimal128("-0")}, {"hidden_old": True, "hidden_new": False}),
    "hidden already": ({"name": "a_1_b_1", "hidden": True}, {}),
    "lifetime": (
        {"name": "b_1", "expireAfterSeconds": 200},
        {"expireAfterSeconds_old": Int64(100), "expireAfterSeconds_new": Int64(200)},
    ),
    "a first lifetime": ({"name": "a_1", "expireAfterSeconds": 5}, {"expireAfterSeconds_new": Int64(5)}),
    "both": (
        {"name": "b_1", "expireAfterSeconds": 100, "hidden": True},
        {
            "expireAfterSeconds_old": Int64(100),
            "expireAfterSeconds_new": Int64(100),
            "hidden_old": False,
            "hidden_new": True,
        },
    ),
    "prepared": ({"name": "a_1", "prepareUnique": 1}, {"prepareUnique_old": False, "prepareUnique_new": True}),
    "not prepared": (
        {"name": "a_1", "prepareUnique": False, "hidden": True},
        {"hidden_old": False, "hidden_new": True},
    ),
    "unique already": ({"name": "c_1", "unique": True}, {}),
    "unique no more": ({"name": "c_1", "forceNonUnique": True}, {"forceNonUnique_new": True}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_index_is_changed(ask: Ask, name: str) -> None:
    change, expected = CHANGES[name]
    assert ask({"collMod": "plain", "index": change}) == {**expected, "ok": 1.0}
    again = ask({"collMod": "plain", "index": change})
    assert {each.partition("_")[0] for each in again} <= {"ok", "expireAfterSeconds"}


REFUSED: dict[str, tuple[Document, int]] = {
    "nothing": ({}, 72),
    "no index": ({"hidden": True}, 72),
    "two names": ({"name": "a_1", "keyPattern": {"a": 1}, "hidden": True}, 72),
    "no change": ({"name": "a_1", "hidden": None}, 72),
    "unknown": ({"name": "a_1", "sparse": True}, 40415),
    "type": ({"name": "a_1", "hidden": "true"}, 14),
    "no such name": ({"name": "z", "hidden": True}, 27),
    "no such pattern": ({"keyPattern": {"b": 1, "a": 1}, "hidden": True}, 27),
    "two such patterns": ({"keyPattern": {"d": 1}, "hidden": True}, 181),
    "the _id index": ({"name": "_id_", "hidden": True}, 2),
    "lifetime of _id": ({"name": "_id_", "expireAfterSeconds": 1}, 72),
    "lifetime of two fields": ({"name": "a_1_b_1", "expireAfterSeconds": 1}, 72),
    "negative lifetime": ({"name": "b_1", "expireAfterSeconds": -1}, 72),
    "not unique": ({"name": "c_1", "unique": False}, 2),
    "unprepared": ({"name": "a_1", "unique": True}, 72),
    "prepared and more": ({"name": "a_1", "prepareUnique": True, "hidden": True}, 72),
    "both ways": ({"name": "c_1", "unique": True, "forceNonUnique": True}, 72),
    "not forced": ({"name": "c_1", "forceNonUnique": False}, 2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_changes_of_an_index_that_are_refused(ask: Ask, name: str) -> None:
    change, code = REFUSED[name]
    before = batch(ask({"listIndexes": "plain"}))
    assert ask({"collMod": "plain", "index": change})["code"] == code
    assert batch(ask({"listIndexes": "plain"})) == before


def test_indexes_of_other_kinds_of_collections(ask: Ask) -> None:
    hidden = {"name": "_id_", "hidden": True}
    assert ask({"collMod": "clustered", "index": hidden})["code"] == 6011800
    assert ask({"collMod": "clustered", "index": {"keyPattern": {"_id": 1}, "expireAfterSeconds": 1}})["code"] == 27
    assert ask({"collMod": "view", "index": hidden})["code"] == 72
    assert ask({"collMod": "series", "index": {"name": "m_1_t_1", "expireAfterSeconds": 1}})["code"] == 72
    assert ask({"collMod": "series", "index": {"keyPattern": {"m": 1, "t": 1}, "hidden": True}})["hidden_new"] is True
    ask({"createIndexes": "capped", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})
    assert ask({"collMod": "capped", "index": {"name": "a_1", "expireAfterSeconds": 1}})["code"] == 72


def test_becoming_unique(ask: Ask) -> None:
    ask({"insert": "plain", "documents": [{"_id": 1, "a": 1, "c": 1}, {"_id": 2, "a": 1, "c": 2}]})
    ask({"collMod": "plain", "index": {"name": "a_1", "prepareUnique": True}})
    assert index(ask, "a_1")["prepareUnique"] is True
    for options in ({}, {"dryRun": True}):
        reply = ask({"collMod": "plain", "index": {"name": "a_1", "unique": True}, **options})
        assert reply["code"] == 359
        assert reply["violations"] == [{"ids": [1, 2]}]
    ask({"delete": "plain", "deletes": [{"q": {"_id": 2}, "limit": 1}]})
    trial = {"collMod": "plain", "index": {"name": "a_1", "unique": True}, "dryRun": True}
    assert ask(trial) == {"ok": 1.0}
    assert ask({**trial, "validationLevel": "off"})["code"] == 72
    assert "unique" not in index(ask, "a_1")
    assert ask({"collMod": "plain", "index": {"name": "a_1", "unique": True}}) == {"unique_new": True, "ok": 1.0}
    assert index(ask, "a_1") == {"v": 2, "key": {"a": 1}, "name": "a_1", "unique": True}
    reply = ask({"insert": "plain", "documents": [{"_id": 3, "a": 1, "c": 3}]})
    assert reply["writeErrors"][0]["code"] == 11000


# Views and time series


def test_a_view_gets_another_definition(ask: Ask) -> None:
    ask({"insert": "plain", "documents": [{"_id": 1, "c": 1}, {"_id": 2, "c": 2}]})
    assert ask({"collMod": "view", "pipeline": [{"$match": {"_id": 2}}, None]}) == {"ok": 1.0}
    assert [each["_id"] for each in batch(ask({"find": "view"}))] == [2]
    assert ask({"collMod": "view", "viewOn": "capped"}) == {"ok": 1.0}
    assert shown(ask, "view")["options"] == {"viewOn": "capped", "pipeline": [{"$match": {"_id": 2}}]}
    assert ask({"collMod": "view", "pipeline": [{"$out": "x"}]})["code"] == 167
    assert ask({"collMod": "view", "viewOn": "view"})["code"] == 5


BUCKETS: dict[str, tuple[Document, Document, int]] = {
    "same": ({"granularity": "minutes"}, {"granularity": "minutes"}, 0),
    "longer": ({"granularity": "minutes"}, {"granularity": "hours"}, 0),
    "shorter": ({"granularity": "minutes"}, {"granularity": "seconds"}, 72),
    "custom": ({}, {"bucketMaxSpanSeconds": 7200, "bucketRoundingSeconds": 7200}, 0),
    "shorter custom": ({}, {"bucketMaxSpanSeconds": 300, "bucketRoundingSeconds": 300}, 72),
    "one of two": ({}, {"bucketMaxSpanSeconds": 7200}, 72),
    "unequal": ({}, {"bucketMaxSpanSeconds": 7200, "bucketRoundingSeconds": 3600}, 72),
    "both kinds": ({}, {"granularity": "hours", "bucketMaxSpanSeconds": 1, "bucketRoundingSeconds": 1}, 72),
    "time field": ({}, {"timeField": "t"}, 40415),
    "granularity": ({}, {"granularity": "days"}, 2),
    "type": ({}, {"granularity": 1}, 14),
}


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_get_longer(ask: Ask, name: str) -> None:
    options, change, code = BUCKETS[name]
    ask({"create": "s", "timeseries": {"timeField": "t", **options}})
    assert ask({"collMod": "s", "timeseries": change}).get("code", 0) == code
    series = shown(ask, "s")["options"]["timeseries"]
    assert code or change.items() <= series.items()


def test_changes_are_there_after_opening_again(clock: ManualClock) -> None:
    files = MemoryFiles()
    first = Instance.open("data", files=files, clock=clock)
    for command in (
        {"createIndexes": "a", "indexes": [{"key": {"a": 1}, "name": "a_1"}]},
        {"collMod": "a", "index": {"name": "a_1", "hidden": True}, "validationLevel": "moderate"},
    ):
        first.run_command("shop", encode(command))
    listed = decode(encode(first.run_command("shop", encode({"listCollections": 1}))))
    indexes = decode(encode(first.run_command("shop", encode({"listIndexes": "a"}))))
    assert batch(indexes)[1]["hidden"] is True
    first.close()
    second = Instance.open("data", files=files, clock=clock)
    assert decode(encode(second.run_command("shop", encode({"listCollections": 1})))) == listed
    assert decode(encode(second.run_command("shop", encode({"listIndexes": "a"})))) == indexes
    second.close()
