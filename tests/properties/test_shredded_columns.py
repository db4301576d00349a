"""Columns made of many documents at once are those made of one after the other, and those of decoded documents."""

from __future__ import annotations

import struct
from typing import Any
from unittest.mock import patch

import numpy as np
from bson import Int64
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.columns import CROSSED, EACH, Path, slot_of
from amongo.engine.columns.decoded import columns_of_documents
from amongo.engine.columns.joining import joined
from amongo.engine.columns.shredder import shred, shred_buffer
from amongo.runtime.interrupts import NEVER
from amongo.values.exact import decode_exact
from amongo.values.missing import MISSING
from amongo.values.types import BsonType, bson_type
from tests.engine.column_cases import Value, array, document, framed, in_one_buffer, shown, text

NAMES = st.sampled_from(["a", "b", "c", "", "long_name_of_a_field", "é"])
TEXTS = st.sampled_from(["", "a", "b\0c", "é", "x" * 40, "ab", "ba"])
DOUBLES = st.sampled_from([0.0, -0.0, 0.5, 1e300, 5e-324, -3.0, float("nan"), float("inf"), -float("inf")])
SCALARS: st.SearchStrategy[Value] = st.one_of(
    st.integers(-(2**31), 2**31 - 1).map(lambda number: (16, struct.pack("<i", number))),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: (18, struct.pack("<q", number))),
    (DOUBLES | st.floats()).map(lambda number: (1, struct.pack("<d", number))),
    TEXTS.map(lambda each: (2, text(each))),
    st.sampled_from([(10, b""), (6, b""), (127, b""), (255, b""), (8, b"\0"), (8, b"\1")]),
    st.binary(min_size=12, max_size=12).map(lambda raw: (7, raw)),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: (9, struct.pack("<q", number))),
    st.binary(max_size=9).map(lambda raw: (5, struct.pack("<i", len(raw)) + b"\x80" + raw)),
    st.sampled_from([(11, b"a.b\0i\0"), (13, text("f()")), (14, text("s")), (12, text("n.s") + bytes(12))]),
    st.just((17, bytes(8))) | st.just((19, bytes(16))),
    st.just((15, struct.pack("<i", 4 + 6 + 5) + text("x") + framed(b""))),
)


