"""A patched column is the column of the documents as they are now, facts included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from bson import Decimal128, Int64, ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.columns import EACH, Column, Path, slot_of
from amongo.engine.columns import patching as module
from amongo.engine.columns.decoded import columns_of_documents
from amongo.engine.columns.patching import Patch, patched, patched_ids
from amongo.engine.columns.shredder import shred
from amongo.runtime.interrupts import NEVER
from amongo.values.codec import encode
from tests.engine.column_rows import rows_of, settled

PATHS: tuple[Path, ...] = (("a",), ("a", EACH), ("a", EACH, "b"))

SCALARS: list[Any] = [
    None, 0, 7, -7, Int64(2**40), 0.0, -0.0, 0.75, -3.5, 5e-324, 1e308, float("nan"), float("-inf"), "", "a", "zürich",
    "a longer string", True, False, ObjectId(b"x" * 12), Decimal128("7"), b"bytes", {"b": 1}, {"b": "c"},
]  # fmt: skip
VALUES = st.sampled_from(SCALARS) | st.lists(st.sampled_from(SCALARS), max_size=3)
DOCUMENTS = st.lists(VALUES.map(lambda value: {"a": value}) | st.just({}), max_size=12)


def same(found: Column, expected: Column) -> None:
    assert rows_of(found) == rows_of(expected)
    assert settled(found.facts) == settled(expected.facts)
    assert set(found.slots) == {slot_of(tag) for tag in expected.facts.tags} - {None}
    assert (found.offsets is None) == (expected.offsets is None)
    if found.offsets is not None:
        assert found.offsets.tolist() == expected.offsets.tolist()  # type: ignore[union-attr]


def as_dictionary(column: Column) -> Column:
    slots = dict(column.slots)
    if "string" in slots and not pa.types.is_dictionary(slots["string"].type):
        slots["string"] = slots["string"].dictionary_encode()
    return replace(column, slots=slots)


def as_plain(column: Column) -> Column:
    slots = dict(column.slots)
    if "string" in slots and pa.types.is_dictionary(slots["string"].type):
        slots["string"] = slots["string"].dictionary_decode()
    return replace(column, slots=slots)


@settings(max_examples=100, deadline=None)
@given(documents=DOCUMENTS, choice=st.data(), others=DOCUMENTS, before=st.integers(0, 2), behind=st.integers(0, 2))
def test_against_the_documents_as_they_are_now(
    documents: list[Any], choice: st.DataObject, others: list[Any], before: int, behind: int
) -> None:
    what = choice.draw(st.lists(st.sampled_from("krd"), min_size=len(documents), max_size=len(documents)))
    replaced = [row for row, each in enumerate(what) if each == "r"][: len(others)]
    removed = [row for row, each in enumerate(what) if each == "d"]
    appended = others[len(replaced) :]
    now = [
        others[replaced.index(row)] if row in replaced else document
        for row, document in enumerate(documents)
        if row not in removed
    ]
    around = [{"a": "not\xe4 wanted"}, {"a": [1e-9, None, {"b": "not wanted either"}]}]
    fresh = [encode(each) for each in [*around[:before], *others, *around[:behind]]]
    patch = Patch(np.array(replaced, np.int64), np.array(removed, np.int64), before, len(appended))
    old_form, new_form = (choice.draw(st.sampled_from([as_plain, as_dictionary])) for _ in range(2))
    old_columns = shred([encode(each) for each in documents], PATHS, NEVER)
    fresh_columns = shred(fresh, PATHS, NEVER)
    expected = columns_of_documents([encode(each) for each in [*now, *appended]], PATHS, NEVER)
    for old, new, wanted in zip(old_columns, fresh_columns, expected, strict=True):
        kept = rows_of(old)
        same(patched(old_form(old), new_form(new), patch), wanted)
        assert rows_of(old) == kept
    ids = patched_ids(np.arange(100, 100 + len(documents)), patch, np.arange(500, 500 + len(appended)))
    assert ids.tolist() == [
        *(100 + row for row in range(len(documents)) if row not in removed),
        *range(500, 500 + len(appended)),
    ]


@pytest.mark.parametrize("values", [range(1000), [n / 8 for n in range(1000)], [f"text {n}" for n in range(1000)]])
def test_the_only_value_that_carried_a_fact_is_gone(values: Any) -> None:
    documents = [encode({"a": value}) for value in values]
    new = encode({"a": values[500]})
    for row in (0, 999):
        (old,) = shred(documents, [("a",)], NEVER)
        (fresh,) = shred([new], [("a",)], NEVER)
        patch = Patch(np.array([row]), np.zeros(0, np.int64), 0, 0)
        now = [new if each == row else raw for each, raw in enumerate(documents)]
        same(patched(old, fresh, patch), columns_of_documents(now, [("a",)], NEVER)[0])


def test_a_dictionary_takes_in_new_strings_until_there_are_too_many() -> None:
    (old,) = shred([encode({"a": f"city {n % 3}"}) for n in range(40)], [("a",)], NEVER)
    old = as_dictionary(old)
    for count, is_dictionary in ((5, True), (30, False)):
        (fresh,) = shred([encode({"a": f"new {n}"}) for n in range(count)], [("a",)], NEVER)
        found = patched(old, fresh, Patch(np.arange(count), np.zeros(0, np.int64), 0, 0))
        assert pa.types.is_dictionary(found.slots["string"].type) == is_dictionary
        assert [text for _, text in rows_of(found)][: count + 1] == [
            *(f"new {n}".encode() for n in range(count)),
            f"city {count % 3}".encode(),
        ]


def test_strings_that_together_are_too_long_for_small_offsets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_INT32_MOST", 100)
    documents = [encode({"a": "x" * 9}) for _ in range(11)]
    (old,) = shred(documents, [("a",)], NEVER)
    fresh_documents = [encode({"a": "y" * 20})] * 2
    (fresh,) = shred(fresh_documents, [("a",)], NEVER)
    patch = Patch(np.array([1, 5]), np.zeros(0, np.int64), 0, 0)
    found = patched(as_plain(old), as_plain(fresh), patch)
    assert pa.types.is_large_string(found.slots["string"].type)
    now = [fresh_documents[0] if row in (1, 5) else raw for row, raw in enumerate(documents)]
    same(found, columns_of_documents(now, [("a",)], NEVER)[0])
    again = patched(found, as_plain(fresh), Patch(np.array([0]), np.array([3]), 0, 1))
    now = [fresh_documents[0], *now[1:3], *now[4:], fresh_documents[1]]
    same(again, columns_of_documents(now, [("a",)], NEVER)[0])
