"""Collations as users of the client meet them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymongo import ASCENDING, DeleteOne, InsertOne, UpdateMany
from pymongo.collation import Collation, CollationCaseFirst, CollationStrength
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from amongo import AsyncMongoClient

pytestmark = pytest.mark.anyio

_BLIND = Collation("en", strength=CollationStrength.SECONDARY)


async def test_operations_take_a_collation(client: AsyncMongoClient) -> None:
    people = client.db.people
    await people.insert_many([{"_id": each, "n": len(each)} for each in ("Émile", "emile", "ZOE", "zoe", "äbc")])
    accents = Collation("en", strength=CollationStrength.PRIMARY)
    assert await people.count_documents({"_id": "EMILE"}, collation=accents) == 2
    assert (await people.find_one({"_id": "EMILE"}, collation=_BLIND))["_id"] == "emile"
    found = await people.find().sort("_id", ASCENDING).collation(Collation("sv")).to_list()
    assert [each["_id"] for each in found] == ["emile", "Émile", "zoe", "ZOE", "äbc"]
    upper = Collation("en", caseFirst=CollationCaseFirst.UPPER)
    found = await people.find({"n": 3}).sort("_id").collation(upper).to_list()
    assert [each["_id"] for each in found] == ["äbc", "ZOE", "zoe"]
    assert await people.distinct("_id", {"n": 3}, collation=_BLIND) == ["äbc", "ZOE"]
    group = [{"$group": {"_id": "$_id", "n": {"$sum": 1}}}, {"$match": {"n": 2}}]
    assert len(await (await people.aggregate(group, collation=accents)).to_list()) == 2
    assert (await people.update_many({"_id": "zoe"}, {"$set": {"n": 0}}, collation=_BLIND)).modified_count == 2
    assert (await people.find_one_and_delete({"_id": "ZoE"}, collation=_BLIND))["n"] == 0
    requests = [UpdateMany({"_id": "ZOE"}, {"$inc": {"n": 5}}, collation=_BLIND), DeleteOne({"_id": "EMILE"})]
    result = await people.bulk_write(requests)
    assert (result.modified_count, result.deleted_count) == (1, 0)
    with pytest.raises(OperationFailure) as raised:
        await people.find_one({}, collation=Collation("en_GB"))
    assert raised.value.code == 2


async def test_a_collection_with_a_collation_outlives_its_client(tmp_path: Path, anyio_backend: str) -> None:
    uri = f"local://{tmp_path}/store"
    async with AsyncMongoClient(uri) as client:
        users = await client.db.create_collection("users", collation=_BLIND)
        await users.insert_one({"_id": "Ada", "tags": ["X"]})
        await users.insert_many([{"_id": "bob"}, {"_id": "Cy"}, {"_id": 4}])
        await users.delete_one({"_id": "CY"})
    async with AsyncMongoClient(uri) as client:
        users = client.db.users
        assert (await users.options())["collation"]["strength"] == 2
        assert (await users.find_one({"_id": "ADA"}))["_id"] == "Ada"
        assert (await users.find_one("BOB"))["_id"] == "bob"
        assert await users.find_one({"_id": "cy"}) is None
        assert (await users.find_one({"_id": 4}))["_id"] == 4
        assert (await users.update_one({"_id": "aDA"}, {"$set": {"n": 1}})).modified_count == 1
        assert (await users.update_one({"_id": "ada"}, {"$addToSet": {"tags": "x"}})).modified_count == 0
        with pytest.raises(DuplicateKeyError):
            await users.insert_one({"_id": "ADA"})
        with pytest.raises(BulkWriteError):
            await users.bulk_write([InsertOne({"_id": "new"}), InsertOne({"_id": "BOB"})])
        assert (await users.delete_one({"_id": "NEW"})).deleted_count == 1
        assert await users.count_documents({}) == 3
