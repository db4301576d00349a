"""Making a capped collection of another one.

The new collection is computed from the old one, so that the log states what to do and holds no document twice; recovery
does the same again.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from amongo.engine.records.collection import FIRST_RECORD_ID, Collection
from amongo.engine.records.record_keys import record_keys


def converted(collection: Collection, uuid: bytes, options: dict[str, Any], kept: int) -> Collection:
    """A new collection in the place of `collection`, with the last `kept` of its documents in their natural order,
    numbered anew. It has no index but the one on `_id`. Under the lock.

    uuid      its 16 bytes
    options   its own
    """
    documents = [raw for _, raw in islice(reversed(collection.view()), kept)]
    documents.reverse()
    new = Collection(collection.namespace, uuid, options)
    new.extend(FIRST_RECORD_ID, record_keys(documents, new.collator), documents)
    return new
