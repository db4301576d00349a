"""A column of some records that have changed, from what it was and the columns of those records alone.

Nothing of the old column is changed: what differs is copied. Values of one size are put in place in a copy; strings and
the like are cut out of the old and the new bytes, stretch by stretch. Facts stay exact: what the values that are gone
may have carried alone is looked for again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amongo.engine.columns.array_views import (
    Mask,
    Values,
    fixed_values,
    index_array,
    picked,
    pooled,
    present,
    sized_parts,
)
from amongo.engine.columns.arrays import TYPE_OF_SLOT, bitmap
from amongo.engine.columns.changed_facts import facts_after, facts_of, facts_of_rows
from amongo.engine.columns.column import OTHER, STRING, Column, slot_of
from amongo.engine.columns.facts import counts_of
from amongo.engine.columns.joining import joined

Rows = np.ndarray[Any, np.dtype[np.int64]]

_DICTIONARY_SHARE: Final = 2  # a dictionary grows to one string in so many rows, then it is given up
_INT32_MOST: Final = 2**31 - 1
_WIDTHS: Final = {pa.binary(): np.int32, pa.large_binary(): np.int64}
_BINARIES: Final = {
    pa.string(): (np.int32, pa.binary()),
    pa.large_string(): (np.int64, pa.large_binary()),
    pa.large_binary(): (np.int64, pa.large_binary()),
}


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """What has become of the records of a column.

    replaced   rows, ascending, that have other values; these are in the fresh column, in this order
    removed    rows, ascending, that are there no more
    fresh_at   where in the fresh column they begin
    appended   how many records of the fresh column come behind those, to stand at the end
    """

    replaced: Rows
    removed: Rows
    fresh_at: int
    appended: int

    @property
    def fresh_end(self) -> int:
        """Behind the last record of the fresh column that counts."""
        return self.fresh_at + len(self.replaced) + self.appended

    @property
    def gone(self) -> Rows:
        """The rows whose old values are gone, ascending."""
        return np.sort(np.concatenate([self.replaced, self.removed]))


def patched_ids(ids: Rows, patch: Patch, appended: Rows) -> Rows:
    """The record ids, as `patched` has the values; `appended` are those of the records at the end."""
    if len(patch.removed):
        ids = np.delete(ids, patch.removed)
    return np.concatenate([ids, appended]) if len(appended) else ids


def patched(old: Column, fresh: Column, patch: Patch) -> Column:
    """A column of records of which some have changed, some are gone, and some are new."""
    part = _cut(fresh, patch.fresh_at, patch.fresh_end)
    if not len(patch.replaced) and not len(patch.removed):
        return joined([old, part])
    if old.offsets is not None:
        return _patched_elements(old, part, patch)
    if not len(patch.removed) and not patch.appended and _is_same(old, part, patch.replaced):
        return old  # what has changed is in other fields
    gone = patch.gone
    tags = _patched_tags(old, part, patch)
    counts = _counts_after(old, old.tags[gone], part)
    names = {slot for tag, number in counts.items() if number and (slot := slot_of(tag)) is not None}
    slots = {slot: _patched_array(slot, old, part, patch) for slot in sorted(names)}
    facts = facts_after(old.facts, facts_of_rows(old, gone), part.facts, counts, slots, 0)
    return Column(tags, slots, facts)


def _is_same(old: Column, come: Column, rows: Rows) -> bool:
    """Whether the values that come are those that the rows have."""
    if not np.array_equal(old.tags[rows], come.tags):
        return False
    places = pa.array(rows)
    for slot, array in come.slots.items():
        known = old.slots.get(slot)
        if known is None or not _comparable(known.take(places)).equals(_comparable(array)):
            return False
    return True


def _comparable(array: pa.Array) -> pa.Array:
    """The array so that equal values are the same: doubles bit by bit, strings as themselves."""
    if pa.types.is_dictionary(array.type):
        return array.dictionary_decode()
    return array.view(pa.int64()) if array.type == pa.float64() else array


def _cut(column: Column, start: int, end: int) -> Column:
    """The column of some of its records."""
    if not start and end == (len(column.tags) if column.offsets is None else len(column.offsets) - 1):
        return column
    offsets = column.offsets
    most = 0
    if offsets is not None:
        offsets = offsets[start : end + 1]
        start, end = int(offsets[0]), int(offsets[-1])
        offsets = offsets - start
        most = int(np.diff(offsets).max(initial=0))
    tags = column.tags[start:end]
    slots = {}
    for slot, array in column.slots.items():
        part = array.slice(start, end - start)
        if part.null_count < len(part):
            slots[slot] = part
    return Column(tags, slots, facts_of(tags, slots, most), offsets)


def _counts_after(old: Column, gone: Values, come: Column) -> dict[int, int]:
    """Tag -> rows, when the values of some tags have gone and others have come."""
    counts = dict(old.facts.counts)
    for tag, number in come.facts.counts.items():
        counts[tag] = counts.get(tag, 0) + number
    lost = counts_of(gone) if len(old.facts.tags) != 1 else dict.fromkeys(old.facts.tags, len(gone))
    for tag, number in lost.items():
        counts[tag] -= number
    return counts


def _patched_tags(old: Column, come: Column, patch: Patch) -> Values:
    """The tags after a patch: a part of the old ones, where all are alike."""
    rows = len(old.tags) - len(patch.removed) + patch.appended
    if len(old.facts.tags) == 1 and rows <= len(old.tags) and come.facts.tags <= old.facts.tags:
        return old.tags[:rows]
    return _placed(old.tags, come.tags, patch)


def _placed(old: Values, come: Values, patch: Patch) -> Values:
    """Values, one for each record, after a patch.

    come   those of the records that are replaced, then of those at the end
    """
    count, rows = len(patch.replaced), len(old) - len(patch.removed)
    values = pooled((rows + patch.appended, *old.shape[1:]), old.dtype)
    places = patch.replaced
    if len(patch.removed):
        kept = np.ones(len(old), np.bool_)
        kept[patch.removed] = False
        np.compress(kept, old, axis=0, out=values[:rows])
        places = places - np.searchsorted(patch.removed, places)
    else:
        values[:rows] = old
    values[places] = come[:count]
    values[rows:] = come[count:]
    return values


# One array for each record


def _patched_array(slot: str, old: Column, part: Column, patch: Patch) -> pa.Array:
    """The array of a slot that has values after a patch."""
    kind = TYPE_OF_SLOT[slot]
    before, after = old.slots.get(slot), part.slots.get(slot)
    if before is None:
        before = pa.nulls(len(old.tags), kind if after is None else after.type)
    if after is None:
        after = pa.nulls(len(part.tags), kind)
    if pa.types.is_dictionary(before.type):
        return _patched_dictionary(before, after, patch)
    if slot in (STRING, OTHER):
        return _patched_sized(before, _plain(after), patch)
    return _patched_fixed(before, after, patch)


def _plain(array: pa.Array) -> pa.Array:
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _patched_mask(before: pa.Array, after: pa.Array, patch: Patch) -> Mask | None:
    """Which rows have a value after a patch; None for all."""
    old, new = present(before), present(after)
    if old is None and new is None:
        return None
    old = np.ones(len(before), np.bool_) if old is None else old
    new = np.ones(len(after), np.bool_) if new is None else new
    mask = _placed(old, new, patch)
    return None if mask.all() else mask


def _patched_fixed(before: pa.Array, after: pa.Array, patch: Patch) -> pa.Array:
    values = _placed(fixed_values(before), fixed_values(after), patch)
    rows, kind = len(values), before.type
    if pa.types.is_boolean(kind):
        values = np.packbits(values, bitorder="little")
    mask = bitmap(_patched_mask(before, after, patch))
    return pa.Array.from_buffers(kind, rows, [mask, pa.py_buffer(np.ascontiguousarray(values))])


def _patched_dictionary(before: pa.Array, after: pa.Array, patch: Patch) -> pa.Array:
    """Strings of a dictionary, which takes in those that it has not; plain ones if it becomes too large."""
    strings = after.dictionary.cast(before.dictionary.type) if pa.types.is_dictionary(after.type) else None
    if strings is None:
        encoded = after.cast(before.dictionary.type).dictionary_encode()
        strings, indices = encoded.dictionary, encoded.indices
    else:
        indices = after.indices
    places = pc.index_in(strings, value_set=before.dictionary) if len(strings) else None
    dictionary = before.dictionary
    if places is not None:
        found, known = fixed_values(places), present(places)
        if known is not None:
            found = found.copy()
            found[~known] = len(dictionary) + np.arange(int((~known).sum()))
            dictionary = pa.concat_arrays([dictionary, picked(strings, np.flatnonzero(~known))])
        mask = present(indices)
        numbers = fixed_values(indices)
        if mask is not None:
            numbers = np.where(mask, numbers, 0)
        values = found[numbers].astype(np.int32)
        indices = pa.Array.from_buffers(pa.int32(), len(values), [bitmap(mask), pa.py_buffer(values)])
    whole = pa.DictionaryArray.from_arrays(_patched_fixed(before.indices, indices, patch), dictionary)
    return whole.dictionary_decode() if len(dictionary) > len(whole) // _DICTIONARY_SHARE else whole


def _patched_sized(before: pa.Array, after: pa.Array, patch: Patch) -> pa.Array:
    """Strings or binaries.

    The bytes before are taken for an array of stretches that stay and values that are gone, by turns; Arrow picks the
    stretches, with those that have come between them.
    """
    kind = before.type
    (offsets, contents), (new_offsets, _) = sized_parts(before), sized_parts(after)
    gone, count = patch.gone, len(patch.gone)
    lost = int((offsets[gone + 1] - offsets[gone]).sum())
    if kind == pa.string() and int(offsets[-1]) - lost + int(new_offsets[-1]) > _INT32_MOST:
        kind = pa.large_string()
    width, binary = _BINARIES[kind]
    sizes = _placed(np.diff(offsets).astype(width, copy=False), np.diff(new_offsets), patch)
    bounds = np.empty(2 * count + 2, width)
    bounds[0], bounds[1:-1:2], bounds[2:-1:2], bounds[-1] = offsets[0], offsets[gone], offsets[gone + 1], offsets[-1]
    stretches = pa.Array.from_buffers(binary, 2 * count + 1, [None, pa.py_buffer(bounds), pa.py_buffer(contents)])
    come = _without_nulls(after, binary)
    order = np.arange(2 * count + 1, dtype=np.int64)
    order[1::2] = -1
    order[2 * np.searchsorted(gone, patch.replaced) + 1] = np.arange(len(patch.replaced)) + 2 * count + 1
    order = order[order >= 0]
    end = np.arange(2 * count + 1 + len(patch.replaced), 2 * count + 1 + len(after))
    taken = pa.concat_arrays([stretches, come]).take(index_array(np.concatenate([order, end])))
    all_offsets = pooled((len(sizes) + 1,), width)
    all_offsets[0] = 0
    np.cumsum(sizes, out=all_offsets[1:])
    text = taken.buffers()[2] or pa.py_buffer(b"")
    buffers = [bitmap(_patched_mask(before, after, patch)), pa.py_buffer(all_offsets), text]
    return pa.Array.from_buffers(kind, len(sizes), buffers)


def _without_nulls(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """The bytes of strings or binaries, nothing where there was null."""
    offsets, contents = sized_parts(array)
    offsets = np.ascontiguousarray(offsets, _WIDTHS[kind])
    return pa.Array.from_buffers(kind, len(array), [None, pa.py_buffer(offsets), pa.py_buffer(contents)])


# Elements of arrays


def _patched_elements(old: Column, part: Column, patch: Patch) -> Column:
    """`patched` for a column whose rows are the elements of arrays."""
    assert old.offsets is not None and part.offsets is not None
    both = joined([old, part])
    starts = _placed(old.offsets[:-1], part.offsets[:-1] + len(old.tags), patch)
    sizes = _placed(np.diff(old.offsets), np.diff(part.offsets), patch)
    offsets = pooled((len(sizes) + 1,), np.int64)
    offsets[0] = 0
    np.cumsum(sizes, out=offsets[1:])
    rows = _spread(starts, sizes)
    order = index_array(rows)
    gone_starts = old.offsets[patch.gone]
    gone = _spread(gone_starts, old.offsets[patch.gone + 1] - gone_starts)
    counts = _counts_after(old, old.tags[gone], part)
    names = sorted({slot for tag, number in counts.items() if number and (slot := slot_of(tag)) is not None})
    slots = {slot: both.slots[slot].take(order) for slot in names}
    most = int(sizes.max(initial=0))
    facts = facts_after(old.facts, facts_of_rows(old, gone), part.facts, counts, slots, most)
    return Column(both.tags[rows], slots, facts, offsets)


def _spread(starts: Values, sizes: Values) -> Rows:
    """The numbers of so many neighbours from each start on, one stretch behind the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - (ends - sizes), sizes) + np.arange(total, dtype=np.int64)
