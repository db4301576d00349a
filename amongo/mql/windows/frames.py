"""Frames: for each document of a partition, which documents its window holds; found by moving two ends forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from bson import Int64
from bson.datetime_ms import DatetimeMS

from amongo.errors import date as date_errors
from amongo.errors import window as errors
from amongo.mql.expressions import Evaluate, Expression
from amongo.mql.expressions.date.moving import shift_millis
from amongo.mql.expressions.date.zones import UTC_ZONE
from amongo.mql.windows.bounds import CURRENT, UNBOUNDED, Bounds, DocumentBounds, RangeBounds
from amongo.mql.windows.registry import Partition
from amongo.values.numbers import LONG_MAX, LONG_MIN, add_widening, pack_decimal, to_decimal
from amongo.values.order import compare
from amongo.values.types import alias, is_number

Frame = tuple[int, int]
"""Positions in the partition, the second excluded; equal for an empty frame. Neither ever goes back."""

Frames = Callable[[Partition], Iterator[Frame]]


def bind_frames(bounds: Bounds, sorted_by: Expression | None) -> Frames:
    """The frames that bounds cut out of a partition, one for each document.

    sorted_by   the value that documents sort by; only range bounds need it
    errors      when run RANGE_NOT_DATE, RANGE_DATE_WITHOUT_UNIT, RANGE_NOT_NUMBER
    source      manual, $setWindowFields
    """
    if isinstance(bounds, DocumentBounds):
        return lambda partition: _by_document(bounds, len(partition.documents))
    assert sorted_by is not None
    evaluate = sorted_by.bind()
    return lambda partition: _by_range(bounds, partition, evaluate)


def _by_document(bounds: DocumentBounds, count: int) -> Iterator[Frame]:
    lower, upper = bounds.lower, bounds.upper
    for current in range(count):
        start = 0 if lower is None else min(max(current + lower, 0), count)
        end = count if upper is None else min(max(current + upper + 1, 0), count)
        yield start, max(start, end)


def _by_range(bounds: RangeBounds, partition: Partition, evaluate: Evaluate) -> Iterator[Frame]:
    """Both ends move forward until the values they pass reach the current value plus the bound.

    order   a document that sorts by something else than a number (with a unit: a date) fails when it is the current
            one; as a neighbour it is outside
    """
    documents, variables, watch = partition.documents, partition.variables, partition.interrupt.watch
    count, lower, upper = len(documents), bounds.lower, bounds.upper
    values: list[Any] = []

    def value_at(place: int) -> Any:
        while len(values) <= place:
            values.append(evaluate(documents[len(values)], variables))
        return values[place]

    is_expected: Callable[[Any], bool] = is_number if bounds.unit is None else _is_date
    move = _mover(bounds.unit)
    start = end = 0
    for current in range(count):
        base = value_at(current)
        _check(base, bounds.unit)
        if lower is CURRENT:
            start = current
        else:
            least = None if lower is UNBOUNDED else move(base, lower)
            start = next(
                place
                for place in watch(range(start, count + 1))
                if place == count or _is_past(value_at(place), least, is_expected)
            )
        if start == count or not is_expected(value_at(start)):
            yield current, current
            continue
        if upper is CURRENT:
            end = current + 1
        else:
            most = None if upper is UNBOUNDED else move(base, upper)
            end = next(
                place
                for place in watch(range(max(end, start), count + 1))
                if place == count or _is_beyond(value_at(place), most, is_expected)
            )
        yield start, max(start, end)


def _is_past(value: Any, least: Any, is_expected: Callable[[Any], bool]) -> bool:
    return is_expected(value) if least is None else compare(value, least) >= 0


def _is_beyond(value: Any, most: Any, is_expected: Callable[[Any], bool]) -> bool:
    return not is_expected(value) if most is None else compare(value, most) > 0


def _is_date(value: Any) -> bool:
    return type(value) is DatetimeMS


def _check(base: Any, unit: str | None) -> None:
    if unit is not None:
        if type(base) is not DatetimeMS:
            raise errors.RANGE_NOT_DATE(kind=alias(base))
    elif type(base) is DatetimeMS:
        raise errors.RANGE_DATE_WITHOUT_UNIT()
    elif not is_number(base):
        raise errors.RANGE_NOT_NUMBER(kind=alias(base))


_WHOLE: Final = frozenset({int, Int64})


def _mover(unit: str | None) -> Callable[[Any, Any], Any]:
    """How a value is moved by a bound: a date by units, a number in decimal arithmetic, as the server does."""

    def move_date(base: Any, count: int) -> DatetimeMS:
        assert unit is not None
        moved = shift_millis(int(base), unit, count, UTC_ZONE)
        if not LONG_MIN <= moved <= LONG_MAX:
            raise date_errors.ADD_RESULT_RANGE(name="$dateAdd")
        return DatetimeMS(moved)

    def move_number(base: Any, distance: Any) -> Any:
        if type(base) in _WHOLE and type(distance) in _WHOLE:
            moved = int(base) + int(distance)
            if LONG_MIN <= moved <= LONG_MAX:
                return Int64(moved)
        return add_widening(*(pack_decimal(to_decimal(term)) for term in (base, distance)))

    return move_number if unit is None else move_date
