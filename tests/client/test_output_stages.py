"""$merge and $out as a user of the client meets them: collections that are written by a pipeline."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import WriteConcern
from pymongo.errors import DuplicateKeyError, OperationFailure

from amongo import AsyncCollection, AsyncMongoClient

pytestmark = pytest.mark.anyio

OLD = [{"_id": 1, "k": "a", "old": 1}, {"_id": 2, "k": "b", "old": 2}]
NEW = [{"_id": 2, "k": "b", "new": 2}, {"_id": 3, "k": "c", "new": 3}]


async def merged(client: AsyncMongoClient[Any], stage: Any, target: str = "target") -> list[dict[str, Any]]:
    """The target after a $merge of NEW into OLD."""
    await client.db.source.insert_many(NEW)
    await client.db.target.insert_many(OLD)
    await client.db.target.create_index("k", unique=True)
    assert await (await client.db.source.aggregate([{"$merge": stage}])).to_list() == []
    return await client.db[target].find(sort=[("_id", 1)]).to_list()


MERGED: list[tuple[str, dict[str, Any], list[dict[str, Any]]]] = [
    ("as it is", {}, [OLD[0], {"_id": 2, "k": "b", "old": 2, "new": 2}, NEW[1]]),
    ("replace", {"whenMatched": "replace"}, [OLD[0], *NEW]),
    ("keep", {"whenMatched": "keepExisting"}, [*OLD, NEW[1]]),
    ("discard", {"whenNotMatched": "discard"}, [OLD[0], {"_id": 2, "k": "b", "old": 2, "new": 2}]),
    (
        "a pipeline",
        {"whenMatched": [{"$set": {"sum": {"$add": ["$old", "$$new.new", "$$more"]}}}], "let": {"more": "$new"}},
        [OLD[0], {"_id": 2, "k": "b", "old": 2, "sum": 6}, NEW[1]],
    ),
    ("by another field", {"on": "k", "whenMatched": "keepExisting"}, [*OLD, NEW[1]]),
]


@pytest.mark.parametrize(("name", "spec", "expected"), MERGED, ids=[case[0] for case in MERGED])
async def test_merge(
    client: AsyncMongoClient[Any], name: str, spec: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    assert await merged(client, {"into": "target", **spec}) == expected


FAILING: list[tuple[str, dict[str, Any], int, list[dict[str, Any]]]] = [
    ("a match", {"whenMatched": "fail"}, 11000, [*OLD, NEW[1]]),
    ("no match", {"whenNotMatched": "fail"}, 13113, [OLD[0], {"_id": 2, "k": "b", "old": 2, "new": 2}]),
    ("no unique index", {"on": "old"}, 51183, OLD),
    ("a system collection", {"into": "system.x"}, 31319, OLD),
    ("a database of the server", {"into": {"db": "admin", "coll": "x"}}, 31320, OLD),
    ("no name", {"into": ".x"}, 73, OLD),
]


@pytest.mark.parametrize(("name", "spec", "code", "left"), FAILING, ids=[case[0] for case in FAILING])
async def test_failing_merge(
    client: AsyncMongoClient[Any], name: str, spec: dict[str, Any], code: int, left: list[dict[str, Any]]
) -> None:
    with pytest.raises(OperationFailure) as caught:
        await merged(client, {"into": "target", **spec})
    assert caught.value.code == code
    assert await client.db.target.find(sort=[("_id", 1)]).to_list() == left


async def test_merge_into_its_own_collection(coll: AsyncCollection[Any]) -> None:
    await coll.insert_many([{"_id": number} for number in range(3000)])
    await coll.aggregate([{"$set": {"n": {"$multiply": ["$_id", 2]}}}, {"$merge": "coll"}])
    assert await coll.count_documents({"$expr": {"$eq": ["$n", {"$multiply": ["$_id", 2]}]}}) == 3000


async def test_merge_gives_documents_an_id(client: AsyncMongoClient[Any]) -> None:
    await client.db.source.insert_one({"_id": 1, "a": 1})
    await client.db.source.aggregate([{"$unset": "_id"}, {"$merge": {"into": {"db": "other", "coll": "c"}}}])
    (document,) = await client.other.c.find().to_list()
    assert document["a"] == 1
    assert "_id" in document


async def test_merge_obeys_the_validator_or_not(client: AsyncMongoClient[Any]) -> None:
    await client.db.create_collection("target", validator={"a": {"$type": "int"}})
    await client.db.source.insert_one({"_id": 1, "a": "x"})
    for stage in ({"$merge": "target"}, {"$merge": {"into": "target", "whenMatched": "fail"}}, {"$out": "target"}):
        with pytest.raises(OperationFailure) as caught:
            await client.db.source.aggregate([stage])
        assert caught.value.code == 121
        assert await client.db.target.count_documents({}) == 0
        await client.db.source.aggregate([stage], bypassDocumentValidation=True)
        assert await client.db.target.count_documents({}) == 1
        await client.db.target.delete_many({})


async def test_out_replaces_documents_and_nothing_else(client: AsyncMongoClient[Any]) -> None:
    await client.db.create_collection("target", collation={"locale": "fr"})
    await client.db.target.insert_many(OLD)
    await client.db.target.create_index("k", unique=True)
    await client.db.source.insert_many(NEW)
    assert await (await client.db.source.aggregate([{"$out": "target"}])).to_list() == []
    assert await client.db.target.find().to_list() == NEW
    assert (await client.db.target.options())["collation"]["locale"] == "fr"
    assert await client.db.target.find_one({"k": "c"}, hint="k_1") == NEW[1]
    assert sorted(await client.db.target.index_information()) == ["_id_", "k_1"]
    assert sorted(await client.db.list_collection_names()) == ["source", "target"]


async def test_a_failing_out_leaves_everything_as_it_was(client: AsyncMongoClient[Any]) -> None:
    await client.db.target.insert_many(OLD)
    await client.db.source.insert_many(NEW)
    for stages in (
        [{"$set": {"_id": 1}}, {"$out": "target"}],
        [{"$set": {"x": {"$divide": [1, {"$subtract": ["$_id", 3]}]}}}, {"$out": "target"}],
    ):
        with pytest.raises(OperationFailure):
            await client.db.source.aggregate(stages)
        assert await client.db.target.find().to_list() == OLD
        assert sorted(await client.db.list_collection_names()) == ["source", "target"]
    with pytest.raises(DuplicateKeyError):
        await client.db.source.aggregate([{"$set": {"_id": 1}}, {"$out": "never"}])
    assert "never" not in await client.db.list_collection_names()


async def test_out_makes_a_time_series(client: AsyncMongoClient[Any]) -> None:
    moments = [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2)]
    await client.db.source.insert_many([{"_id": number, "t": moment} for number, moment in enumerate(moments)])
    target = {"db": "db", "coll": "series", "timeseries": {"timeField": "t"}}
    for days in (2, 1):
        await client.db.source.aggregate([{"$limit": days}, {"$out": target}])
        (shown,) = await (await client.db.list_collections(filter={"name": "series"})).to_list()
        assert shown["type"] == "timeseries"
        assert await client.db.series.count_documents({}) == days
    await client.db.source.aggregate([{"$out": "series"}])
    assert await client.db.series.count_documents({"t": moments[1].replace(tzinfo=None)}) == 1
    for stage, code in (
        ({"$out": {**target, "coll": "source"}}, 7268700),
        ({"$out": {**target, "timeseries": {"timeField": "other"}}}, 7406103),
        ({"$merge": "series"}, 166),
    ):
        with pytest.raises(OperationFailure) as caught:
            await client.db.source.aggregate([stage])
        assert caught.value.code == code


async def test_what_out_cannot_replace(client: AsyncMongoClient[Any]) -> None:
    await client.db.source.insert_many(NEW)
    await client.db.create_collection("view", viewOn="source")
    await client.db.create_collection("capped", capped=True, size=4096)
    for target, code in (("view", 166), ("capped", 17152), ("a$b", 20), ("x" * 255, 20), ("system.x", 17385)):
        with pytest.raises(OperationFailure) as caught:
            await client.db.source.aggregate([{"$out": target}])
        assert caught.value.code == code
    assert await (await client.db.view.aggregate([{"$out": "copy"}])).to_list() == []
    assert await client.db.copy.find().to_list() == NEW


async def test_what_is_written_lasts(tmp_path: Path, anyio_backend: str) -> None:
    uri = f"local://{tmp_path}/store"
    async with AsyncMongoClient(uri) as client:
        source = client.db.get_collection("source", write_concern=WriteConcern(j=True))
        await source.insert_many(NEW)
        await source.aggregate([{"$out": "out"}])
        await source.aggregate([{"$merge": "merged"}])
    async with AsyncMongoClient(uri) as client:
        assert await client.db.out.find().to_list() == NEW
        assert await client.db.merged.find().to_list() == NEW
        assert sorted(await client.db.list_collection_names()) == ["merged", "out", "source"]


async def test_rank_fusion_on_views(client: AsyncMongoClient[Any]) -> None:
    await client.db.source.insert_many(NEW)
    await client.db.create_collection("view", viewOn="source", pipeline=[{"$match": {"_id": {"$gt": 2}}}])
    stages = [
        {"$rankFusion": {"input": {"pipelines": {"p": [{"$sort": {"new": -1}}]}}}},
        {"$project": {"_id": 1, "s": {"$meta": "score"}}},
    ]
    assert await (await client.db.source.aggregate(stages)).to_list() == [
        {"_id": 3, "s": 1 / 61},
        {"_id": 2, "s": 1 / 62},
    ]
    assert await (await client.db.view.aggregate(stages)).to_list() == [{"_id": 3, "s": 1 / 61}]
