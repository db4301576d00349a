"""What a checkpoint holds: every collection as it is at one commit, each a pile of layers that change no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from amongo.engine.indexes import Definition, Entries, EntriesLayer
from amongo.engine.records import Collection, IdLayer, RecordLayer


@dataclass(frozen=True, slots=True)
class FrozenIndex:
    """One index at a commit.

    definition   as listIndexes shows it
    facts        what else is known of it; see `Index.facts`
    entries      where a file is to be put in the place of layers; None for an index without entries of its own
    layers       newest first
    is_unique    its runs need a hash table
    """

    definition: Definition
    facts: Mapping[str, Any]
    entries: Entries | None
    layers: tuple[EntriesLayer, ...]
    is_unique: bool


@dataclass(frozen=True, slots=True)
class FrozenCollection:
    """One collection at a commit; the fields of `snapshots.CollectionContents`, with layers in the place of files.

    layers, id_layers   newest first
    """

    collection: Collection
    namespace: str
    uuid: bytes
    options: dict[str, Any]
    next_record_id: int
    count: int
    data_bytes: int
    layers: tuple[RecordLayer, ...]
    id_layers: tuple[IdLayer, ...]
    indexes: tuple[FrozenIndex, ...]


def freeze(collections: Iterable[Collection]) -> list[FrozenCollection]:
    """Freeze what the collections have in memory. Under the store's lock: it takes no look at any document."""
    return [_frozen(collection) for collection in collections]


def _frozen(collection: Collection) -> FrozenCollection:
    collection.freeze()
    for index in () if collection.secondary is None else collection.secondary.indexes:
        if index.entries.has_news:
            index.freeze()
    return FrozenCollection(
        collection,
        collection.namespace,
        collection.uuid,
        collection.options,
        collection.next_record_id,
        collection.count,
        collection.data_bytes,
        collection.layers,
        collection.id_layers,
        tuple(_frozen_index(collection, definition) for definition in collection.indexes.values()),
    )


def _frozen_index(collection: Collection, definition: Definition) -> FrozenIndex:
    index = None if collection.secondary is None else collection.secondary.named(definition["name"])
    if index is None:
        return FrozenIndex(definition, {}, None, (), False)
    return FrozenIndex(definition, index.facts(), index.entries, index.layers, index.is_unique)
