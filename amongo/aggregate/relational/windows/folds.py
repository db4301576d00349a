"""$sum, $avg, $count, $min, $max, $push and $locf over windows.

A window that begins with its partition is folded as a group is. In any other the interpreter, as the server, gives
numbers back that fall out: types follow what is in the window, and of equal extremes another one may be kept.
"""

from __future__ import annotations

from dataclasses import replace

from amongo.aggregate.relational.accumulators.collecting import as_array, element_of
from amongo.aggregate.relational.accumulators.folding import name_of, picked
from amongo.aggregate.relational.listing import common_form, empty_list, packed
from amongo.aggregate.relational.registry import WINDOWS, lowers_window
from amongo.aggregate.relational.sql import NULL, Sql, case, negated, sql
from amongo.aggregate.relational.sums import EXACT, Whole, mean, sized, span_of, sum_of_whole, total, whole_range
from amongo.aggregate.relational.values import NULL_VALUE, NULLISH, NUMBERS, NotLowered, Value, literal, tag_of, without
from amongo.aggregate.relational.windows.partitions import Partitions, Window
from amongo.engine.columns import DOUBLE, OTHER, STRING, WHOLE
from amongo.mql.accumulators.registry import Unary
from amongo.mql.accumulators.single import ExtremeOf
from amongo.mql.windows.fillings import LastObserved
from amongo.mql.windows.folds import Folded
from amongo.values.types import BsonType


def lower_folded(function: Folded, partitions: Partitions) -> Value:
    """A fold of what the window holds.

    errors   NotLowered
    """
    name = name_of(function.accumulation)
    lower = WINDOWS.get(name)
    if lower is None:
        raise NotLowered(f"{name} over windows is not lowered")
    return lower(function, partitions)


@lowers_window("$sum", "$count")
def lower_sum(function: Folded, partitions: Partitions) -> Value:
    """The sum of the numbers in the window; $count is that of ones."""
    value, window = _taken(function, partitions)
    if window.is_growing:
        return total(value, window.most, window)
    _check_sliding(value, window)
    if not value.kinds & NUMBERS:
        return literal(0)
    if BsonType.DOUBLE not in value.kinds:
        return _sized(sum_of_whole(value, window.most, window))
    found = total(value, window.most, window)
    if WHOLE not in value.slots:
        return found
    whole = _sized(sum_of_whole(value, window.most, window))
    has_double = sql("({} > 0)", window.fold(sql("count({})", value.slots[DOUBLE])))
    return replace(found, tag=case([(has_double, tag_of(BsonType.DOUBLE))], whole.tag))


@lowers_window("$avg")
def lower_average(function: Folded, partitions: Partitions) -> Value:
    """The mean of the numbers in the window."""
    value, window = _taken(function, partitions)
    if not window.is_growing:
        _check_sliding(value, window)
    return mean(value, window.most, window)


@lowers_window("$min", "$max")
def lower_extreme(function: Folded, partitions: Partitions) -> Value:
    """The furthest value in the window; null and missing are left out."""
    accumulation = function.accumulation
    assert isinstance(accumulation, ExtremeOf)
    value, window = _taken(function, partitions)
    present = value.kinds - NULLISH
    if not present:
        return NULL_VALUE
    if len(present) > 1 or len(value.slots) != 1 or OTHER in value.slots:
        raise NotLowered("an extreme over windows of values of several types, or without an order here")
    if value.facts.has_nan or value.facts.has_negative_zero:
        raise NotLowered("an extreme over windows among NaN or negative zeros")
    if STRING in value.slots and partitions.scope.lowering.collates:
        raise NotLowered("an extreme of strings under a collation")
    ((_, by),) = value.slots.items()
    best = window.fold(sql("min({})" if accumulation.sign < 0 else "max({})", by))
    return picked(value, lambda each: best if each == by else each)


@lowers_window("$push")
def lower_push(function: Folded, partitions: Partitions) -> Value:
    """The values in the window that are not missing."""
    assert isinstance(function.accumulation, Unary)
    window = partitions.window(function.bounds)
    value = partitions.value(function.accumulation.argument)
    if value.only(BsonType.MISSING):
        return literal([])
    element = element_of(without(value, BsonType.MISSING))
    form = common_form([element])
    items = sql("list({})", packed(element, form))
    if BsonType.MISSING in value.kinds:
        items = sql("{} FILTER (WHERE {})", items, negated(value.is_kind(BsonType.MISSING)))
    return as_array(sql("COALESCE({}, {})", window.in_order(items), empty_list(form)), form, window.most)


@lowers_window("$locf")
def lower_last_observed(function: LastObserved, partitions: Partitions) -> Value:
    """The last value so far that is not null or missing."""
    value = partitions.value(function.input)
    present = value.kinds - NULLISH
    if not present:
        return NULL_VALUE
    if len(present) > 1 or value.listing is not None or value.fields is not None:
        raise NotLowered("the last of values of several types")
    keys = (*partitions.sort_keys, *partitions.rest)
    frame = Sql(" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW")
    ((_, by),) = value.slots.items() or (("", NULL),)
    last = partitions.over(sql("last_value({} IGNORE NULLS)", by), keys=keys, frame=frame)
    return picked(value, lambda each: last if each == by else each)


def _taken(function: Folded, partitions: Partitions) -> tuple[Value, Window]:
    """(what is folded, the windows); null is among the kinds where a window may be empty.

    errors   NotLowered
    """
    window = partitions.window(function.bounds)
    accumulation = function.accumulation
    assert isinstance(accumulation, Unary | ExtremeOf)
    value = partitions.value(accumulation.argument)
    if window.may_be_empty and not (value.is_constant and isinstance(accumulation, Unary)):
        counts = {**value.facts.counts, int(BsonType.NULL): 1}
        value = replace(value, facts=replace(value.facts, counts=counts))
    return value, window


def _check_sliding(value: Value, window: Window) -> None:
    """Refuse what the interpreter, which adds and takes away, might sum with another rounding.

    errors   NotLowered
    """
    if BsonType.DOUBLE not in value.kinds:
        return
    facts = value.facts
    if facts.has_nan or facts.has_infinity:
        raise NotLowered("a sum over windows among NaN or infinities")
    span = span_of(value)
    if WHOLE in value.slots:
        least, highest = whole_range(value)
        span = span.with_whole(least, highest)
        if (window.most * max(abs(least), abs(highest))).bit_length() > EXACT:
            raise NotLowered("a sum over windows of doubles and large whole numbers")
    added = (2 * window.partitions.most).bit_length()
    if span.top + (window.most + 1).bit_length() + added - span.low_bit > 2 * EXACT:
        raise NotLowered("a sum of doubles over windows that cannot be proved to be rounded once")


def _sized(whole: Whole) -> Value:
    if not whole.fits:
        raise NotLowered("a sum over windows that may pass 64 bits")
    return sized(whole)
