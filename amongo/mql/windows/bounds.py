"""The bounds of windows: so many documents, or so far by value or by time, from the current document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from amongo.errors import date as date_errors
from amongo.errors import window as errors
from amongo.mql.expressions import Literal
from amongo.mql.expressions.date.units import UNITS
from amongo.mql.windows.registry import Setting
from amongo.values.numbers import exact_int
from amongo.values.order import compare
from amongo.values.types import is_number
from amongo.values.wording import shown


class Edge(Enum):
    """A bound that is a word."""

    UNBOUNDED = "unbounded"
    CURRENT = "current"


UNBOUNDED: Final = Edge.UNBOUNDED
CURRENT: Final = Edge.CURRENT


@dataclass(frozen=True, slots=True)
class DocumentBounds:
    """So many documents before (negative) or behind the current one; None is the end of the partition."""

    lower: int | None
    upper: int | None


@dataclass(frozen=True, slots=True)
class RangeBounds:
    """So far from the value that the current document sorts by.

    lower, upper   a number, or CURRENT (the current document, not its value), or UNBOUNDED
    unit           of time, where the documents sort by dates; else None
    """

    lower: Any
    upper: Any
    unit: str | None = None


Bounds = DocumentBounds | RangeBounds

WHOLE: Final = DocumentBounds(None, None)
"""The whole partition: the bounds where none are given."""


def parse_bounds(spec: Any, setting: Setting) -> Bounds:
    """Parse the `window` of an output field.

    spec     {documents: [lower, upper]}, {range: [lower, upper]}, {range: [lower, upper], unit: name} or {}
    errors   the conditions of `amongo.errors.window` under "Bounds"; UNKNOWN_UNIT
    order    fields; each bound, lower first; lower against upper; unit; sort pattern
    source   manual, $setWindowFields
    """
    if type(spec) is not dict:
        raise errors.WINDOW_NOT_OBJECT()
    if "documents" in spec and "range" in spec:
        raise errors.BOTH_BOUNDS()
    if "range" not in spec and "unit" in spec:
        raise errors.UNIT_WITHOUT_RANGE()
    if "documents" in spec:
        return _parse_documents(spec, setting)
    if "range" in spec:
        return _parse_range(spec, setting)
    if spec:
        raise errors.WINDOW_FIELDS()
    return WHOLE


def _parse_documents(spec: dict[str, Any], setting: Setting) -> Bounds:
    if len(spec) != 1:
        raise errors.DOCUMENTS_FIELDS()
    lower, upper = (_parse_bound(bound, setting, _document_count) for bound in _pair(spec["documents"]))
    _check_order(lower, upper)
    bounds = DocumentBounds(
        *(None if bound is UNBOUNDED else 0 if bound is CURRENT else bound for bound in (lower, upper))
    )
    if bounds != WHOLE and setting.sort is None:
        raise errors.DOCUMENTS_WITHOUT_SORT()
    return bounds


def _parse_range(spec: dict[str, Any], setting: Setting) -> Bounds:
    pair = _pair(spec["range"])
    unit = None
    if "unit" in spec:
        if len(spec) != 2:
            raise errors.UNIT_FIELDS()
        unit = spec["unit"]
        if type(unit) is not str:
            raise errors.UNIT_NOT_STRING()
    elif len(spec) != 1:
        raise errors.RANGE_FIELDS()
    lower, upper = (_parse_bound(bound, setting, _distance if unit is None else _unit_count) for bound in pair)
    _check_order(lower, upper)
    if unit is not None and unit not in UNITS:
        raise date_errors.UNKNOWN_UNIT(unit=unit)
    if setting.sort is None or not setting.has_single_sort:
        raise errors.RANGE_WITHOUT_SORT()
    if setting.is_sort_by_metadata:
        raise errors.RANGE_SORT_EXPRESSION()
    if setting.sort.directions[0] < 0:
        raise errors.RANGE_SORT_DESCENDING()
    return RangeBounds(lower, upper, unit)


def _pair(value: Any) -> list[Any]:
    if type(value) is not list or len(value) != 2:
        raise errors.BOUNDS_NOT_PAIR(bounds=shown(value))
    return value


def _parse_bound(spec: Any, setting: Setting, read: Callable[[Any], Any]) -> Any:
    """A bound: an Edge, or what `read` makes of a constant expression."""
    if type(spec) is str:
        if spec not in (UNBOUNDED.value, CURRENT.value):
            raise errors.BOUND_WORD()
        return Edge(spec)
    folded = setting.parse(spec).fold()
    if not isinstance(folded, Literal):
        raise errors.BOUND_NOT_CONSTANT()
    return read(folded.value)


def _document_count(value: Any) -> int:
    count = exact_int(value)
    if count is None:
        raise errors.DOCUMENT_BOUND_NOT_INTEGER()
    return count


def _unit_count(value: Any) -> int:
    count = exact_int(value)
    if count is None:
        raise errors.RANGE_BOUND_NOT_INTEGER()
    return count


def _distance(value: Any) -> Any:
    if not is_number(value):
        raise errors.RANGE_BOUND_NOT_NUMBER()
    return value


def _check_order(lower: Any, upper: Any) -> None:
    """Refuse a lower bound past the upper one; the current document is 0."""
    if lower is UNBOUNDED or upper is UNBOUNDED:
        return
    least, most = (0 if bound is CURRENT else bound for bound in (lower, upper))
    if compare(least, most) > 0:
        raise errors.BOUNDS_REVERSED(lower=shown(least), upper=shown(most))
