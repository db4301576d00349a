"""An answer by indexes is the answer of a scan: over drawn documents, indexes, filters and sort patterns.

Where a sort is asked, the order counts: the sort keys come in the same order, and among documents of equal keys any
order is right, as on the server; with a limit, the documents in front of the last key are the same. Without a sort the
answers are compared as sets.
"""

from __future__ import annotations

from typing import Any

from drawn import DOCUMENTS, FILTERS, SORTS, with_type_names
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo import MongoClient
from amongo.mql.sort_keys import parse_sort
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import key_bytes

Document = dict[str, Any]

_FIELDS = st.sampled_from(["a", "b", "a.b", "b.a", "a.a", "a.0"])
_PATTERNS = st.lists(_FIELDS, min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.tuples(*[st.tuples(st.just(name), st.sampled_from([1, -1])) for name in names]).map(list)
)
_OPTIONS = st.sampled_from(
    [
        *[{}] * 4,
        {"sparse": True},
        {"partialFilterExpression": {"a": {"$exists": True}}},
        {"partialFilterExpression": {"b": {"$gt": 0}}},
        {"partialFilterExpression": {"a": {"$lte": 2}}},
        {"hidden": True},
    ]
)
_INDEXES = st.lists(
    st.one_of(
        *[st.tuples(_PATTERNS, _OPTIONS)] * 4,
        st.tuples(st.sampled_from([[("$**", 1)], [("a.$**", 1)]]), st.just({})),
        st.tuples(st.sampled_from([[("a", "hashed")], [("b", "hashed"), ("a", 1)]]), st.just({})),
    ),
    min_size=1,
    max_size=3,
)
_DOCUMENTS = st.lists(DOCUMENTS, min_size=1, max_size=10)


def _filled(documents: list[Document], indexes: list[Any]) -> tuple[Any, Any]:
    """(with the indexes, without) of the same documents: those that all indexes take, half of them before the indexes
    are made and half of them after."""
    client = MongoClient("memory://")
    indexed, plain = client.db.indexed, client.db.plain
    half = len(documents) // 2
    for number, document in enumerate(documents):
        if number == half:
            for place, (pattern, options) in enumerate(indexes):
                try:
                    indexed.create_index(pattern, name=f"index{place}", **options)
                except Exception:  # an index that cannot take a document
                    continue
        try:
            indexed.insert_one({"_id": number, **document})
        except Exception:  # a document that an index cannot take
            continue
        plain.insert_one({"_id": number, **document})
    return indexed, plain


def _answer(collection: Any, *arguments: Any, **options: Any) -> Any:
    """The documents, or the code of the error."""
    try:
        return list(collection.find(*arguments, **options))
    except Exception as error:
        return getattr(error, "code", None) or repr(error)


def _keys(documents: list[Document]) -> list[bytes]:
    return sorted(key_bytes(decode(encode(document))) for document in documents)


def _values(values: list[Any]) -> list[bytes]:
    return [key_bytes(decode(encode({"": value}))) for value in values]


@settings(max_examples=100)
@given(_DOCUMENTS, _INDEXES, FILTERS)
def test_a_filter_finds_the_same(documents: list[Document], indexes: list[Any], query: Document) -> None:
    query = with_type_names(query)
    indexed, plain = _filled(documents, indexes)
    assert _keys(_answer(indexed, query)) == _keys(_answer(plain, query))
    assert indexed.count_documents(query) == plain.count_documents(query)
    for name in ("a", "a.b"):
        for asked in (query, {}, {name: {"$gte": 0}}):
            assert _values(indexed.distinct(name, asked)) == _values(plain.distinct(name, asked))
    matched = [{"$match": query}, {"$sort": {"_id": 1}}]
    assert list(map(encode, indexed.aggregate(matched))) == list(map(encode, plain.aggregate(matched)))


@settings(max_examples=70)
@given(_DOCUMENTS, _INDEXES, FILTERS | st.just({}), SORTS, st.integers(0, 2), st.integers(0, 3))
def test_a_sort_orders_the_same(
    documents: list[Document], indexes: list[Any], query: Document, pattern: dict[str, int], skip: int, limit: int
) -> None:
    query = with_type_names(query)
    indexed, plain = _filled(documents, indexes)
    options: dict[str, Any] = {"sort": list(pattern.items()), "skip": skip, "limit": limit}
    ours, theirs = _answer(indexed, query, **options), _answer(plain, query, **options)
    if type(theirs) is int:  # two arrays side by side have no order; an index may have the order all the same
        return
    sort = parse_sort(pattern)
    assert [sort.key(decode(encode(each))) for each in ours] == [sort.key(decode(encode(each))) for each in theirs]
    if not limit and not skip:
        assert _keys(ours) == _keys(theirs)
    piped = [{"$match": query}, {"$sort": pattern}, {"$skip": skip}, *([{"$limit": limit}] if limit else [])]
    found = list(indexed.aggregate(piped))
    assert [sort.key(decode(encode(each))) for each in found] == [sort.key(decode(encode(each))) for each in theirs]


@settings(max_examples=40)
@given(_DOCUMENTS, _INDEXES, FILTERS)
def test_writes_find_the_same(documents: list[Document], indexes: list[Any], query: Document) -> None:
    query = with_type_names(query)
    indexed, plain = _filled(documents, indexes)
    for collection in (indexed, plain):
        collection.update_many(query, {"$set": {"seen": True}})
    assert _keys(list(indexed.find())) == _keys(list(plain.find()))
    assert indexed.delete_many(query).deleted_count == plain.delete_many(query).deleted_count
    assert _keys(list(indexed.find())) == _keys(list(plain.find()))
    assert _keys(list(indexed.find({"seen": True}))) == []


@settings(max_examples=40)
@given(_DOCUMENTS, _INDEXES, FILTERS | st.just({}), st.sets(st.sampled_from(["a", "b"]), min_size=1), SORTS)
def test_a_projection_shows_the_same(
    documents: list[Document], indexes: list[Any], query: Document, names: set[str], pattern: dict[str, int]
) -> None:
    query = with_type_names(query)
    indexed, plain = _filled(documents, indexes)
    shown = {"_id": 0, **dict.fromkeys(sorted(names), 1)}
    for options in ({}, {"sort": list(pattern.items())}):
        ours, theirs = _answer(indexed, query, shown, **options), _answer(plain, query, shown, **options)
        if type(theirs) is not int:
            # A covered query has the fields in the order of the key pattern.
            assert _keys(list(map(_in_name_order, ours))) == _keys(list(map(_in_name_order, theirs)))


def _in_name_order(document: Document) -> Document:
    return dict(sorted(document.items()))
