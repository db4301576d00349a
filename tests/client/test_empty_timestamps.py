"""A top-level field with an empty timestamp gets the present cluster time. Source: manual, BSON Types, Timestamps."""

from typing import Any

import pytest
from bson import Timestamp

from amongo import AsyncMongoClient

pytestmark = pytest.mark.anyio
EMPTY = Timestamp(0, 0)


def document(number: Any) -> dict[str, Any]:
    return {"_id": number, "a": EMPTY, "b": {"c": EMPTY}, "d": [EMPTY], "e": "\x11", "f": EMPTY}


@pytest.mark.parametrize("count", [1, 3])
async def test_insert(count: int) -> None:
    async with AsyncMongoClient("memory://") as client:
        coll = client.db.coll
        documents = [document(number) for number in range(count)]
        if count == 1:
            await coll.insert_one(documents[0])
        else:
            await coll.insert_many(documents)
        found = await coll.find().to_list()
    given = [each[name] for each in found for name in ("a", "f")]
    assert given == sorted(set(given))
    assert given[0] > Timestamp(1_700_000_000, 0)
    assert [list((each | {"a": EMPTY, "f": EMPTY}).items()) for each in found] == [
        list(each.items()) for each in documents
    ]


async def test_an_id_and_what_is_not_empty_stay() -> None:
    async with AsyncMongoClient("memory://") as client:
        inserted = {"_id": EMPTY, "g": Timestamp(0, 1)}
        await client.db.coll.insert_one(inserted)
        assert await client.db.coll.find_one() == inserted
