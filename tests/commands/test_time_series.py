"""Time series collections: options, measurements in and out, what can be changed of them."""

from __future__ import annotations

import random
from typing import Any

import pytest
from asking import Ask
from bson import Int64
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from amongo.commands.instance import Instance
from amongo.engine.files import MemoryFiles
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode

Document = dict[str, Any]

START_MS = 1_704_067_200_000  # 2024-01-01
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


def batch(reply: Document) -> list[Document]:
    found: list[Document] = reply["cursor"]["firstBatch"]
    return found


def at(offset_ms: int, sensor: Any = "a", **fields: Any) -> Document:
    return {"t": DatetimeMS(START_MS + offset_ms), "sensor": sensor, **fields}


@pytest.fixture(autouse=True)
def _weather(ask: Ask) -> None:
    ask({"create": "weather", "timeseries": {"timeField": "t", "metaField": "sensor"}})


def insert(ask: Ask, *measurements: Document, ordered: bool = True) -> Document:
    return ask({"insert": "weather", "documents": list(measurements), "ordered": ordered})


def values(ask: Ask, **find: Any) -> list[Any]:
    return [each.get("v") for each in batch(ask({"find": "weather", **find}))]


# Options

OPTIONS: dict[str, tuple[Document, Document]] = {
    "plain": ({}, {"granularity": "seconds", "bucketMaxSpanSeconds": 3600}),
    "minutes": ({"granularity": "minutes"}, {"granularity": "minutes", "bucketMaxSpanSeconds": 86400}),
    "with its own span": (
        {"granularity": "hours", "bucketMaxSpanSeconds": 2592000},
        {"granularity": "hours", "bucketMaxSpanSeconds": 2592000},
    ),
    "custom": (
        {"metaField": "m", "bucketMaxSpanSeconds": 300.9, "bucketRoundingSeconds": Int64(300)},
        {"metaField": "m", "bucketRoundingSeconds": 300, "bucketMaxSpanSeconds": 300},
    ),
    "nulls": ({"metaField": None, "granularity": None}, {"granularity": "seconds", "bucketMaxSpanSeconds": 3600}),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_shown_with_defaults(ask: Ask, name: str) -> None:
    options, expected = OPTIONS[name]
    ask({"create": "s", "timeseries": {"timeField": "t", **options}, "expireAfterSeconds": 60})
    (found,) = batch(ask({"listCollections": 1, "filter": {"name": "s"}}))
    expected = {"timeseries": {"timeField": "t", **expected}, "expireAfterSeconds": Int64(60)}
    assert found == {"name": "s", "type": "timeseries", "options": expected, "info": {"readOnly": False}}
    (buckets,) = batch(ask({"listCollections": 1, "filter": {"name": "system.buckets.s"}}))
    assert buckets["type"] == "collection" and "idIndex" not in buckets and "uuid" in buckets["info"]
    assert buckets["options"]["clusteredIndex"] is True
    assert buckets["options"]["timeseries"] == expected["timeseries"]


WRONG_OPTIONS: dict[str, tuple[Document, int]] = {
    "no time field": ({"timeField": None}, 40414),
    "dotted": ({"timeField": "a.b"}, 72),
    "dotted metadata": ({"metaField": "a.b"}, 72),
    "NUL": ({"timeField": "a\0b"}, 2),
    "metadata is _id": ({"metaField": "_id"}, 72),
    "metadata is time": ({"metaField": "t"}, 72),
    "granularity": ({"granularity": "days"}, 2),
    "one of two": ({"bucketMaxSpanSeconds": 60}, 72),
    "unequal": ({"bucketMaxSpanSeconds": 60, "bucketRoundingSeconds": 30}, 72),
    "both kinds": ({"granularity": "hours", "bucketMaxSpanSeconds": 60, "bucketRoundingSeconds": 60}, 72),
    "too short": ({"bucketMaxSpanSeconds": 0, "bucketRoundingSeconds": 0}, 2),
    "too long": ({"bucketMaxSpanSeconds": 31536001, "bucketRoundingSeconds": 31536001}, 2),
    "unknown": ({"x": 1}, 40415),
}


@pytest.mark.parametrize("name", WRONG_OPTIONS)
def test_wrong_options(ask: Ask, name: str) -> None:
    options, code = WRONG_OPTIONS[name]
    assert ask({"create": "s", "timeseries": {"timeField": "t", **options}})["code"] == code


# Inserting and reading


def test_measurements_show_time_and_metadata_first(ask: Ask) -> None:
    insert(ask, {"v": 1, "sensor": {"b": 1, "a": [{"d": 1, "c": 2}]}, "_id": 7, "t": DatetimeMS(START_MS)})
    (found,) = batch(ask({"find": "weather"}))
    assert list(found) == ["t", "sensor", "_id", "v"]
    assert list(found["sensor"]) == ["a", "b"] and list(found["sensor"]["a"][0]) == ["c", "d"]


def test_ids_need_not_be_unique_and_are_given_where_missing(ask: Ask) -> None:
    assert insert(ask, at(0, _id=1, v=1), at(1, _id=1, v=2), at(2, v=3))["n"] == 3
    assert insert(ask, at(3, _id=1, v=4))["n"] == 1
    assert values(ask, filter={"_id": 1}) == [1, 2, 4]
    assert all("_id" in each for each in batch(ask({"find": "weather"})))


WITHOUT_TIME: dict[str, Document] = {
    "missing": {"sensor": 1},
    "null": {"t": None},
    "number": {"t": 5},
    "array": {"t": [DatetimeMS(0)]},
}


@pytest.mark.parametrize("name", WITHOUT_TIME)
def test_a_measurement_has_a_time(ask: Ask, name: str) -> None:
    reply = insert(ask, at(0, v=1), WITHOUT_TIME[name], at(1, v=2))
    assert (reply["n"], reply["writeErrors"][0]["index"], reply["writeErrors"][0]["code"]) == (1, 1, 2)
    reply = insert(ask, at(0, v=3), WITHOUT_TIME[name], at(1, v=4), ordered=False)
    assert (reply["n"], len(reply["writeErrors"])) == (2, 1)
    assert sorted(values(ask)) == [1, 3, 4]


def test_measurements_of_one_insert_come_out_by_time(ask: Ask) -> None:
    insert(ask, at(5000, v=5), at(1000, v=1), at(3000, v=3))
    insert(ask, at(2000, v=2))
    assert values(ask) == [1, 3, 5, 2]


def test_measurements_come_out_bucket_by_bucket(ask: Ask) -> None:
    insert(ask, at(0, "b", v=1), at(0, "a", v=2), at(1, "b", v=3), at(2 * HOUR_MS, "a", v=4), at(1, "a", v=5))
    insert(ask, at(-MINUTE_MS, "a", v=6))
    assert values(ask) == [6, 1, 3, 2, 5, 4]
    assert ask({"collStats": "weather"})["timeseries"]["bucketCount"] == 4
    assert values(ask, sort={"$natural": -1}) == [4, 2, 5, 1, 3, 6]


def test_a_bucket_is_full_after_a_thousand(ask: Ask) -> None:
    insert(ask, *(at(1000 - number, v=number) for number in range(1001)))
    assert ask({"collStats": "weather"})["timeseries"]["bucketCount"] == 2
    assert values(ask, limit=2) == [999, 998]
    assert values(ask, skip=1000) == [1000]


READS: dict[str, tuple[Document, Any]] = {
    "filter": ({"find": "weather", "filter": {"v": {"$gt": 1}}}, [2, 3]),
    "sort": ({"find": "weather", "sort": {"v": -1}}, [3, 2, 1]),
    "metadata": ({"find": "weather", "filter": {"sensor": "b"}}, [3]),
    "aggregate": ({"aggregate": "weather", "pipeline": [{"$match": {"v": 2}}], "cursor": {}}, [2]),
}


@pytest.mark.parametrize("name", READS)
def test_reading(ask: Ask, name: str) -> None:
    insert(ask, at(0, v=1), at(1, v=2), at(2, "b", v=3))
    command, expected = READS[name]
    assert [each["v"] for each in batch(ask(command))] == expected
    assert ask({"count": "weather", "query": {"sensor": "a"}})["n"] == 2
    assert ask({"distinct": "weather", "key": "sensor"})["values"] == ["a", "b"]


def test_views_and_lookups_read_measurements(ask: Ask) -> None:
    insert(ask, at(0, v=1), at(1, v=2))
    ask({"create": "late", "viewOn": "weather", "pipeline": [{"$match": {"v": 2}}]})
    assert [each["v"] for each in batch(ask({"find": "late"}))] == [2]
    stage = {"$lookup": {"from": "weather", "pipeline": [], "as": "all"}}
    (found,) = batch(ask({"aggregate": 1, "pipeline": [{"$documents": [{}]}, stage], "cursor": {}}))
    assert [each["v"] for each in found["all"]] == [1, 2]


def test_the_buckets_are_not_there(ask: Ask) -> None:
    for command in (
        {"find": "system.buckets.weather"},
        {"aggregate": "system.buckets.weather", "pipeline": [], "cursor": {}},
        {"insert": "system.buckets.weather", "documents": [{}]},
    ):
        reply = ask(command)
        assert (reply.get("writeErrors") or [reply])[0]["code"] == 115
    assert ask({"drop": "system.buckets.weather"})["code"] == 20


def test_near_and_tailable_are_refused(ask: Ask) -> None:
    assert ask({"find": "weather", "tailable": True})["code"] == 168
    assert ask({"find": "weather", "hint": "none"})["code"] == 2
    assert values(ask, hint="sensor_1_t_1") == []


@given(st.lists(st.tuples(st.integers(-10, 10), st.sampled_from("abc")), max_size=40), st.randoms())
def test_nothing_is_lost_and_order_is_stable(points: list[tuple[int, str]], dice: random.Random) -> None:
    instance = Instance.open(None, clock=ManualClock())

    def run(command: Document) -> Document:
        return decode(encode(instance.run_command("shop", encode(command))))

    run({"create": "s", "timeseries": {"timeField": "t", "metaField": "sensor"}})
    left = [at(hours * HOUR_MS // 4, sensor, v=place) for place, (hours, sensor) in enumerate(points)]
    while left:
        count = dice.randint(1, len(left))
        run({"insert": "s", "documents": left[:count]})
        left = left[count:]
    found = batch(run({"find": "s", "batchSize": 100}))
    assert sorted(each["v"] for each in found) == list(range(len(points)))
    assert found == batch(run({"find": "s", "batchSize": 100}))
    together = [each["sensor"] for each in batch(run({"aggregate": "s", "pipeline": [], "cursor": {}}))]
    assert together == [each["sensor"] for each in found]
    instance.close()


# Changing


def test_metadata_can_be_updated(ask: Ask) -> None:
    insert(ask, at(0, {"room": 1}, v=1), at(1, {"room": 1}, v=2), at(2, {"room": 2}, v=3))
    update = {"q": {"sensor.room": 1}, "u": {"$set": {"sensor.floor": 3}}, "multi": True}
    reply = ask({"update": "weather", "updates": [update]})
    assert (reply["n"], reply["nModified"]) == (2, 2)
    assert ask({"update": "weather", "updates": [update]})["nModified"] == 0
    assert values(ask, filter={"sensor.floor": 3}) == [1, 2]


UPDATES: dict[str, Document] = {
    "one": {"q": {}, "u": {"$set": {"sensor": 1}}},
    "upsert": {"q": {}, "u": {"$set": {"sensor": 1}}, "multi": True, "upsert": True},
    "another field": {"q": {}, "u": {"$set": {"v": 1}}, "multi": True},
    "renamed to another field": {"q": {}, "u": {"$rename": {"sensor": "v"}}, "multi": True},
    "by another field": {"q": {"v": 1}, "u": {"$set": {"sensor": 1}}, "multi": True},
    "by another field, inside": {"q": {"$or": [{"v": 1}]}, "u": {"$set": {"sensor": 1}}, "multi": True},
    "by an expression": {"q": {"$expr": True}, "u": {"$set": {"sensor": 1}}, "multi": True},
    "pipeline": {"q": {}, "u": [{"$set": {"sensor": 1}}], "multi": True},
    "replacement": {"q": {}, "u": {"sensor": 1}, "multi": True},
}


@pytest.mark.parametrize("name", UPDATES)
def test_nothing_else_can(ask: Ask, name: str) -> None:
    insert(ask, at(0, v=1))
    (error,) = ask({"update": "weather", "updates": [UPDATES[name]]})["writeErrors"]
    assert error["code"] == 72
    assert ask({"findAndModify": "weather", "query": {}, "update": {"$set": {"sensor": 1}}})["code"] == 72


def test_without_metadata_nothing_is_updated(ask: Ask) -> None:
    ask({"create": "s", "timeseries": {"timeField": "t"}})
    update = {"q": {}, "u": {"$set": {"sensor": 1}}, "multi": True}
    assert ask({"update": "s", "updates": [update]})["writeErrors"][0]["code"] == 72


def test_measurements_are_deleted_by_any_filter(ask: Ask) -> None:
    insert(ask, at(0, v=1), at(1, v=2), at(2, v=2), at(3, v=3))
    assert ask({"delete": "weather", "deletes": [{"q": {"v": 2}, "limit": 1}]})["n"] == 1
    assert values(ask) == [1, 2, 3]
    assert ask({"delete": "weather", "deletes": [{"q": {"v": {"$lt": 3}}, "limit": 0}]})["n"] == 2
    removed = ask({"findAndModify": "weather", "query": {"v": 3}, "remove": True, "fields": {"v": 1, "_id": 0}})
    assert removed["value"] == {"v": 3} and removed["lastErrorObject"] == {"n": 1}
    assert ask({"findAndModify": "weather", "query": {}, "remove": True})["value"] is None
    assert ask({"findAndModify": "weather", "query": {}, "remove": True, "sort": {"v": 1}})["code"] == 72


# Indexes


INDEXES: dict[str, tuple[Document, int]] = {
    "text": ({"key": {"v": "text"}}, 72),
    "unique": ({"key": {"v": 1}, "unique": True}, 72),
    "sparse": ({"key": {"v": 1}, "sparse": True}, 72),
    "lifetime": ({"key": {"t": 1}, "expireAfterSeconds": 1}, 72),
    "hashed": ({"key": {"v": "hashed"}}, 67),
    "plane": ({"key": {"v": "2d"}}, 67),
    "wildcard": ({"key": {"$**": 1}}, 7246201),
    "field": ({"key": {"v": -1}}, 0),
    "sphere": ({"key": {"v": "2dsphere"}}, 0),
    "sparse metadata": ({"key": {"sensor.a": 1}, "sparse": True}, 0),
    "hashed metadata": ({"key": {"sensor": "hashed"}}, 0),
    "lifetime by metadata": (
        {"key": {"t": 1}, "expireAfterSeconds": 1, "partialFilterExpression": {"sensor": 1}},
        0,
    ),
}


@pytest.mark.parametrize("name", INDEXES)
def test_indexes(ask: Ask, name: str) -> None:
    insert(ask, at(0, v=[1, 2]))
    definition, code = INDEXES[name]
    reply = ask({"createIndexes": "weather", "indexes": [{"name": "new", **definition}]})
    assert reply.get("code", 0) == code
    names = [each["name"] for each in batch(ask({"listIndexes": "weather"}))]
    assert names == ["sensor_1_t_1"] + ["new"] * (not code)
    if not code:
        assert ask({"collMod": "weather", "index": {"name": "new", "hidden": True}})["hidden_new"] is True
        assert ask({"dropIndexes": "weather", "index": "new"}) == {"nIndexesWas": 2, "ok": 1.0}


# The collection


def test_dropping(ask: Ask) -> None:
    assert ask({"drop": "system.views"})["code"] == 125
    assert ask({"renameCollection": "shop.weather", "to": "shop.w"}, "admin")["code"] == 20
    insert(ask, at(0, v=1))
    assert ask({"drop": "weather"}) == {"nIndexesWas": 1, "ns": "shop.weather", "ok": 1.0}
    assert values(ask) == []
    ask({"create": "weather", "timeseries": {"timeField": "t"}})
    assert values(ask) == []


def test_measurements_are_there_after_opening_again(clock: ManualClock) -> None:
    files = MemoryFiles()
    first = Instance.open("data", files=files, clock=clock)
    first.run_command("shop", encode({"create": "s", "timeseries": {"timeField": "t", "metaField": "sensor"}}))
    first.run_command("shop", encode({"insert": "s", "documents": [at(2, v=2), at(1, v=1)]}))
    first.run_command("shop", encode({"collMod": "s", "timeseries": {"granularity": "hours"}}))
    first.close()
    second = Instance.open("data", files=files, clock=clock)
    second.run_command("shop", encode({"insert": "s", "documents": [at(0, v=3)]}))
    reply = decode(encode(second.run_command("shop", encode({"find": "s"}))))
    assert sorted(each["v"] for each in batch(reply)) == [1, 2, 3]
    shown = second.run_command("shop", encode({"listCollections": 1, "filter": {"name": "s"}}))
    assert batch(decode(encode(shown)))[0]["options"]["timeseries"]["granularity"] == "hours"
    second.close()
