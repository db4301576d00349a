"""The keys of indexes: which values of a document they hold."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64
from hypothesis import given
from hypothesis import strategies as st

from amongo.engine.indexes import Index, entry_of
from amongo.errors import ServerError
from amongo.mql.index_keys import key_maker
from amongo.mql.sort_keys import parse_sort
from amongo.values.codec import decode, encode
from amongo.values.collation import Options
from amongo.values.deprecated import UNDEFINED
from amongo.values.hashes import hashed_value

DOCUMENT: dict[str, Any] = {
    "_id": 1,
    "n": 5,
    "null": None,
    "list": [3, 1, 3],
    "empty": [],
    "nested": [[1, 2], 3],
    "doc": {"x": 1, "y": [7, 8]},
    "docs": [{"x": 1, "y": 1}, {"x": 2}, 9],
    "deep": [{"x": [{"z": 1}, {"z": 2}]}, {"x": {"z": 3}}],
    "numbered": {"0": "name"},
}

# (case, key pattern, the values of the keys; they may come in any order)
KEYS: list[tuple[str, dict[str, Any], list[list[Any]]]] = [
    ("value", {"n": 1}, [[5]]),
    ("null", {"null": 1}, [[None]]),
    ("missing", {"none": 1}, [[None]]),
    ("elements", {"list": 1}, [[3], [1]]),
    ("empty array", {"empty": 1}, [[UNDEFINED]]),
    ("array in an array", {"nested": 1}, [[[1, 2]], [3]]),
    ("below a scalar", {"n.x": 1}, [[None]]),
    ("embedded", {"doc.x": 1}, [[1]]),
    ("embedded array", {"doc.y": 1}, [[7], [8]]),
    ("array of documents", {"docs.x": 1}, [[1], [2], [None]]),
    ("arrays of arrays", {"deep.x.z": 1}, [[1], [2], [3]]),
    ("below an empty array", {"empty.x": 1}, [[None]]),
    ("place", {"list.0": 1}, [[3]]),
    ("place past the end", {"list.9": 1}, [[None]]),
    ("place of a document", {"docs.1.x": 1}, [[2]]),
    ("place of an array", {"nested.0": 1}, [[[1, 2]]]),
    ("number as a name", {"numbered.0": 1}, [["name"]]),
    ("compound", {"n": 1, "null": -1}, [[5, None]]),
    ("compound with an array", {"n": 1, "list": 1}, [[5, 3], [5, 1]]),
    ("two fields of one array", {"docs.x": 1, "docs.y": -1}, [[1, 1], [2, None], [None, None]]),
    ("an array and below it", {"docs": 1, "docs.x": 1}, [[{"x": 1, "y": 1}, 1], [{"x": 2}, 2], [9, None]]),
    ("document", {"doc": 1}, [[{"x": 1, "y": [7, 8]}]]),
]


def made(definition: dict[str, Any], document: dict[str, Any]) -> set[bytes]:
    return set(key_maker({"v": 2, "name": "x", **definition}).keys(document).keys)


@pytest.mark.parametrize(("pattern", "values"), [case[1:] for case in KEYS], ids=[case[0] for case in KEYS])
def test_keys(pattern: dict[str, Any], values: list[list[Any]]) -> None:
    maker = key_maker({"v": 2, "key": pattern, "name": "x"})
    assert set(maker.keys(DOCUMENT).keys) == {maker.key(each) for each in values}


# (case, definition, document, code)
REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], int]] = [
    ("two arrays", {"key": {"a": 1, "b": 1}}, {"a": [1], "b": [2]}, 171),
    ("two arrays, one empty", {"key": {"a": 1, "b": 1}}, {"a": [], "b": [2]}, 171),
    ("two inner arrays", {"key": {"a.x": 1, "a.y": 1}}, {"a": [{"x": [1], "y": [1]}]}, 171),
    ("place and name", {"key": {"a.0": 1}}, {"a": [{"0": 1}]}, 16746),
    ("hashed array", {"key": {"a": "hashed"}}, {"a": [1]}, 16766),
    ("array on the way to a hash", {"key": {"a.b": "hashed"}}, {"a": [{"b": 1}]}, 16766),
    ("array beside a wildcard", {"key": {"a": 1, "b.$**": 1}}, {"a": [1]}, 7246301),
]


@pytest.mark.parametrize(("definition", "document", "code"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_refused(definition: dict[str, Any], document: dict[str, Any], code: int) -> None:
    with pytest.raises(ServerError) as failure:
        made(definition, document)
    assert failure.value.code == code


def test_sparse_indexes_leave_out_what_has_no_field_of_theirs() -> None:
    sparse = {"key": {"a": 1, "b": 1}, "sparse": True}
    assert not made(sparse, {"c": 1})
    assert made(sparse, {"b": None}) == made({"key": {"a": 1, "b": 1}}, {"b": None})
    assert len(made({"key": {"a.b": 1}, "sparse": True}, {"a": [{"b": 1}, {}]})) == 1


def test_partial_indexes_leave_out_what_their_filter_does_not_accept() -> None:
    partial = {"key": {"a": 1}, "partialFilterExpression": {"b": {"$gt": 1}}}
    assert not made(partial, {"a": 1, "b": 1})
    assert made(partial, {"a": 1, "b": 2})


def test_collated_indexes_hold_the_keys_of_texts() -> None:
    collation = Options("en", strength=1).document()
    collated = {"key": {"a": 1}, "collation": collation}
    assert made(collated, {"a": "Ä"}) == made(collated, {"a": "a"}) != made(collated, {"a": "b"})


def wildcard_paths(pattern: dict[str, Any], projection: dict[str, Any] | None, document: dict[str, Any]) -> set[Any]:
    definition = {"v": 2, "key": pattern, "name": "x", **({"wildcardProjection": projection} if projection else {})}
    return {tuple(map(repr, each.values)) for each in key_maker(definition).combinations(document)}


def test_wildcards_hold_every_path_to_a_value() -> None:
    document = {"_id": 1, "a": {"b": 1, "c": {}}, "l": [1, {"m": 2}, [3]], "e": []}
    every = {("'a.b'", "1"), ("'a.c'", "{}"), ("'l'", "1"), ("'l.m'", "2"), ("'l'", "[3]"), ("'e'", repr(UNDEFINED))}
    assert wildcard_paths({"$**": 1}, None, document) == every
    assert wildcard_paths({"a.$**": 1}, None, document) == {("'a.b'", "1"), ("'a.c'", "{}")}
    assert wildcard_paths({"$**": 1}, {"a.b": 1}, document) == {("'a.b'", "1")}
    assert wildcard_paths({"$**": 1}, {"_id": 1, "a.b": 1}, document) == {("'_id'", "1"), ("'a.b'", "1")}
    assert wildcard_paths({"$**": 1}, {"a": 0, "l": 0}, document) == {("'e'", repr(UNDEFINED))}
    assert wildcard_paths({"n": 1, "a.$**": 1}, None, {"n": 7, "a": {"b": 1}}) == {("7", "'a.b'", "1")}
    assert wildcard_paths({"n": 1, "a.$**": 1}, None, {"n": 7}) == {("7", "None", "None")}


def test_hashes() -> None:
    assert hashed_value("hello") == Int64(5347277839332858538)  # manual, $toHashedIndexKey, and servers
    numbers = [1, Int64(1), 1.0, 1.9, Decimal128("1.4")]
    assert len({hashed_value(number) for number in numbers}) == 1
    assert hashed_value({"a": 1, "b": 2}) != hashed_value({"b": 2, "a": 1})


PATTERNS = st.sampled_from([{"a": 1}, {"a": -1}, {"a.b": 1}, {"a": 1, "c": -1}, {"a.b": 1, "a.c": -1}])
SCALARS = st.one_of(st.none(), st.integers(-3, 3), st.text("ab", max_size=2), st.booleans())
OBJECTS = st.dictionaries(st.sampled_from("bc"), st.one_of(SCALARS, st.lists(SCALARS, max_size=2)), max_size=2)
FIELDS = st.one_of(SCALARS, OBJECTS, st.lists(st.one_of(SCALARS, OBJECTS), max_size=3))


@given(pattern=PATTERNS, document=st.dictionaries(st.sampled_from("abc"), FIELDS, max_size=3))
def test_a_document_sorts_by_its_first_key(pattern: dict[str, int], document: dict[str, Any]) -> None:
    """Two ways to one answer: the sort key of a document is the least of its index keys."""
    try:
        keys = made({"key": pattern}, document)
    except ServerError as error:
        with pytest.raises(ServerError):
            parse_sort(pattern).key(document)
        assert error.code == 171
        return
    assert min(keys) == parse_sort(pattern).key(document)


# (case, key pattern, document, for each field the components of its path that were arrays)
ARRAYS: list[tuple[str, dict[str, Any], dict[str, Any], list[set[int]]]] = [
    ("none", {"a": 1, "b": 1}, {"a": 1, "b": 2}, [set(), set()]),
    ("values", {"a": 1}, {"a": [1, 2]}, [{0}]),
    ("no values", {"a": -1}, {"a": []}, [{0}]),
    ("beside another", {"a": 1, "b": 1}, {"a": 1, "b": [2]}, [set(), {0}]),
    ("documents", {"a.b": 1}, {"a": [{"b": 1}]}, [{0}]),
    ("values of documents", {"a.b": 1}, {"a": [{"b": [1]}, {"b": 2}]}, [{0, 1}]),
    ("values in a document", {"a.b": 1}, {"a": {"b": [1]}}, [{1}]),
    ("two fields of one array", {"a.b": 1, "a.c": 1}, {"a": [{"b": 1, "c": 2}]}, [{0}, {0}]),
    ("a place", {"a.0": 1}, {"a": [1, 2]}, [set()]),
    ("a place below an array", {"a.b.0": 1}, {"a": [{"b": [1, 2]}]}, [{0}]),
    ("below a place", {"a.0.b": 1}, {"a": [{"b": [1, 2]}]}, [{2}]),
    ("a place and all", {"a.0": 1, "a": 1}, {"a": [1, 2]}, [set(), {0}]),
]


@pytest.mark.parametrize(("pattern", "document", "paths"), [c[1:] for c in ARRAYS], ids=[c[0] for c in ARRAYS])
def test_where_the_arrays_were(pattern: dict[str, Any], document: dict[str, Any], paths: list[set[int]]) -> None:
    index = Index({"v": 2, "key": pattern, "name": "x"}, key_maker({"v": 2, "key": pattern, "name": "x"}))
    assert index.multikey_paths == tuple(frozenset() for _ in pattern)
    index.keys_of(document)
    assert index.multikey_paths == tuple(map(frozenset, paths))
    assert index.is_multikey == any(paths)
    again = Index(index.definition, index.maker)
    again.recall(decode(encode(index.facts())), ())
    assert (again.multikey_paths, again.is_multikey) == (index.multikey_paths, index.is_multikey)


def test_where_the_arrays_of_a_wildcard_index_were() -> None:
    definition = {"v": 2, "key": {"$**": 1}, "name": "x"}
    index = Index(definition, key_maker(definition))
    index.keys_of({"a": 1, "b": [1], "c": [{"d": [2]}], "e": {"f": []}})
    assert index.array_paths == {"b", "c", "c.d", "e.f"}
    again = Index(definition, index.maker)
    again.recall(decode(encode(index.facts())), ())
    assert again.array_paths == index.array_paths


VALUED: list[tuple[dict[str, Any], dict[str, Any], list[list[Any]] | None]] = [
    ({"key": {"a": 1}}, {"a": 1.0}, [[1.0]]),
    ({"key": {"a": -1, "b": 1}}, {"a": Int64(7), "b": "x\0"}, [[Int64(7), "x\0"]]),
    ({"key": {"a": 1, "b": -1}}, {"b": [Decimal128("1.10"), None]}, [[None, Decimal128("1.10")], [None, None]]),
    ({"key": {"a": 1}}, {"a": []}, [[UNDEFINED]]),
    ({"key": {"a": 1}}, {"a": {"x": [1, 2.0]}}, [[{"x": [1, 2.0]}]]),
    ({"key": {"$**": 1}}, {"a": {"b": 2.5}}, [["a.b", 2.5]]),
    ({"key": {"a": "hashed"}}, {"a": 1}, None),
    ({"key": {"a": 1}, "collation": Options("en", strength=1).document()}, {"a": "x"}, None),
]


@pytest.mark.parametrize(("definition", "document", "values"), VALUED, ids=[str(case[0]) for case in VALUED])
def test_entries_give_back_values(
    definition: dict[str, Any], document: dict[str, Any], values: list[list[Any]] | None
) -> None:
    definition = {"v": 2, "name": "x", **definition}
    index = Index(definition, key_maker(definition))
    found = [index.values_of(entry_of(key, 3, types)) for key, types in index.keys(encode(document)).items()]
    if values is None:
        assert found == [None] * len(found)
    else:
        assert sorted(encode({"": each}) for each in found) == sorted(encode({"": each}) for each in values)


def test_a_new_type_of_an_equal_value_is_a_new_entry() -> None:
    definition = {"v": 2, "key": {"a": 1}, "name": "x"}
    index = Index(definition, key_maker(definition))
    (one,), (other,) = index.keys(encode({"a": 1})).items(), index.keys(encode({"a": 1.0})).items()
    assert one[0] == other[0]
    assert one[1] != other[1]
