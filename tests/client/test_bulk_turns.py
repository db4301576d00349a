"""Large operations of a client leave the event loop its turns, and say the same as small ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from bson import ObjectId, encode
from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError

from amongo import AsyncCollection, AsyncMongoClient
from amongo.runtime.limits import CODEC_SLICE_COUNT

COUNT = 6000  # about 20 ms of encoding: some twenty turns


async def turns_during(operation: Any) -> int:
    """How many turns another task of the loop has while the operation runs."""
    turns = 0
    is_over = False

    async def watch() -> None:
        nonlocal turns
        while not is_over:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await anyio.lowlevel.checkpoint()
        before = turns
        await operation
        is_over = True
        return turns - before


@pytest.mark.parametrize("kind", ["memory", "local"])
async def test_a_first_operation_that_is_large_gives_turns(anyio_backend: str, kind: str, tmp_path: Path) -> None:
    uri = "memory://" if kind == "memory" else f"local://{tmp_path / 'store'}"
    async with AsyncMongoClient(uri) as client:
        documents = [{"n": number, "pad": "x" * 200} for number in range(COUNT)]
        assert await turns_during(client.db.coll.insert_many(documents)) >= 5
        assert await client.db.coll.count_documents({}) == COUNT


async def test_raw_documents_give_turns(coll: AsyncCollection) -> None:
    documents = [RawBSONDocument(encode({"_id": number, "pad": "x" * 200})) for number in range(COUNT)]
    assert await turns_during(coll.insert_many(documents)) >= 5


async def test_identities_are_those_of_the_documents(coll: AsyncCollection) -> None:
    count = 3 * CODEC_SLICE_COUNT + 5
    documents: list[dict[str, Any]] = [{"n": number} for number in range(count)]
    for place in (0, 7, CODEC_SLICE_COUNT, count - 1):
        documents[place]["_id"] = place
    result = await coll.insert_many(documents)
    assert result.inserted_ids == [document["_id"] for document in documents]
    assert len(set(result.inserted_ids)) == count
    assert sum(type(each) is ObjectId for each in result.inserted_ids) == count - 4
    assert await coll.find().to_list() == [{"_id": each["_id"], "n": each["n"]} for each in documents]


async def test_the_same_document_twice(coll: AsyncCollection) -> None:
    document: dict[str, Any] = {"n": 1}
    with pytest.raises(BulkWriteError) as caught:
        await coll.insert_many([document, document])
    assert caught.value.details is not None
    assert [failure["index"] for failure in caught.value.details["writeErrors"]] == [1]
    assert await coll.find().to_list() == [document]


async def test_documents_come_from_a_generator(coll: AsyncCollection) -> None:
    def made() -> Iterator[dict[str, Any]]:
        for number in range(2 * CODEC_SLICE_COUNT + 1):
            yield {"_id": number}

    result = await coll.insert_many(made())
    assert result.inserted_ids == list(range(2 * CODEC_SLICE_COUNT + 1))


async def test_nothing_is_inserted_before_all_documents_were_looked_at(coll: AsyncCollection) -> None:
    documents: list[Any] = [{"n": number} for number in range(2 * CODEC_SLICE_COUNT)]
    with pytest.raises(TypeError):
        await coll.insert_many([*documents, "no document"])
    assert await coll.count_documents({}) == 0
    assert all("_id" in document for document in documents)


async def test_reading_it_back_gives_turns(coll: AsyncCollection) -> None:
    await coll.insert_many([{"n": number, "pad": "x" * 200} for number in range(COUNT)])
    assert await turns_during(coll.find().to_list()) >= 5
    assert await turns_during(coll.count_documents({"n": -1})) >= 1
    assert await turns_during(coll.distinct("n")) >= 1
