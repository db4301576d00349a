"""Keywords for strings and numbers.

`minLength`, `maxLength`, `pattern`; `minimum`, `maximum` with their `exclusive…`, `multipleOf`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from bson.decimal128 import Decimal128
from bson.int64 import Int64

from amongo.errors import schema as errors
from amongo.mql.patterns import compile_pattern
from amongo.mql.schema.registry import KeywordClause, keyword
from amongo.mql.schema.rule import Restriction, Rule, Test
from amongo.values.numbers import exact_integer, is_nan, mod, pack_decimal, to_decimal
from amongo.values.order import compare
from amongo.values.types import NUMERIC_CLASSES, is_number
from amongo.values.wording import shown

STRINGS: Final = frozenset({str})
_HOLDS: Final[dict[tuple[int, bool], Callable[[Any, Any], bool]]] = {
    (1, False): operator.ge,
    (1, True): operator.gt,
    (-1, False): operator.le,
    (-1, True): operator.lt,
}
_WHOLE: Final = frozenset({int, Int64})
_LENGTH: Final = "specified string length was not satisfied"


def length(clause: KeywordClause) -> int:
    """The operand as a length.

    errors   NOT_A_LENGTH for anything but a number that is whole, not negative and within 64 bits
    """
    operand = clause.operand
    whole = exact_integer(operand)
    if whole is not None and whole >= 0:
        return whole
    if not is_number(operand):
        reason = "Expected a number"
    elif whole is None:
        reason = "Expected an integer"
    else:
        reason = "Expected a non-negative number"
    raise errors.NOT_A_LENGTH(reason=reason, name=clause.keyword, operand=shown(operand))


@keyword("minLength")
def min_length(clause: KeywordClause) -> Rule:
    """A string has at least so many code points. operand: a length. errors: NOT_A_LENGTH. source: manual."""
    least = length(clause)
    return Restriction("minLength", STRINGS, lambda value: len(value) >= least, clause.specified, _LENGTH)


@keyword("maxLength")
def max_length(clause: KeywordClause) -> Rule:
    """A string has at most so many code points. operand: a length. errors: NOT_A_LENGTH. source: manual."""
    most = length(clause)
    return Restriction("maxLength", STRINGS, lambda value: len(value) <= most, clause.specified, _LENGTH)


@keyword("pattern")
def pattern(clause: KeywordClause) -> Rule:
    """A string contains what the regular expression describes.

    operand   a string, PCRE2 syntax, without flags
    errors    NOT_A_STRING, PATTERN_HAS_NUL, REGEX_INVALID; at the test: REGEX_LIMIT
    source    manual, $jsonSchema
    """
    if type(clause.operand) is not str:
        raise errors.NOT_A_STRING(name="pattern")
    if clause.is_root:  # it says nothing of a document, and the server does not even look at it
        return Restriction("pattern", STRINGS, lambda value: True, clause.specified, "")
    if "\0" in clause.operand:
        raise errors.PATTERN_HAS_NUL()
    finds = compile_pattern(clause.operand, "")
    return Restriction("pattern", STRINGS, finds, clause.specified, "regular expression did not match")


@keyword("maximum")
def maximum(clause: KeywordClause) -> Rule:
    """A number is not above the operand, or with `exclusiveMaximum: true` below it.

    operand   any number; NaN admits NaN alone
    errors    NOT_A_BOOLEAN for `exclusiveMaximum`, NOT_A_NUMBER
    source    manual, $jsonSchema
    """
    return _bound(clause, "exclusiveMaximum", -1)


@keyword("minimum")
def minimum(clause: KeywordClause) -> Rule:
    """A number is not below the operand, or with `exclusiveMinimum: true` above it.

    operand   any number; NaN admits NaN alone
    errors    NOT_A_BOOLEAN for `exclusiveMinimum`, NOT_A_NUMBER
    source    manual, $jsonSchema
    """
    return _bound(clause, "exclusiveMinimum", 1)


@keyword("exclusiveMaximum")
def exclusive_maximum(clause: KeywordClause) -> None:
    """Whether the `maximum` beside it is excluded. operand: a boolean. errors: BOUND_MISSING."""
    _check_bound(clause, "maximum")


@keyword("exclusiveMinimum")
def exclusive_minimum(clause: KeywordClause) -> None:
    """Whether the `minimum` beside it is excluded. operand: a boolean. errors: BOUND_MISSING."""
    _check_bound(clause, "minimum")


def _check_bound(clause: KeywordClause, bound: str) -> None:
    if bound not in clause.siblings:
        raise errors.BOUND_MISSING(bound=bound, name=clause.keyword)


def _bound(clause: KeywordClause, exclusive: str, sign: int) -> Rule:
    is_exclusive = clause.siblings.get(exclusive, False)
    if type(is_exclusive) is not bool:
        raise errors.NOT_A_BOOLEAN(name=exclusive)
    if not is_number(clause.operand):
        raise errors.NOT_A_NUMBER(name=clause.keyword)
    specified = {**clause.specified, exclusive: True} if is_exclusive else clause.specified
    test = _comparison(clause.operand, sign, is_exclusive)
    return Restriction(clause.keyword, NUMERIC_CLASSES, test, specified, "comparison failed")


def _comparison(bound: Any, sign: int, is_exclusive: bool) -> Test:
    """The test of a number against a bound: above it (sign 1) or below it (-1), or equal unless that is excluded."""
    if is_nan(bound):
        return lambda value: not is_exclusive and is_nan(value)
    holds = _HOLDS[sign, is_exclusive]

    def exact(value: Any) -> bool:
        return not is_nan(value) and holds(compare(value, bound), 0)

    if type(bound) is Decimal128:
        return exact
    # Python compares its numbers exactly, and says no to every NaN.
    return lambda value: exact(value) if type(value) is Decimal128 else holds(value, bound)


@keyword("multipleOf")
def multiple_of(clause: KeywordClause) -> Rule:
    """A number divided by the operand leaves nothing; a double counts with its 15 significant digits.

    operand   a positive number
    errors    NOT_A_NUMBER, MULTIPLE_NOT_POSITIVE, MULTIPLE_NOT_FINITE
    source    manual, $jsonSchema
    """
    operand = clause.operand
    if not is_number(operand):
        raise errors.NOT_A_NUMBER(name="multipleOf")
    exact = to_decimal(operand)
    if exact.is_signed() or exact == 0:
        raise errors.MULTIPLE_NOT_POSITIVE()
    if not exact.is_finite() and not clause.is_root:
        raise errors.MULTIPLE_NOT_FINITE(value="NaN" if exact.is_nan() else "infinite")
    reason = "considered value is not a multiple of the specified value"
    return Restriction("multipleOf", NUMERIC_CLASSES, _divides(operand), clause.specified, reason)


def _divides(operand: Any) -> Test:
    whole = int(operand) if type(operand) in _WHOLE else None
    divisor = pack_decimal(to_decimal(operand))

    def test(value: Any) -> bool:
        if whole is not None and type(value) in _WHOLE:
            return bool(value % whole == 0)
        rest = mod(value, divisor)
        return not to_decimal(rest)

    return test
