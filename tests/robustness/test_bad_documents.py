"""Documents that no store may hold: the right error, and nothing written by half."""

from __future__ import annotations

import re
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from bson import Regex
from bson.errors import InvalidDocument
from bson.raw_bson import RawBSONDocument
from pymongo import InsertOne, UpdateMany
from pymongo.errors import (
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    OperationFailure,
    WriteError,
)

from amongo import AsyncCollection, AsyncMongoClient
from amongo.runtime.limits import DOCUMENT_BYTES, NESTING_DEPTH

pytestmark = pytest.mark.anyio

_STANDING = [{"_id": 5, "a": 1}, {"_id": 6, "a": [1, {"b": 2}]}]


@pytest.fixture
async def coll(anyio_backend: str) -> AsyncIterator[AsyncCollection]:
    """A collection of two documents."""
    async with AsyncMongoClient("memory://") as client:
        await client.db.coll.insert_many([dict(each) for each in _STANDING])
        yield client.db.coll


def nested(levels: int) -> dict[str, Any]:
    """A document of so many levels, itself counted."""
    document: dict[str, Any] = {"a": 1}
    for _ in range(levels - 1):
        document = {"a": document}
    return document


def bson_of(elements: bytes) -> bytes:
    """A document of these elements, which may be anything."""
    return struct.pack("<i", len(elements) + 5) + elements + b"\x00"


def raw_nested(levels: int) -> RawBSONDocument:
    """The same as `nested`, made without the codec, which gives up earlier."""
    elements = b"\x10a\x00\x01\x00\x00\x00"
    for _ in range(levels - 1):
        elements = b"\x03a\x00" + bson_of(elements)
    return RawBSONDocument(bson_of(elements))


def raw(elements: bytes) -> RawBSONDocument:
    return RawBSONDocument(bson_of(elements))


_ID = b"\x10_id\x00\x01\x00\x00\x00"
_BIG = "x" * DOCUMENT_BYTES

# What is inserted, the class of the error and its code.
_BAD: list[tuple[str, Callable[[], Any], type[Exception], int | None]] = [
    ("over 16 MiB", lambda: {"a": _BIG}, DocumentTooLarge, None),
    ("101 levels", lambda: nested(NESTING_DEPTH + 1), WriteError, 15),
    ("101 raw levels", lambda: raw_nested(NESTING_DEPTH + 1), WriteError, 15),
    ("190 levels", lambda: nested(190), WriteError, 15),
    ("250 levels", lambda: nested(250), WriteError, 15),
    ("700 levels", lambda: nested(700), WriteError, 15),
    ("700 raw levels", lambda: raw_nested(700), OperationFailure, 15),
    ("20000 raw levels", lambda: raw_nested(20_000), OperationFailure, 15),
    ("array", lambda: {"_id": [1]}, WriteError, 53),
    ("empty array", lambda: {"_id": []}, WriteError, 53),
    ("Regex", lambda: {"_id": Regex("a")}, WriteError, 53),
    ("pattern", lambda: {"_id": re.compile("a")}, WriteError, 53),
    ("undefined", lambda: raw(b"\x06_id\x00"), WriteError, 53),
    ("undefined not first", lambda: raw(b"\x0aa\x00\x06_id\x00"), WriteError, 53),
    ("operator in _id", lambda: {"_id": {"$a": 1}}, WriteError, 52),
    ("NUL in a key", lambda: {"a\x00b": 1}, InvalidDocument, None),
    ("NUL in a nested key", lambda: {"a": [{"a\x00b": 1}]}, InvalidDocument, None),
    ("number for a key", lambda: {1: 1}, InvalidDocument, None),
    ("no BSON", lambda: {"a": {"b": object()}}, InvalidDocument, None),
    ("integer of 65 bits", lambda: {"a": 2**64}, OverflowError, None),
    ("surrogate", lambda: {"a": "\ud800"}, UnicodeEncodeError, None),
    ("invalid UTF-8", lambda: raw(_ID + b"\x02a\x00\x02\x00\x00\x00\xff\x00"), OperationFailure, 22),
    ("invalid UTF-8 in a key", lambda: raw(_ID + b"\x10\xff\xfe\x00\x01\x00\x00\x00"), OperationFailure, 22),
    ("invalid UTF-8 in _id", lambda: raw(b"\x02_id\x00\x02\x00\x00\x00\xff\x00"), OperationFailure, 22),
    ("length past the end", lambda: raw(_ID + b"\x02a\x00\xff\x00\x00\x00b\x00"), OperationFailure, 22),
    ("negative length", lambda: raw(_ID + b"\x02a\x00\xff\xff\xff\xffb\x00"), OperationFailure, 22),
    ("unknown type", lambda: raw(_ID + b"\x55a\x00\x01"), OperationFailure, 22),
    ("element cut off", lambda: raw(_ID + b"\x12a\x00\x01"), OperationFailure, 22),
    ("name without end", lambda: raw(_ID + b"\x12abc"), OperationFailure, 22),
    ("array that does not end", lambda: raw(_ID + b"\x04a\x00\x06\x00\x00\x00\x01\x00"), OperationFailure, 22),
    ("bool of 2", lambda: raw(_ID + b"\x08a\x00\x02"), OperationFailure, 22),
]


