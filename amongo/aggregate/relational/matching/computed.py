"""Match operators that compute: `$mod`, `$bitsAllSet`, `$bitsAllClear`, `$bitsAnySet`, `$bitsAnyClear`, `$expr`."""

from __future__ import annotations

from typing import Final

from amongo.aggregate.relational.comparing_numbers import never_null
from amongo.aggregate.relational.expressions.boolean import truth
from amongo.aggregate.relational.matching.values import tests
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_match, reads
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, any_of, parameter, sql
from amongo.aggregate.relational.values import NotLowered, Value
from amongo.engine.columns import DOUBLE, WHOLE
from amongo.errors import ServerError
from amongo.mql.expressions import Expression
from amongo.mql.matcher.bitwise import Bits
from amongo.mql.matcher.evaluation import Expr, Mod
from amongo.values.numbers import LONG_MAX
from amongo.values.types import BsonType

_BITS: Final = {
    "$bitsAllSet": "(({} & {}) = {})",
    "$bitsAllClear": "(({} & {}) = 0)",
    "$bitsAnySet": "(({} & {}) <> 0)",
    "$bitsAnyClear": "(({} & {}) <> {})",
}


@tests("$mod")
def mod(expression: Mod, value: Value, scope: Scope) -> Sql:
    """The number, cut to an integer, leaves the remainder."""
    _check_decimals(value)
    divisor, remainder = expression.operand
    if abs(divisor) > LONG_MAX:
        raise NotLowered("a divisor of -2**63")
    template = "(({} % {}) = {})"
    bounds = (parameter(abs(divisor), "BIGINT"), parameter(remainder, "BIGINT"))
    parts = []
    if WHOLE in value.slots:
        parts.append(never_null(sql(template, value.slots[WHOLE], *bounds), (value, WHOLE)))
    if DOUBLE in value.slots:
        cut = sql("TRY_CAST(trunc({}) AS BIGINT)", value.slots[DOUBLE])
        parts.append(sql("COALESCE({}, FALSE)", sql(template, cut, *bounds)))
    return any_of(parts)


@tests("$bitsAllSet", "$bitsAllClear", "$bitsAnySet", "$bitsAnyClear")
def bits(expression: Bits, value: Value, scope: Scope) -> Sql:
    """Bits of a whole number, as 64 bits of two's complement, are set or clear."""
    _check_decimals(value)
    if BsonType.BINARY in value.kinds:
        raise NotLowered("bits of binary data")
    mask = 0
    for position in expression.operand:
        mask |= 1 << min(position, 63)
    bound = parameter(mask - 2**64 if mask > LONG_MAX else mask, "BIGINT")
    template = _BITS[expression.operator]
    bounds = (bound,) * (template.count("{}") - 1)
    parts = []
    if WHOLE in value.slots:
        parts.append(never_null(sql(template, value.slots[WHOLE], *bounds), (value, WHOLE)))
    if DOUBLE in value.slots:
        doubles = value.slots[DOUBLE]
        found = sql(template, sql("TRY_CAST({} AS BIGINT)", doubles), *bounds)
        parts.append(sql("COALESCE({} = trunc({}) AND {}, FALSE)", doubles, doubles, found))
    return any_of(parts)


def _check_decimals(value: Value) -> None:
    if BsonType.DECIMAL in value.kinds:
        raise NotLowered("a computation with decimals")


@lowers_match("$expr")
def expr(expression: Expr, scope: Scope) -> Sql:
    """An expression of the document is true."""
    with scope.telling_null():
        return truth(scope.value(_folded(expression.operand)))


@reads(Expr)
def read_expr(expression: Expr, reading: Reading) -> None:
    """What the expression reads."""
    reading.expression(expression.operand)


def _folded(expression: Expression) -> Expression:
    try:
        return expression.fold()
    except ServerError:
        raise NotLowered("a constant part of the expression fails") from None
