"""GridFS on embedded stores: PyMongo's own classes, in both worlds and on both event loops."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from copy import copy, deepcopy
from pathlib import Path
from typing import Any

import gridfs
import pymongo
import pytest
from gridfs.errors import FileExists, NoFile
from pymongo import WriteConcern
from pymongo.errors import ConfigurationError, InvalidOperation

from amongo import AsyncDatabase, AsyncMongoClient, MongoClient
from amongo.integrations.gridfs import AsyncGridFS, AsyncGridFSBucket, GridFS, GridFSBucket

CONTENT = os.urandom(1_000_003)


@pytest.fixture(params=["memory", "local"])
async def files(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncDatabase[Any]]:
    uri = "memory://" if request.param == "memory" else f"local://{tmp_path / 'store'}"
    async with AsyncMongoClient(uri) as client:
        yield client.files


@pytest.mark.anyio
async def test_a_bucket(files: AsyncDatabase[Any]) -> None:
    bucket = AsyncGridFSBucket(files, bucket_name="photos", chunk_size_bytes=100_000)
    identity = await bucket.upload_from_stream("large", CONTENT, metadata={"kind": "bytes"})
    assert await files.photos.chunks.count_documents({}) == 11
    down = await bucket.open_download_stream(identity)
    assert (down.filename, down.length, down.metadata) == ("large", len(CONTENT), {"kind": "bytes"})
    assert await down.read(10) == CONTENT[:10]
    await down.seek(999_999)
    assert await down.read(2) == CONTENT[999_999:1_000_001]
    down = await bucket.open_download_stream(identity)
    assert b"".join([piece async for piece in down]) == CONTENT
    async with bucket.open_upload_stream("large") as up:
        await up.write(b"second")
        await up.write(b" time")
    assert await (await bucket.open_download_stream_by_name("large")).read() == b"second time"
    assert await (await bucket.open_download_stream_by_name("large", revision=0)).read() == CONTENT
    with pytest.raises(ZeroDivisionError):
        async with bucket.open_upload_stream("broken") as up:
            await up.write(b"x" * 500_000)
            raise ZeroDivisionError
    assert await files.photos.files.count_documents({}) == 2
    await bucket.rename(identity, "renamed")
    assert await files.photos.files.distinct("filename") == ["large", "renamed"]
    indexes = await files.photos.chunks.index_information()
    assert indexes["files_id_1_n_1"]["unique"]
    await bucket.delete(identity)
    with pytest.raises(NoFile):
        await bucket.open_download_stream(identity)
    with pytest.raises(NoFile):
        await bucket.delete(identity)


@pytest.mark.anyio
async def test_a_cursor_over_files(files: AsyncDatabase[Any]) -> None:
    bucket = AsyncGridFSBucket(db=files)
    for number in range(5):
        await bucket.upload_from_stream(f"file {number}", b"x" * number, metadata={"even": number % 2 == 0})
    even = bucket.find({"metadata.even": True}).sort("filename", -1)
    assert [file.filename async for file in even] == ["file 4", "file 2", "file 0"]
    assert not even.alive
    assert [file.length for file in await (await even.rewind()).to_list(2)] == [4, 2]
    twin = copy(even).limit(1)
    assert await (await twin.next()).read() == b"xxxx"
    with pytest.raises(StopAsyncIteration):
        await twin.next()
    async with bucket.find({}, skip=1, limit=2, sort=[("filename", 1)]) as cursor:
        assert [file.filename for file in await cursor.to_list()] == ["file 1", "file 2"]
    with pytest.raises(NotImplementedError):
        cursor.add_option(2)


@pytest.mark.anyio
async def test_the_older_class(files: AsyncDatabase[Any]) -> None:
    older = AsyncGridFS(files, collection="older")
    identity = await older.put(CONTENT, filename="bytes", _id="own")
    assert identity == "own"
    with pytest.raises(FileExists):
        await older.put(b"again", _id="own")
    assert await older.exists("own")
    assert await (await older.get("own")).read() == CONTENT
    found = await older.find_one({"filename": "bytes"})
    assert found is not None and found.length == len(CONTENT)
    assert await older.list() == ["bytes"]
    await older.delete("own")
    assert await older.find({}).to_list() == []


@pytest.mark.anyio
async def test_what_is_refused(files: AsyncDatabase[Any]) -> None:
    with pytest.raises(TypeError, match="database must be"):
        AsyncGridFSBucket({})
    with pytest.raises(TypeError, match="database must be"):
        AsyncGridFS(files.collection)
    with pytest.raises(ConfigurationError):
        AsyncGridFSBucket(files.with_options(write_concern=WriteConcern(w=0)))
    async with files.client.start_session() as session, await session.start_transaction():
        with pytest.raises(InvalidOperation, match="transactions"):
            AsyncGridFSBucket(files).find({}, session=session)


def test_files_are_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    with MongoClient(f"local://{tmp_path / 'store'}") as client:
        bucket = GridFSBucket(client.files)
        identity = bucket.upload_from_stream("bytes", CONTENT)
        with bucket.open_upload_stream_with_id(7, "seven") as up:
            up.write(b"7")
        assert [file.filename for file in bucket.find({}).sort("filename", 1)] == ["bytes", "seven"]
        with bucket.find({}, limit=1) as cursor:
            assert cursor.next().filename == "bytes"
        assert [file.length for file in bucket.find({"_id": 7}).to_list()] == [1]
        assert bucket.find({}).sort("filename", 1)[1].read() == b"7"
        assert [file.filename for file in deepcopy(bucket.find({}).sort("filename", 1))[:1]] == ["bytes"]
    with MongoClient(f"local://{tmp_path / 'store'}") as client:
        assert GridFSBucket(client.files).open_download_stream(identity).read() == CONTENT
        older = GridFS(client.files)
        assert older.list() == ["bytes", "seven"]
        assert older.get_last_version("seven").read() == b"7"


def test_on_a_database_of_pymongo_they_are_pymongos() -> None:
    client: pymongo.MongoClient[Any] = pymongo.MongoClient("mongodb://localhost:1", connect=False)
    assert type(GridFSBucket(client.files)) is gridfs.GridFSBucket
    assert type(GridFS(database=client.files)) is gridfs.GridFS
    other: pymongo.AsyncMongoClient[Any] = pymongo.AsyncMongoClient("mongodb://localhost:1", connect=False)
    assert type(AsyncGridFSBucket(other.files, chunk_size_bytes=10)) is gridfs.AsyncGridFSBucket
    assert type(AsyncGridFS(other.files)) is gridfs.AsyncGridFS
    client.close()
