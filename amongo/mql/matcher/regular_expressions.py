"""`$regex` with `$options`, and regular expression literals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bson.regex import Regex

from amongo.errors import query as errors
from amongo.mql.matcher.registry import Clause, field_operator
from amongo.mql.matcher.tree import MatchExpression, Predicate, Test
from amongo.mql.patterns import FLAG_BITS, compile_pattern
from amongo.values.deprecated import Symbol
from amongo.values.order import regex_parts


@dataclass(frozen=True, slots=True)
class Matches(Predicate):
    """A string that the regular expression, the operand, finds something in; or that very regular expression."""

    operand: Regex[str]

    def value_test(self) -> Test:
        return regex_test(self.operand)


def regex_test(expression: Regex[Any]) -> Test:
    """Compile the test of one value against a regular expression.

    errors   REGEX_INVALID; at the test: REGEX_LIMIT
    """
    pattern, flags = regex_parts(expression)
    finds = compile_pattern(pattern.decode(), flags.decode())

    def test(value: Any) -> bool:
        kind = type(value)
        if kind is str:
            return finds(value)
        if kind is Regex:
            return regex_parts(value) == (pattern, flags)
        return kind is Symbol and finds(value.text)

    return test


@field_operator("$regex")
def regex(clause: Clause) -> MatchExpression:
    """A string contains what the regular expression describes.

    operand   a pattern (PCRE2 syntax) as string or regular expression; its flags are in it or in `$options`
    errors    REGEX_NEEDS_STRING, REGEX_HAS_NUL, REGEX_INVALID, and with `$options` OPTIONS_NEED_STRING,
              REGEX_BAD_FLAG, REGEX_OPTIONS_TWICE, OPTIONS_TWICE
    source    manual, $regex
    """
    pattern, flags = "", ""
    for name, operand in clause.siblings.items():
        if name == "$regex":
            if type(operand) is Regex:
                raw_pattern, raw_flags = regex_parts(operand)
                pattern = raw_pattern.decode()
                if raw_flags:
                    if flags:
                        raise errors.REGEX_OPTIONS_TWICE()
                    flags = raw_flags.decode()
            elif type(operand) is str:
                pattern = operand
            else:
                raise errors.REGEX_NEEDS_STRING()
        elif name == "$options":
            if type(operand) is not str:
                raise errors.OPTIONS_NEED_STRING()
            if flags:
                raise errors.OPTIONS_TWICE()
            flags = operand
    if "\0" in pattern:
        raise errors.REGEX_HAS_NUL()
    for flag in flags:
        if flag not in "imsux":
            raise errors.REGEX_BAD_FLAG(flag=flag)
    compile_pattern(pattern, flags)
    bits = 0
    for flag in flags:
        bits |= FLAG_BITS[flag]
    return Matches("$regex", clause.path, Regex(pattern, bits))


@field_operator("$options")
def options(clause: Clause) -> None:
    """The flags of the `$regex` beside it, which reads them.

    operand   string of the letters i, m, s, u, x
    errors    OPTIONS_WITHOUT_REGEX
    source    manual, $regex
    """
    if "$regex" not in clause.siblings:
        raise errors.OPTIONS_WITHOUT_REGEX()
