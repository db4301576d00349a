"""The document that an upsert inserts: what the filter says for certain, then the update applied to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bson import Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import update as errors
from amongo.mql.matcher import MatchExpression
from amongo.mql.updates.update import Update


def upsert_document(
    filter_expression: MatchExpression, update: Update, *, now: DatetimeMS, clock_timestamp: Timestamp
) -> dict[str, Any]:
    """The document to insert, `_id` in front when there is one; the caller gives it one otherwise.

    filter_expression   the filter that matched nothing; its equalities become fields
    update              the parsed update; `$setOnInsert` counts
    errors              MATCHED_TWICE, BOTH_MATCHED, NOT_EXACT_ID; those of the update
    source              manual, db.collection.updateOne(), "Upsert with …"
    """
    if update.kind == "replacement":
        start = _exact_id(filter_expression)
    else:
        start = filter_fields(filter_expression)
    outcome = update.apply(start, now=now, clock_timestamp=clock_timestamp, is_insert=True)
    document = start if outcome.document is None else outcome.document
    # A dictionary of its own: the update keeps a replacement, and the caller may go on with what it gets.
    return {"_id": document["_id"], **document} if "_id" in document else dict(document)


def filter_fields(filter_expression: MatchExpression) -> dict[str, Any]:
    """The document of a filter's equalities.

    order    by path
    errors   MATCHED_TWICE, BOTH_MATCHED
    """
    document: dict[str, Any] = {}
    equalities = _collect(filter_expression)
    for path in sorted(equalities):
        _enter(document, path.split("."), equalities[path])
    return document


def _exact_id(filter_expression: MatchExpression) -> dict[str, Any]:
    """The `_id` that a replacement takes from the filter."""
    found: dict[str, Any] = {}
    for path, value in _equalities(filter_expression):
        if path.startswith("_id."):
            raise errors.NOT_EXACT_ID(path=path)
        if path == "_id":
            if found:
                raise errors.MATCHED_TWICE(path=path)
            found["_id"] = value
    return found


def _collect(filter_expression: MatchExpression) -> dict[str, Any]:
    equalities: dict[str, Any] = {}
    for path, value in _equalities(filter_expression):
        if path in equalities:
            raise errors.MATCHED_TWICE(path=path)
        for other in equalities:
            if path.startswith(other + ".") or other.startswith(path + "."):
                raise errors.BOTH_MATCHED(first=min(path, other), second=max(path, other))
        equalities[path] = value
    return equalities


def _equalities(node: MatchExpression) -> Iterator[tuple[str, Any]]:
    """The paths that the filter pins to one value: equality, alone or joined by `$and`; `$or` and `$in` of one."""
    if node.operator == "$eq" and node.path is not None:
        yield node.path, node.operand
    elif node.operator == "$in" and node.path is not None and len(node.operand) == 1:
        if type(node.operand[0]) is not Regex:
            yield node.path, node.operand[0]
    elif node.operator == "$and" or (node.operator == "$or" and len(node.children) == 1):
        for child in node.children:
            yield from _equalities(child)


def _enter(document: dict[str, Any], parts: list[str], value: Any) -> None:
    for part in parts[:-1]:
        document = document.setdefault(part, {})
    document[parts[-1]] = value
