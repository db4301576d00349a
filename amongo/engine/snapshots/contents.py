"""What the MANIFEST says of a store: which snapshot files hold it, and what they do not hold.

These are plain values. `manifest` has their bytes; the checkpointer makes them, and recovery builds a store from them.
`more` takes what those who write it want to find again, as BSON values; it is kept as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowsFile:
    """A file of documents by record id.

    name           within the directory of snapshot files
    size           bytes of the Arrow file
    disk_bytes     bytes of all its files together
    sidecar_xxh3   checksum of the sidecar
    first_id       the first and
    last_id        the last record id in it
    documents      how many documents it holds
    deletions      how many record ids it marks as deleted in older files
    data_bytes     bytes of its documents
    """

    name: str
    size: int
    disk_bytes: int
    sidecar_xxh3: int
    first_id: int
    last_id: int
    documents: int
    deletions: int
    data_bytes: int


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file of index entries.

    name           within the directory of snapshot files
    size           bytes of the Arrow file
    disk_bytes     bytes of all its files together
    sidecar_xxh3   checksum of the sidecar
    has_hash       whether keys can be found without their place in the order
    added          how many entries it holds
    removed        how many entries it marks as removed from older files
    entry_bytes    bytes of the entries it holds
    """

    name: str
    size: int
    disk_bytes: int
    sidecar_xxh3: int
    has_hash: bool
    added: int
    removed: int
    entry_bytes: int


@dataclass(frozen=True, slots=True)
class ColumnsFile:
    """A file of columns of some of a collection's records, with neighbouring record ids. It can be done without.

    name       within the directory of snapshot files
    size       bytes of the Arrow file
    xxh3       checksum of the checksums of its pages
    first_id   first_id <= record id < end_id of what may be in it
    end_id
    bound      what has a record id from here on came later; not beyond `end_id`
    rows       how many records are in it
    paths      those of its columns; None for each element of an array
    stale      ids of the records in it that have been changed or removed since, less `first_id`, as 32-bit numbers
    """

    name: str
    size: int
    xxh3: int
    first_id: int
    end_id: int
    bound: int
    rows: int
    paths: tuple[tuple[str | None, ...], ...]
    stale: bytes = b""


@dataclass(frozen=True, slots=True)
class IndexContents:
    """One index of a collection.

    definition   as listIndexes shows it
    runs         its files, the oldest first
    more         further facts: multikey paths, …
    """

    definition: Document
    runs: tuple[RunFile, ...]
    more: Document = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CollectionContents:
    """One collection.

    namespace        "database.collection"
    uuid             16 bytes
    options          as `create` was given them
    next_record_id   what the next document gets
    count            documents it holds
    data_bytes       their bytes
    rows             its files, the oldest first
    ids              the runs of the `_id`s, the oldest first
    indexes          in the order of listIndexes; that on `_id` has its runs in `ids`
    more             further facts
    columns          its files of columns, by their record ids
    """

    namespace: str
    uuid: bytes
    options: Document
    next_record_id: int
    count: int
    data_bytes: int
    rows: tuple[RowsFile, ...]
    ids: tuple[RunFile, ...]
    indexes: tuple[IndexContents, ...]
    more: Document = field(default_factory=dict)
    columns: tuple[ColumnsFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """One checkpoint.

    store_uuid         16 bytes, as in the log's files
    sequence           of the last commit that the files hold; the log goes on behind it
    next_file_number   no snapshot file has this number or a greater one
    collections        in the order of their creation
    more               further facts
    """

    store_uuid: bytes
    sequence: int
    next_file_number: int
    collections: tuple[CollectionContents, ...]
    more: Document = field(default_factory=dict)

    def file_names(self) -> set[str]:
        """The names of all files of this checkpoint; see `format.names_beside`."""
        names = {rows.name for each in self.collections for rows in each.rows}
        names |= {run.name for each in self.collections for run in each.ids}
        names |= {columns.name for each in self.collections for columns in each.columns}
        return names | {run.name for each in self.collections for index in each.indexes for run in index.runs}
