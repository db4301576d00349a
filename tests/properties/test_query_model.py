"""The matcher and the sort against a model of a page: one meaning, said twice."""

from __future__ import annotations

from typing import Any

import query_model as model
from drawn import DOCUMENTS, FILTERS, SORTS, with_type_names
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from amongo import MongoClient
from amongo.errors import ServerError
from amongo.mql.matcher import parse_filter
from amongo.mql.sort_keys import parse_sort


@settings(max_examples=600)
@given(FILTERS, st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_filters_find_what_the_model_finds(query: dict[str, Any], documents: list[dict[str, Any]]) -> None:
    matches = parse_filter(with_type_names(query)).bind()
    for document in documents:
        assert matches(document) is model.matches(query, document), document


@settings(max_examples=250)
@given(SORTS, st.lists(DOCUMENTS, min_size=2, max_size=5))
def test_sorts_order_as_the_model_orders(pattern: dict[str, int], documents: list[dict[str, Any]]) -> None:
    sort = parse_sort(pattern)
    try:
        keys = [sort.key(document) for document in documents]
    except ServerError as error:  # two arrays side by side have no order
        assert error.code == 2
        assume(False)
    assume(len(pattern) == 1 or not any(map(_has_array, documents)))
    places = sorted(range(len(documents)), key=keys.__getitem__)
    assert [documents[place] for place in places] == model.in_order(documents, pattern)


@settings(max_examples=100)
@given(FILTERS, SORTS, st.lists(DOCUMENTS, max_size=6), st.integers(0, 2), st.integers(0, 3))
def test_a_find_answers_as_the_model(
    query: dict[str, Any], pattern: dict[str, int], documents: list[dict[str, Any]], skip: int, limit: int
) -> None:
    assume(len(pattern) == 1 or not any(map(_has_array, documents)))
    documents = [{"_id": number, **document} for number, document in enumerate(documents)]
    found = model.in_order([document for document in documents if model.matches(query, document)], pattern)[skip:]
    with MongoClient("memory://") as client:
        if documents:
            client.db.c.insert_many(documents)
        cursor = client.db.c.find(with_type_names(query)).sort(list(pattern.items())).skip(skip).limit(limit)
        answered = [document["_id"] for document in cursor]
        assert client.db.c.count_documents(with_type_names(query)) == len(found) + min(
            skip, sum(model.matches(query, document) for document in documents)
        )
    assert answered == [document["_id"] for document in (found[:limit] if limit else found)]


def _has_array(value: Any) -> bool:
    if type(value) is dict:
        return any(map(_has_array, value.values()))
    return type(value) is list
