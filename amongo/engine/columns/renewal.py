"""Bringing paths up to date: shredding what has changed, and only that.

For every segment and path there are three cases. Nothing has changed there: the part stays, the same object. Little
has: the records that were changed or added are fetched and shredded, those of all segments together, and the part is
patched. Much has, or there is no part: the segment is built from its documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from bson.errors import InvalidBSON

from amongo.engine.columns.column import Column, Path
from amongo.engine.columns.joining import joined
from amongo.engine.columns.kept import NO_COLUMN, NO_IDS, ROWS_ALONE, FiledPart, Ids, Moment, Part, ids_of
from amongo.engine.columns.patching import Patch, patched, patched_ids
from amongo.engine.columns.room import ColumnRoom
from amongo.engine.columns.shredder import shred, shred_buffer
from amongo.engine.columns.stretches import Lying, loose, stretches
from amongo.engine.records import View
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import COLUMN_SHRED_BYTES, COLUMN_SHRED_COUNT

_REBUILT_SHARE = 2  # a segment in which more than one record in so many has changed is built anew
_FETCHED_COUNT = 1024  # records that are fetched at a time


class ColumnsRefused(Exception):
    """There are no columns to be had; it says why. Whoever wanted them reads the documents."""


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """A patch that is to be made as soon as its documents are shredded.

    segment   its number
    paths     that are patched alike
    ids       of the records then
    patch     what has become of them
    added     ids of those that are appended
    """

    segment: int
    paths: tuple[Path, ...]
    ids: Ids
    patch: Patch
    added: Ids


class Renewal:
    """Paths on their way to a moment.

    parts   what is up to date, by path and segment
    """

    def __init__(self, moment: Moment, room: ColumnRoom, interrupt: Interrupt) -> None:
        """room: for all the paths together; interrupt: ends it."""
        self.parts: dict[Path, dict[int, Part]] = {path: {} for path in moment.olds}
        self._view: View = moment.view
        self._olds = {path: dict(old.parts) for path, old in moment.olds.items()}
        self._new = [path for path, old in moment.olds.items() if not old.parts]
        self._limit_bytes = room.limit_bytes
        self._bits = room.segment_bits
        self._interrupt = interrupt
        self._changed = _changed(moment)
        self._ids: dict[int, Ids] = {}  # by segment, of the records that are there now
        self._works: list[_Work] = []
        self._documents: list[bytes] = []  # of the works
        self._built: dict[Path, int] = dict.fromkeys(moment.olds, 0)
        self._bytes = self._rows = self._size = 0

    @property
    def built(self) -> int:
        """How many records were shredded, the most for any path."""
        return max(self._built.values(), default=0)

    @property
    def is_current(self) -> bool:
        """Whether all is up to date as it is; then `parts` has it."""
        ends = [self._bounds(number)[1] for number in range(self._count)]
        found: dict[Path, dict[int, Part]] = {}
        for path, parts in self._olds.items():
            there = {number: part for number, part in parts.items() if isinstance(part, Part)}
            if len(self._changed[path]) or len(there) < len(ends):
                return False
            if any(there[number].bound < end for number, end in enumerate(ends)):
                return False
            found[path] = there
        self.parts = found
        return True

    def run(self) -> None:
        """Bring all paths up to date. errors: ColumnsRefused, ServerError, whatever the interrupt raises."""
        try:
            for segment in range(self._count):
                self._interrupt.check()
                self._renew(segment)
            self._patch()
        except InvalidBSON as error:
            raise ColumnsRefused(f"a document is not valid BSON: {error}") from error

    def begun(self) -> dict[Path, dict[int, Part]]:
        """What there is, after a stop, of the paths that there was nothing of."""
        return {path: self.parts[path] for path in self._new if self.parts[path]}

    @property
    def _count(self) -> int:
        """How many segments there are."""
        return ((self._view.bound - 1) >> self._bits) + 1

    def _bounds(self, segment: int) -> tuple[int, int]:
        """first <= record id < end of what may be in a segment."""
        return segment << self._bits, min((segment + 1) << self._bits, self._view.bound)

    def _renew(self, segment: int) -> None:
        first, end = self._bounds(segment)
        missing: list[Path] = []
        alike: dict[tuple[int, int, int], list[Path]] = {}
        for path in self._olds:
            part = self._olds[path].get(segment)
            if isinstance(part, FiledPart):
                part = part.load(self._interrupt)
                if part is not None:
                    self._olds[path][segment] = part
            if part is None:
                missing.append(path)
                continue
            changed = _between(self._changed[path], first, min(part.bound, end))
            if not len(changed) and part.bound >= end:
                self._enter(segment, path, part)
            elif len(changed) + end - part.bound > len(part.ids) // _REBUILT_SHARE:
                missing.append(path)
            else:
                alike.setdefault((id(part.ids), part.bound, id(self._changed[path])), []).append(path)
        if missing:
            self._build(segment, first, end, missing)
        for paths in alike.values():
            part = self._part(paths[0], segment)
            changed = _between(self._changed[paths[0]], first, min(part.bound, end))
            self._prepare(segment, end, paths, part, changed)

    def _part(self, path: Path, segment: int) -> Part:
        """A part as it was, which has been loaded."""
        part = self._olds[path][segment]
        assert isinstance(part, Part)
        return part

    def _enter(self, segment: int, path: Path, part: Part) -> None:
        """A part is up to date. errors: ColumnsRefused if all of them would be too large."""
        self.parts[path][segment] = part
        self._ids.setdefault(segment, part.ids)
        self._bytes += part.nbytes
        self._rows += len(part.ids)
        count = len(self.parts) * self._view.count
        if self._rows and self._bytes * (count / self._rows) > self._limit_bytes:
            raise ColumnsRefused(
                f"its columns would take about {int(self._bytes * (count / self._rows))} bytes, and there is room for "
                f"{self._limit_bytes}"
            )

    # A segment from its documents

    def _build(self, segment: int, first: int, end: int, paths: Sequence[Path]) -> None:
        shredded = [path for path in paths if path != ROWS_ALONE]
        all_ids: list[Ids] = []
        pieces: list[tuple[Column, ...]] = []
        for part in stretches(self._view, first, end, self._interrupt):
            all_ids.append(part.ids)
            if not shredded:
                continue
            if isinstance(part, Lying):
                pieces.append(shred_buffer(part.buffer, part.starts, shredded, self._interrupt))
            else:
                pieces.append(shred(part.documents, shredded, self._interrupt))
        if shredded and not pieces:
            pieces.append(shred([], shredded, self._interrupt))
        ids = np.concatenate(all_ids) if all_ids else NO_IDS
        ids = self._ids.setdefault(segment, ids)
        for path in paths:
            column = NO_COLUMN
            if path != ROWS_ALONE:
                column = joined([piece[shredded.index(path)] for piece in pieces])
                self._built[path] += len(ids)
            self._enter(segment, path, Part.of(ids, column, end))

    # Patches

    def _prepare(self, segment: int, end: int, paths: Sequence[Path], part: Part, changed: Ids) -> None:
        """Fetch what has changed or come in a segment, to be shredded with that of others."""
        ids, rows = _found(part.ids, changed)
        found: list[bytes | None] = []
        for start in range(0, len(ids), _FETCHED_COUNT):
            self._interrupt.check()
            found += self._view.records_of(ids[start : start + _FETCHED_COUNT].tolist())
        is_left = np.ones(len(found), np.bool_)
        documents = [raw for raw in found if raw is not None]
        if len(documents) < len(found):
            is_left[:] = [raw is not None for raw in found]
        added = [NO_IDS]
        for ids, others in loose(self._view, part.bound, end, self._interrupt):
            added.append(ids)
            documents += others
        patch = Patch(rows[is_left], rows[~is_left], len(self._documents), sum(map(len, added)))
        self._works.append(_Work(segment, tuple(paths), part.ids, patch, np.concatenate(added)))
        self._documents += documents
        self._size += sum(map(len, documents))
        if len(self._documents) >= COLUMN_SHRED_COUNT or self._size >= COLUMN_SHRED_BYTES:
            self._patch()

    def _patch(self) -> None:
        """Make the patches whose documents have been fetched."""
        works, documents = self._works, self._documents
        self._works, self._documents, self._size = [], [], 0
        fresh: dict[tuple[Path, ...], Mapping[Path, Column]] = {}
        for work in works:
            self._interrupt.check()
            shredded = tuple(path for path in work.paths if path != ROWS_ALONE)
            if shredded and shredded not in fresh:
                columns = shred(documents, shredded, self._interrupt)
                fresh[shredded] = dict(zip(shredded, columns, strict=True))
            ids = self._ids.setdefault(work.segment, patched_ids(work.ids, work.patch, work.added))
            bound = self._bounds(work.segment)[1]
            for path in work.paths:
                old = self._part(path, work.segment)
                column = NO_COLUMN
                if path != ROWS_ALONE:
                    column = patched(old.column, fresh[shredded][path], work.patch)
                    self._built[path] += len(work.patch.replaced) + work.patch.appended
                self._enter(work.segment, path, Part.of(ids, column, bound))


def _changed(moment: Moment) -> dict[Path, Ids]:
    """The ids that each path owes; the same array where they owe the same."""
    known: dict[tuple[int, ...], Ids] = {}
    found = {}
    for path, old in moment.olds.items():
        key = tuple(map(id, old.debts))
        if key not in known:
            known[key] = ids_of(old.debts)
        found[path] = known[key]
    return found


def _between(ids: Ids, first: int, end: int) -> Ids:
    """Those with first <= id < end."""
    start, stop = np.searchsorted(ids, (first, end))
    return ids[start:stop]


def _found(ids: Ids, wanted: Ids) -> tuple[Ids, Ids]:
    """(those of `wanted` that are there, their positions)."""
    if len(ids) and ids[-1] - ids[0] == len(ids) - 1:  # none is missing between
        there = _between(wanted, int(ids[0]), int(ids[-1]) + 1)
        return there, there - ids[0]
    rows = np.searchsorted(ids, wanted)
    is_there = rows < len(ids)
    is_there[is_there] = ids[rows[is_there]] == wanted[is_there]
    return wanted[is_there], rows[is_there]
