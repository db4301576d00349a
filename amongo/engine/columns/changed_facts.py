"""The facts of a column after some of its values have gone and others have come.

They are exact. What is known of the values that stay follows from what was known of all, unless one of those that are
gone may have been the only one to carry it: then a value that still carries it is looked for, and where there is none,
all values of the slot are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from amongo.engine.columns.array_views import Values, fixed_values, picked, present, sized_parts, values_alone
from amongo.engine.columns.column import DATE, DOUBLE, STRING, WHOLE, Column, Facts, slot_of
from amongo.engine.columns.facts import counts_of, extremes, facts_of_doubles

Tags = np.ndarray[Any, np.dtype[np.int8]]

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    WHOLE: ("least", "most"),
    DATE: ("first_ms", "last_ms"),
    DOUBLE: ("low", "high", "low_bit", "has_nan", "has_infinity", "has_negative_zero"),
    STRING: ("is_ascii", "is_utf8", "string_bytes"),
}
"""The facts that the values of each slot carry."""

_WITNESSES: Final = 4096  # values among which one is looked for that carries a fact


def facts_of(tags: Tags, slots: Mapping[str, pa.Array], most_elements: int = 0) -> Facts:
    """The facts of some values.

    slots           as in a column
    most_elements   see `Facts`
    """
    found: dict[str, Any] = {}
    for slot, array in slots.items():
        found |= _carried(slot, array)
    return Facts(counts=counts_of(tags), most_elements=most_elements, **found)


def facts_of_rows(column: Column, rows: Values) -> Facts:
    """The facts of some rows of a column, but for `most_elements`."""
    found: dict[str, Any] = {}
    for slot, array in column.slots.items():
        if slot == STRING:
            found |= _of_some_strings(array, rows, column.facts)
        elif slot in _FIELDS:
            values, mask = fixed_values(array)[rows], present(array)
            found |= _of_numbers(slot, values if mask is None else values[mask[rows]])
    return Facts(counts=counts_of(column.tags[rows]), **found)


def facts_after(
    old: Facts,
    gone: Facts,
    come: Facts,
    counts: Mapping[int, int],
    slots: Mapping[str, pa.Array],
    most_elements: int,
) -> Facts:
    """The facts of a column.

    old      of the values before
    gone     of those of them that are there no more
    come     of those that have come
    counts   tag -> rows, now
    slots    now
    """
    counts = {tag: number for tag, number in counts.items() if number}
    there = {slot_of(tag) for tag in counts}
    found = old.and_(come)
    looked_for: dict[str, Any] = {}
    for slot in {slot_of(tag) for tag in found.counts}:
        if slot is None or slot not in _FIELDS:
            continue
        fields = _FIELDS[slot]
        if slot not in there:
            looked_for |= {each: getattr(_NOTHING, each) for each in fields}
            continue
        doubtful = [each for each in fields if _may_be_lost(each, old, gone) and not _agree(each, come, found)]
        if doubtful:
            array = slots[slot]
            sample = facts_of(_NO_TAGS, {slot: array.slice(0, _WITNESSES)})
            if not all(_agree(each, sample, found) for each in doubtful):
                looked_for |= _carried(slot, array)
    return replace(found, counts=counts, most_elements=most_elements, **looked_for)


_NOTHING: Final = Facts()
_NO_TAGS: Final = np.zeros(0, np.int8)


def _may_be_lost(field: str, old: Facts, gone: Facts) -> bool:
    """Whether only values that are gone may have made a fact what it was."""
    return _agree(field, old, gone) and not _agree(field, old, _NOTHING)


def _agree(field: str, left: Facts, right: Facts) -> bool:
    return bool(getattr(left, field) == getattr(right, field))


def _carried(slot: str, array: pa.Array) -> dict[str, Any]:
    """The facts that the values of a slot carry."""
    if slot == STRING:
        return _of_strings(array)
    if slot not in _FIELDS:
        return {}
    return _of_numbers(slot, values_alone(array))


def _of_numbers(slot: str, values: Values) -> dict[str, Any]:
    if slot == DOUBLE:
        return facts_of_doubles(values)
    return dict(zip(_FIELDS[slot], extremes(values), strict=True))


def _of_strings(array: pa.Array) -> dict[str, Any]:
    if pa.types.is_dictionary(array.type):
        used = np.unique(values_alone(array.indices))
        array = array.dictionary if len(used) == len(array.dictionary) else picked(array.dictionary, used)
    offsets, contents = sized_parts(array)
    text = np.frombuffer(contents, np.uint8)[int(offsets[0]) : int(offsets[-1])]
    is_ascii = not len(text) or int(text.max()) < 0x80
    return {
        "is_ascii": is_ascii,
        "is_utf8": is_ascii or _is_utf8(array),
        "string_bytes": int(np.diff(offsets).max()) if len(array) else 0,
    }


def _of_some_strings(array: pa.Array, rows: Values, known: Facts) -> dict[str, Any]:
    """known: of all strings of the array; where all are ASCII, their bytes are not looked at."""
    if not known.is_ascii:
        return _of_strings(picked(array, rows))
    if pa.types.is_dictionary(array.type):
        indices, mask = fixed_values(array.indices)[rows], present(array.indices)
        rows, array = np.unique(indices if mask is None else indices[mask[rows]]), array.dictionary
    offsets, _ = sized_parts(array)
    return {"string_bytes": int((offsets[rows + 1] - offsets[rows]).max(initial=0))}


def _is_utf8(array: pa.Array) -> bool:
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
