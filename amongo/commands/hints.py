"""The `hint` option: which index to use. So far there is the one on `_id`."""

from __future__ import annotations

from typing import Any

from amongo.engine.records import Collection
from amongo.errors import command as errors
from amongo.values.order import equal

_ID_KEY_PATTERN = {"_id": 1}


def check_hint(collection: Collection, hint: Any) -> None:
    """Refuse a hint that names no index of the collection.

    hint     an index name, a key pattern, {$natural: 1 or -1}; {} and None ask for nothing
    errors   BAD_VALUE
    source   manual, cursor.hint()
    """
    if not hint and hint != "":
        return
    if hint == "_id_" or (type(hint) is dict and ("$natural" in hint or equal(hint, _ID_KEY_PATTERN))):
        return
    raise errors.BAD_VALUE(
        message=f"error processing query: ns={collection.namespace} planner returned error :: caused by :: "
        "hint provided does not correspond to an existing index"
    )
