"""Operators that compute: `$mod`, `$expr`, `$sampleRate`."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bson.decimal128 import Decimal128
from bson.int64 import Int64

from amongo.errors import query as errors
from amongo.mql.expressions import Expression, parse_expression
from amongo.mql.expressions.truth import is_true
from amongo.mql.matcher.registry import Clause, field_operator, top_level_operator
from amongo.mql.matcher.tree import Document, Located, Match, MatchExpression, Predicate, Test
from amongo.values.numbers import LONG_MAX, LONG_MIN, to_double, unpack_decimal
from amongo.values.types import is_number
from amongo.values.wording import shown


@dataclass(frozen=True, slots=True)
class Mod(Predicate):
    """The number, cut to an integer, leaves the remainder; the operand is (divisor, remainder)."""

    operand: tuple[int, int]

    def value_test(self) -> Test:
        divisor, remainder = self.operand
        magnitude = abs(divisor)

        def test(value: Any) -> bool:
            dividend = truncated_long(value)
            if dividend is None:
                return False
            found = abs(dividend) % magnitude
            return (found if dividend >= 0 else -found) == remainder

        return test


@field_operator("$mod")
def mod(clause: Clause) -> MatchExpression:
    """The value, divided by a divisor, leaves a remainder; fractions are cut off on both sides.

    operand   array of two numbers that fit 64 bits once cut: divisor, not 0, and remainder
    errors    MOD_NEEDS_ARRAY, MOD_TOO_SHORT, MOD_TOO_LONG, MOD_NOT_A_NUMBER, MOD_OUT_OF_RANGE, MOD_BY_ZERO
    order     the remainder takes the sign of the value
    source    manual, $mod
    """
    operand = clause.operand
    if type(operand) is not list:
        raise errors.MOD_NEEDS_ARRAY()
    if len(operand) != 2:
        raise errors.MOD_TOO_SHORT() if len(operand) < 2 else errors.MOD_TOO_LONG()
    numbers = []
    for part, value in zip(("divisor", "remainder"), operand, strict=True):
        if not is_number(value):
            raise errors.MOD_NOT_A_NUMBER(part=part)
        number = truncated_long(value)
        if number is None:
            raise errors.MOD_OUT_OF_RANGE(part=part, operand=shown(value))
        if number == 0 and part == "divisor":
            raise errors.MOD_BY_ZERO()
        numbers.append(number)
    return Mod("$mod", clause.path, (numbers[0], numbers[1]))


def truncated_long(value: Any) -> int | None:
    """A number cut towards zero to 64 bits; None for NaN, infinities, numbers beyond, and other types."""
    kind = type(value)
    if kind is int or kind is Int64:
        return int(value)
    if kind is float:
        if not LONG_MIN <= value < -float(LONG_MIN):
            return None
        return int(value)
    if kind is Decimal128:
        exact = unpack_decimal(value)
        if not exact.is_finite() or exact.adjusted() > 19:
            return None
        number = int(exact)
        return number if LONG_MIN <= number <= LONG_MAX else None
    return None


@dataclass(frozen=True, slots=True)
class Expr(MatchExpression):
    """An expression of the document is true; the operand is the expression."""

    operand: Expression
    variables: Mapping[str, Any]

    def bind(self) -> Match:
        evaluate, variables = self.operand.bind(), self.variables
        return lambda document: is_true(evaluate(document, variables))

    def value_test(self) -> Test:
        raise AssertionError("$expr is refused below $elemMatch")

    def locate(self, document: Document) -> Located:
        return self.bind()(document), None


@top_level_operator("$expr")
def expr(clause: Clause) -> MatchExpression:
    """An aggregation expression over the document is true (neither false, zero, null nor missing).

    operand   any expression; it may read the operation's variables
    errors    EXPR_NOT_TOP_LEVEL, and those of `amongo.errors.expression`
    source    manual, $expr
    """
    scope = clause.scope
    if not scope.is_top_level:
        raise errors.EXPR_NOT_TOP_LEVEL(name="$expr")
    expression = parse_expression(clause.operand, variables=scope.variables, collator=scope.collator)
    return Expr("$expr", None, expression, scope.variables)


@dataclass(frozen=True, slots=True)
class SampleRate(MatchExpression):
    """A document matches with a probability, the operand."""

    operand: float
    chance: random.Random

    def bind(self) -> Match:
        draw, rate = self.chance.random, self.operand
        return lambda document: draw() < rate

    def value_test(self) -> Test:
        return self.bind()

    def locate(self, document: Document) -> Located:
        return self.bind()(document), None


@top_level_operator("$sampleRate")
def sample_rate(clause: Clause) -> MatchExpression:
    """Each document matches by chance, with a given probability.

    operand   a number from 0 to 1
    errors    SAMPLE_RATE_NOT_A_NUMBER, SAMPLE_RATE_OUT_OF_RANGE
    source    manual, $sampleRate
    """
    if not is_number(clause.operand):
        raise errors.SAMPLE_RATE_NOT_A_NUMBER()
    rate = to_double(clause.operand)
    if not 0 <= rate <= 1:
        raise errors.SAMPLE_RATE_OUT_OF_RANGE()
    return SampleRate("$sampleRate", None, rate, clause.scope.chance)
