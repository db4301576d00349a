"""Compaction: neighbouring files of a collection become one.

Every checkpoint leaves a file more. The newest files are merged with an older neighbour as soon as they are together
at least half as large, so that there are few files, and a document is written anew a few times in its life, however
large the collection grows. Where much of what the files hold is not in the collection any more, all become one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from amongo.engine.checkpoints.writing import FilePlace, Swap, put_run
from amongo.engine.indexes import Index, record_id_of
from amongo.engine.records import Collection, record_in
from amongo.engine.snapshots import CollectionContents, IndexContents, Rows, Run

_STALE_COUNT: Final = 4096  # fewer things that are gone are not worth a file


def compacted(
    contents: CollectionContents, collection: Collection, place: FilePlace, is_whole: bool = False
) -> CollectionContents:
    """What the MANIFEST says of a collection when its files are merged as far as they should be.

    is_whole   merge all there are, however large
    errors     OSError, ServerError
    """
    return replace(
        contents,
        rows=_rows(contents, collection, place, is_whole),
        ids=_ids(contents, collection, place, is_whole),
        indexes=tuple(_index(each, collection, place, is_whole) for each in contents.indexes),
    )


def _rows(contents: CollectionContents, collection: Collection, place: FilePlace, is_whole: bool) -> tuple[Any, ...]:
    held = sum(each.documents + each.deletions for each in contents.rows)
    count = _count_to_merge([each.disk_bytes for each in contents.rows], held, contents.count, is_whole)

    def write(rows: Sequence[Rows], is_oldest: bool) -> Rows | None:
        return place.merged_rows(place.origin(contents, rows), rows, is_oldest)

    return _merged(contents.rows, count, collection.layers, collection.settle, write, place)


def _ids(contents: CollectionContents, collection: Collection, place: FilePlace, is_whole: bool) -> tuple[Any, ...]:
    held = sum(each.added for each in contents.ids)
    count = _count_to_merge([each.disk_bytes for each in contents.ids], held, contents.count, is_whole)
    layers = collection.layers

    def alive(entries: list[bytes]) -> list[bytes]:
        return [entry for entry in entries if record_in(layers, record_id_of(entry)) is not None]

    def write(runs: Sequence[Run], is_oldest: bool) -> Run | None:
        kept = alive if is_whole or _is_stale(held, contents.count) else None
        return place.merged_run(runs, is_oldest=True, has_hash=True, kept=kept)

    return _merged(contents.ids, count, collection.id_layers, collection.settle_ids, write, place)


def _index(contents: IndexContents, collection: Collection, place: FilePlace, is_whole: bool) -> IndexContents:
    index: Index | None = None
    if collection.secondary is not None:
        index = collection.secondary.named(contents.definition["name"])
    if index is None or index.definition != contents.definition or not _ends_with(index.layers, contents.runs):
        return contents  # it was dropped or changed since, or another one was made like it
    removed = sum(each.removed for each in contents.runs)
    added = sum(each.added for each in contents.runs)
    count = _count_to_merge([each.disk_bytes for each in contents.runs], added + removed, added - removed, is_whole)
    is_unique = index.is_unique

    def write(runs: Sequence[Run], is_oldest: bool) -> Run | None:
        return place.merged_run(runs, is_oldest=is_oldest, has_hash=is_unique)

    return replace(
        contents,
        runs=_merged(contents.runs, count, index.layers, partial(put_run, index.entries), write, place),
    )


def _count_to_merge(sizes: Sequence[int], held: int, count: int, is_whole: bool = False) -> int:
    """How many of the newest files are to become one; 0 for none.

    sizes      bytes, the oldest first
    held       things in the files, with those that are gone
    count      of those that are there
    is_whole   all, unless they are one without anything that is gone
    """
    if is_whole:
        return len(sizes) if len(sizes) > 1 or held > count else 0
    if _is_stale(held, count):
        return len(sizes)
    merged = total = 0
    for age, size in enumerate(reversed(sizes), 1):
        if age > 1 and size >= 2 * total:
            break
        total += size
        merged = age
    return merged if merged > 1 else 0


def _is_stale(held: int, count: int) -> bool:
    """Whether a third of what files hold is gone."""
    return held - count > max(_STALE_COUNT, held // 3)


def _merged(
    files: tuple[Any, ...],
    count: int,
    layers: Sequence[Any],
    put: Callable[[Sequence[Any], Sequence[Any]], None],
    write: Callable[[Sequence[Any], bool], Any],
    place: FilePlace,
) -> tuple[Any, ...]:
    """The files, the oldest first, with the newest `count` of them as one.

    layers   newest first: those at the end are the files
    write    writes one file of layers, None for an empty one; given them, newest first, and whether they are the oldest
    """
    if not count:
        return files
    assert _ends_with(layers, files)
    old = layers[len(layers) - len(files) :][:count]
    new = write(old, count == len(files))
    place.swaps.append(Swap(put, old, () if new is None else (new,)))
    return files[: len(files) - count] + (() if new is None else (new.file,))


def _ends_with(layers: Sequence[Any], files: Sequence[Any]) -> bool:
    """Whether these files, the oldest first, are the last of the layers."""
    standing = layers[max(0, len(layers) - len(files)) :]
    return [getattr(each, "file", None) for each in reversed(standing)] == list(files)
