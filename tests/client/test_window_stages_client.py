"""Window functions, gaps and percentiles through the client, over several batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pymongo.errors import ExecutionTimeout, OperationFailure

from amongo import AsyncCollection


async def test_running_totals(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "shop": n % 3, "sold": 1} for n in range(300)])
    window = {"documents": [-1, "current"]}
    stages = [
        {
            "$setWindowFields": {
                "partitionBy": "$shop",
                "sortBy": {"_id": -1},
                "output": {"two": {"$sum": "$sold", "window": window}, "place": {"$rank": {}}},
            }
        },
        {"$match": {"place": {"$lte": 2}}},
    ]
    found = await (await coll.aggregate(stages, batchSize=2)).to_list()
    assert [(each["_id"], each["two"], each["place"]) for each in found] == [
        (297, 1, 1),
        (294, 2, 2),
        (298, 1, 1),
        (295, 2, 2),
        (299, 1, 1),
        (296, 2, 2),
    ]


async def test_gaps_are_filled(coll: AsyncCollection) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    await coll.insert_many([{"day": start, "v": 1}, {"day": start + timedelta(days=3), "v": 7}])
    stages = [
        {"$densify": {"field": "day", "range": {"step": 1, "unit": "day", "bounds": "full"}}},
        {"$fill": {"sortBy": {"day": 1}, "output": {"v": {"method": "linear"}}}},
        {"$group": {"_id": None, "middle": {"$median": {"input": "$v", "method": "approximate"}}, "n": {"$sum": 1}}},
    ]
    assert await (await coll.aggregate(stages)).to_list() == [{"_id": None, "middle": 3.0, "n": 4}]


async def test_errors_and_time_limits(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n} for n in range(3000)])
    with pytest.raises(OperationFailure) as caught:
        await coll.aggregate([{"$setWindowFields": {"output": {"n": {"$rank": {}}}}}])
    assert caught.value.code == 5371602
    every = {"n": {"$push": "$$ROOT", "window": {"documents": ["unbounded", "current"]}}}
    stages = [{"$setWindowFields": {"sortBy": {"_id": 1}, "output": every}}, {"$match": {"_id": -1}}]
    with pytest.raises(ExecutionTimeout):
        await coll.aggregate([*stages, *stages, *stages], maxTimeMS=5)


async def test_ranks_by_score(coll: AsyncCollection) -> None:
    """The score of a search passes through, and documents may be ranked by it."""
    await coll.create_index([("t", "text")])
    await coll.insert_many([{"_id": 1, "t": "tea"}, {"_id": 2, "t": "tea tea"}, {"_id": 3, "t": "milk"}])
    stages = [
        {"$match": {"$text": {"$search": "tea"}}},
        {"$setWindowFields": {"sortBy": {"score": {"$meta": "textScore"}}, "output": {"place": {"$rank": {}}}}},
        {"$project": {"place": 1, "is_high": {"$gt": [{"$meta": "textScore"}, 1.2]}}},
    ]
    found = await (await coll.aggregate(stages)).to_list()
    assert [(each["_id"], each["place"]) for each in found] == [(2, 1), (1, 2)]
    assert [each["is_high"] for each in found] == [True, False]
