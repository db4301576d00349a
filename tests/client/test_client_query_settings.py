"""Query settings as a user of the client meets them."""

from __future__ import annotations

import pytest
from pymongo.errors import OperationFailure

from amongo import AsyncMongoClient

FIND = {"find": "fruit", "filter": {"n": 4}, "$db": "shop"}


async def test_a_query_is_rejected_until_its_settings_are_removed(client: AsyncMongoClient) -> None:
    fruit = client.shop.fruit
    await fruit.insert_one({"n": 4})
    await client.admin.command({"setQuerySettings": FIND, "settings": {"reject": True}})
    with pytest.raises(OperationFailure) as caught:
        await fruit.find({"n": 5}).to_list()
    assert caught.value.code == 411
    assert await fruit.find({"m": 5}).to_list() == []
    (shown,) = await (await client.admin.aggregate([{"$querySettings": {}}])).to_list()
    assert shown["representativeQuery"] == FIND
    await client.admin.command("removeQuerySettings", shown["queryShapeHash"])
    assert len(await fruit.find({"n": 4}).to_list()) == 1
