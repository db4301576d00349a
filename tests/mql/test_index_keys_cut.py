"""Two ways to one answer: a key cut out of a document's bytes, and the key of the decoded document."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.mql.index_keys import key_maker
from amongo.values.codec import decode, encode
from amongo.values.collation import Options

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.integers(-5, 5).map(Int64),
    st.floats(),
    st.sampled_from([0.0, -0.0]),
    st.text(max_size=4) | st.sampled_from(["\0", "a\0b", "x" * 300]),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.integers(-(2**63), 2**63 - 1).map(DatetimeMS),
    st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
)
OTHERS = st.one_of(
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 3), max_size=2),
    st.sampled_from([Decimal128("1.0"), Regex("a"), b"bytes"]),
)
DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b", "c", "é", "a."]), SCALARS | SCALARS | OTHERS, max_size=5)
PATTERNS = st.sampled_from([{"a": 1}, {"a": -1}, {"é": 1}, {"a": 1, "b": -1}, {"c": -1, "a": 1, "b": 1}])


@settings(deadline=None)
@given(pattern=PATTERNS, is_sparse=st.booleans(), documents=st.lists(DOCUMENTS, min_size=1, max_size=12))
def test_cut_as_decoded(pattern: dict[str, int], is_sparse: bool, documents: list[dict[str, Any]]) -> None:
    maker = key_maker({"v": 2, "key": pattern, "name": "x", **({"sparse": True} if is_sparse else {})})
    assert maker.cut is not None
    raws = [encode({"_id": 1, **document}) for document in documents]
    for raw in raws * 12:  # as often as it takes to learn
        made = maker.cut(raw)
        if made is None:
            continue
        assert maker.keys(decode(raw)).keys == ({made[0]: made[1]} if made else {})


SHAPE: dict[str, Any] = {
    "_id": 1,
    "name": "Ada",
    "nick": "A",
    "born": 1815,
    "age": 36,
    "tags": ["x"],
    "email": "ada@example.org",
    "paid": 9.5,
}


@pytest.mark.parametrize(
    "fields", [["age"], ["name"], ["nick"], ["born"], ["email"], ["paid", "name"], ["none"]], ids="-".join
)
def test_what_is_learned_serves_documents_built_alike_and_no_others(fields: list[str]) -> None:
    maker = key_maker({"v": 2, "key": dict.fromkeys(fields, 1), "name": "x"})
    assert maker.cut is not None
    for number in range(40):
        document = {**SHAPE, "name": "n" * (number % 7), "age": number, "email": f"{number}@example.org"}
        variants = [
            document,
            {**document, "age": Int64(number)},
            {**document, "name": "a\0age\0"},
            {**document, "nick": "\0\x10born\0"},
        ]
        variants.append({name: value for name, value in document.items() if name != "name"})
        for variant in variants:
            made = maker.cut(encode(variant))
            assert made is not None
            assert made != ()
            assert {made[0]: made[1]} == maker.keys(decode(encode(variant))).keys


@pytest.mark.parametrize(
    "definition",
    [
        {"key": {"a.b": 1}},
        {"key": {"a": "hashed"}},
        {"key": {"$**": 1}},
        {"key": {"a": 1}, "partialFilterExpression": {"b": 1}},
        {"key": {"a": 1}, "collation": Options("en", strength=1).document()},
    ],
    ids=str,
)
def test_other_indexes_need_the_document(definition: dict[str, Any]) -> None:
    assert key_maker({"v": 2, "name": "x", **definition}).cut is None


def test_the_first_of_two_elements_of_one_name_counts_however_the_document_is_read() -> None:
    maker = key_maker({"v": 2, "key": {"a": 1}, "name": "x"})
    assert maker.cut is not None
    twice = encode({"_id": 1, "a": 1, "b": 2}).replace(b"\x10b\0", b"\x10a\0")
    before = maker.cut(twice)
    for _ in range(40):
        maker.cut(encode({"_id": 1, "a": 1, "b": 2}))
    assert maker.cut(twice) == before == maker.cut(encode({"a": 1}))
