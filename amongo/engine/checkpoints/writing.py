"""Writing what a checkpoint has frozen: one rows file for each frozen layer of records, one run for each of entries."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from heapq import merge
from itertools import chain, islice
from typing import Any, Final, TypeVar

from amongo.engine.checkpoints.freezing import FrozenCollection, FrozenIndex
from amongo.engine.files import Files
from amongo.engine.indexes import Entries, FrozenLayer
from amongo.engine.records import FrozenRecords
from amongo.engine.snapshots import (
    CollectionContents,
    IndexContents,
    Origin,
    Rows,
    RowsWriter,
    Run,
    RunWriter,
    merge_rows,
    merge_runs,
    origin_of,
    rows_name,
    run_name,
    snapshot_file_number,
)
from amongo.runtime.interrupts import Interrupt

_PART_COUNT: Final = 1024  # entries that are handed over at a time


class Numbers:
    """Numbers for new files.

    next   the next one
    """

    def __init__(self, first: int) -> None:
        self.next = first

    def take(self) -> int:
        """A number that no file has."""
        number, self.next = self.next, self.next + 1
        return number


@dataclass(frozen=True, slots=True)
class Swap:
    """A file that takes the place of layers, once the MANIFEST names it.

    put   puts it there; given the layers and what takes their place
    old   the layers, neighbours
    new   one layer, or none if nothing was left
    """

    put: Callable[[Sequence[Any], Sequence[Any]], None]
    old: Sequence[Any]
    new: Sequence[Any]

    def make(self) -> None:
        """Make it. Under the store's lock."""
        self.put(self.old, self.new)


def written(part: FrozenCollection, place: FilePlace) -> CollectionContents:
    """What the MANIFEST says of a collection, with everything in files. errors: OSError, ServerError."""
    collection = part.collection
    return CollectionContents(
        part.namespace,
        part.uuid,
        part.options,
        part.next_record_id,
        part.count,
        part.data_bytes,
        _files_of(part.layers, partial(place.rows, place.origin(part)), collection.settle, place.swaps),
        _files_of(part.id_layers, place.ids, collection.settle_ids, place.swaps),
        tuple(_index(each, place) for each in part.indexes),
    )


def _index(index: FrozenIndex, place: FilePlace) -> IndexContents:
    entries = index.entries
    if entries is None:
        return IndexContents(index.definition, ())

    def write(layer: FrozenLayer, older: Sequence[Any]) -> Run | None:
        return place.run(layer.added(), layer.removed() if older else iter(()), has_hash=index.is_unique)

    return IndexContents(
        index.definition, _files_of(index.layers, write, partial(put_run, entries), place.swaps), index.facts
    )


def put_run(entries: Entries, old: Sequence[Any], new: Sequence[Any]) -> None:
    """Put a run in the place of layers of an index."""
    entries.settle(old, new[0] if new else None)


