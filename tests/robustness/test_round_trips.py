"""Values come back as they were given: through insert and find, and from a reopened store."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import bson
import pytest
from bson import (
    Binary,
    Code,
    CodecOptions,
    DatetimeMS,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)
from bson.binary import UuidRepresentation
from bson.codec_options import DatetimeConversion, TypeCodec, TypeRegistry
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument
from bson.son import SON
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo import AsyncCollection, AsyncMongoClient

pytestmark = pytest.mark.anyio

_MS: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
_UUID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")

_VALUES: list[tuple[str, Any]] = [
    ("int32 zero", 0),
    ("int32 least", -(2**31)),
    ("int32 greatest", 2**31 - 1),
    ("int past int32", 2**31),
    ("int64 that fits in int32", Int64(1)),
    ("int64 least", Int64(-(2**63))),
    ("int64 greatest", Int64(2**63 - 1)),
    ("double", 1.5),
    ("double whole", 1.0),
    ("double negative zero", -0.0),
    ("double infinite", math.inf),
    ("double negative infinite", -math.inf),
    ("double not a number", math.nan),
    ("double least", 5e-324),
    ("true", True),
    ("false", False),
    ("null", None),
    ("text", "Grüße, 世界 🌍"),
    ("text empty", ""),
    ("text with NUL", "a\x00b"),
    ("decimal", Decimal128("1.10")),
    ("decimal one and zeros", Decimal128("1.000")),
    ("decimal greatest", Decimal128("9.999999999999999999999999999999999E+6144")),
    ("decimal least", Decimal128("1E-6176")),
    ("decimal negative zero", Decimal128("-0E+3")),
    ("decimal infinite", Decimal128("-Infinity")),
    ("decimal not a number", Decimal128("NaN")),
    ("decimal signalling", Decimal128("sNaN")),
    ("date of 1970", DatetimeMS(0)),
    ("date before year 1", DatetimeMS(-(2**55))),
    ("date after year 9999", DatetimeMS(2**55)),
    ("date least", DatetimeMS(-(2**63))),
    ("date greatest", DatetimeMS(2**63 - 1)),
    ("ObjectId", ObjectId("0123456789abcdef01234567")),
    ("timestamp", Timestamp(2**32 - 1, 2**32 - 1)),
    ("timestamp small", Timestamp(1, 1)),
    ("MinKey", MinKey()),
    ("MaxKey", MaxKey()),
    ("regex", Regex("^a.*b$", "imsx")),
    ("regex that Python refuses", Regex("(*UTF8)a(", 0)),
    ("code", Code("function() {}")),
    ("code with scope", Code("f(x)", {"x": 1, "y": {"z": Int64(2)}})),
    ("code with empty scope", Code("f(x)", {})),
    ("DBRef", DBRef("coll", 1)),
    ("DBRef with database", DBRef("coll", ObjectId("0123456789abcdef01234567"), "db", extra=Int64(1))),
    ("bytes", b"\x00\xff"),
    ("bytes empty", b""),
    ("document empty", {}),
    ("array empty", []),
    ("arrays nested", [[], [[1, [Int64(2)]], {"a": [{"b": []}]}]]),
    ("mixed array", [1, Int64(1), 1.0, Decimal128("1"), "1", True, None]),
    ("document in no order", {"b": 1, "a": 2, "": 3, "c.d": 4, "$e": 5}),
    ("document like an operator", {"$set": {"a": 1}}),
    ("numeric names", {"1": "b", "0": "a"}),
    *[(f"binary {subtype}", Binary(b"\x00\x01\xff", subtype)) for subtype in range(1, 12) if subtype not in (3, 4, 9)],
    *[(f"binary {subtype}", Binary(_UUID.bytes, subtype)) for subtype in (3, 4)],
    ("binary 9", Binary(b"\x27\x00\x00\x00\x80\x3f", 9)),
    ("binary 128", Binary(b"user's own", 128)),
    ("binary 255", Binary(b"", 255)),
]
_DOCUMENTS = [{"_id": name, "value": value, "then": number} for number, (name, value) in enumerate(_VALUES)]


def _bytes(document: Any, options: CodecOptions[Any] = _MS) -> bytes:
    return bson.encode(document, codec_options=options)


async def _check_all(coll: AsyncCollection[dict[str, Any]]) -> None:
    raw = coll.with_options(codec_options=CodecOptions(document_class=RawBSONDocument))
    stored = await raw.find().to_list()
    assert [document.raw for document in stored] == [_bytes(document) for document in _DOCUMENTS]
    decoded = await coll.with_options(codec_options=_MS).find().to_list()
    for document, expected in zip(decoded, _DOCUMENTS, strict=True):
        assert list(document) == list(expected)
        assert type(document["value"]) is type(bson.decode(_bytes(expected), _MS)["value"])
        assert _bytes(document) == _bytes(expected)
    for document in _DOCUMENTS:
        found = await raw.find_one({"_id": document["_id"]})
        assert found is not None
        assert found.raw == _bytes(document)


@pytest.mark.parametrize("way", ["insert_many", "insert_one", "raw", "replace", "update", "upsert", "aggregate"])
async def test_every_type(tmp_path: Path, way: str) -> None:
    address = f"local://{tmp_path}/store"
    async with AsyncMongoClient(address) as client:
        coll = client.db.coll
        if way == "insert_many":
            await coll.insert_many([dict(document) for document in _DOCUMENTS])
        elif way == "raw":
            await coll.insert_many([RawBSONDocument(_bytes(document)) for document in _DOCUMENTS])
        elif way == "aggregate":
            await client.db.other.insert_many([dict(document) for document in _DOCUMENTS])
            cursor = await client.db.other.with_options(
                codec_options=CodecOptions(document_class=RawBSONDocument)
            ).aggregate([{"$match": {"then": {"$exists": True}}}, {"$set": {"more": 1}}, {"$unset": "more"}])
            await coll.insert_many(await cursor.to_list())
        else:
            for document in _DOCUMENTS:
                await _write_one(coll, way, document)
        await _check_all(coll)
    async with AsyncMongoClient(address) as client:
        await _check_all(client.db.coll)
        # And once more, written by an update that leaves the value alone.
        await client.db.coll.update_many({}, {"$set": {"more": 1}})
        await client.db.coll.update_many({}, {"$unset": {"more": 1}})
        await _check_all(client.db.coll)
    async with AsyncMongoClient(address) as client:
        await _check_all(client.db.coll)


async def _write_one(coll: AsyncCollection[dict[str, Any]], way: str, document: dict[str, Any]) -> None:
    identity = {"_id": document["_id"]}
    if way == "insert_one":
        await coll.insert_one(dict(document))
    elif way == "replace":
        await coll.insert_one(identity)
        await coll.replace_one(identity, document)
    elif way == "update":
        await coll.insert_one(identity)
        await coll.update_one(identity, {"$set": {"value": document["value"], "then": document["then"]}})
        # $set puts new fields in their alphabetical order, so the order is made again
        await coll.replace_one(identity, document)
        await coll.update_one(identity, {"$set": {"value": document["value"]}})
    else:
        await coll.update_one(identity, {"$setOnInsert": {"value": document["value"]}}, upsert=True)
        await coll.update_one(identity, {"$set": {"then": document["then"]}})


_BY_ID = [
    (name, value)
    for name, value in _VALUES
    if not isinstance(value, list | Regex) and not (isinstance(value, dict) and {"$e", "$set"} & value.keys())
]


@pytest.mark.parametrize(("name", "value"), _BY_ID, ids=[name for name, _ in _BY_ID])
async def test_every_type_as_an_id(name: str, value: Any) -> None:
    async with AsyncMongoClient("memory://") as client:
        coll = client.db.get_collection("coll", codec_options=_MS)
        await coll.insert_one({"_id": value, "n": 1})
        wrapped = {"_id": {"$eq": value}}
        found = await coll.find_one(wrapped)
        assert found is not None
        assert _bytes(found) == _bytes({"_id": value, "n": 1})
        assert (await coll.update_one(wrapped, {"$inc": {"n": 1}})).modified_count == 1
        assert (await coll.delete_one(wrapped)).deleted_count == 1


async def test_out_of_range_dates() -> None:
    async with AsyncMongoClient("memory://") as client:
        await client.db.coll.insert_one({"_id": 1, "at": DatetimeMS(2**55)})
        with pytest.raises(InvalidBSON):
            await client.db.coll.find_one()
        for conversion, expected in (
            (DatetimeConversion.DATETIME_MS, DatetimeMS(2**55)),
            (DatetimeConversion.DATETIME_AUTO, DatetimeMS(2**55)),
            (DatetimeConversion.DATETIME_CLAMP, dt.datetime(9999, 12, 31, 23, 59, 59, 999000)),
        ):
            options: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=conversion)
            found = await client.db.get_collection("coll", codec_options=options).find_one()
            assert found == {"_id": 1, "at": expected}


async def test_time_zones() -> None:
    moment = dt.datetime(2026, 11, 21, 12, 30, 15, 123456, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30)))
    in_utc = dt.datetime(2026, 11, 21, 7, 0, 15, 123000, tzinfo=dt.UTC)
    async with AsyncMongoClient("memory://") as naive, AsyncMongoClient("memory://", tz_aware=True) as aware:
        for client, expected in ((naive, in_utc.replace(tzinfo=None)), (aware, in_utc)):
            await client.db.coll.insert_one({"_id": 1, "at": moment})
            assert await client.db.coll.find_one({"at": moment}) == {"_id": 1, "at": expected}
            assert await client.db.coll.distinct("at") == [expected]
        zone = dt.timezone(dt.timedelta(hours=-3))
        options: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=zone)
        found = await aware.db.get_collection("coll", codec_options=options).find_one()
        assert found is not None
        assert found["at"] == in_utc
        assert found["at"].tzinfo == zone


@pytest.mark.parametrize(
    ("representation", "subtype"),
    [
        (UuidRepresentation.STANDARD, 4),
        (UuidRepresentation.PYTHON_LEGACY, 3),
        (UuidRepresentation.JAVA_LEGACY, 3),
        (UuidRepresentation.CSHARP_LEGACY, 3),
    ],
)
async def test_uuids(tmp_path: Path, representation: int, subtype: int) -> None:
    options: CodecOptions[dict[str, Any]] = CodecOptions(uuid_representation=representation)
    address = f"local://{tmp_path}/store"
    async with AsyncMongoClient(address) as client:
        coll = client.db.get_collection("coll", codec_options=options)
        await coll.insert_one({"_id": _UUID, "in": [{"a": _UUID}]})
        assert await coll.find_one({"_id": _UUID}) == {"_id": _UUID, "in": [{"a": _UUID}]}
        assert await coll.find_one({"in.a": {"$in": [_UUID]}}) is not None
        with pytest.raises(ValueError, match="cannot encode native uuid"):
            await client.db.coll.find_one({"_id": _UUID})
    async with AsyncMongoClient(address) as client:
        found = await client.db.coll.find_one()
        assert found is not None
        expected = Binary.from_uuid(_UUID, representation)
        assert found["_id"] == expected
        assert found["_id"].subtype == subtype
        coll = client.db.get_collection("coll", codec_options=options)
        assert await coll.find_one({"_id": _UUID}) == {"_id": _UUID, "in": [{"a": _UUID}]}


class _DecimalCodec(TypeCodec):
    python_type = Decimal
    bson_type = Decimal128

    def transform_python(self, value: Decimal) -> Decimal128:
        return Decimal128(value)

    def transform_bson(self, value: Decimal128) -> Decimal:
        return value.to_decimal()


class _Attributes(dict[str, Any]):
    """A document class of a user's own."""


