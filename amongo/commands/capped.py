"""The limits of capped collections, as commands state them. Source: manual, create, collMod, convertToCapped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amongo.commands.fields import to_integer
from amongo.commands.views import is_view
from amongo.engine.catalog import Catalog
from amongo.engine.records import Collection
from amongo.errors import capped as errors
from amongo.values.numbers import number
from amongo.values.types import NUMERIC_CLASSES

SIZE_MOST: Final = 2**50  # server: 1 PiB
_COUNT_END: Final = 2**31
_ANY_COUNT: Final = _COUNT_END - 1  # what the server keeps for a number that limits nothing

# Options that a capped collection does not take over from the collection that it is made of.
_NOT_TAKEN: Final = frozenset({"capped", "size", "max", "clusteredIndex", "expireAfterSeconds"})


def capped_options(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a capped collection, of the fields `capped`, `size` and `max` of `create`; {} if it is none."""
    if not fields["capped"]:
        return {}
    options = {"capped": True, "size": number(fields["size"])}
    if fields["max"] is not None:
        options["max"] = _kept_count(fields["max"])
    return options


def capped_limits(size: int | None, count: int | None) -> dict[str, Any]:
    """The options of a capped collection that `collMod` changes with `cappedSize` and `cappedMax`; None for a limit
    that stays. What is too much then goes with the next insert.

    errors   SIZE_OUT_OF_BOUNDS, COUNT_TOO_LARGE
    """
    limits: dict[str, Any] = {}
    if size is not None:
        if not 1 <= size <= SIZE_MOST:
            raise errors.SIZE_OUT_OF_BOUNDS(value=size, limit=SIZE_MOST)
        limits["size"] = number(size)
    if count is not None:
        if count >= _COUNT_END:
            raise errors.COUNT_TOO_LARGE()
        limits["max"] = _kept_count(count)
    return limits


def options_of_copy(options: Mapping[str, Any], size: int) -> dict[str, Any]:
    """The options of the capped collection that is made of one with these options.

    The copy is clustered no more: its order is that of insertion.

    errors   SIZE_TOO_LARGE
    """
    if size > SIZE_MOST:
        raise errors.SIZE_TOO_LARGE()
    limits: dict[str, Any] = {"capped": True, "size": number(size)}
    if "max" in options:
        limits["max"] = options["max"]
    return limits | {name: value for name, value in options.items() if name not in _NOT_TAKEN}


def _kept_count(count: int) -> Any:
    return number(count) if count > 0 else _ANY_COUNT


def copy_size(value: Any) -> int:
    """The `size` of a copy in bytes; what is no number counts as 0.

    errors   SIZE_NOT_POSITIVE
    """
    size = to_integer(value) if type(value) in NUMERIC_CLASSES else 0
    if size <= 0:
        raise errors.SIZE_NOT_POSITIVE()
    return size


def source_of_copy(catalog: Catalog, namespace: str) -> Collection:
    """The collection that a capped one is to be made of. Call it under the store's lock.

    errors   DATABASE_NOT_FOUND, SOURCE_IS_VIEW, SOURCE_NOT_FOUND
    """
    collection = catalog.get(namespace)
    if collection is not None:
        return collection
    if is_view(catalog, namespace):
        raise errors.SOURCE_IS_VIEW(namespace=namespace)
    database = namespace.partition(".")[0]
    if not catalog.collections(database):
        raise errors.DATABASE_NOT_FOUND(database=database)
    raise errors.SOURCE_NOT_FOUND(namespace=namespace)
