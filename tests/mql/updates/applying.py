"""What the tests of updates share: one call from update and document to outcome, and a description put to use."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from bson import Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import ServerError
from amongo.mql.matcher import array_match_index, parse_filter
from amongo.mql.updates import Outcome, parse_update

NOW = DatetimeMS(1_700_000_000_000)
CLOCK = Timestamp(1_700_000_000, 7)


def apply(
    update: Any,
    document: dict[str, Any],
    *,
    filter: dict[str, Any] | None = None,
    array_filters: list[dict[str, Any]] | None = None,
    is_insert: bool = False,
    **options: Any,
) -> Outcome:
    """Parse and apply; the positional index comes from the filter."""
    index = None if filter is None else array_match_index(parse_filter(filter), document)
    parsed = parse_update(update, array_filters=array_filters, **options)
    return parsed.apply(document, now=NOW, clock_timestamp=CLOCK, array_index=index, is_insert=is_insert)


def code_of(update: Any, document: dict[str, Any], **options: Any) -> int | None:
    """The error code of parsing and applying; None when both go well."""
    try:
        apply(update, document, **options)
    except ServerError as error:
        return error.code
    return None


def patched(document: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    """The document with a description applied: what a follower of change events does."""
    result = deepcopy(document)
    for path in description["removedFields"]:
        parent, last = _parent(result, path)
        del parent[last]
    for cut in description["truncatedArrays"]:
        parent, last = _parent(result, cut["field"])
        del parent[last][cut["newSize"] :]
    for path, value in description["updatedFields"].items():
        parent, last = _parent(result, path)
        if isinstance(parent, list):
            parent.extend([None] * (int(last) + 1 - len(parent)))
        parent[last] = value
    return result


def _parent(document: dict[str, Any], path: str) -> tuple[Any, Any]:
    *inner, last = path.split(".")
    value: Any = document
    for part in inner:
        value = value[int(part) if isinstance(value, list) else part]
    return value, int(last) if isinstance(value, list) else last