def _code(error: BaseException) -> int | None:
    if isinstance(error, BulkWriteError):
        return error.details["writeErrors"][0]["code"]  # type: ignore[no-any-return]
    return getattr(error, "code", None)


@pytest.mark.parametrize(("name", "make", "error", "code"), _BAD, ids=[case[0] for case in _BAD])
async def test_insert(
    coll: AsyncCollection, name: str, make: Callable[[], Any], error: type[Exception], code: int | None
) -> None:
    with pytest.raises(error) as caught:
        await coll.insert_one(make())
    assert type(caught.value) is error
    assert _code(caught.value) == code
    assert await coll.find({"_id": {"$gt": 0}}).to_list() == _STANDING

    # In a batch: what the server refuses stands alone, what cannot be encoded or read spoils the whole batch.
    is_refused_alone = issubclass(error, WriteError)
    for ordered in (True, False):
        with pytest.raises(BulkWriteError if is_refused_alone else error) as caught:
            await coll.insert_many([{"_id": 1}, make(), {"_id": 2}], ordered=ordered)
        assert _code(caught.value) == code
        inserted = ([{"_id": 1}] if ordered else [{"_id": 1}, {"_id": 2}]) if is_refused_alone else []
        assert await coll.find({}).to_list() == _STANDING + inserted
        await coll.delete_many({"_id": {"$lt": 5}})
        assert await coll.find({"_id": {"$gt": 0}}).to_list() == _STANDING


@pytest.mark.parametrize("levels", [NESTING_DEPTH - 1, NESTING_DEPTH])
async def test_deepest_document(coll: AsyncCollection, levels: int) -> None:
    document = nested(levels)
    await coll.insert_many([document, raw_nested(levels)])
    assert await coll.find_one({"_id": document["_id"]}) == document
    assert await coll.count_documents({".".join("a" * levels): 1}) == 2


async def test_largest_document(coll: AsyncCollection) -> None:
    overhead = len(raw(_ID + b"\x02a\x00\x01\x00\x00\x00\x00").raw)
    await coll.insert_one({"_id": 1, "a": "x" * (DOCUMENT_BYTES - overhead)})
    with pytest.raises(DocumentTooLarge):
        await coll.insert_one({"_id": 2, "a": "x" * (DOCUMENT_BYTES - overhead + 1)})
    assert await coll.count_documents({}) == 3
    with pytest.raises(WriteError) as caught:
        await coll.update_one({"_id": 1}, {"$set": {"b": 1}})
    assert caught.value.code == 17419
    assert await coll.count_documents({"b": 1}) == 0


# Updates that fail, the error's code.
_BAD_UPDATES: list[tuple[str, Any, int]] = [
    ("too large", {"$set": {"b": "x" * (DOCUMENT_BYTES - 20)}}, 17419),
    ("too deep by a path", {"$set": {".".join("c" * (NESTING_DEPTH + 1)): 1}}, 15),
    ("too deep by a value", {"$set": {"c": nested(NESTING_DEPTH)}}, 15),
    ("array for _id", {"$set": {"_id": [1]}}, 66),
    ("another _id", {"$set": {"_id": 7}}, 66),
    ("into a number", {"$set": {"a.b": 1}}, 28),
    ("unknown operator", {"$nothing": {"a": 1}}, 9),
]


@pytest.mark.parametrize(("name", "update", "code"), _BAD_UPDATES, ids=[case[0] for case in _BAD_UPDATES])
async def test_update(coll: AsyncCollection, name: str, update: dict[str, Any], code: int) -> None:
    for call in (coll.update_one, coll.update_many, coll.find_one_and_update):
        with pytest.raises(OperationFailure) as caught:
            await call({"_id": 5}, update)
        assert caught.value.code == code
        assert await coll.find().to_list() == _STANDING


@pytest.mark.parametrize(
    ("name", "filter", "update", "code"),
    [
        ("array in the filter", {"_id": [1]}, {"$set": {"a": 1}}, 53),
        ("array set", {"a": 7}, {"$set": {"_id": [1]}}, 53),
        ("Regex set", {"a": 7}, {"$set": {"_id": Regex("a")}}, 53),
        ("array set on insert", {"a": 7}, {"$setOnInsert": {"_id": [1]}}, 53),
        ("too deep", {"a": 7}, {"$set": {".".join("c" * (NESTING_DEPTH + 1)): 1}}, 15),
        ("_id of another document", {"a": 7}, {"$set": {"_id": 5}}, 11000),
    ],
)
async def test_upsert(coll: AsyncCollection, name: str, filter: Any, update: Any, code: int) -> None:
    for call in (coll.update_one, coll.update_many, coll.find_one_and_update):
        with pytest.raises(OperationFailure) as caught:
            await call(filter, update, upsert=True)
        assert caught.value.code == code
        assert await coll.find().to_list() == _STANDING


