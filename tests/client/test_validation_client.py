"""Document validation as code written for PyMongo sees it."""

from __future__ import annotations

import pytest
from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError, OperationFailure, WriteError

from amongo import AsyncCollection, AsyncMongoClient

SCHEMA = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": ["name"],
        "properties": {"name": {"bsonType": "string", "description": "a name is text"}},
    }
}


@pytest.fixture
async def people(client: AsyncMongoClient) -> AsyncCollection:
    """A collection that takes documents with a name."""
    return await client.db.create_collection("people", validator=SCHEMA)


async def test_the_error_tells_why(people: AsyncCollection) -> None:
    with pytest.raises(WriteError, match="Document failed validation") as caught:
        await people.insert_one({"_id": 1, "name": 5})
    assert caught.value.code == 121
    assert caught.value.details is not None
    assert caught.value.details["errInfo"] == {
        "failingDocumentId": 1,
        "details": {
            "operatorName": "$jsonSchema",
            "schemaRulesNotSatisfied": [
                {
                    "operatorName": "properties",
                    "propertiesNotSatisfied": [
                        {
                            "propertyName": "name",
                            "description": "a name is text",
                            "details": [
                                {
                                    "operatorName": "bsonType",
                                    "specifiedAs": {"bsonType": "string"},
                                    "reason": "type did not match",
                                    "consideredValue": 5,
                                    "consideredType": "int",
                                }
                            ],
                        }
                    ],
                }
            ],
        },
    }
    assert await people.count_documents({}) == 0


async def test_every_way_to_write(people: AsyncCollection) -> None:
    await people.insert_one({"_id": 1, "name": "Ada"})
    for attempt in (
        people.update_one({"_id": 1}, {"$unset": {"name": 1}}),
        people.update_one({"_id": 1}, {"$set": {"name": 1}}),
        people.update_many({}, {"$set": {"name": 1}}),
        people.replace_one({"_id": 1}, {"x": 1}),
        people.replace_one({"_id": 2}, {"x": 1}, upsert=True),
    ):
        with pytest.raises(WriteError) as caught:
            await attempt
        assert caught.value.code == 121
    with pytest.raises(OperationFailure) as failed:
        await people.find_one_and_update({"_id": 1}, {"$unset": {"name": 1}})
    assert failed.value.code == 121
    with pytest.raises(BulkWriteError) as bulk:
        await people.bulk_write([InsertOne({"x": 1}), UpdateOne({"_id": 1}, {"$inc": {"n": 1}})], ordered=False)
    assert bulk.value.details["nModified"] == 1
    assert bulk.value.details["writeErrors"][0]["errInfo"]["details"]["operatorName"] == "$jsonSchema"
    assert await people.find().to_list() == [{"_id": 1, "name": "Ada", "n": 1}]


async def test_validation_can_be_bypassed(people: AsyncCollection) -> None:
    await people.insert_one({"_id": 1}, bypass_document_validation=True)
    await people.insert_many([{"_id": 2}, {"_id": 3}], bypass_document_validation=True)
    await people.update_one({"_id": 1}, {"$set": {"x": 1}}, bypass_document_validation=True)
    await people.replace_one({"_id": 2}, {"x": 2}, bypass_document_validation=True)
    await people.bulk_write([UpdateOne({"_id": 3}, {"$set": {"x": 3}})], bypass_document_validation=True)
    await people.find_one_and_update({"_id": 3}, {"$inc": {"x": 1}}, bypassDocumentValidation=True)
    assert [each["x"] async for each in people.find()] == [1, 2, 4]
    with pytest.raises(WriteError):
        await people.insert_one({"_id": 4}, bypass_document_validation=False)


async def test_schemas_in_filters(people: AsyncCollection, client: AsyncMongoClient) -> None:
    await people.insert_many([{"_id": 1, "name": "Ada"}, {"_id": 2, "name": "Alan"}])
    short = {"$jsonSchema": {"properties": {"name": {"maxLength": 3}}}}
    assert await people.count_documents(short) == 1
    assert [each["_id"] async for each in people.find({"$nor": [short]})] == [2]
    assert (await people.delete_many(short)).deleted_count == 1
    assert await people.distinct("name") == ["Alan"]
