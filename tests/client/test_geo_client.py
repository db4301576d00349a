"""Geospatial queries as users write them: indexes, finds by distance, writes, and the $geoNear stage."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import OperationFailure, WriteError

from amongo import AsyncCollection, AsyncMongoClient

pytestmark = pytest.mark.anyio

Document = dict[str, Any]


def at(longitude: float, latitude: float = 0) -> Document:
    return {"type": "Point", "coordinates": [longitude, latitude]}


NEAR = {"at": {"$near": {"$geometry": at(0)}}}
WITHIN_300_KM = {"at": {"$near": {"$geometry": at(0), "$maxDistance": 300_000}}}
DEGREE = 111318.84502145034


@pytest.fixture
async def places(coll: AsyncCollection) -> AsyncCollection:
    """Five places, their `_id`s the degrees they are away from (0, 0)."""
    await coll.create_index([("at", "2dsphere")])
    await coll.insert_many([{"_id": number, "at": at(number), "odd": number % 2} for number in (5, 3, 1, 4, 2)])
    return coll


async def ids(cursor: Any) -> list[Any]:
    return [document["_id"] async for document in cursor]


async def code_of(awaitable: Any) -> int:
    with pytest.raises(OperationFailure) as failure:
        await awaitable
    assert failure.value.code is not None
    return failure.value.code


async def test_the_nearest_comes_first(places: AsyncCollection):
    assert await ids(places.find(NEAR)) == [1, 2, 3, 4, 5]
    assert await ids(places.find(NEAR).skip(1).limit(2)) == [2, 3]
    assert await ids(places.find(NEAR | {"odd": 1})) == [1, 3, 5]
    assert await ids(places.find({"$and": [NEAR, {"odd": 0}]})) == [2, 4]
    assert await ids(places.find({"$or": [NEAR]})) == [1, 2, 3, 4, 5]
    assert await ids(places.find(WITHIN_300_KM)) == [1, 2]


async def test_a_sort_takes_the_place_of_the_distance(places: AsyncCollection):
    assert await ids(places.find(NEAR).sort("_id", -1)) == [5, 4, 3, 2, 1]
    assert await ids(places.find(NEAR).sort([("odd", 1), ("_id", 1)]).limit(3)) == [2, 4, 1]
    assert await ids(places.find(NEAR).sort([("far", {"$meta": "geoNearDistance"})])) == [5, 4, 3, 2, 1]


async def test_what_a_search_says_of_documents(places: AsyncCollection):
    shape = {"far": {"$meta": "geoNearDistance"}, "place": {"$meta": "geoNearPoint"}, "at": 0, "odd": 0}
    found = await places.find(NEAR, shape).limit(1).to_list()
    assert found == [{"_id": 1, "far": DEGREE, "place": at(1)}]
    more = {"more": {"$add": [{"$meta": "geoNearDistance"}, 1]}}
    assert await places.find(NEAR, more).limit(1).to_list() == [{"_id": 1, "more": DEGREE + 1}]
    assert await code_of(places.find({}, {"far": {"$meta": "geoNearDistance"}}).to_list()) == 40218


async def test_commands_that_search_by_distance(places: AsyncCollection, client: AsyncMongoClient):
    assert (await client.db.command("count", "coll", query=WITHIN_300_KM))["n"] == 2
    assert await places.distinct("_id", WITHIN_300_KM) == [1, 2]
    assert (await places.update_many(WITHIN_300_KM, {"$set": {"near": True}})).modified_count == 2
    assert (await places.find_one_and_update(NEAR, {"$set": {"seen": True}}))["_id"] == 1
    assert (await places.delete_one(NEAR)).deleted_count == 1
    assert await ids(places.find(NEAR)) == [2, 3, 4, 5]
    assert (await places.update_one(NEAR | {"odd": 7}, {"$set": {"x": 1}}, upsert=True)).upserted_id is not None


REFUSED = {
    "in $or": ({"$or": [NEAR, {"odd": 1}]}, 2),
    "in $nor": ({"$nor": [NEAR]}, 2),
    "in $not": ({"at": {"$not": NEAR["at"]}}, 2),
    "in $elemMatch": ({"stops": {"$elemMatch": NEAR}}, 2),
    "in $elemMatch of values": ({"stops": {"$elemMatch": NEAR["at"]}}, 2),
    "twice": ({"$and": [NEAR, NEAR]}, 2),
    "not first": ({"at": {"$eq": 1, "$near": [0, 0]}}, 2),
    "of a number": ({"at": {"$near": 1}}, 2),
    "without an index": ({"there": NEAR["at"]}, 291),
    "on the plane without its index": ({"at": {"$near": [0, 0]}}, 291),
}


@pytest.mark.parametrize(("filter", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_where_near_may_not_stand(places: AsyncCollection, filter: Document, code: int):
    assert await code_of(places.find(filter).to_list()) == code


async def test_near_goes_by_no_other_order_than_that_of_an_index(places: AsyncCollection):
    assert await code_of(places.find(NEAR).sort("$natural", 1).to_list()) == 2
    assert await code_of(places.find(NEAR).hint([("$natural", 1)]).to_list()) == 2
    assert await code_of(places.find(NEAR).hint("_id_").to_list()) == 291
    assert await ids(places.find(NEAR).hint("at_2dsphere").limit(1)) == [1]
    await places.drop_index("at_2dsphere")
    assert await code_of(places.find(NEAR).to_list()) == 291


async def test_near_is_no_match_of_a_pipeline(places: AsyncCollection, client: AsyncMongoClient):
    assert await code_of(places.count_documents(NEAR)) == 5626500
    await client.db.command("create", "shown", viewOn="coll", pipeline=[])
    assert await code_of(client.db.shown.find(NEAR).to_list()) == 5626500


async def test_a_partial_index_serves_a_filter_that_says_what_it_says(coll: AsyncCollection):
    await coll.create_index([("at", "2dsphere")], partialFilterExpression={"open": True})
    await coll.insert_many([{"_id": 1, "at": at(1), "open": True}, {"_id": 2, "at": "nowhere"}])
    assert await ids(coll.find(NEAR | {"open": True})) == [1]
    assert await code_of(coll.find(NEAR).to_list()) == 291


async def test_an_index_refuses_what_is_no_place(places: AsyncCollection):
    with pytest.raises(WriteError) as failure:
        await places.insert_one({"_id": 6, "at": at(200)})
    assert failure.value.code == 16755
    assert await places.find_one({"_id": 6}) is None
    with pytest.raises(WriteError):
        await places.update_one({"_id": 1}, {"$set": {"at": "nowhere"}})
    assert await ids(places.find(NEAR).limit(1)) == [1]


async def test_within_and_intersects_need_no_index(coll: AsyncCollection):
    await coll.insert_many([{"_id": 1, "at": at(5, 5)}, {"_id": 2, "at": [50, 50]}, {"_id": 3}])
    square = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]}
    assert await ids(coll.find({"at": {"$geoWithin": {"$geometry": square}}})) == [1]
    assert await ids(coll.find({"at": {"$geoIntersects": {"$geometry": square}}})) == [1]
    assert await coll.count_documents({"at": {"$geoWithin": {"$centerSphere": [[50, 50], 0.1]}}}) == 1
    assert await coll.count_documents({"at": {"$not": {"$geoWithin": {"$box": [[0, 0], [10, 10]]}}}}) == 2


async def rows(coll: AsyncCollection, *stages: Document, **options: Any) -> list[Document]:
    cursor = await coll.aggregate(list(stages), **options)
    return await cursor.to_list()


def geo_near(**options: Any) -> Document:
    return {"$geoNear": {"near": at(0), **options}}


async def test_geo_near_writes_distances_and_places(places: AsyncCollection):
    options = {"distanceMultiplier": 0.001, "maxDistance": 300_000, "query": {"odd": 0}}
    found = await rows(places, geo_near(distanceField="far.km", includeLocs="far.place", **options))
    assert found == [{"_id": 2, "at": at(2), "odd": 0, "far": {"km": 222.6376900429007, "place": at(2)}}]
    assert await rows(places, geo_near(minDistance={"$add": [500_000, 1]}), {"$unset": ["at", "odd"]}) == [{"_id": 5}]


async def test_stages_behind_geo_near_know_the_distance(places: AsyncCollection):
    by_distance = {"$sort": {"far": {"$meta": "geoNearDistance"}}}
    shown = {"$project": {"far": {"$meta": "geoNearDistance"}}}
    assert await rows(places, geo_near(), {"$limit": 2}, by_distance, {"$unset": "odd"}, shown) == [
        {"_id": 2, "far": 2 * DEGREE},
        {"_id": 1, "far": DEGREE},
    ]
    farthest = {"$group": {"_id": None, "far": {"$max": {"$meta": "geoNearDistance"}}}}
    assert await rows(places, geo_near(maxDistance=300_000), farthest) == [{"_id": None, "far": 2 * DEGREE}]
    assert await code_of(rows(places, shown)) == 40218
    assert await code_of(rows(places, geo_near(), {"$facet": {"a": [shown]}})) == 115


async def test_geo_near_in_other_pipelines(places: AsyncCollection, client: AsyncMongoClient):
    homes = client.db.homes
    await homes.insert_one({"_id": "home", "at": at(4.9)})
    nearest = [
        {"$geoNear": {"near": "$$here", "maxDistance": 100_000, "distanceField": "far"}},
        {"$project": {"_id": 1}},
    ]
    lookup = {"$lookup": {"from": "coll", "let": {"here": "$at"}, "pipeline": nearest, "as": "shops"}}
    assert (await rows(homes, lookup))[0]["shops"] == [{"_id": 5}]
    union = {"$unionWith": {"coll": "coll", "pipeline": [geo_near(), {"$limit": 1}]}}
    assert [each["_id"] for each in await rows(homes, union)] == ["home", 1]
    let = {"near": "$$here", "distanceField": "far"}
    assert (await rows(places, {"$geoNear": let}, let={"here": at(5)}))[0]["_id"] == 5
    await client.db.command("create", "nearest", viewOn="coll", pipeline=[geo_near(), {"$project": {"_id": 1}}])
    assert await ids(client.db.nearest.find().limit(2)) == [1, 2]
    lookup = {"$lookup": {"from": "nearest", "pipeline": [{"$limit": 1}], "as": "first"}}
    assert (await rows(homes, lookup))[0]["first"] == [{"_id": 1}]


STAGES_REFUSED = {
    "no document": (1, 10065),
    "an array": ([], 5860400),
    "no point": ({}, 5860400),
    "no collection": ({"near": at(0), "key": "there"}, 291),
    "a number for a point": ({"near": 1}, 5860401),
    "a field for a point": ({"near": "$at"}, 5860402),
    "a field for minDistance": ({"near": at(0), "minDistance": "$a"}, 7555701),
    "a field for maxDistance": ({"near": at(0), "maxDistance": "$a"}, 7555702),
    "a text for maxDistance": ({"near": at(0), "maxDistance": "a"}, 14),
    "negative minDistance": ({"near": at(0), "minDistance": -1}, 2),
    "a number for distanceField": ({"near": at(0), "distanceField": 1}, 16606),
    "a number for includeLocs": ({"near": at(0), "includeLocs": 1}, 16607),
    "negative multiplier": ({"near": at(0), "distanceMultiplier": -1}, 2),
    "a text for multiplier": ({"near": at(0), "distanceMultiplier": "1"}, 14),
    "a number for query": ({"near": at(0), "query": 1}, 14),
    "near in query": ({"near": at(0), "query": NEAR}, 5626500),
    "text in query": ({"near": at(0), "query": {"$or": [{"$text": {"$search": "x"}}]}}, 2),
    "a number for key": ({"near": at(0), "key": 1}, 14),
    "an empty key": ({"near": at(0), "key": ""}, 2),
    "a long key": ({"near": at(0), "key": ".".join("a" * 181)}, 5729100),
    "a deep distanceField": ({"near": at(0), "distanceField": ".".join("a" * 200)}, 5984700),
    "an unknown option": ({"near": at(0), "nearest": 1}, 2),
    "limit": ({"near": at(0), "limit": 1}, 50858),
    "collation": ({"near": at(0), "collation": {}}, 40227),
    "on the plane": ({"near": [0, 0]}, 291),
}


@pytest.mark.parametrize(("stage", "code"), STAGES_REFUSED.values(), ids=STAGES_REFUSED.keys())
async def test_what_geo_near_refuses(places: AsyncCollection, stage: Any, code: int):
    assert await code_of(rows(places, {"$geoNear": stage})) == code


async def test_geo_near_needs_a_collection_with_one_geospatial_index(places: AsyncCollection, client: AsyncMongoClient):
    assert await code_of(rows(client.db.nothing, geo_near())) == 26
    await client.db.plain.insert_one({"at": at(0)})
    assert await code_of(rows(client.db.plain, geo_near())) == 27
    await places.create_index([("there", "2dsphere")])
    assert await code_of(rows(places, geo_near())) == 27
    assert (await rows(places, geo_near(key="at")))[0]["_id"] == 1
    assert await code_of(rows(places, {"$match": {}}, geo_near())) == 40602
    assert await code_of(rows(places, {"$facet": {"a": [geo_near()]}})) == 40600