async def test_replacement_with_a_bad_id(coll: AsyncCollection) -> None:
    for identity, code in (([1], 53), (Regex("a"), 53), ({"$a": 1}, 52)):
        for call in (coll.replace_one, coll.find_one_and_replace):
            with pytest.raises(OperationFailure) as caught:
                await call({"a": 7}, {"_id": identity, "a": 2}, upsert=True)
            assert caught.value.code == code
            assert await coll.find().to_list() == _STANDING


_BATCH = [1, 2, 1, 5, 3, 2, [1], 4]  # 1 and 2 twice, 5 stands in the collection, an array is no _id


@pytest.mark.parametrize(
    ("ordered", "inserted", "failures"),
    [(True, [1, 2], [(2, 11000)]), (False, [1, 2, 3, 4], [(2, 11000), (3, 11000), (5, 11000), (6, 53)])],
)
@pytest.mark.parametrize("way", ["insert_many", "bulk_write"])
async def test_duplicates_in_a_batch(
    coll: AsyncCollection, way: str, ordered: bool, inserted: list[int], failures: list[tuple[int, int]]
) -> None:
    documents = [{"_id": identity, "n": number} for number, identity in enumerate(_BATCH)]
    with pytest.raises(BulkWriteError) as caught:
        if way == "insert_many":
            await coll.insert_many(documents, ordered=ordered)
        else:
            await coll.bulk_write([InsertOne(each) for each in documents], ordered=ordered)
    details = caught.value.details
    assert [(each["index"], each["code"]) for each in details["writeErrors"]] == failures
    assert [each["op"] for each in details["writeErrors"]] == [documents[index] for index, _ in failures]
    assert details["nInserted"] == len(inserted)
    first = details["writeErrors"][0]
    assert first["keyPattern"] == {"_id": 1}
    assert first["keyValue"] == {"_id": 1}
    assert first["errmsg"] == "E11000 duplicate key error collection: db.coll index: _id_ dup key: { _id: 1 }"
    stored = await coll.find().to_list()
    assert stored == _STANDING + [documents[_BATCH.index(identity)] for identity in inserted]


async def test_a_failure_in_the_middle_of_a_bulk(coll: AsyncCollection) -> None:
    with pytest.raises(BulkWriteError) as caught:
        await coll.bulk_write(
            [InsertOne({"_id": 1}), UpdateMany({}, {"$set": {"a.b": 1}}), InsertOne({"_id": 2})], ordered=True
        )
    assert [each["index"] for each in caught.value.details["writeErrors"]] == [1]
    assert await coll.find().to_list() == [*_STANDING, {"_id": 1}]


async def test_duplicate_key_tells_all(coll: AsyncCollection) -> None:
    with pytest.raises(DuplicateKeyError) as caught:
        await coll.insert_one({"_id": 5})
    assert caught.value.code == 11000
    assert caught.value.details is not None
    assert caught.value.details["keyValue"] == {"_id": 5}


async def test_unreadable_bytes_inside_a_document_do_not_close_the_collection(coll: AsyncCollection) -> None:
    """bson copies a nested RawBSONDocument unread; the document is found out when it is read, and can be deleted."""
    await coll.insert_one({"_id": 1, "a": raw(b"\x02a\x00\x02\x00\x00\x00\xff\x00")})
    for call in (
        lambda: coll.find_one({"b": 1}),
        lambda: coll.count_documents({"b": 1}),
        lambda: coll.update_many({"a.a": "b"}, {"$set": {"b": 1}}),
    ):
        with pytest.raises(OperationFailure) as caught:
            await call()
        assert caught.value.code == 22
    assert await coll.find_one({"_id": 5}) == _STANDING[0]
    assert (await coll.delete_one({"_id": 1})).deleted_count == 1
    assert await coll.find({"_id": {"$gt": 0}}).to_list() == _STANDING


@pytest.mark.parametrize("levels", [300, 450])
async def test_deep_expressions(coll: AsyncCollection, levels: int) -> None:
    expression: Any = "$a"
    for _ in range(levels):
        expression = {"$not": [expression]}
    for call in (
        lambda: coll.find_one({"$expr": expression}),
        lambda: coll.aggregate([{"$set": {"x": expression}}]),
        lambda: coll.update_one({}, [{"$set": {"x": expression}}]),
    ):
        with pytest.raises(OperationFailure) as caught:
            await call()
        assert caught.value.code == 15
    assert await coll.find().to_list() == _STANDING