async def test_codec_options() -> None:
    registry = TypeRegistry([_DecimalCodec()], fallback_encoder=lambda value: f"<{value.__class__.__name__}>")
    async with AsyncMongoClient("memory://", type_registry=registry, document_class=_Attributes) as client:
        await client.db.coll.insert_one({"_id": Decimal("1.10"), "set": {1}, "in": [{"a": Decimal("2")}]})
        found = await client.db.coll.find_one({"_id": Decimal("1.1"), "set": {1}})
        assert found == {"_id": Decimal("1.10"), "set": "<set>", "in": [{"a": Decimal("2")}]}
        assert type(found) is _Attributes
        assert type(found["in"][0]) is _Attributes
        await client.db.coll.update_one({"_id": Decimal("1.1")}, {"$inc": {"n": Decimal("0.1")}})
        cursor = await client.db.coll.aggregate([{"$project": {"m": {"$add": ["$n", Decimal("0.2")]}}}])
        assert await cursor.to_list() == [{"_id": Decimal("1.10"), "m": Decimal("0.3")}]
        assert await client.db.coll.distinct("in.a") == [Decimal("2")]
        updated = await client.db.coll.find_one_and_update({"n": Decimal("0.1")}, {"$unset": {"set": 1}})
        assert type(updated) is _Attributes

        ordered = client.db.get_collection("coll", codec_options=CodecOptions(document_class=SON))
        son = await ordered.find_one()
        assert type(son) is SON

        raw: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
        lazy = client.db.get_collection("coll", codec_options=raw)
        document = await lazy.find_one()
        assert type(document) is RawBSONDocument
        await lazy.delete_many({})
        await lazy.insert_one(document)
        await lazy.replace_one({"_id": document["_id"]}, document)
        again = await lazy.find_one({"in": document["in"]})
        assert again is not None
        assert again.raw == document.raw