def _inner(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    fields = st.lists(st.tuples(NAMES, values), max_size=4)
    return st.one_of(
        fields.map(lambda each: (3, document(each))),
        st.lists(values, max_size=5).map(array),
        fields.map(lambda each: (4, document(each))),  # an array with the names of a document
    )


VALUES = st.recursive(SCALARS, _inner, max_leaves=8)
DOCUMENTS = st.lists(st.tuples(NAMES, VALUES), max_size=6).map(document)
NAMED = st.lists(NAMES, min_size=1, max_size=3)
PATHS: st.SearchStrategy[Path] = st.one_of(
    NAMED.map(tuple),
    st.tuples(NAMED, st.lists(NAMES, max_size=2)).map(lambda two: (*two[0], EACH, *two[1])),
)
MANY = st.tuples(
    st.lists(DOCUMENTS, min_size=1, max_size=6), st.lists(st.integers(0, 5), max_size=60), st.integers(0, 40)
).map(lambda drawn: [drawn[0][each % len(drawn[0])] for each in [*drawn[1], *[0] * drawn[2]]])


@settings(max_examples=40, deadline=None)
@given(MANY, st.lists(PATHS, max_size=4), st.sampled_from([0, 2, 64]), st.sampled_from([0, 3, 16]))
def test_many_at_once_as_one_by_one(documents: list[bytes], paths: list[Path], few: int, rows: int) -> None:
    expected = [shown(column) for column in columns_of_documents(documents, paths, NEVER)]
    walking = "amongo.engine.columns.walking"
    arrays = "amongo.engine.columns.array_walking"
    with (
        patch(f"{walking}.STEPS_OF_FEW", few),
        patch(f"{arrays}.STEPS_OF_FEW", few),
        patch(f"{walking}.STEP_ROWS", rows),
        patch(f"{arrays}.STEP_ROWS", rows),
        patch("amongo.engine.columns.shredder.STEP_ROWS", min(rows, 1)),
    ):
        assert [shown(column) for column in shred(documents, paths, NEVER)] == expected


@settings(max_examples=25, deadline=None)
@given(MANY, st.lists(PATHS, min_size=1, max_size=3), st.integers(1, 30), st.sampled_from([40, 300, 10**6]))
def test_pieces_make_the_same(documents: list[bytes], paths: list[Path], count: int, size: int) -> None:
    expected = [shown(column) for column in columns_of_documents(documents, paths, NEVER)]
    with (
        patch("amongo.engine.columns.shredder.PIECE_COUNT", count),
        patch("amongo.engine.columns.shredder.PIECE_BYTES", size),
        patch("amongo.engine.columns.shredder.STEP_ROWS", 1),
    ):
        assert [shown(column) for column in shred(documents, paths, NEVER)] == expected
    halves = [columns_of_documents(each, paths, NEVER) for each in (documents[: count % 7], documents[count % 7 :])]
    assert [shown(joined(both)) for both in zip(*halves, strict=True)] == expected


@settings(max_examples=25, deadline=None)
@given(MANY, st.lists(PATHS, min_size=1, max_size=3), st.lists(st.integers(0, 300), max_size=3), st.randoms())
def test_anywhere_in_a_buffer(documents: list[bytes], paths: list[Path], gaps: list[int], random: Any) -> None:
    expected = [shown(column) for column in columns_of_documents(documents, paths, NEVER)]
    order = list(range(len(documents)))
    for _ in range(2):
        contents, starts = in_one_buffer(documents, gaps, order)
        for room in (0, 400):
            buffer = np.frombuffer(contents + bytes(room), np.uint8)
            assert [shown(column) for column in shred_buffer(buffer, starts, paths, NEVER)] == expected
        random.shuffle(order)


@settings(max_examples=40, deadline=None)
@given(st.lists(DOCUMENTS, max_size=5), PATHS)
def test_as_decoded(documents: list[bytes], path: Path) -> None:
    """What the decoder says stands at the path is what the column says."""
    (column,) = columns_of_documents(documents, [path], NEVER)
    rows = [_at(decode_exact(raw), path) for raw in documents]
    values = [value for row in rows for value in row]
    assert column.tags.tolist() == [CROSSED if each is CROSSED else int(bson_type(each)) for each in values]
    if EACH in path:
        assert np.diff(column.offsets).tolist() == [len(row) for row in rows]
    for slot, kept in column.slots.items():
        for tag, value, found in zip(column.tags.tolist(), values, kept.to_pylist(), strict=True):
            assert (found is not None) == (slot_of(tag) == slot)
            if found is not None and slot != "other":
                assert _same(value, found)


def _at(value: Any, path: Path) -> list[Any]:
    """The values at a path in one document: one, or with EACH as many as there are elements."""
    if EACH in path:
        before, after = path[: path.index(EACH)], path[path.index(EACH) + 1 :]
        (whole,) = _at(value, before)
        return [each for element in whole for each in _at(element, after)] if type(whole) is list else []
    for name in path:
        if type(value) is list:
            return [CROSSED]
        value = value.get(name, MISSING) if type(value) is dict else MISSING
    return [value]


def _same(value: Any, found: Any) -> bool:
    kind = bson_type(value)
    if kind is BsonType.OBJECT_ID:
        return bool(value.binary == found)
    if kind is BsonType.DOUBLE:
        return struct.pack("<d", value) == struct.pack("<d", found)
    if kind is BsonType.DATE:
        return int(value) == found
    return bool(value == found) and type(found) in (type(value), int, Int64, DatetimeMS)
