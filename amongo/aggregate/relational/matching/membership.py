"""`$in`: one of a list of values, which may be long and of many types.

The operands are dealt out to the slots that they can be equal to, and each slot is looked up in a list of its own. A
long list goes into the statement as one text that DuckDB takes apart, without holding up Python: a hundred thousand
parameters take ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any, Final

from bson import Int64, Regex

from amongo.aggregate.relational.comparing import PLAIN
from amongo.aggregate.relational.comparing_numbers import exact_number, neighbours, never_null
from amongo.aggregate.relational.matching.comparison import check_symbols, compared
from amongo.aggregate.relational.matching.patterns import found_by
from amongo.aggregate.relational.matching.values import tests
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, any_of, listed, parameter, sql
from amongo.aggregate.relational.values import SQL_TYPES, NotLowered, Value, literal
from amongo.engine.columns import DATE, DOUBLE, OBJECT_ID, STRING, WHOLE
from amongo.mql.matcher.comparison import In
from amongo.values import order
from amongo.values.key_bytes import has_strings
from amongo.values.numbers import LONG_MAX, LONG_MIN
from amongo.values.types import BsonType

_FEW: Final = 16
_MOST_IN_LAMBDA: Final = 1000
_MOST_OTHERS: Final = 100
_SEPARATORS: Final = ("\x1f", "\x1e", "\x1d", "\x1c", "\x01", "\x02", "\x03", "\x04")


@tests("$in")
def one_of(expression: In, value: Value, scope: Scope) -> Sql:
    """Equal to one of some values, or matched by one of some regular expressions."""
    if expression.collator is not None and has_strings(expression.operand):
        raise NotLowered("a comparison of strings under a collation")
    by_slot, others = _dealt(expression.operand, value)
    parts = []
    for slot, operands in by_slot.items():
        if slot in value.slots:
            found = member(value.slots[slot], slot, operands, scope)
            parts.append(never_null(found, (value, slot), null_is_false=scope.null_is_false))
    if len(others) > _MOST_OTHERS:
        raise NotLowered("a long list of values without slots")
    for operand in others:
        if type(operand) is Regex:
            parts.append(found_by(operand, value, scope))
        else:
            parts.append(compared(value, "$eq", operand, scope))
    return any_of(parts)


def _dealt(operands: Sequence[Any], value: Value) -> tuple[dict[str, list[Any]], list[Any]]:
    """(slot -> the operands that its values can be equal to, all others)."""
    by_slot: dict[str, list[Any]] = {slot: [] for slot in (WHOLE, DOUBLE, *PLAIN.values())}
    others: list[Any] = []
    by_kind: dict[type, list[Any]] = {}
    for operand in operands:
        by_kind.setdefault(type(operand), []).append(operand)
    for kind, some in by_kind.items():
        bracket = order.NULL if kind is Regex else order.canonical_class(some[0])
        if bracket == order.NUMBER:
            _deal_numbers(some, value, by_slot, others)
        elif bracket in PLAIN:
            check_symbols(value, some[0])
            by_slot[PLAIN[bracket]] += some
        else:
            others += some
    return {slot: some for slot, some in by_slot.items() if some}, others


def _deal_numbers(numbers: list[Any], value: Value, by_slot: dict[str, list[Any]], others: list[Any]) -> None:
    """Deal numbers of one type out to the whole numbers and the doubles that are equal to them."""
    if BsonType.DECIMAL in value.kinds:
        raise NotLowered("a comparison with decimals")
    if type(numbers[0]) in (int, Int64):
        by_slot[WHOLE] += numbers
        if DOUBLE in value.slots:
            by_slot[DOUBLE] += [float(each) for each in numbers if int(float(each)) == each]
        return
    for number in numbers:
        if type(number) is float and isfinite(number):
            by_slot[DOUBLE].append(number)
            if number.is_integer() and LONG_MIN <= number < -LONG_MIN:
                by_slot[WHOLE].append(int(number))
            continue
        exact = exact_number(number)
        if exact is None:
            others.append(number)
            continue
        if not isinstance(exact, float) and exact.denominator == 1 and LONG_MIN <= exact <= LONG_MAX:
            by_slot[WHOLE].append(int(exact))
        below, above = neighbours(exact)
        if below == above:
            by_slot[DOUBLE].append(below)


def member(values: Sql, slot: str, operands: Sequence[Any], scope: Scope) -> Sql:
    """Whether the value of a slot is one of these; NULL where it is NULL.

    operands   of the slot's own type: whole numbers for WHOLE, floats without NaN for DOUBLE, …
    """
    if len(operands) <= _MOST_IN_LAMBDA:
        operands = list(dict.fromkeys(operands))
    if len(operands) == 1:
        return sql("({} = {})", values, _bound(operands[0], slot))
    if len(operands) <= _FEW:
        return sql("({} IN ({}))", values, listed(_bound(each, slot) for each in operands))
    if values.columns & scope.bound:
        if len(operands) > _MOST_IN_LAMBDA:
            raise NotLowered("a long list, for each element of an array")
        return sql(
            "list_contains({}, {})",
            parameter([_plain(each, slot) for each in operands], f"{SQL_TYPES[slot]}[]"),
            values,
        )
    return sql("({} IN (SELECT unnest({})))", values, long_list(operands, slot))


def _plain(operand: Any, slot: str) -> Any:
    if slot in (WHOLE, DATE):
        return int(operand)
    return operand.binary if slot == OBJECT_ID else operand


def _bound(operand: Any, slot: str) -> Sql:
    return parameter(_plain(operand, slot), SQL_TYPES[slot])


def long_list(operands: Iterable[Any], slot: str) -> Sql:
    """A list of many values of a slot, bound as one text.

    operands   as for `member`
    """
    if slot in (WHOLE, DATE):
        return sql("CAST({} AS BIGINT[])", _joined([str(int(each)) for each in operands]))
    if slot == DOUBLE:
        return sql("CAST({} AS DOUBLE[])", _joined([repr(each) for each in operands]))
    if slot == OBJECT_ID:
        texts = parameter(",".join([str(each) for each in operands]), "VARCHAR")
        return sql("list_transform(string_split({}, ','), lambda h: unhex(h))", texts)
    operands = list(operands)
    if slot != STRING:
        return parameter([_plain(each, slot) for each in operands], f"{SQL_TYPES[slot]}[]")
    text = "".join(operands)
    separator = next((each for each in _SEPARATORS if each not in text), None)
    if separator is None:
        return parameter(operands, "VARCHAR[]")
    literal(text)  # which refuses what is no valid Unicode
    return sql("string_split({}, {})", parameter(separator.join(operands), "VARCHAR"), parameter(separator, "VARCHAR"))


def _joined(texts: list[str]) -> Sql:
    return parameter(f"[{','.join(texts)}]", "VARCHAR")
