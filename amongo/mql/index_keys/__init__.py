"""The keys of indexes: which bytes a document has in an index, by the index's definition."""

from amongo.mql.index_keys.definitions import key_maker
from amongo.mql.index_keys.maker import KeyMaker, Made

__all__ = ["KeyMaker", "Made", "key_maker"]
