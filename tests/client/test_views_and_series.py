"""Views, time series and collMod as a user of the client meets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import CollectionInvalid, OperationFailure, WriteError

from amongo import AsyncMongoClient

pytestmark = pytest.mark.anyio

START = datetime(2024, 1, 1)


async def test_a_view_is_read_like_a_collection() -> None:
    client: AsyncMongoClient[Any] = AsyncMongoClient("memory://")
    async with client:
        shop = client.shop
        await shop.fruit.insert_many([{"_id": number, "n": number % 3} for number in range(300)])
        await shop.create_collection("some", viewOn="fruit", pipeline=[{"$match": {"n": 1}}])
        with pytest.raises(CollectionInvalid):
            await shop.create_collection("some")
        assert await shop.some.find_one({"_id": 1}) == {"_id": 1, "n": 1}
        assert await shop.some.find_one({"_id": 2}) is None
        assert len(await shop.some.find(batch_size=7).to_list()) == await shop.some.count_documents({}) == 100
        assert await shop.some.estimated_document_count() == 100
        assert await shop.some.distinct("n") == [1]
        assert await shop.some.options() == {"viewOn": "fruit", "pipeline": [{"$match": {"n": 1}}]}
        assert sorted(await shop.list_collection_names()) == ["fruit", "some", "system.views"]


async def test_a_view_is_not_written() -> None:
    client: AsyncMongoClient[Any] = AsyncMongoClient("memory://")
    async with client:
        shop = client.shop
        await shop.create_collection("some", viewOn="fruit")
        for write in (
            shop.some.insert_one({"_id": 1}),
            shop.some.update_one({"_id": 1}, {"$set": {"a": 1}}),
            shop.some.update_one({"_id": 1}, {"$set": {"a": 1}}, upsert=True),
            shop.some.replace_one({"_id": 1}, {"a": 1}),
            shop.some.delete_many({}),
        ):
            with pytest.raises(WriteError) as caught:
                await write
            assert caught.value.code == 166
        for refused in (shop.some.create_index("a"), shop.some.rename("few"), shop.some.find_one_and_delete({})):
            with pytest.raises(OperationFailure) as failed:
                await refused
            assert failed.value.code == 166
        await shop.some.drop()
        assert "some" not in await shop.list_collection_names()


async def test_measurements_of_a_time_series() -> None:
    client: AsyncMongoClient[Any] = AsyncMongoClient("memory://")
    async with client:
        series = await client.shop.create_collection("weather", timeseries={"timeField": "t", "metaField": "place"})
        await series.insert_many(
            {"_id": 0, "t": START + timedelta(minutes=number), "place": number % 2, "v": number} for number in range(10)
        )
        inserted = await series.insert_one({"t": START, "v": 10})
        assert (await series.find_one({"_id": inserted.inserted_id})) == {
            "t": START,
            "_id": inserted.inserted_id,
            "v": 10,
        }
        assert [each["v"] async for each in series.find({"place": 1}, sort=[("t", -1)], limit=2)] == [9, 7]
        assert (await series.update_many({"place": 1}, {"$set": {"place": 5}})).modified_count == 5
        assert (await series.delete_one({"v": 3})).deleted_count == 1
        assert await series.count_documents({"place": 5}) == 4
        with pytest.raises(WriteError) as caught:
            await series.insert_one({"v": 1})
        assert caught.value.code == 2
        with pytest.raises(WriteError) as caught:
            await series.update_one({"place": 1}, {"$set": {"place": 2}})
        assert caught.value.code == 72
        assert set(await series.index_information()) == {"place_1_t_1"}


async def test_times_are_as_the_codec_options_want_them() -> None:
    client: AsyncMongoClient[Any] = AsyncMongoClient("memory://", tz_aware=True)
    async with client:
        await client.shop.create_collection("weather", timeseries={"timeField": "t"})
        await client.shop.weather.insert_one({"t": START})
        found = await client.shop.weather.find_one({})
        assert found is not None and found["t"] == START.replace(tzinfo=UTC)


async def test_coll_mod() -> None:
    client: AsyncMongoClient[Any] = AsyncMongoClient("memory://")
    async with client:
        shop = client.shop
        await shop.fruit.create_index("a", name="a")
        reply = await shop.command("collMod", "fruit", index={"name": "a", "hidden": True})
        assert (reply["hidden_old"], reply["hidden_new"], reply["ok"]) == (False, True, 1.0)
        with pytest.raises(OperationFailure) as caught:
            await shop.command("collMod", "fruit", index={"name": "b", "hidden": True})
        assert caught.value.code == 27
