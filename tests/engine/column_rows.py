"""What columns say, value by value: to compare them with columns that were made in another way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from amongo.engine.columns import NO_FACTS, Column, Columns, Facts, Path, slot_of
from amongo.engine.columns.decoded import columns_of_documents
from amongo.engine.records import View
from amongo.runtime.interrupts import NEVER

Row = tuple[int, object]


def rows_of(column: Column) -> list[Row]:
    """(tag, value in its slot) of each row."""
    slots = {slot: _values(array) for slot, array in column.slots.items()}
    rows = []
    for position, tag in enumerate(column.tags.tolist()):
        slot = slot_of(tag)
        for other, values in slots.items():
            assert (values[position] is None) == (other != slot), f"slot {other} of a row of tag {tag}"
        rows.append((tag, None if slot is None else slots[slot][position]))
    return rows


def _values(array: Any) -> list[Any]:
    if str(array.type).startswith("dictionary"):
        array = array.dictionary_decode()
    if array.type in ("double",):
        return [None if each is None else (repr(each)) for each in array.to_pylist()]
    if "string" in str(array.type):
        array = array.cast("large_binary" if "large" in str(array.type) else "binary")
    return array.to_pylist()  # type: ignore[no-any-return]


def assert_exact(view: View, columns: Columns, paths: Sequence[Path]) -> None:
    """Columns have what the documents of a view have, and their facts are exact."""
    ids, documents = [], []
    for record_id, raw in view:
        ids.append(record_id)
        documents.append(raw)
    assert [each for segment in columns.segments for each in segment.record_ids.tolist()] == ids
    assert columns.count == view.count == len(ids)
    at = 0
    for segment in columns.segments:
        here = documents[at : at + len(segment.record_ids)]
        at += len(here)
        assert here, "a segment without records"
        assert list(segment.columns) == list(dict.fromkeys(paths))
        for path, expected in zip(paths, columns_of_documents(here, paths, NEVER), strict=True):
            found = segment.columns[path]
            assert rows_of(found) == rows_of(expected), path
            assert (found.offsets is None) == (expected.offsets is None)
            if found.offsets is not None:
                assert found.offsets.tolist() == expected.offsets.tolist()  # type: ignore[union-attr]
            assert settled(found.facts) == settled(expected.facts), path
            assert set(found.slots) == {slot_of(tag) for tag in found.facts.tags} - {None}


def settled(facts: Facts) -> Facts:
    """Facts without counts of nothing."""
    counts = {tag: count for tag, count in facts.counts.items() if count}
    return replace(facts, counts=counts) if counts else replace(NO_FACTS, most_elements=facts.most_elements)
