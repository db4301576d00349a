"""The other collection of $lookup, $graphLookup and $unionWith: how its name is checked."""

from __future__ import annotations

from amongo.errors import pipeline as errors


def check_collection_name(name: str) -> str:
    """The name, if a collection may have it.

    errors   INVALID_NAMESPACE
    """
    if not name or "\0" in name or name.startswith("."):
        raise errors.INVALID_NAMESPACE(namespace=name)
    return name
