"""Indexes: their definitions, their entries in order, and what a write does to them."""

from amongo.engine.indexes.build import Build
from amongo.engine.indexes.columns import Column
from amongo.engine.indexes.definitions import ID_INDEX_NAME, Definition, first_indexes, is_secondary
from amongo.engine.indexes.entries import Entries, EntriesView
from amongo.engine.indexes.entry import entry_of, key_of, record_id_of, record_ids_of, types_of
from amongo.engine.indexes.index import Index, KeyMaker, Keys, MakeKeys
from amongo.engine.indexes.layers import BEHIND_ALL, EntriesLayer, FrozenLayer
from amongo.engine.indexes.secondary import Entered, IndexChange, KeysOfAll, Secondary

__all__ = [
    "BEHIND_ALL",
    "ID_INDEX_NAME",
    "Build",
    "Column",
    "Definition",
    "Entered",
    "Entries",
    "EntriesLayer",
    "EntriesView",
    "FrozenLayer",
    "Index",
    "IndexChange",
    "KeyMaker",
    "Keys",
    "KeysOfAll",
    "MakeKeys",
    "Secondary",
    "entry_of",
    "first_indexes",
    "is_secondary",
    "key_of",
    "record_id_of",
    "record_ids_of",
    "types_of",
]
