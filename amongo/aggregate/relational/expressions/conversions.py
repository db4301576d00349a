"""$convert and its short forms, where it is proved that no value fails, or where `onError` takes those that do.

Each kind of value that may come is converted by itself (`_Way`: the converted value, and whether it fails); a choice
by kind puts them together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.expressions.boolean import truth
from amongo.aggregate.relational.expressions.dates.moments import moments
from amongo.aggregate.relational.expressions.dates.text import iso_text
from amongo.aggregate.relational.expressions.numeric import LEAST_BIT, double, doubles_of, shown_kinds, whole_range
from amongo.aggregate.relational.registry import lowers_call, lowers_node
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, NULL, TRUE, Sql, case, integer, negated, sql
from amongo.aggregate.relational.values import NULL_VALUE, NULLISH, NotLowered, Value, boolean, of_kind, without
from amongo.engine.columns import BOOL, DATE, DOUBLE, OBJECT_ID, STRING, WHOLE
from amongo.mql.expressions.fallbacks import WithFallbacks
from amongo.mql.expressions.registry import ABSENT
from amongo.values.numbers import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, exact_integer
from amongo.values.types import ALIASES, BsonType

_WHOLE_KINDS: Final = frozenset({int(BsonType.INT), int(BsonType.LONG)})
_BY_ALIAS: Final = {alias: kind for kind, alias in ALIASES.items()}


@dataclass(frozen=True, slots=True)
class _Way:
    """How values of one kind become another.

    value   what comes out; NULL in its slot in other rows, and in those that fail
    fails   whether the conversion fails, in rows of that kind; never NULL there
    """

    value: Value
    fails: Sql = FALSE


_FAILS: Final = _Way(NULL_VALUE, TRUE)
_Convert = Callable[[Value, int], _Way]


def _kept_kind(value: Value, kind: int) -> Value:
    """The values of one kind alone."""
    return without(value, *value.kinds - {kind})


# To whole numbers


def _to_whole(target: BsonType, least: int, most: int) -> _Convert:
    def convert(value: Value, kind: int) -> _Way:
        if kind in _WHOLE_KINDS:
            low, high = whole_range(value)
            slot = value.slots[WHOLE]
            if kind == target or least <= low <= high <= most:
                return _Way(of_kind(target, slot, least=max(low, least), most=min(high, most)))
            inside = sql("({} BETWEEN {} AND {})", slot, integer(least), integer(most))
            low, high = max(low, least), min(high, most)
            return _Way(of_kind(target, case([(inside, slot)], NULL), least=low, most=high), negated(inside))
        if kind == BsonType.DOUBLE:
            return _cut(value, target, least, most)
        if kind == BsonType.BOOL:
            return _Way(of_kind(target, sql("CAST({} AS BIGINT)", value.slots[BOOL]), least=0, most=1))
        if kind == BsonType.DATE and target == BsonType.LONG:
            facts = value.facts
            return _Way(of_kind(target, value.slots[DATE], least=facts.first_ms, most=facts.last_ms))
        if kind == BsonType.STRING:
            return _digits(value.slots[STRING], target, least, most)
        return _FAILS if kind in _NEVER_NUMBERS else _unknown(kind, target)

    return convert


def _cut(value: Value, target: BsonType, least: int, most: int) -> _Way:
    """Doubles cut towards zero; NaN, infinities and what is out of range fails."""
    slot, facts = value.slots[DOUBLE], doubles_of(value)
    # The doubles whose whole part is in the range lie strictly between these, or on the lower one for longs.
    if target == BsonType.INT:
        below, above = double(float(least - 1)), double(float(most + 1))
        is_safe = least <= facts.low and facts.high <= most
        inside = sql("({} > {} AND {} < {})", slot, below, slot, above)
    else:
        below, above = double(float(least)), double(float(most + 1))
        is_safe = float(least) <= facts.low and facts.high < float(most + 1)
        inside = sql("({} >= {} AND {} < {})", slot, below, slot, above)
    low, high = max(int(facts.low), least), min(int(facts.high), most)
    cut = sql("TRY_CAST(trunc({}) AS BIGINT)", slot)
    if is_safe and facts.is_finite:
        return _Way(of_kind(target, cut, least=low, most=high))
    return _Way(of_kind(target, case([(inside, cut)], NULL), least=low, most=high), negated(inside))


def _digits(text: Sql, target: BsonType, least: int, most: int) -> _Way:
    """Texts of digits with a sign; others fail."""
    is_number = sql("regexp_full_match({}, '[+-]?[0-9]+')", text)
    digits = sql("ltrim(ltrim({}, '+-'), '0')", text)
    sign = case([(sql("starts_with({}, '-')", text), sql("'-'"))], sql("''"))
    written = sql("({} || (CASE WHEN {} = '' THEN '0' ELSE {} END))", sign, digits, digits)
    number = case([(is_number, sql("TRY_CAST({} AS BIGINT)", written))], NULL)
    bounded = number
    if (least, most) != (LONG_MIN, LONG_MAX):
        bounded = case([(sql("({} BETWEEN {} AND {})", number, integer(least), integer(most)), number)], NULL)
    return _Way(of_kind(target, bounded, least=least, most=most), sql("({} IS NULL)", bounded))


_NEVER_NUMBERS: Final = frozenset(
    map(int, (BsonType.OBJECT, BsonType.ARRAY, BsonType.OBJECT_ID, BsonType.DATE, BsonType.REGEX))
)


def _unknown(kind: int, target: BsonType) -> _Way:
    raise NotLowered(f"the conversion of {shown_kinds([kind])} to {target.alias}")


# To the others


def _to_double(value: Value, kind: int) -> _Way:
    if kind in _WHOLE_KINDS:
        facts = doubles_of(value)
        found = of_kind(BsonType.DOUBLE, sql("CAST({} AS DOUBLE)", value.slots[WHOLE]), **facts.facts())
        return _Way(found)
    if kind == BsonType.DOUBLE:
        return _Way(value)
    if kind == BsonType.BOOL:
        whole = sql("CAST(CAST({} AS BIGINT) AS DOUBLE)", value.slots[BOOL])
        return _Way(of_kind(BsonType.DOUBLE, whole, low=0.0, high=1.0, low_bit=0))
    if kind == BsonType.DATE:
        return _Way(of_kind(BsonType.DOUBLE, sql("CAST({} AS DOUBLE)", value.slots[DATE]), low_bit=LEAST_BIT))
    return _FAILS if kind in _NEVER_NUMBERS else _unknown(kind, BsonType.DOUBLE)


def _to_string(value: Value, kind: int) -> _Way:
    known: dict[str, Any] = {"string_bytes": 32}
    if kind == BsonType.STRING:
        return _Way(value)
    if kind == BsonType.BOOL:
        found = sql("(CASE {} WHEN TRUE THEN 'true' WHEN FALSE THEN 'false' END)", value.slots[BOOL])
    elif kind in _WHOLE_KINDS:
        found = sql("CAST({} AS VARCHAR)", value.slots[WHOLE])
    elif kind == BsonType.DOUBLE:
        found = _double_text(value)
    elif kind == BsonType.OBJECT_ID:
        found = sql("lower(hex({}))", value.slots[OBJECT_ID])
    elif kind == BsonType.DATE:
        found_moments = moments("$toString", value)
        assert found_moments is not None
        found = iso_text(found_moments)
    elif kind in (BsonType.OBJECT, BsonType.ARRAY):
        return _FAILS
    else:
        return _unknown(kind, BsonType.STRING)
    return _Way(of_kind(BsonType.STRING, found, **known))


def _double_text(value: Value) -> Sql:
    """The shortest digits that give the double back: DuckDB writes them as Python does, but for NaN and infinities."""
    slot = value.slots[DOUBLE]
    written = sql("regexp_replace(CAST({} AS VARCHAR), '\\.0$', '')", slot)
    facts = doubles_of(value)
    if facts.is_finite:
        return written
    branches = [
        (sql("isnan({})", slot), sql("'NaN'")),
        (sql("({} = {})", slot, double(float("inf"))), sql("'Infinity'")),
        (sql("({} = {})", slot, double(float("-inf"))), sql("'-Infinity'")),
    ]
    return case(branches, written)


def _to_date(value: Value, kind: int) -> _Way:
    if kind == BsonType.DATE:
        return _Way(value)
    if kind == BsonType.LONG:
        low, high = whole_range(value)
        return _Way(of_kind(BsonType.DATE, value.slots[WHOLE], first_ms=low, last_ms=high))
    if kind == BsonType.DOUBLE:
        way = _cut(value, BsonType.LONG, LONG_MIN, LONG_MAX)
        facts = way.value.facts
        cut = way.value.slots[WHOLE]
        return _Way(of_kind(BsonType.DATE, cut, first_ms=facts.least, last_ms=facts.most), way.fails)
    if kind == BsonType.OBJECT_ID:
        found = moments("$toDate", value)
        assert found is not None
        return _Way(of_kind(BsonType.DATE, found.expression, first_ms=found.first, last_ms=found.last))
    if kind in (BsonType.INT, BsonType.BOOL, BsonType.OBJECT, BsonType.ARRAY):
        return _FAILS
    return _unknown(kind, BsonType.DATE)


def _to_object_id(value: Value, kind: int) -> _Way:
    if kind == BsonType.OBJECT_ID:
        return _Way(value)
    if kind == BsonType.STRING:
        text = value.slots[STRING]
        is_id = sql("regexp_full_match({}, '[0-9a-fA-F]{{24}}')", text)
        safe = sql("(CASE WHEN {} THEN {} END)", is_id, text)
        return _Way(of_kind(BsonType.OBJECT_ID, sql("TRY(unhex({}))", safe)), negated(is_id))
    if kind in _WHOLE_KINDS | {BsonType.DOUBLE, BsonType.BOOL, BsonType.DATE, BsonType.OBJECT, BsonType.ARRAY}:
        return _FAILS
    return _unknown(kind, BsonType.OBJECT_ID)


_CONVERSIONS: Final[dict[BsonType, _Convert]] = {
    BsonType.INT: _to_whole(BsonType.INT, INT_MIN, INT_MAX),
    BsonType.LONG: _to_whole(BsonType.LONG, LONG_MIN, LONG_MAX),
    BsonType.DOUBLE: _to_double,
    BsonType.STRING: _to_string,
    BsonType.DATE: _to_date,
    BsonType.OBJECT_ID: _to_object_id,
}


def converted(
    name: str, value: Value, target: BsonType, on_null: Callable[[], Value], on_error: Callable[[], Value] | None
) -> Value:
    """A value as another type.

    on_null    gives what comes out for null and missing
    on_error   gives what comes out where the conversion fails; None where that is an error
    errors     NotLowered, also where a conversion may fail and that is an error
    """
    branches: list[tuple[Sql, Value]] = []
    if value.kinds & NULLISH:
        branches.append((value.is_nullish, on_null()))
    kinds = sorted(value.kinds - NULLISH)
    if not kinds:
        return branches[0][1]
    if target == BsonType.BOOL:
        return either(branches, boolean(truth(value)))
    convert = _CONVERSIONS.get(target)
    if convert is None:
        raise NotLowered(f"{name} to {target.alias}")
    for kind in kinds:
        way = convert(_kept_kind(value, kind), kind)
        is_kind = value.is_kind(kind)
        if way.fails != FALSE:
            if on_error is None:
                raise NotLowered(f"{name} of {shown_kinds([kind])} that may have no {target.alias}")
            fails = is_kind if way.fails == TRUE else sql("({} AND COALESCE({}, TRUE))", is_kind, way.fails)
            branches.append((fails, on_error()))
        if way.fails != TRUE:
            branches.append((is_kind, way.value))
    *most, (_, last) = branches
    return either(most, last)


def _register(name: str, target: BsonType) -> None:
    def lower(arguments: list[Value], scope: Scope) -> Value:
        return converted(name, arguments[0], target, lambda: NULL_VALUE, None)

    lower.__doc__ = f"A value as {target.alias}, where no conversion can fail."
    lowers_call(name)(lower)


_register("$toInt", BsonType.INT)
_register("$toLong", BsonType.LONG)
_register("$toDouble", BsonType.DOUBLE)
_register("$toString", BsonType.STRING)
_register("$toBool", BsonType.BOOL)
_register("$toDate", BsonType.DATE)
_register("$toObjectId", BsonType.OBJECT_ID)


@lowers_node(WithFallbacks, "$convert")
def lower_convert(node: WithFallbacks, scope: Scope) -> Value:
    """A value as the type that a constant names, without a format or a base."""
    name = node.conversion.operator.name
    if name != "$convert":
        raise NotLowered(f"{name} is not lowered")
    source, target, *options = (scope.value(argument) for argument in node.conversion.arguments)
    if any(option.constant is not ABSENT for option in options):
        raise NotLowered("$convert with a format, an order of bytes or a base")
    on_null, on_error = node.on_null, node.on_error
    return converted(
        name,
        source,
        _target(target),
        lambda: NULL_VALUE if on_null is None else scope.value(on_null),
        None if on_error is None else lambda: scope.value(on_error),
    )


def _target(target: Value) -> BsonType:
    """The type that a constant names.

    errors   NotLowered
    """
    named = target.constant
    if type(named) is str and named in _BY_ALIAS:
        return _BY_ALIAS[named]
    number = exact_integer(named) if target.is_constant else None
    if number is None or number not in BsonType._value2member_map_:
        raise NotLowered("$convert to a type that is no constant name or number")
    return BsonType(number)
