"""Bounds on `_id` as explain writes them: `["a", {})`, `(5, inf.0]`. Source: manual, Explain Results, "indexBounds"."""

from __future__ import annotations

from typing import Any, Final

from bson import ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.mql.matcher.parse import is_operator_document
from amongo.values.numbers import is_nan
from amongo.values.types import is_number
from amongo.values.wording import shown

WHOLE: Final = "[MinKey, MaxKey]"
_EXTENTS: Final[dict[type, tuple[str, str]]] = {
    str: ('[""', "{})"),
    bool: ("[false", "true]"),
    ObjectId: ("[ObjectId('000000000000000000000000')", "ObjectId('ffffffffffffffffffffffff')]"),
    DatetimeMS: ("[new Date(-9223372036854775808)", "new Date(9223372036854775807)]"),
    Timestamp: ("[Timestamp(0, 0)", "Timestamp(4294967295, 4294967295)]"),
}


def id_bounds_text(condition: Any, *, has_condition: bool) -> list[str]:
    """The intervals of `_id` that a scan goes through, in order.

    condition       of the filter on `_id`
    has_condition   whether there is one
    """
    if not has_condition:
        return [WHOLE]
    if not is_operator_document(condition):
        return [_point(condition)]
    if "$eq" in condition:
        return [_point(condition["$eq"])]
    if type(condition.get("$in")) is list:
        return list(dict.fromkeys(map(_point, condition["$in"])))
    low = high = None
    for name in ("$gt", "$gte", "$lt", "$lte"):
        if name not in condition:
            continue
        value = condition[name]
        first, last = _extent(value)
        if name in ("$gt", "$gte"):
            low, high = f"{'(' if name == '$gt' else '['}{shown(value)}", high or last
        else:
            low, high = low or first, f"{shown(value)}{')' if name == '$lt' else ']'}"
    return [f"{low}, {high}"] if low and high else [WHOLE]


def _point(value: Any) -> str:
    return f"[{shown(value)}, {shown(value)}]"


def _extent(value: Any) -> tuple[str, str]:
    """Where the type of a value begins and ends."""
    if is_number(value):
        return ("[nan.0", "nan.0]") if is_nan(value) else ("[-inf.0", "inf.0]")
    return _EXTENTS.get(type(value), ("[MinKey", "MaxKey]"))
