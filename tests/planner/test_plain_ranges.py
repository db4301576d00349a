"""Finds that a range of entries answers: which filters these are, and that they say what the general way says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bson import Int64, Regex
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.commands.find import NO_OPTIONS, FindOptions, FindRequest
from amongo.commands.instance import Instance
from amongo.planner import canonical_query, plan_query
from amongo.planner.plain_ranges import PlainRange, plain_range
from amongo.runtime.interrupts import NEVER
from amongo.values.codec import decode, encode

Document = dict[str, Any]


def _filled(documents: list[Document], *indexes: Document, path: str | None = None, **options: Any) -> Instance:
    instance = Instance.open(path)
    instance.run_command("shop", encode({"insert": "stock", "documents": documents}))
    for number, key in enumerate(indexes):
        specs = [{"key": key, "name": f"index{number}", **options}]
        instance.run_command("shop", encode({"createIndexes": "stock", "indexes": specs}))
    return instance


def _range(instance: Instance, filter: Document) -> PlainRange | None:
    return plain_range(filter, instance.store.catalog.by_namespace["shop.stock"])


def _found(instance: Instance, filter: Document, **asked: Any) -> list[Document]:
    reply = instance.execute(FindRequest("shop.stock", filter, batch_size=1000, **asked))
    return [decode(raw) for raw in reply.batch]


def _planned(instance: Instance, filter: Document) -> list[Document]:
    """What the general way finds, in its order."""
    plan = plan_query(canonical_query(filter), instance.store.catalog.by_namespace["shop.stock"], instance.store)
    return [decode(raw) for raw in plan.documents(instance.store, NEVER)]


NUMBERS = [{"_id": n, "a": n % 10, "b": n // 10, "c": "x"} for n in range(100)]


@pytest.mark.parametrize(
    "filter",
    [
        {"a": 5},
        {"a": {"$eq": 5}},
        {"a": {"$gte": 3, "$lt": 5}},
        {"a": {"$gt": 7.5}},
        {"a": {"$lte": Int64(2)}},
        {"a": {"$gt": 1, "$gte": 3, "$lt": 9, "$lte": 4}},
        {"a": 5, "b": 3},
        {"b": {"$gt": 3, "$lte": 5}, "a": 5},
        {"a": "text"},
        {"a": {"$lt": DatetimeMS(5)}},
    ],
)
@pytest.mark.parametrize("direction", [1, -1])
def test_plain_values_are_one_range(filter: Document, direction: int) -> None:
    instance = _filled(NUMBERS, {"a": direction, "b": -direction})
    assert _range(instance, filter) is not None
    assert _found(instance, filter) == _planned(instance, filter)


@pytest.mark.parametrize(
    "filter",
    [
        {},
        {"b": 3},
        {"a": 5, "c": "x"},
        {"a": {"$gt": 3}, "b": 2},
        {"_id": 5, "a": 5},
        {"a": None},
        {"a": [5]},
        {"a": {"x": 5}},
        {"a": Regex("^x")},
        {"a": float("nan")},
        {"a": {"$gt": 3, "$lt": "x"}},
        {"a": {"$gt": 5, "$lt": 5}},
        {"a": {"$in": [1, 2]}},
        {"a": {"$eq": 3, "$lt": 5}},
        {"$and": [{"a": 5}]},
    ],
)
def test_what_is_out_of_the_ordinary_goes_the_general_way(filter: Document) -> None:
    instance = _filled(NUMBERS, {"a": 1, "b": 1})
    assert _range(instance, filter) is None
    natural = _found(instance, filter, options=FindOptions(hint={"$natural": 1}))
    assert sorted(each["_id"] for each in _found(instance, filter)) == [each["_id"] for each in natural]


@pytest.mark.parametrize(
    "options", [{"partialFilterExpression": {"a": {"$gt": 3}}}, {"collation": {"locale": "en"}}, {"hidden": True}]
)
def test_indexes_out_of_the_ordinary_are_weighed(options: Document) -> None:
    assert _range(_filled(NUMBERS, {"a": 1}, **options), {"a": 5}) is None


def test_of_several_indexes_the_one_that_answers_alone_is_taken() -> None:
    instance = _filled(NUMBERS, {"a": 1}, {"a": 1, "b": 1})
    both, one = _range(instance, {"b": 3, "a": 5}), _range(instance, {"a": 5})
    assert both is not None
    assert both.facts.name == "index1"
    assert one is not None
    assert one.facts.name == "index0"
    assert _range(instance, {"a": {"$gt": 5}}) is None  # two would do


def test_elements_are_found_once_and_ranges_of_them_are_left_to_others() -> None:
    instance = _filled([{"_id": 1, "a": [1, 2, 3]}, {"_id": 2, "a": 2}], {"a": 1})
    assert _range(instance, {"a": 2}) is not None
    assert [each["_id"] for each in _found(instance, {"a": 2})] == [1, 2]
    assert _range(instance, {"a": {"$gt": 2, "$lt": 2.5}}) is None


def test_an_array_that_comes_behind_the_range_makes_it_stale() -> None:
    instance = _filled(NUMBERS, {"a": 1})
    found = _range(instance, {"a": {"$gt": 8}})
    assert found is not None
    instance.run_command("shop", encode({"insert": "stock", "documents": [{"_id": 1000, "a": [0, 9]}]}))
    assert found.documents(instance.store) is None
    assert [each["_id"] for each in _found(instance, {"a": {"$gt": 8}})] == [*range(9, 100, 10), 1000]


def test_batches_windows_and_uses() -> None:
    instance = _filled(NUMBERS, {"a": 1})
    first = instance.execute(FindRequest("shop.stock", {"a": {"$gte": 5}}, batch_size=7, options=NO_OPTIONS))
    assert len(first.batch) == 7
    assert first.cursor_id
    rest = instance.cursors.next_reply(first.cursor_id, "shop.stock", None)
    assert [decode(raw)["a"] for raw in (*first.batch, *rest.batch)] == sorted([5, 6, 7, 8, 9] * 10)
    assert rest.cursor_id == 0
    opened = instance.execute(FindRequest("shop.stock", {"a": 5}, batch_size=0))
    assert opened.batch == []
    assert len(instance.cursors.next_reply(opened.cursor_id, "shop.stock", None).batch) == 10
    exact = instance.execute(FindRequest("shop.stock", {"a": 5}, batch_size=10))
    assert (len(exact.batch), exact.cursor_id) == (10, 0)
    assert [each["_id"] for each in _found(instance, {"a": 5}, skip=2, limit=3)] == [25, 35, 45]
    collection = instance.store.catalog.by_namespace["shop.stock"]
    assert collection.uses.of_index(collection.indexes["index0"]) == 4


def test_documents_below_a_checkpoint_come_up_as_they_are(tmp_path: Path) -> None:
    documents = [{"_id": n, "m": n, "r": n * 7919 % 500} for n in range(500)]
    instance = _filled(documents, {"m": 1}, {"r": -1}, path=str(tmp_path / "store"))
    try:
        for round_ in range(3):
            instance.store.checkpoints.checkpoint()
            update = {"q": {"m": {"$gte": 100 + round_, "$lt": 103 + round_}}, "u": {"$inc": {"r": 500}}, "multi": True}
            instance.run_command("shop", encode({"update": "stock", "updates": [update]}))
            delete = {"q": {"_id": {"$in": [110, 120 + round_]}}, "limit": 0}
            instance.run_command("shop", encode({"delete": "stock", "deletes": [delete]}))
            for filter in ({"m": {"$gte": 90, "$lt": 140}}, {"r": {"$gt": 100, "$lte": 700}}, {"m": 110}, {"m": 99}):
                assert _range(instance, filter) is not None
                natural = _found(instance, filter, options=FindOptions(hint={"$natural": 1}))
                found = _found(instance, filter)
                assert sorted(found, key=lambda each: each["_id"]) == natural
                assert _found(instance, filter, limit=3) == found[:3]
    finally:
        instance.close()


SCALARS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([-0.0, 1.5, float("inf"), float("-inf"), float("nan"), Int64(2), "", "a", "b\0", True, None]),
)
VALUES = st.one_of(SCALARS, st.lists(st.integers(0, 2), max_size=2))
TESTS = st.one_of(
    VALUES,
    st.dictionaries(st.sampled_from(["$eq", "$gt", "$gte", "$lt", "$lte"]), VALUES, min_size=1, max_size=3),
)
DOCUMENTS = st.lists(st.fixed_dictionaries({}, optional={"a": VALUES, "b": SCALARS}), max_size=12)
INDEXES = st.lists(
    st.sampled_from([{"a": 1}, {"a": -1}, {"b": 1}, {"a": 1, "b": 1}, {"a": -1, "b": 1}, {"b": -1, "a": -1}]),
    min_size=1,
    max_size=2,
    unique_by=lambda each: tuple(each.items()),
)


@settings(deadline=None, max_examples=150)
@given(DOCUMENTS, INDEXES, st.dictionaries(st.sampled_from(["a", "b"]), TESTS, min_size=1))
def test_both_ways_find_the_same_in_the_same_order(
    documents: list[Document], indexes: list[Document], filter: Document
) -> None:
    instance = _filled([{"_id": n, **each} for n, each in enumerate(documents or [{}])], *indexes)
    expected = [each["_id"] for each in _planned(instance, filter)]
    assert [each["_id"] for each in _found(instance, filter)] == expected
