"""What goes straight from the collection to the store, against the same thing said as a command: one answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bson
import pytest
from bson import CodecOptions, Decimal128, Int64
from bson.raw_bson import RawBSONDocument
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, OperationFailure

from amongo import MongoClient

_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)

_scalars = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63)]),
    st.integers(-3, 3).map(Int64),
    st.sampled_from([0.5, -0.0, 1.0, float("inf"), float("nan"), 1e308]),
    st.sampled_from([Decimal128("1.0"), Decimal128("NaN"), Decimal128("9E+6144")]),
    st.sampled_from([None, True, False, "text", "", "ü", b"x"]),
)
_names = st.sampled_from(["a", "b", "c", "0", "1"])
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3), max_leaves=6
)
_documents = st.dictionaries(_names, _values, max_size=4)
_paths = st.lists(_names, min_size=1, max_size=3).map(".".join) | st.sampled_from(
    ["_id", "_id.a", "", "a.", ".a", "a..b", "$a", "a.$", "a.$[]", "a.$b", "$"]
)
_operators = st.sampled_from(
    ["$set", "$inc", "$unset", "$push", "$pop", "$mul", "$min", "$max", "$setOnInsert", "$addToSet", "$rename", "$pull"]
)
_updates = st.dictionaries(_operators, st.dictionaries(_paths, _values, max_size=2), min_size=1, max_size=2)


def _straight(client: MongoClient[dict[str, Any]], update: dict[str, Any]) -> tuple[int, int]:
    result = client.db.coll.update_one({"_id": 1}, update)
    return result.matched_count, result.modified_count


def _as_command(client: MongoClient[dict[str, Any]], update: dict[str, Any]) -> tuple[int, int]:
    reply = client.db.command("update", "coll", updates=[{"q": {"_id": 1}, "u": update}])
    for failure in reply.get("writeErrors", ()):
        raise OperationFailure(failure["errmsg"], failure["code"])
    return reply["n"], reply["nModified"]


def _by_scan(client: MongoClient[dict[str, Any]], update: dict[str, Any]) -> tuple[int, int]:
    result = client.db.coll.update_many({"_id": {"$gte": 1, "$lte": 1}}, update)
    return result.matched_count, result.modified_count


def _in_bulk(client: MongoClient[dict[str, Any]], update: dict[str, Any]) -> tuple[int, int]:
    try:
        result = client.db.coll.bulk_write([UpdateOne({"_id": 1}, update)])
    except BulkWriteError as error:
        failure = error.details["writeErrors"][0]
        raise OperationFailure(failure["errmsg"], failure["code"]) from None
    return result.matched_count, result.modified_count


def _outcome(
    way: Callable[[MongoClient[dict[str, Any]], dict[str, Any]], tuple[int, int]],
    document: dict[str, Any],
    update: dict[str, Any],
) -> tuple[Any, bytes]:
    with MongoClient("memory://") as client:
        client.db.coll.insert_one({"_id": 1, **document})
        told: Any
        try:
            told = way(client, update)
        except OperationFailure as error:
            told = error.code, str(error).split(", full error")[0]
        stored = client.db.get_collection("coll", codec_options=_RAW).find_one({"_id": 1})
        assert stored is not None
        return told, stored.raw


@given(document=_documents, update=_updates)
@settings(max_examples=400)
def test_updates(document: dict[str, Any], update: dict[str, Any]) -> None:
    expected = _outcome(_as_command, document, update)
    for way in (_straight, _by_scan, _in_bulk):
        assert _outcome(way, document, update) == expected, way.__name__


@given(document=_documents, updates=st.lists(_updates, min_size=2, max_size=5))
@settings(max_examples=60)
def test_updates_one_after_the_other(document: dict[str, Any], updates: list[dict[str, Any]]) -> None:
    """Shapes of updates are remembered; what is remembered of one must not show in the next."""

    def all_of_them(way: Callable[..., tuple[int, int]]) -> list[Any]:
        told: list[Any] = []
        with MongoClient("memory://") as client:
            client.db.coll.insert_one({"_id": 1, **document})
            for update in updates * 2:
                try:
                    told.append(way(client, update))
                except OperationFailure as error:
                    told.append((error.code, str(error).split(", full error")[0]))
                told.append(client.db.get_collection("coll", codec_options=_RAW).find_one({"_id": 1}).raw)
        return told

    assert all_of_them(_straight) == all_of_them(_as_command)


@given(identity=_values, probe=_values)
@settings(max_examples=200)
def test_reads_by_id(identity: Any, probe: Any) -> None:
    """find_one on an _id, the find command, and a scan with the same comparison."""
    with MongoClient("memory://") as client:
        try:
            client.db.coll.insert_one({"_id": identity, "n": 1})
        except OperationFailure as error:
            assert error.code == 53
            return
        client.db.coll.insert_one({"_id": "another", "n": 2})
        raw = client.db.get_collection("coll", codec_options=_RAW)
        for value in (identity, probe):
            straight = raw.find_one({"_id": value})
            scanned = raw.find_one({"$and": [{"_id": {"$eq": value}}, {"n": {"$gte": 0}}]})
            reply = client.db.command("find", "coll", filter={"_id": value}, limit=1)
            found = [bson.encode(each) for each in reply["cursor"]["firstBatch"]]
            assert (straight is None) == (not found)
            if straight is not None:
                assert found == [bson.encode(bson.decode(straight.raw))]
            assert (scanned and scanned.raw) == (straight and straight.raw)


@pytest.mark.parametrize("ordered", [True, False])
@given(identities=st.lists(st.integers(0, 4) | st.just([1]) | st.floats(0, 2), min_size=1, max_size=6))
@settings(max_examples=60)
def test_inserts(ordered: bool, identities: list[Any]) -> None:
    documents = [{"_id": identity, "n": place} for place, identity in enumerate(identities)]

    def straight(client: MongoClient[dict[str, Any]]) -> tuple[int, list[Any]]:
        try:
            return len(client.db.coll.insert_many(documents, ordered=ordered).inserted_ids), []
        except BulkWriteError as error:
            failures = [(each["index"], each["code"], each["errmsg"]) for each in error.details["writeErrors"]]
            return error.details["nInserted"], failures

    def as_command(client: MongoClient[dict[str, Any]]) -> tuple[int, list[Any]]:
        reply = client.db.command("insert", "coll", documents=documents, ordered=ordered)
        return reply["n"], [(each["index"], each["code"], each["errmsg"]) for each in reply.get("writeErrors", ())]

    def one_by_one(client: MongoClient[dict[str, Any]]) -> tuple[int, list[Any]]:
        count, failures = 0, []
        for place, document in enumerate(documents):
            try:
                client.db.coll.insert_one(document)
                count += 1
            except OperationFailure as error:
                failures.append((place, error.code, str(error).split(", full error")[0]))
                if ordered:
                    break
        return count, failures

    outcomes = []
    for way in (straight, as_command, one_by_one):
        with MongoClient("memory://") as client:
            outcomes.append((way(client), client.db.coll.find().to_list()))
    assert outcomes[0] == outcomes[1] == outcomes[2]
