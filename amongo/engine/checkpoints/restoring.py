"""Opening a store on its last checkpoint: its collections stand on snapshot files, of which nothing is read yet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amongo.engine.catalog import Catalog
from amongo.engine.columns.stored import StoredColumns
from amongo.engine.files import Files
from amongo.engine.indexes import EntriesLayer
from amongo.engine.records import Collection, View
from amongo.engine.snapshots import DIRECTORY, CollectionContents, Manifest, Rows, Run


@dataclass(frozen=True, slots=True)
class Restored:
    """What the checkpoint has of the indexes of one collection.

    view      the records at the checkpoint
    layers    by the name of an index: its runs, newest first
    facts     by the name of an index: what else is known of it
    """

    view: View
    layers: dict[str, tuple[EntriesLayer, ...]]
    facts: dict[str, Mapping[str, Any]]

    def forget(self, name: str) -> None:
        """The index of this name is another one since."""
        self.layers.pop(name, None)


def restore(manifest: Manifest, catalog: Catalog, files: Files, directory: str) -> dict[bytes, Restored]:
    """Enter the collections of a checkpoint in an empty catalog; what there is of their indexes, by their UUIDs.

    directory   of the store
    errors      SNAPSHOT_MISSING, SNAPSHOT_CORRUPT, STORE_FORMAT_NEWER, STORE_UNREADABLE
    """
    snapshots = os.path.join(directory, DIRECTORY)
    return {each.uuid: _restored(each, catalog, files, snapshots) for each in manifest.collections}


def _restored(contents: CollectionContents, catalog: Catalog, files: Files, directory: str) -> Restored:
    collection = Collection(contents.namespace, contents.uuid, dict(contents.options))
    collection.indexes = {index.definition["name"]: dict(index.definition) for index in contents.indexes}
    rows = [Rows(files, directory, each) for each in reversed(contents.rows)]
    ids = [Run(files, directory, each) for each in reversed(contents.ids)]
    collection.begin_above(rows, ids, contents.next_record_id, contents.count, contents.data_bytes)
    if contents.columns:  # from here on it has to be known what changes
        collection.columns = StoredColumns(files, directory, contents.columns)
        collection.changes = bytearray(contents.next_record_id)
    catalog.add(collection)
    layers: dict[str, tuple[EntriesLayer, ...]] = {}
    for index in contents.indexes:
        layers[index.definition["name"]] = tuple(Run(files, directory, each) for each in reversed(index.runs))
    facts = {index.definition["name"]: index.more for index in contents.indexes}
    return Restored(collection.view(), layers, facts)
