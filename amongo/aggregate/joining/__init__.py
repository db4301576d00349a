"""Joining: the documents of another collection that hold a value, found by an index or by hashing."""

from amongo.aggregate.joining.opening import open_partners
from amongo.aggregate.joining.partners import Partners, hashed_partners, local_values
from amongo.aggregate.joining.sources import KeptSource, Source, StoredSource

__all__ = ["KeptSource", "Partners", "Source", "StoredSource", "hashed_partners", "local_values", "open_partners"]