def _files_of(
    layers: Sequence[Any],
    write: Callable[[Any, tuple[Any, ...]], Any],
    put: Callable[[Sequence[Any], Sequence[Any]], None],
    swaps: list[Swap],
) -> tuple[Any, ...]:
    """The files of layers, the oldest first; those that are in memory are written.

    layers   newest first
    write    writes a layer, given the older ones; None if it has nothing to say
    """
    found: list[Any] = []
    for position in reversed(range(len(layers))):
        layer = layers[position]
        if isinstance(layer, Rows | Run):
            found.append(layer.file)
            continue
        file = write(layer, tuple(layers[position + 1 :]))
        swaps.append(Swap(put, (layer,), () if file is None else (file,)))
        if file is not None:
            found.append(file.file)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where new files go.

    directory   of the snapshot files
    numbers     theirs
    swaps       what is to be done when the MANIFEST names them
    interrupt   ends the writing
    sequence    the commit of the checkpoint
    """

    files: Files
    directory: str
    numbers: Numbers
    swaps: list[Swap]
    interrupt: Interrupt
    sequence: int

    def origin(self, part: FrozenCollection | CollectionContents, merged: Sequence[Rows] = ()) -> Origin:
        """What a new rows file of a collection is to say of itself.

        merged   the files in whose place it comes
        """
        numbers = [snapshot_file_number(each.file.name) or 0 for each in merged]
        origins = [origin_of(each.sidecar) for each in merged]
        numbers += [each.first_number for each in origins if each is not None and each.first_number]
        first = min(numbers, default=0)
        definitions = [dict(each.definition) for each in part.indexes]
        return Origin(part.namespace, part.uuid, part.options, definitions, self.sequence, first)

    def rows(self, origin: Origin, layer: FrozenRecords, older: tuple[Any, ...]) -> Rows | None:
        """A file of a frozen layer of records; None if it says nothing.

        older   the layers below it
        """
        return self.rows_of(origin, layer.batches(older))

    def rows_of(self, origin: Origin, batches: Iterable[tuple[list[int], list[bytes | None]]]) -> Rows | None:
        """A file of records, ascending; None if there are none."""
        left = iter(batches)
        first = next(left, None)
        if first is None:
            return None
        with _unless_broken(self._rows_writer(origin)) as writer:
            for ids, documents in chain((first,), left):
                writer.add(ids, documents)
                self.interrupt.check()
            file = writer.finish()
        return Rows(self.files, self.directory, file)

    def merged_rows(self, origin: Origin, files: Sequence[Rows], is_oldest: bool) -> Rows | None:
        """A file of what rows files, the newest first, say together; None if that is nothing.

        is_oldest   no file lies below these
        """
        with _unless_broken(self._rows_writer(origin)) as writer:
            merge_rows(writer, files, is_oldest, self.interrupt)
            if not writer.count:
                writer.abort()
                return None
            file = writer.finish()
        return Rows(self.files, self.directory, file)

    def merged_run(
        self,
        runs: Sequence[Run],
        *,
        is_oldest: bool,
        has_hash: bool,
        kept: Callable[[list[bytes]], list[bytes]] | None = None,
    ) -> Run | None:
        """A run of what runs, the newest first, say together; None if that is nothing.

        is_oldest   no run lies below these
        kept        of some entries those to keep; None keeps all
        """
        with _unless_broken(self._run_writer(has_hash)) as writer:
            merge_runs(writer, runs, is_oldest, self.interrupt, kept)
            if not writer.count:
                writer.abort()
                return None
            file = writer.finish()
        return Run(self.files, self.directory, file)

    def ids(self, layer: FrozenRecords, older: tuple[Any, ...]) -> Run | None:
        """A run of the `_id`s of a layer; None if it has none."""
        return self.run(in_order(layer.id_entries(), self.interrupt), iter(()), has_hash=True)

    def run(self, added: Iterator[bytes], removed: Iterator[bytes], *, has_hash: bool) -> Run | None:
        """A run of entries, ascending; None if there are none."""
        parts = chain(self._parts(added, False), self._parts(removed, True))
        first = next(parts, None)
        if first is None:
            return None
        with _unless_broken(self._run_writer(has_hash)) as writer:
            for part, are_marks in chain((first,), parts):
                (writer.remove if are_marks else writer.add)(part)
            file = writer.finish()
        return Run(self.files, self.directory, file)

    def _parts(self, entries: Iterator[bytes], are_marks: bool) -> Iterator[tuple[list[bytes], bool]]:
        entries = self.interrupt.watch(entries)
        while part := list(islice(entries, _PART_COUNT)):
            yield part, are_marks

    def _rows_writer(self, origin: Origin) -> RowsWriter:
        path = os.path.join(self.directory, rows_name(self.numbers.take()))
        return RowsWriter(self.files, path, self.interrupt, origin)

    def _run_writer(self, has_hash: bool) -> RunWriter:
        path = os.path.join(self.directory, run_name(self.numbers.take()))
        return RunWriter(self.files, path, has_hash, self.interrupt)


W = TypeVar("W", RowsWriter, RunWriter)


@contextmanager
def _unless_broken(writer: W) -> Iterator[W]:
    """Write a file; if anything goes wrong in the block, there is none."""
    try:
        yield writer
    except BaseException:
        writer.abort()
        raise


def in_order(entries: Iterable[bytes], interrupt: Interrupt) -> Iterator[bytes]:
    """Entries, ascending: sorted in small parts, so that other threads have their turn, and merged."""
    parts: list[list[bytes]] = []
    entries = interrupt.watch(entries)
    is_ascending = True
    while part := list(islice(entries, _PART_COUNT)):
        part.sort()
        is_ascending = is_ascending and (not parts or parts[-1][-1] <= part[0])
        parts.append(part)
    emptied = [_emptied(part) for part in reversed(parts)]
    parts.clear()
    if is_ascending:
        while emptied:
            yield from emptied.pop()
        return
    yield from merge(*emptied)


def _emptied(part: list[bytes]) -> Iterator[bytes]:
    """What is in a list, which lets go of it on the way: at the end all of it would be freed in one go."""
    part.reverse()
    while part:
        yield part.pop()