async def test_mappings_that_are_no_dicts() -> None:
    class Frozen(Mapping[str, Any]):
        def __init__(self, inner: dict[str, Any]) -> None:
            self.inner = inner

        def __getitem__(self, name: str) -> Any:
            return self.inner[name]

        def __iter__(self) -> Any:
            return iter(self.inner)

        def __len__(self) -> int:
            return len(self.inner)

    async with AsyncMongoClient("memory://") as client:
        await client.db.coll.insert_one({"_id": 1, "in": Frozen({"b": 1, "a": Frozen({"c": 2})})})
        await client.db.coll.update_one(Frozen({"_id": 1}), Frozen({"$set": Frozen({"n": 3})}))
        found = await client.db.coll.find_one(Frozen({"in.a.c": 2}))
        assert found == {"_id": 1, "in": {"b": 1, "a": {"c": 2}}, "n": 3}
        assert list(found["in"]) == ["b", "a"]


# Documents of any shape

_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**31), 2**31 - 1).map(Int64),
    st.floats(),
    st.text(max_size=12),
    st.binary(max_size=12),
    st.builds(Binary, st.binary(max_size=8), st.sampled_from([1, 5, 6, 128, 255])),
    st.integers(-(2**63), 2**63 - 1).map(DatetimeMS),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1)),  # an empty one is filled in on insert
    st.binary(min_size=16, max_size=16).map(Decimal128.from_bid),
    st.builds(Regex, st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=6), st.just("i")),
    st.sampled_from([MinKey(), MaxKey(), Code("f"), Code("f", {"a": 1})]),
)
_names = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=8)
_values = st.recursive(_leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=4))
_documents = st.dictionaries(_names.filter(lambda name: name != "_id"), _values, max_size=6)


