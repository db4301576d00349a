"""Indexes: their definitions, their entries in order, and what a write does to them."""

from amongo.engine.indexes.build import Build
from amongo.engine.indexes.definitions import ID_INDEX_NAME, Definition, first_indexes, is_secondary
from amongo.engine.indexes.entries import Entries, EntriesView, entry_of, key_of, record_id_of
from amongo.engine.indexes.secondary import Index, IndexChange, KeyMaker, Keys, MakeKeys, Secondary

__all__ = [
    "ID_INDEX_NAME",
    "Build",
    "Definition",
    "Entries",
    "EntriesView",
    "Index",
    "IndexChange",
    "KeyMaker",
    "Keys",
    "MakeKeys",
    "Secondary",
    "entry_of",
    "first_indexes",
    "is_secondary",
    "key_of",
    "record_id_of",
]
