r"""`$regex`, where DuckDB's RE2 surely means the same as PCRE2.

A pattern that only asks whether a string contains, begins with, ends with or is some text becomes that question. Others
are read with a small grammar (letters, `.`, classes of ASCII, `\d` `\w` `\s` and their opposites, groups, alternatives,
quantifiers, `^`, `\b`, and `$` at the very end) and written again for RE2, part by part: `\s` knows the vertical tab in
PCRE2, and `$` stands before a last newline too. A flag i is taken for ASCII; both then know the Kelvin sign for a k and
the long s. Everything else (other escapes, look-around, back references, atomic groups, the flags m and x) is not
lowered, and so is what might need more time in the interpreter than it gives: it fails there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from bson import Regex

from amongo.aggregate.relational.comparing_numbers import never_null
from amongo.aggregate.relational.matching.values import tests
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, Sql, any_of, parameter, sql
from amongo.aggregate.relational.values import NotLowered, Value
from amongo.engine.columns import STRING
from amongo.mql.matcher.regular_expressions import Matches
from amongo.mql.patterns import may_run_away
from amongo.values.order import regex_parts
from amongo.values.types import BsonType

_SPECIAL: Final = frozenset("\\^$.|?*+()[]{}")
_ESCAPED_SETS: Final = {
    "d": "[0-9]",
    "w": "[0-9A-Za-z_]",
    "s": "[\\t-\\r ]",
    "D": "[^0-9]",
    "W": "[^0-9A-Za-z_]",
    "S": "[^\\t-\\r ]",
}
_MOST_REPEATS: Final = 100
_MOST_DEPTH: Final = 20


@tests("$regex")
def regex(expression: Matches, value: Value, scope: Scope) -> Sql:
    """A string in which the regular expression finds something."""
    return found_by(expression.operand, value, scope)


def found_by(expression: Regex[Any], value: Value, scope: Scope) -> Sql:
    """Whether the value is a string in which a regular expression finds something.

    errors   NotLowered
    """
    if value.kinds & {BsonType.REGEX, BsonType.SYMBOL}:
        raise NotLowered("regular expressions or symbols among the values")
    if STRING not in value.slots:
        return FALSE
    raw_pattern, raw_flags = regex_parts(expression)
    flags = frozenset(raw_flags.decode())
    condition = search(value.slots[STRING], raw_pattern.decode(), flags, is_ascii=value.facts.is_ascii)
    return never_null(condition, (value, STRING), null_is_false=scope.null_is_false)


def search(text: Sql, pattern: str, flags: frozenset[str], *, is_ascii: bool) -> Sql:
    """Whether a pattern finds something in a text; NULL where that is NULL.

    is_ascii   whether the text is
    errors     NotLowered
    """
    flags -= {"u"}
    if flags - {"i", "s"}:
        raise NotLowered("a regular expression with the flag m or x")
    plain = plain_search(pattern)
    if plain is not None and "i" not in flags:
        return _plain_condition(text, plain)
    if plain is not None and is_ascii and plain.text.isascii():
        return _plain_condition(sql("lower({})", text), replace(plain, text=plain.text.lower()))
    if may_run_away(pattern, "".join(sorted(flags))):
        raise NotLowered("a regular expression that may take too long")
    is_caseless = "i" in flags
    if is_caseless and not pattern.isascii():
        raise NotLowered("a regular expression that ignores case beyond ASCII")
    letters = "".join(sorted(flags))
    translated = (f"(?{letters})" if letters else "") + _Translation(pattern, is_caseless=is_caseless).translated()
    return sql("regexp_matches({}, {})", text, parameter(translated, "VARCHAR"))


@dataclass(frozen=True, slots=True)
class Plain:
    """A search for a text.

    is_start   it stands at the start
    is_end     it stands at the end, or before a newline there
    """

    text: str
    is_start: bool
    is_end: bool


def plain_search(pattern: str) -> Plain | None:
    """What a pattern of plain letters with or without anchors looks for; None for any other pattern."""
    is_start = pattern.startswith("^")
    letters: list[str] = []
    at = int(is_start)
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\" and at + 1 < len(pattern) and _is_punctuation(pattern[at + 1]):
            at += 1
            letter = pattern[at]
        elif pattern[at:] == "$":
            return Plain("".join(letters), is_start, True)
        elif pattern[at:] == ".*":  # which finds nothing as well
            break
        elif letter in _SPECIAL or letter == "\0":
            return None
        letters.append(letter)
        at += 1
    if at < len(pattern) and not letters and not is_start:
        return Plain("", False, False)
    return Plain("".join(letters), is_start, False)


def _is_punctuation(letter: str) -> bool:
    return letter.isascii() and letter.isprintable() and not letter.isalnum() and letter not in " _"


def _plain_condition(text: Sql, plain: Plain) -> Sql:
    wanted = parameter(plain.text, "VARCHAR")
    with_newline = parameter(plain.text + "\n", "VARCHAR")
    if plain.is_start and plain.is_end:
        return sql("({} IN ({}, {}))", text, wanted, with_newline)
    if plain.is_end:
        return any_of([sql("suffix({}, {})", text, wanted), sql("suffix({}, {})", text, with_newline)])
    return sql("prefix({}, {})" if plain.is_start else "contains({}, {})", text, wanted)


def _letter(letter: str) -> str:
    """A character that means itself in RE2."""
    if letter.isalnum() or not letter.isascii() or letter in " _":
        return letter
    return f"\\x{ord(letter):02x}"


class _Translation:
    """A pattern, read from left to right and written again for RE2."""

    def __init__(self, pattern: str, *, is_caseless: bool) -> None:
        self._pattern = pattern
        self._is_caseless = is_caseless
        self._at = 0
        self._depth = 0

    def translated(self) -> str:
        """The pattern for RE2. errors: NotLowered for what is not surely the same."""
        if "\0" in self._pattern:
            raise _unknown()
        text = self._alternatives()
        if self._at < len(self._pattern):
            raise _unknown()
        return text

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        letter = self._next()
        if not letter:
            raise _unknown()
        self._at += 1
        return letter

    def _alternatives(self) -> str:
        branches = [self._sequence()]
        while self._next() == "|":
            self._at += 1
            branches.append(self._sequence())
        if not all(branches) and (self._depth or len(branches) > 1):
            raise _unknown()
        return "|".join(branches)

    def _sequence(self) -> str:
        parts = []
        while self._next() not in ("", "|", ")"):
            parts.append(self._part())
        return "".join(parts)

    def _part(self) -> str:
        letter = self._take()
        if letter == "^":
            return self._without_quantifier("^")
        if letter == "$":
            if self._depth or self._next() not in ("", "|"):
                raise _unknown()
            return "(?:\\n?\\z)"
        if letter == "(":
            return self._quantified(self._group())
        if letter == "[":
            return self._quantified(self._class())
        if letter == "\\":
            escaped = self._take()
            if escaped == "b":  # \B is also found inside a letter of several bytes
                return self._without_quantifier("\\b")
            return self._quantified(self._set(escaped) if escaped in _ESCAPED_SETS else _escaped(escaped))
        if letter == ".":
            return self._quantified(".")
        if letter in _SPECIAL:
            raise _unknown()
        return self._quantified(_letter(letter))

    def _set(self, letter: str) -> str:
        """A set of characters that a flag i leaves as it is."""
        found = _ESCAPED_SETS[letter]
        return f"(?-i:{found})" if self._is_caseless else found

    def _without_quantifier(self, part: str) -> str:
        if self._next() in ("*", "+", "?", "{"):
            raise _unknown()
        return part

    def _group(self) -> str:
        if self._depth >= _MOST_DEPTH:
            raise _unknown()
        if self._next() == "?":
            self._at += 1
            if self._take() != ":":
                raise _unknown()
        elif self._next() == "*":
            raise _unknown()
        self._depth += 1
        inside = self._alternatives()
        self._depth -= 1
        if self._take() != ")":
            raise _unknown()
        return f"(?:{inside})"

    def _quantified(self, part: str) -> str:
        sign = self._next()
        if sign == "{":
            end = self._pattern.find("}", self._at)
            bounds = self._pattern[self._at + 1 : end].split(",") if end > 0 else []
            numbers = [int(each) for each in bounds if each.isascii() and each.isdigit()]
            if (
                not bounds
                or len(bounds) > 2
                or not bounds[0].isdigit()
                or len(numbers) != len([b for b in bounds if b])
            ):
                raise _unknown()
            if max(numbers) > _MOST_REPEATS or sorted(numbers) != numbers or self._depth > 1:
                raise _unknown()
            quantifier = self._pattern[self._at : end + 1]
            self._at = end + 1
        elif sign and sign in "*+?":
            self._at += 1
            quantifier = sign
        else:
            return part
        if self._next() and self._next() in "*+?{":  # lazy, possessive, or an error
            raise _unknown()
        return part + quantifier

    def _class(self) -> str:
        is_negated = self._next() == "^"
        self._at += is_negated
        members: list[str] = []
        while self._next() != "]" or not members:
            members.append(self._member())
        self._at += 1
        return f"[{'^' if is_negated else ''}{''.join(members)}]"

    def _member(self) -> str:
        low = self._class_letter()
        if len(low) > 1 or self._next() != "-" or self._pattern[self._at + 1 : self._at + 2] == "]":
            return low if len(low) > 1 else _in_class(low)
        self._at += 1
        high = self._class_letter()
        if len(high) > 1 or high < low:
            raise _unknown()
        return f"{_in_class(low)}-{_in_class(high)}"

    def _class_letter(self) -> str:
        """A letter of a class, or the inside of a class that is taken whole."""
        letter = self._take()
        if letter == "\\":
            escaped = self._take()
            if escaped in "dws":
                if self._next() == "-" or (escaped == "w" and self._is_caseless):
                    raise _unknown()
                return _ESCAPED_SETS[escaped][1:-1]
            if not _is_punctuation(escaped):
                raise _unknown()
            return escaped
        if letter in "[]" or not letter.isascii():
            raise _unknown()
        return letter


def _in_class(letter: str) -> str:
    return letter if letter.isalnum() else f"\\x{ord(letter):02x}"


def _escaped(letter: str) -> str:
    if letter in "tnrf":
        return f"\\{letter}"
    if not _is_punctuation(letter):
        raise _unknown()
    return _letter(letter)


def _unknown() -> NotLowered:
    return NotLowered("a regular expression that DuckDB may read in another way")
