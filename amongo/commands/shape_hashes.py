"""The hashes by which explain and $planCacheStats name the shape of a query and its place in the plan cache.

They are amongo's own: a server's for the same query are other numbers. Source: manual, Query Plans.
"""

from __future__ import annotations

import zlib
from typing import Any

from amongo.engine.records import Collection


def plan_shape_hash(shape: Any) -> str:
    """The hash of a shape: 8 hexadecimal digits. shape: see `index_filters.shape_key`"""
    return f"{zlib.crc32(repr(shape).encode()):08X}"


def plan_cache_key(shape: Any, collection: Collection | None) -> str:
    """The hash of a shape and of the indexes that there are."""
    indexes = sorted(collection.indexes) if collection is not None else []
    return f"{zlib.crc32(repr((shape, indexes)).encode()):08X}"
