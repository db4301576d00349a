"""How large collections and databases are, for collStats and dbStats.

Documents are counted exactly. What is in snapshot files is as large as these are on the disk; documents in memory are
held as they are, and an index entry in memory counts as `INDEX_ENTRY_BYTES`: key bytes are not added up.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from amongo.engine.records import Collection
from amongo.engine.snapshots import Rows, Run
from amongo.values.numbers import number

INDEX_ENTRY_BYTES: Final = 32  # amongo: the key of an ObjectId, the record id, the slot; rounded


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of one collection or of several, in bytes.

    storage_bytes         of the rows files, and of the documents that are in none yet
    index_bytes_by_name   of the indexes; of several collections, the names are told apart by their namespaces
    """

    collections: int
    documents: int
    data_bytes: int
    storage_bytes: int
    index_bytes_by_name: Mapping[str, int]

    @property
    def indexes(self) -> int:
        """How many indexes there are; that of a clustered collection is the collection itself."""
        return len(self.index_bytes_by_name)

    @classmethod
    def of(cls, collections: Iterable[Collection]) -> Sizes:
        """Added up. Call it under the store's lock."""
        each = list(collections)
        indexes = {
            f"{one.namespace}.{name}" if len(each) > 1 else name: _index_bytes(one, name)
            for one in each
            for name, definition in one.indexes.items()
            if not definition.get("clustered")
        }
        return cls(
            len(each),
            sum(one.count for one in each),
            sum(one.data_bytes for one in each),
            sum(map(_storage_bytes, each)),
            indexes,
        )

    @property
    def index_bytes(self) -> int:
        """Of all indexes; see the module's text."""
        return sum(self.index_bytes_by_name.values())

    @property
    def average_document_bytes(self) -> float:
        """0 without documents."""
        return self.data_bytes / self.documents if self.documents else 0.0


def _storage_bytes(collection: Collection) -> int:
    files = [layer.file for layer in collection.layers if isinstance(layer, Rows)]
    in_memory = collection.data_bytes - sum(each.data_bytes for each in files)
    return sum(each.disk_bytes for each in files) + max(in_memory, 0)


def _index_bytes(collection: Collection, name: str) -> int:
    index = None if collection.secondary is None else collection.secondary.named(name)
    layers = collection.id_layers if index is None else index.layers
    files = [layer.file for layer in layers if isinstance(layer, Run)]
    count = collection.count if index is None or not files else len(index.view())
    in_memory = count - sum(each.added for each in files)
    return sum(each.disk_bytes for each in files) + max(in_memory, 0) * INDEX_ENTRY_BYTES


def scaled(size: int, scale: int) -> Any:
    """A size in units of `scale` bytes, cut to a whole number: an int, or a long where an int does not hold it."""
    return number(size // scale)


def disk_space(directory: str | None) -> tuple[int, int]:
    """(used, total) bytes of the file system that holds the store; of main memory for a store in memory."""
    if directory is not None:
        usage = shutil.disk_usage(directory)
        return usage.used, usage.total
    if not hasattr(os, "sysconf"):
        return 0, 0
    page = os.sysconf("SC_PAGE_SIZE")
    total = os.sysconf("SC_PHYS_PAGES") * page
    return total - os.sysconf("SC_AVPHYS_PAGES") * page, total
