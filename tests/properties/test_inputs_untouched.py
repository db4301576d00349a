"""Filters, updates, projections, sorts and pipelines are read and never changed, nor is what they are applied to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bson import encode
from drawn import DOCUMENTS, FILTERS, PATHS, SORTS, VALUES, with_type_names
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo import AsyncMongoClient, MongoClient
from amongo.errors import ServerError
from amongo.mql.matcher import parse_filter
from amongo.mql.projections import parse_projection
from amongo.values.codec import decode
from amongo.values.codec import encode as encode_canonical

PROJECTIONS = st.dictionaries(
    PATHS,
    st.one_of(
        st.sampled_from([0, 1, True, False, "$a", {"$slice": 1}, {"$slice": [-2, 1]}, {"$literal": [1]}]),
        FILTERS.map(lambda query: {"$elemMatch": with_type_names(query)}),
        st.just({"$add": [1, {"$size": "$b"}]}),
    ),
    max_size=2,
)
UPDATES = st.one_of(
    st.dictionaries(
        st.sampled_from(["$set", "$push", "$addToSet", "$pull", "$max", "$setOnInsert", "$unset"]),
        st.dictionaries(PATHS, VALUES, min_size=1, max_size=2),
        min_size=1,
        max_size=2,
    ),
    st.dictionaries(PATHS, st.builds(lambda each: {"$each": each, "$slice": 2}, st.lists(VALUES, max_size=2))).map(
        lambda pushes: {"$push": pushes}
    ),
    st.dictionaries(PATHS, VALUES, min_size=1, max_size=2).map(lambda fields: [{"$set": fields}, {"$unset": "b"}]),
    DOCUMENTS,
)


def told(*values: Any) -> list[str]:
    """Values with their types, signs and order."""
    return [repr(value) for value in values]


@settings(max_examples=300)
@given(FILTERS, DOCUMENTS)
def test_a_filter_leaves_itself_and_the_document(query: dict[str, Any], document: dict[str, Any]) -> None:
    query = with_type_names(query)
    before = told(query, document)
    expression = parse_filter(query)
    expression.bind()(document)
    expression.locate(document)
    assert told(query, document) == before


@settings(max_examples=300)
@given(PROJECTIONS, DOCUMENTS)
def test_a_projection_leaves_itself_and_the_document(shape: dict[str, Any], document: dict[str, Any]) -> None:
    before = told(shape, document)
    try:
        parse_projection(shape).apply(document)
    except ServerError:
        pass
    assert told(shape, document) == before


CALLS: dict[str, Callable[[Any, dict[str, Any], Any, dict[str, Any], dict[str, int]], Any]] = {
    "find": lambda coll, query, _, shape, sort: coll.find(query, shape).sort(sort).to_list(),
    "update_many": lambda coll, query, update, *_: coll.update_many(query, update, upsert=True),
    "replace_one": lambda coll, query, update, *_: coll.replace_one(query, update),
    "find_one_and_update": lambda coll, query, update, shape, sort: coll.find_one_and_update(
        query, update, projection=shape, sort=list(sort.items())
    ),
    "aggregate": lambda coll, query, _, shape, sort: coll.aggregate(
        [{"$match": query}, {"$sort": sort}, {"$project": shape}]
    ).to_list(),
    "distinct": lambda coll, query, *_: coll.distinct("a", query),
    "delete_many": lambda coll, query, *_: coll.delete_many(query),
}


@pytest.mark.parametrize("call", CALLS)
@settings(max_examples=60)
@given(FILTERS, UPDATES, PROJECTIONS, SORTS, st.lists(DOCUMENTS, min_size=1, max_size=3))
def test_a_call_leaves_what_it_is_given(
    call: str,
    query: dict[str, Any],
    update: Any,
    shape: dict[str, Any],
    sort: dict[str, int],
    documents: list[dict[str, Any]],
) -> None:
    query = with_type_names(query)
    before = told(query, update, shape, sort, documents)
    with MongoClient("memory://") as client:
        client.db.c.insert_many([{"_id": number, **document} for number, document in enumerate(documents)])
        try:
            CALLS[call](client.db.c, query, update, shape, sort)
        except Exception as error:
            assert type(error).__module__.startswith("pymongo") or type(error) in (TypeError, ValueError), error
    assert told(query, update, shape, sort, documents) == before


@settings(max_examples=300)
@given(DOCUMENTS)
def test_encoding_and_decoding_give_the_same_document(document: dict[str, Any]) -> None:
    raw = encode(document)
    assert encode_canonical(decode(raw)) == raw
    assert told(decode(raw)) == told(document)


@pytest.mark.anyio
async def test_the_async_client_leaves_what_it_is_given() -> None:
    document, query, update = {"a": [1, {"b": 2}]}, {"a.b": {"$in": [2]}}, {"$push": {"a": {"$each": [3]}}}
    before = told(query, update)
    async with AsyncMongoClient("memory://") as client:
        await client.db.c.insert_one(document)
        await client.db.c.update_one(query, update)
        assert await client.db.c.find(query, {"_id": 0}).to_list() == [{"a": [1, {"b": 2}, 3]}]
    assert told(query, update) == before
    assert document.pop("_id") is not None
    assert document == {"a": [1, {"b": 2}]}
