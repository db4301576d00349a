"""What the rows files of a store say where its MANIFEST is lost: enough to salvage their documents.

The sidecar of each says whose documents it holds and what it takes the place of (`snapshots.origin`). Files that others
have taken the place of do not count, so that nothing deleted comes back. Index runs are not looked at: indexes are
built anew.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from amongo.engine.checkpoints import PLACE_FILE, PLACE_OFFSET
from amongo.engine.files import Files
from amongo.engine.snapshots import (
    DIRECTORY,
    CollectionContents,
    IndexContents,
    Manifest,
    Origin,
    RowsFile,
    lone_rows_file,
    snapshot_file_number,
)
from amongo.engine.snapshots.format import ROWS_ENDING

_Found = tuple[int, RowsFile, Origin]
"""A rows file: its number, the file, and what it says of itself."""


@dataclass(frozen=True, slots=True)
class Remnants:
    """What the rows files say.

    manifest     what the MANIFEST may have been; it begins with the commit up to which every collection is known
    known        by its UUID, up to which commit a collection is known
    unreadable   names of files that say nothing
    """

    manifest: Manifest
    known: dict[bytes, int]
    unreadable: tuple[str, ...]


def remnants_of(files: Files, store_directory: str, store_uuid: bytes) -> Remnants | None:
    """What there is; None if there is no rows file that says anything. errors: STORE_UNREADABLE."""
    directory = os.path.join(store_directory, DIRECTORY)
    if not files.exists(directory):
        return None
    by_uuid: dict[bytes, list[_Found]] = {}
    unreadable = []
    for name in files.list(directory):
        number = snapshot_file_number(name)
        if number is None or not name.endswith(ROWS_ENDING):
            continue
        found = lone_rows_file(files, directory, name)
        if found is None:
            unreadable.append(name)
        else:
            by_uuid.setdefault(found[1].uuid, []).append((number, *found))
    if not by_uuid:
        return None
    collections = [_contents(each) for each in sorted(by_uuid.values(), key=lambda each: each[0][0])]
    known = {uuid: each[-1][2].sequence for uuid, each in by_uuid.items()}
    place = {PLACE_FILE: 0, PLACE_OFFSET: 0}
    manifest = Manifest(store_uuid, min(known.values()), 0, tuple(collections), place)
    return Remnants(manifest, known, tuple(unreadable))


def _contents(found: list[_Found]) -> CollectionContents:
    """A collection, from its files by their numbers; what is not known of it is left out."""
    *_, (_, _, newest) = found
    rows = [
        file
        for number, file, _ in found
        if not any(origin.first_number and origin.first_number <= number < other for other, _, origin in found)
    ]
    return CollectionContents(
        newest.namespace,
        newest.uuid,
        newest.options,
        max(each.last_id for each in rows) + 1,
        0,
        0,
        tuple(rows),
        (),
        tuple(IndexContents(each, ()) for each in newest.definitions),
    )
