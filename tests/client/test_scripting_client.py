"""JavaScript through the client: PyMongo's exceptions with the codes of a server with scripting off."""

from __future__ import annotations

import pytest
from bson import ObjectId
from pymongo.errors import OperationFailure, WriteError

from amongo import AsyncCollection


async def test_where(coll: AsyncCollection) -> None:
    await coll.insert_one({"a": 1})
    with pytest.raises(OperationFailure) as caught:
        await coll.find().where("this.a == 1").to_list()
    assert caught.value.code == 6108304
    with pytest.raises(WriteError) as failure:
        await coll.update_one({"$where": "true"}, {"$set": {"a": 2}})
    assert failure.value.code == 6108304


async def test_new_expressions(coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1, "json": '{"n": 7}'})
    await coll.update_one({}, [{"$set": {"id": {"$createObjectId": {}}, "json": {"$toObject": "$json"}}}])
    found = await coll.find_one({}, {"_id": 0, "hash": {"$hexHash": {"input": "hello", "algorithm": "xxh64"}}})
    assert found == {"hash": "26C7827D889F6DA3"}
    stored = await coll.find_one({})
    assert stored is not None
    assert stored["json"] == {"n": 7}
    assert type(stored["id"]) is ObjectId
