"""Documents written from columns, against documents that are encoded one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.aggregate.relational import encoding
from amongo.aggregate.relational.encoding import can_encode, encoded
from amongo.aggregate.relational.output import Place, Shape, documents, without_missing
from amongo.aggregate.relational.tables import ARROW_TYPES
from amongo.engine.columns import BOOL, DATE, DOUBLE, OBJECT_ID, OTHER, STRING, WHOLE
from amongo.values.codec import encode, encode_in_order
from amongo.values.types import BsonType


@pytest.fixture(autouse=True, scope="module")
def _few_rows() -> Iterator[None]:
    """Batches of a few rows are written this way too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "LEAST_ROWS", 0)
        yield


SLOT_VALUES = {
    WHOLE: st.integers(-(2**63), 2**63 - 1),
    DOUBLE: st.floats(allow_nan=True, allow_infinity=True),
    STRING: st.text(max_size=8),
    BOOL: st.booleans(),
    DATE: st.integers(-(2**62), 2**62),
    OBJECT_ID: st.binary(min_size=12, max_size=12),
    OTHER: st.sampled_from([encode({"": value})[6:-1] for value in ({}, {"a": 1, "b": "x"}, {"c": {"d": None}})]),
}
TAGS = {
    BsonType.MISSING: None,
    BsonType.NULL: None,
    BsonType.MIN_KEY: None,
    BsonType.MAX_KEY: None,
    BsonType.LONG: WHOLE,
    BsonType.DOUBLE: DOUBLE,
    BsonType.STRING: STRING,
    BsonType.BOOL: BOOL,
    BsonType.DATE: DATE,
    BsonType.OBJECT_ID: OBJECT_ID,
    BsonType.OBJECT: OTHER,
}


@st.composite
def batches(draw: st.DrawFn) -> tuple[pa.RecordBatch, Shape]:
    """A batch of two fields, of a document of two more, and of a constant."""
    rows = draw(st.integers(1, 12))
    arrays: dict[str, pa.Array] = {}

    def place(number: int) -> Place:
        tags = draw(st.lists(st.sampled_from(sorted(TAGS)), min_size=rows, max_size=rows))
        arrays[f"t{number}"] = pa.array([int(tag) for tag in tags], pa.int8())
        slots = {}
        for slot in sorted({found for tag in tags if (found := TAGS[tag]) is not None}):
            name = f"s{number}_{slot.lower()}"
            values: list[Any] = [draw(SLOT_VALUES[slot]) if TAGS[tag] == slot else None for tag in tags]
            arrays[name] = pa.array(values, ARROW_TYPES[slot])
            slots[slot] = name
        return Place(f"t{number}", slots)

    fields = {"a": place(0), "longer name é": place(1)}
    fields["inside"] = Place(int(BsonType.OBJECT), {}, {"x": place(2), "y": place(3)})
    fields["constant"] = Place(0, {}, constant=draw(st.sampled_from([None, 1, "text", {"a": [1, 2]}])))
    return pa.record_batch(list(arrays.values()), names=list(arrays)), Shape(fields)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(batches())
def test_columns_are_written_as_documents_are_encoded(drawn: tuple[pa.RecordBatch, Shape]) -> None:
    batch, shape = drawn
    assert can_encode(shape)
    assert encoded(batch, shape) == [encode_in_order(without_missing(each)) for each in documents(batch, shape)]


def test_ints_are_written_in_four_bytes() -> None:
    batch = pa.record_batch([pa.array([1, -(2**31), 2**31 - 1])], names=["o0"])
    shape = Shape({"n": Place(int(BsonType.INT), {WHOLE: "o0"})})
    assert encoded(batch, shape) == [encode({"n": each}) for each in (1, -(2**31), 2**31 - 1)]


def test_a_slice_of_a_batch_is_written_alone() -> None:
    batch = pa.record_batch([pa.array(["a", "bc", None, "é"]), pa.array([2, 2, 10, 2], pa.int8())], names=["o0", "o1"])
    shape = Shape({"s": Place("o1", {STRING: "o0"})})
    assert encoded(batch.slice(1, 3), shape) == [encode({"s": each}) for each in ("bc", None, "é")]
