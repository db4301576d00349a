"""The three readings of a field path."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.values.missing import MISSING
from amongo.values.paths import (
    FieldPath,
    bind_any,
    bind_evaluate,
    evaluate,
    expand,
    expand_located,
    field_path,
    get,
    is_index,
    query_path,
)

GET: list[tuple[str, dict[str, Any], str, Any]] = [
    ("top field", {"a": 1}, "a", 1),
    ("null is not missing", {"a": None}, "a", None),
    ("missing", {}, "a", MISSING),
    ("inside", {"a": {"b": {"c": 1}}}, "a.b.c", 1),
    ("through a scalar", {"a": 1}, "a.b", MISSING),
    ("through null", {"a": None}, "a.b", MISSING),
    ("an array at the end", {"a": {"b": [1]}}, "a.b", [1]),
    ("not through an array", {"a": [{"b": 1}]}, "a.b", MISSING),
    ("a numeric field name", {"a": {"0": 1}}, "a.0", 1),
    ("no array position", {"a": [1]}, "a.0", MISSING),
]


@pytest.mark.parametrize(("name", "document", "path", "expected"), GET, ids=[each[0] for each in GET])
def test_get(name: str, document: dict[str, Any], path: str, expected: Any) -> None:
    assert get(document, query_path(path)) == expected


EVALUATE: list[tuple[str, dict[str, Any], str, Any]] = [
    ("top field", {"a": 1}, "a", 1),
    ("top array", {"a": [1]}, "a", [1]),
    ("missing", {}, "a.b", MISSING),
    ("inside", {"a": {"b": 1}}, "a.b", 1),
    ("an array of documents", {"a": [{"b": 1}, {"b": 2}]}, "a.b", [1, 2]),
    ("what has no such field is left out", {"a": [{"b": 1}, {}, 5, None, [{"b": 9}]]}, "a.b", [1]),
    ("null stays", {"a": [{"b": None}]}, "a.b", [None]),
    ("an empty array", {"a": []}, "a.b", []),
    (
        "arrays in arrays keep their shape",
        {"a": [{"b": [{"c": 1}, {"c": 2}]}, {"b": []}, {"b": 1}]},
        "a.b.c",
        [[1, 2], []],
    ),
    ("no array position", {"a": [1, 2]}, "a.0", []),
    ("a numeric field name", {"a": [{"0": 1}]}, "a.0", [1]),
    ("through a scalar", {"a": 1}, "a.b", MISSING),
]


@pytest.mark.parametrize(("name", "document", "path", "expected"), EVALUATE, ids=[each[0] for each in EVALUATE])
def test_evaluate(name: str, document: dict[str, Any], path: str, expected: Any) -> None:
    assert evaluate(document, field_path(path)) == expected
    assert bind_evaluate(field_path(path))(document) == expected


# (name, document, path, leaves with their place in the outermost array that was searched)
EXPAND: list[tuple[str, dict[str, Any], str, list[tuple[Any, int | None]]]] = [
    ("top field", {"a": 1}, "a", [(1, None)]),
    ("missing", {}, "a", [(MISSING, None)]),
    ("missing below", {"a": {}}, "a.b", [(MISSING, None)]),
    ("through a scalar", {"a": 5}, "a.b", [(MISSING, None)]),
    ("through null", {"a": None}, "a.b", [(MISSING, None)]),
    ("elements, then the array", {"a": [1, 2]}, "a", [(1, 0), (2, 1), ([1, 2], None)]),
    ("an empty array", {"a": []}, "a", [([], None)]),
    ("an array in an array is not opened", {"a": [[1]]}, "a", [([1], 0), ([[1]], None)]),
    ("any document of an array", {"a": [{"b": 1}, {"b": 2}]}, "a.b", [(1, 0), (2, 1)]),
    ("a document without the field", {"a": [{"b": 1}, {}]}, "a.b", [(1, 0), (MISSING, 1)]),
    ("scalars on the way give nothing", {"a": [1, None]}, "a.b", []),
    ("an empty array on the way gives nothing", {"a": []}, "a.b", []),
    ("an array in an array on the way gives nothing", {"a": [[{"b": 1}]]}, "a.b", []),
    ("the outermost place counts", {"a": [{"b": 0}, {"b": [1, 2]}]}, "a.b", [(0, 0), (1, 1), (2, 1), ([1, 2], 1)]),
    ("a position", {"a": [1, 2]}, "a.1", [(2, None)]),
    ("a position past the end", {"a": [1]}, "a.1", []),
    ("a leading zero is no position", {"a": [1, 2]}, "a.01", []),
    ("an array at a position is not opened", {"a": [[1, 2], 3]}, "a.0", [([1, 2], None)]),
    ("a numeric field name", {"a": {"0": 1}}, "a.0", [(1, None)]),
    ("field name and position", {"a": [{"0": "name"}, {}]}, "a.0", [("name", 0), ({"0": "name"}, None), (MISSING, 1)]),
    ("through a position", {"a": [{"b": 1}, {"b": 2}]}, "a.1.b", [(MISSING, 0), (MISSING, 1), (2, None)]),
    ("through a position into an array", {"a": [5, [{"b": 1}, {"b": 2}]]}, "a.1.b", [(1, 0), (2, 1)]),
    ("a position, then any element", {"a": [{"b": [0, 1]}]}, "a.0.b", [(MISSING, 0), (0, 0), (1, 1), ([0, 1], None)]),
    ("any document, then a position", {"a": [{}, {"b": [0, 1]}]}, "a.b.1", [(MISSING, 0), (1, 1)]),
    ("two positions", {"a": [[1, 2], [3, 4]]}, "a.1.0", [(3, None)]),
    ("through a scalar at a position", {"a": [5]}, "a.0.b", []),
    ("an empty component", {"a": {"": 1}}, "a.", [(1, None)]),
]


@pytest.mark.parametrize(("name", "document", "path", "expected"), EXPAND, ids=[each[0] for each in EXPAND])
def test_expand(name: str, document: dict[str, Any], path: str, expected: list[tuple[Any, int | None]]) -> None:
    assert [tuple(leaf) for leaf in expand_located(document, query_path(path))] == expected
    assert list(expand(document, query_path(path))) == [value for value, _ in expected]


def test_arrays_at_the_end_can_be_left_whole() -> None:
    document = {"a": [{"b": [1, 2]}, {"b": 3}]}
    assert list(expand(document, query_path("a.b"), leaf_arrays=False)) == [[1, 2], 3]
    assert list(expand(document, query_path("a"), leaf_arrays=False)) == [document["a"]]


small_values = st.recursive(
    st.integers(0, 2) | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0", "1"]), inner, max_size=3)
    ),
    max_leaves=8,
)
small_documents = st.dictionaries(st.sampled_from(["a", "b", "0"]), small_values, max_size=3)
small_paths = st.lists(st.sampled_from(["a", "b", "0", "1"]), min_size=1, max_size=3).map(".".join).map(query_path)


@settings(max_examples=500, deadline=None)
@given(small_documents, small_paths, small_values | st.just(MISSING), st.booleans())
def test_bound_closure_agrees_with_expand(
    document: dict[str, Any], path: FieldPath, wanted: Any, leaf_arrays: bool
) -> None:
    bound = bind_any(path, lambda value: bool(value == wanted), leaf_arrays=leaf_arrays)
    assert bound(document) == any(value == wanted for value in expand(document, path, leaf_arrays=leaf_arrays))


@settings(max_examples=300, deadline=None)
@given(small_documents, small_paths)
def test_get_is_among_the_leaves(document: dict[str, Any], path: FieldPath) -> None:
    value = get(document, path)
    if value is not MISSING:
        assert value in list(expand(document, path))
        assert evaluate(document, path) == value


INVALID: list[tuple[str, str, int]] = [
    ("empty", "", 40352),
    ("only a dot", ".", 40353),
    ("dot at the end", "a.", 40353),
    ("dot at the beginning", ".a", 15998),
    ("two dots", "a..b", 15998),
    ("dollar", "$a", 16410),
    ("dollar below", "a.$b", 16410),
    ("NUL", "a.b\0c", 16411),
    ("too long", ".".join("a" * 201), 15),
]


@pytest.mark.parametrize(("name", "text", "code"), INVALID, ids=[each[0] for each in INVALID])
def test_invalid_field_path(name: str, text: str, code: int) -> None:
    with pytest.raises(ServerError) as raised:
        field_path(text)
    assert raised.value.code == code


def test_path_object() -> None:
    path = field_path("a.b")
    assert (path.first, str(path), path.child("0")) == ("a", "a.b", field_path("a.b.0"))
    assert path.is_prefix_of(path)
    assert path.is_prefix_of(path.child("c"))
    assert not path.is_prefix_of(field_path("a.bc"))
    assert not path.is_prefix_of(field_path("a"))
    assert len(field_path(".".join("a" * 200)).parts) == 200


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("0", True),
        ("10", True),
        ("01", False),
        ("00", False),
        ("", False),
        ("-1", False),
        ("1a", False),
        ("²", False),
        ("٣", False),
    ],
)
def test_is_index(part: str, expected: bool) -> None:
    assert is_index(part) is expected