@given(documents=st.lists(_documents, min_size=1, max_size=4))
@settings(max_examples=150)
def test_any_document(documents: list[dict[str, Any]]) -> None:
    written = [{"_id": number, **document} for number, document in enumerate(documents)]

    async def main() -> None:
        async with AsyncMongoClient("memory://") as client:
            raw = client.db.get_collection("coll", codec_options=CodecOptions(document_class=RawBSONDocument))
            await client.db.coll.insert_many([dict(document) for document in written])
            expected = [_bytes(document) for document in written]
            assert [document.raw for document in await raw.find().to_list()] == expected
            assert [document.raw for document in await raw.find({"_id": {"$gte": 0}}).to_list()] == expected
            copies = await (await raw.aggregate([{"$match": {"_id": {"$gte": 0}}}])).to_list()
            assert [document.raw for document in copies] == expected
            await raw.update_many({}, {"$set": {"_zz": 1}})
            await raw.update_many({}, {"$unset": {"_zz": 1}})
            assert [document.raw for document in await raw.find().to_list()] == expected

    anyio.run(main)


@given(documents=st.lists(_documents, min_size=1, max_size=30))
@settings(max_examples=25)
def test_any_document_from_a_reopened_store(tmp_path_factory: pytest.TempPathFactory, documents: list[Any]) -> None:
    address = f"local://{tmp_path_factory.mktemp('any')}/store"
    written = [{"_id": number, **document} for number, document in enumerate(documents)]

    async def main() -> None:
        async with AsyncMongoClient(address) as client:
            await client.db.coll.insert_many([dict(document) for document in written])
        async with AsyncMongoClient(address) as client:
            raw = client.db.get_collection("coll", codec_options=CodecOptions(document_class=RawBSONDocument))
            expected = [_bytes(document) for document in written]
            assert [document.raw for document in await raw.find().to_list()] == expected

    anyio.run(main)
