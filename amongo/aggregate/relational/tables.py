"""The columns of a collection as an Arrow table, as the statement reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from amongo.aggregate.relational.frame import RECORD_ID
from amongo.aggregate.relational.lowering import (
    Lowering,
    holds_plain,
    length_column,
    list_column,
    needs_tags,
    ordinals_column,
    slot_column,
    slots_of,
    spread_column,
    tag_column,
)
from amongo.engine.columns import EACH, Column, Facts, Path, Segment

ARROW_TYPES = {
    "whole": pa.int64(),
    "double": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "date": pa.int64(),
    "objectId": pa.binary(12),
    "other": pa.large_binary(),
}


def tables_of(lowering: Lowering) -> dict[str, pa.Table]:
    """The tables that the statement of a lowering reads, by their names: of its collection and of others."""
    return {each.table: table_of(each) for each in (lowering, *lowering.joined)}


def table_of(lowering: Lowering) -> pa.Table:
    """The columns that a lowering has read, and the record ids: a table with a batch for each segment."""
    counted: dict[Path, int] = {}
    batches = [_batch(segment, lowering, counted) for segment in lowering.columns.segments]
    names = list(_names(lowering))
    if not batches:
        return pa.table({name: pa.array([], kind) for name, kind in names})
    schema = pa.schema([(name, _common(kind, [batch[name].type for batch in batches])) for name, kind in names])
    return pa.Table.from_batches(
        [pa.record_batch([_as(batch[each.name], each.type) for each in schema], schema=schema) for batch in batches]
    )


def _names(lowering: Lowering) -> Iterator[tuple[str, pa.DataType]]:
    yield RECORD_ID, pa.int64()
    for path, number in lowering.read.items():
        facts = lowering.facts(path)
        if EACH in path:
            yield list_column(number), pa.list_(_element_type(facts))
            continue
        if needs_tags(facts):
            yield tag_column(number), pa.int8()
        for slot in slots_of(facts):
            yield slot_column(number, slot), ARROW_TYPES[slot]
    for path, number in lowering.spread.items():
        facts = lowering.facts_of(path)
        if needs_tags(facts):
            yield spread_column(tag_column(number)), pa.list_(pa.int8())
        for slot in slots_of(facts):
            yield spread_column(slot_column(number, slot)), pa.list_(ARROW_TYPES[slot])
    for number in lowering.ordinals.values():
        yield ordinals_column(number), pa.list_(pa.int64())
    for number in lowering.lengths.values():
        yield length_column(number), pa.int64()
    for paths, number in lowering.together.items():
        yield list_column(number), pa.list_(_together_type(paths, lowering))


def _batch(segment: Segment, lowering: Lowering, counted: dict[Path, int]) -> dict[str, pa.Array]:
    """The columns of a segment.

    counted   elements of the segments before, of each array that is taken apart
    """
    arrays: dict[str, Any] = {RECORD_ID: pa.array(segment.record_ids)}
    rows = len(segment.record_ids)
    for path, number in lowering.read.items():
        facts, found = lowering.facts(path), segment.columns[path]
        if EACH in path:
            arrays[list_column(number)] = _lists(found, facts)
            continue
        if needs_tags(facts):
            arrays[tag_column(number)] = pa.array(found.tags)
        for slot in slots_of(facts):
            arrays[slot_column(number, slot)] = _slot(found, slot, rows)
    for path, number in lowering.spread.items():
        facts, found = lowering.facts_of(path), segment.columns[path]
        if needs_tags(facts):
            arrays[spread_column(tag_column(number))] = _listed(found, pa.array(found.tags))
        for slot in slots_of(facts):
            arrays[spread_column(slot_column(number, slot))] = _listed(found, _slot(found, slot, len(found.tags)))
    for path, number in lowering.ordinals.items():
        found, first = segment.columns[path], counted.get(path, 0)
        counted[path] = first + len(found.tags)
        arrays[ordinals_column(number)] = _listed(found, pa.array(np.arange(first, counted[path])))
    for path, number in lowering.lengths.items():
        offsets = segment.columns[path].offsets
        assert offsets is not None
        arrays[length_column(number)] = pa.array(np.diff(offsets))
    for paths, number in lowering.together.items():
        kind = _together_type(paths, lowering)
        parts = [_elements(segment.columns[path], lowering.facts(path)) for path in paths]
        elements = pa.StructArray.from_arrays(parts, fields=list(kind))
        arrays[list_column(number)] = _listed(segment.columns[paths[0]], elements)
    return arrays


def _together_type(paths: Sequence[Path], lowering: Lowering) -> pa.StructType:
    return pa.struct([(f"f{place}", _element_type(lowering.facts(path))) for place, path in enumerate(paths)])


def _listed(found: Column, elements: pa.Array) -> pa.Array:
    """One list of elements for each record."""
    assert found.offsets is not None
    return pa.ListArray.from_arrays(pa.array(found.offsets.astype(np.int32)), elements)


def _slot(found: Column, slot: str, rows: int) -> pa.Array:
    array = found.slots.get(slot)
    return pa.nulls(rows, ARROW_TYPES[slot]) if array is None else array


def _element_type(facts: Facts) -> pa.DataType:
    slots = slots_of(facts)
    if holds_plain(facts):
        return ARROW_TYPES[slots[0]]
    return pa.struct([("tag", pa.int8()), *((slot.lower(), ARROW_TYPES[slot]) for slot in slots)])


def _lists(found: Column, facts: Facts) -> pa.Array:
    """The elements as one list for each record."""
    assert found.offsets is not None
    kind = pa.list_(_element_type(facts))
    return pa.ListArray.from_arrays(pa.array(found.offsets.astype(np.int32)), _elements(found, facts), type=kind)


def _elements(found: Column, facts: Facts) -> pa.Array:
    """The elements of all records, as they stand in lists."""
    rows = len(found.tags)
    slots = slots_of(facts)
    kind = _element_type(facts)
    if holds_plain(facts):
        return _as(_slot(found, slots[0], rows), kind)
    parts = [pa.array(found.tags), *(_as(_slot(found, slot, rows), ARROW_TYPES[slot]) for slot in slots)]
    return pa.StructArray.from_arrays(parts, fields=list(kind))


def _common(kind: pa.DataType, kinds: list[pa.DataType]) -> pa.DataType:
    """The type of a column whose batches have these types: dictionaries stay ones where all batches have them."""
    first = kinds[0]
    return first if all(each == first for each in kinds) else kind


def _as(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return array if array.type == kind else array.cast(kind)
