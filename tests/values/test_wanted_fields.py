"""Reading some fields of documents: the same values as decoding, whatever the documents look like."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.values import wanted_fields
from amongo.values.codec import decode, encode
from amongo.values.wanted_fields import field_reader, fields_reader, find_layout

Document = dict[str, Any]


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted_fields, "_LEARN_AFTER", 0)
    monkeypatch.setattr(wanted_fields, "_WORTH_IT", 100.0)


def _wanted(document: Document, names: frozenset[str]) -> list[tuple[str, Any, type]]:
    return [(name, value, type(value)) for name, value in document.items() if name in names]


_VALUES = st.one_of(
    st.integers(-3, 3),
    st.floats(allow_nan=False),
    st.sampled_from([None, True, False, Int64(7), DatetimeMS(-5), ObjectId(b"x" * 12), Decimal128("1.0"), Regex("a")]),
    st.sampled_from(["", "short", "with\0nul", "é\u20ac", "x" * 300, Binary(b"b", 5), b"\x10a\0"]),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.sampled_from(["a", "$ref", "$id"]), st.integers(0, 3), max_size=2),
)
_NAMES = st.sampled_from(["_id", "a", "b", "c", "d", "é"])
_SHAPES = st.lists(st.dictionaries(_NAMES, _VALUES, max_size=6), min_size=1, max_size=3)


@settings(max_examples=300, deadline=None)
@given(_SHAPES, st.frozensets(_NAMES, min_size=1, max_size=3), st.lists(st.integers(0, 2), max_size=12))
def test_as_decoded(shapes: list[Document], names: frozenset[str], order: list[int]) -> None:
    read = field_reader(names)
    for place in [*order, *range(len(shapes))]:
        raw = encode(shapes[place % len(shapes)])
        found, whole = read(raw), decode(raw)
        assert _wanted(found, names) == _wanted(whole, names)
        assert list(found) == [name for name in whole if name in found]


@settings(max_examples=200, deadline=None)
@given(_SHAPES, st.frozensets(_NAMES, max_size=4), st.lists(st.integers(0, 2), max_size=12))
def test_many_as_one_by_one(shapes: list[Document], names: frozenset[str], order: list[int]) -> None:
    raws = [encode(shapes[place % len(shapes)]) for place in order]
    read = field_reader(names)
    found = fields_reader(names)(iter(raws))
    assert [_wanted(each, names) for each in found] == [_wanted(read(raw), names) for raw in raws]


def test_other_values_of_the_same_layout() -> None:
    names = frozenset({"n", "s", "z"})
    read = field_reader(names)
    for number in range(20):
        document = {"t": "x" * number, "n": number, "s": "y" * (number % 3), "l": [1] * number, "z": number / 2, "e": 1}
        found = read(bson.encode(document))
        assert _wanted(found, names) == _wanted(document, names)
        if number:
            assert found.keys() == names


def test_text_is_never_taken_for_structure() -> None:
    read = field_reader({"n"})
    read(bson.encode({"s": "abc", "n": 1}))
    feigned = "abc\0\x10n\0\x07\x00\x00\x00"
    assert read(bson.encode({"s": feigned, "n": 2}))["n"] == 2


def test_no_layout_with_elements_of_unknown_size() -> None:
    assert find_layout(bson.encode({"r": Regex("a"), "n": 1}), frozenset({"n"})) is None


def test_nothing_wanted() -> None:
    assert field_reader(())(bson.encode({"a": 1})) == {}


def test_decoding_whole_documents_where_that_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted_fields, "_WORTH_IT", 0.85)
    read = field_reader({"a", "l"})
    for _ in range(3):
        assert read(bson.encode({"a": 1, "l": [1, 2], "b": 1})).keys() == {"a", "l", "b"}
