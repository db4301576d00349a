"""Live queries against find: whatever is asked and whatever happens, the diffs lead from one result to the next."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo import Collection, Diff, LiveQuery, MongoClient

Document = dict[str, Any]

values = st.one_of(st.integers(0, 4), st.sampled_from(["a", "A", "b", None, 1.5, [1, 3], [], {"x": 1}]))
documents = st.fixed_dictionaries({"a": values}, optional={"b": st.integers(0, 3), "c": values})
ids = st.integers(0, 30)

filters = st.sampled_from(
    [
        {},
        {"a": {"$gte": 2}},
        {"a": "a"},
        {"b": {"$exists": True}},
        {"$or": [{"a": {"$lt": 2}}, {"b": 3}]},
        {"_id": {"$gt": 10}},
        {"_id": {"$in": [1, 2, 3, 15]}},
        {"_id": 7},
        {"$expr": {"$eq": ["$a", "$b"]}},
    ]
)
sorts = st.sampled_from(
    [
        None,
        [("a", 1)],
        [("a", -1), ("b", 1)],
        [("b", -1)],
        [("_id", -1)],
        [("c", 1), ("_id", 1)],
        [("$natural", -1)],
    ]
)
projections = st.sampled_from([None, {"a": 1}, {"b": 1, "_id": 0}, {"c": 0}, {"sum": {"$add": ["$b", 1]}}])
limits = st.sampled_from([0, 0, 1, 3, 5])
collations = st.sampled_from([None, None, {"locale": "en", "strength": 2}])
queries = st.fixed_dictionaries(
    {"filter": filters, "sort": sorts, "limit": limits, "projection": projections, "collation": collations}
)

changes = st.one_of(
    st.tuples(st.just("insert_one"), ids, documents),
    st.tuples(st.just("insert_many"), st.lists(ids, min_size=1, max_size=6, unique=True), documents),
    st.tuples(st.just("replace_one"), ids, documents),
    st.tuples(
        st.just("update_one"), ids, st.sampled_from([{"$inc": {"b": 1}}, {"$set": {"a": 3}}, {"$unset": {"a": ""}}])
    ),
    st.tuples(st.just("update_many"), st.integers(0, 3), st.sampled_from([{"$inc": {"b": 1}}, {"$set": {"c": 1}}])),
    st.tuples(st.just("delete_one"), ids, st.none()),
    st.tuples(st.just("delete_many"), st.integers(0, 3), st.none()),
)
creations = st.sampled_from(
    [
        {},
        {"collation": {"locale": "en", "strength": 2}},
        {"clusteredIndex": {"key": {"_id": 1}, "unique": True}},
        {"capped": True, "size": 1_000_000, "max": 12},
    ]
)


def change(coll: Collection, kind: str, where: Any, what: Any) -> None:
    """Make one of the changes; those that the collection refuses are left out."""
    if kind == "insert_one":
        if coll.find_one({"_id": where}) is None:
            coll.insert_one({"_id": where, **what})
    elif kind == "insert_many":
        known = coll.distinct("_id")
        fresh = [{"_id": each, **what, "b": each % 4} for each in where if each not in known]
        if fresh:
            coll.insert_many(fresh)
    elif kind == "replace_one":
        coll.replace_one({"_id": where}, what, upsert=True)
    elif kind == "update_one":
        coll.update_one({"_id": where}, what)
    elif kind == "update_many":
        coll.update_many({"b": {"$gte": where}}, what)
    elif kind == "delete_one":
        coll.delete_one({"_id": where})
    else:
        coll.delete_many({"b": where})


def applied(result: list[Document], diff: Diff[Document]) -> None:
    """Make a diff on a list, as the documentation says."""
    if diff.kind == "added":
        assert diff.index is not None and diff.document is not None
        result.insert(diff.index, diff.document)
        return
    assert diff.from_index is not None
    before = result.pop(diff.from_index)
    assert before == diff.before
    if diff.kind != "removed":
        assert diff.index is not None and diff.document is not None
        result.insert(diff.index, diff.document)
    if diff.kind == "moved":
        assert diff.document == before


def follow(live: LiveQuery[Document], result: list[Document]) -> None:
    """Take the diffs there are."""
    diffs = []
    while (diff := live.try_next()) is not None:
        applied(result, diff)
        diffs.append(diff)
        if "_id" in (diff.document or diff.before or {}):
            assert (diff.document or diff.before or {})["_id"] == diff._id
    assert not diffs or diffs[-1].is_last
    assert result == live.documents


def found(coll: Collection, query: Document) -> list[Document]:
    """The result of the query by a scan in natural order."""
    if query["sort"] == [("$natural", -1)]:
        return coll.find(**query).to_list()
    return coll.find(**query, hint=[("$natural", 1)]).to_list()


@pytest.mark.parametrize("is_indexed", [False, True], ids=["plain", "indexed"])
def test_diffs_keep_the_result(is_indexed: bool) -> None:
    check(is_indexed)


def check(is_indexed: bool) -> None:
    @settings(max_examples=50)
    @given(
        creations, st.lists(ids, unique=True), st.lists(queries, min_size=1, max_size=4), st.lists(changes, max_size=15)
    )
    def run(creation: Document, first: list[int], asked: list[Document], workload: list[Any]) -> None:
        with MongoClient("memory://") as client:
            coll = client.db.create_collection("coll", **creation)
            if is_indexed:
                coll.create_index([("a", 1)])
                coll.create_index([("b", -1), ("a", 1)])
            if first:
                coll.insert_many([{"_id": each, "a": each % 5, "b": each % 4} for each in first])
            lives = [coll.live(**query) for query in asked]
            results: list[list[Document]] = []
            for live in lives:
                diff = live.next()
                assert diff.kind == "result" and diff.documents is not None
                results.append(diff.documents)
            for each in workload:
                change(coll, *each)
                for live, query, result in zip(lives, asked, results, strict=True):
                    follow(live, result)
                    assert result == found(coll, query), query
            for live in lives:
                live.close()

    run()
