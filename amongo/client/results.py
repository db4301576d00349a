"""PyMongo's results of writes of one document, made without the calls of their constructors.

Two Python calls less are a quarter of a microsecond, which shows where a write takes ten. A PyMongo whose results look
otherwise within gets its constructors called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pymongo.results import InsertOneResult, UpdateResult

_new = object.__new__


def _inserted(identity: Any, is_acknowledged: bool) -> InsertOneResult:
    result = _new(InsertOneResult)
    result._InsertOneResult__inserted_id = identity  # type: ignore[attr-defined]
    result._WriteResult__acknowledged = is_acknowledged  # type: ignore[attr-defined]
    return result


def _updated(raw_result: dict[str, Any] | None, is_acknowledged: bool) -> UpdateResult:
    result = _new(UpdateResult)
    result._UpdateResult__raw_result = raw_result  # type: ignore[attr-defined]
    result._UpdateResult__in_client_bulk = False  # type: ignore[attr-defined]
    result._WriteResult__acknowledged = is_acknowledged  # type: ignore[attr-defined]
    return result


def _slots(result: type) -> list[str]:
    """What the results of a class consist of."""
    return sorted(name for kind in result.__mro__ for name in vars(kind).get("__slots__", ()))


inserted: Callable[[Any, bool], InsertOneResult] = InsertOneResult
"""(`_id`, whether the write is acknowledged) -> the result of an insert."""
if _slots(InsertOneResult) == ["__acknowledged", "__inserted_id"]:
    inserted = _inserted

updated: Callable[[dict[str, Any] | None, bool], UpdateResult] = UpdateResult
"""(the server's reply or None, whether the write is acknowledged) -> the result of an update."""
if _slots(UpdateResult) == ["__acknowledged", "__in_client_bulk", "__raw_result"]:
    updated = _updated
