"""The `hint` option: which index to use. What it then finds, and in which order, is `planner.index_scan`'s business."""

from __future__ import annotations

from typing import Any

from amongo.engine.records import Collection
from amongo.errors import command as errors
from amongo.planner import find_hinted


def check_hint(collection: Collection, hint: Any) -> None:
    """Refuse a hint that names no index of the collection.

    hint     an index name, a key pattern, {$natural: 1 or -1}, {$columnar: true or false}; {} and None ask for nothing
    errors   BAD_VALUE
    source   manual, cursor.hint()
    """
    if not hint and hint != "":
        return
    if type(hint) is dict and ("$natural" in hint or "$columnar" in hint):
        return
    if find_hinted(collection.indexes, hint) is not None:
        return
    raise errors.BAD_VALUE(
        message=f"error processing query: ns={collection.namespace} planner returned error :: caused by :: "
        "hint provided does not correspond to an existing index"
    )
