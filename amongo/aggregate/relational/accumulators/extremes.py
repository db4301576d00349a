"""$min and $max of a group: by bracket first, then within one slot; of equal values the first document's."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from amongo.aggregate.relational.accumulators.folding import Folding
from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.registry import lowers_fold
from amongo.aggregate.relational.sql import Sql, case, sql
from amongo.aggregate.relational.sums import EXACT, whole_range
from amongo.aggregate.relational.values import NULL_VALUE, NULLISH, NUMBERS, NotLowered, Value, tag_of, without
from amongo.engine.columns import BOOL, DATE, DOUBLE, OBJECT_ID, OTHER, STRING, WHOLE
from amongo.mql.accumulators.single import ExtremeOf
from amongo.values.types import BsonType

_ASCENDING: Final = (
    (STRING, BsonType.STRING),
    (OBJECT_ID, BsonType.OBJECT_ID),
    (BOOL, BsonType.BOOL),
    (DATE, BsonType.DATE),
)
"""The slots behind the numbers in the order of brackets, with their kinds."""


@lowers_fold("$min", "$max")
def lower_extreme(accumulation: ExtremeOf, folding: Folding) -> Value:
    """The value that is furthest in one direction of the order across types; null of nothing."""
    value = folding.value(accumulation.argument)
    return extreme(value, accumulation.sign, folding)


def extreme(value: Value, sign: int, folding: Folding) -> Value:
    """The least (`sign` -1) or the greatest value.

    errors   NotLowered for kinds whose order the columns do not show
    """
    if value.is_constant:
        return NULL_VALUE if value.only(*NULLISH) else value
    present = value.kinds - NULLISH
    if not present:
        return NULL_VALUE
    check_ordered(value, folding)
    found: list[tuple[Sql, Value]] = []
    if present & NUMBERS:
        found.append(_number(value, sign, folding))
    for slot, kind in _ASCENDING:
        if slot in value.slots:
            best = folding.fold(sql("min({})" if sign < 0 else "max({})", value.slots[slot]))
            facts = replace(value.facts, counts={int(kind): 1})
            found.append((sql("({} IS NOT NULL)", best), Value(facts, tag_of(kind), {slot: best})))
    if sign > 0:
        found.reverse()
    *before, (is_there, last) = found
    if value.kinds & NULLISH:
        return either([*before, (is_there, last)], NULL_VALUE)
    return either(before, last)


def check_ordered(value: Value, folding: Folding) -> None:
    """Refuse kinds whose order the columns do not show.

    errors   NotLowered
    """
    if OTHER in value.slots or value.fields is not None or value.listing is not None:
        raise NotLowered("an extreme among values without an order here")
    if value.kinds & {BsonType.MIN_KEY, BsonType.MAX_KEY, BsonType.UNDEFINED}:
        raise NotLowered("an extreme among values without an order here")
    if STRING in value.slots and folding.scope.lowering.collates:
        raise NotLowered("an extreme of strings under a collation")


def _number(value: Value, sign: int, folding: Folding) -> tuple[Sql, Value]:
    """(whether there is a number, the furthest one)."""
    if WHOLE not in value.slots:
        return _double(value, sign, folding)
    if DOUBLE not in value.slots:
        return _whole(value, sign, folding)
    if max(map(abs, whole_range(value))) > 2**EXACT or value.facts.has_nan:
        raise NotLowered("an extreme among doubles and whole numbers past 53 bits, or NaN")
    doubles = sql("COALESCE({}, CAST({} AS DOUBLE))", value.slots[DOUBLE], value.slots[WHOLE])
    numbers = without(value, *value.kinds - NUMBERS)
    best = folding.picked(
        numbers,
        "first({} ORDER BY {} DESC, {}) FILTER (WHERE {} IS NOT NULL)"
        if sign > 0
        else "first({} ORDER BY {}, {}) FILTER (WHERE {} IS NOT NULL)",
        doubles,
        folding.position,
        doubles,
    )
    return sql("({} IS NOT NULL)", folding.fold(sql("max({})", doubles))), replace(best, tag=_safe(best.tag))


def _safe(tag: Sql) -> Sql:
    """A tag that is not NULL where nothing was found."""
    return sql("COALESCE({}, 0)", tag) if tag.columns else tag


def _whole(value: Value, sign: int, folding: Folding) -> tuple[Sql, Value]:
    whole = value.slots[WHOLE]
    best = folding.fold(sql("min({})" if sign < 0 else "max({})", whole))
    kinds = value.kinds & NUMBERS
    facts = replace(value.facts, counts=dict.fromkeys(map(int, kinds), 1))
    tag = tag_of(min(kinds))
    if len(kinds) > 1:
        order = "first({} ORDER BY {} DESC, {})" if sign > 0 else "first({} ORDER BY {}, {})"
        picked = sql(order + " FILTER (WHERE {} IS NOT NULL)", value.tag, whole, folding.position, whole)
        tag = _safe(folding.fold(picked))
    return sql("({} IS NOT NULL)", best), Value(facts, tag, {WHOLE: best})


def _double(value: Value, sign: int, folding: Folding) -> tuple[Sql, Value]:
    doubles, facts = value.slots[DOUBLE], value.facts
    best = folding.fold(sql("min({})" if sign < 0 else "max({})", doubles))
    is_there = sql("({} IS NOT NULL)", best)
    if facts.has_nan:  # below all numbers; in DuckDB above them
        is_nan = sql("COALESCE(isnan({}), FALSE)", doubles)
        first = folding.first(doubles, is_nan)
        if sign < 0:
            best = case([(folding.fold(sql("bool_or({})", is_nan)), first)], best)
        else:
            others = folding.fold(sql("max({}) FILTER (WHERE NOT {})", doubles, is_nan))
            best = sql("COALESCE({}, {})", others, first)
    if facts.has_negative_zero:  # equal to the other zero
        zero = folding.first(doubles, sql("COALESCE({} = 0, FALSE)", doubles))
        best = case([(sql("COALESCE({} = 0, FALSE)", best), zero)], best)
    known = replace(facts, counts={int(BsonType.DOUBLE): 1})
    return is_there, Value(known, tag_of(BsonType.DOUBLE), {DOUBLE: best})
