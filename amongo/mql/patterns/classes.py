"""Bracketed classes: `[a-z\\d[:alpha:]]` in PCRE2's reading, written with every member spelled out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import regex

import amongo.mql.patterns.alphabet as alphabet
from amongo.mql.patterns.alphabet import literal
from amongo.mql.patterns.escapes import code_point_at, property_at
from amongo.mql.patterns.pieces import Piece

_NAMED: Final = re.compile(r"(\^?)([a-z]+)")
_NOT_IN_A_CLASS: Final = frozenset("ABCGKNRXZkz")


@dataclass(slots=True)
class _Members:
    """What a class has been found to hold.

    letters   (low, high) code points
    sets      insides of classes that a flag i leaves as they are
    others    whole classes, in brackets, that cannot stand inside another
    """

    letters: list[tuple[int, int]] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def class_at(pattern: str, at: int, flags: frozenset[str], *, is_unicode: bool) -> tuple[Piece, int]:
    """The class whose bracket opens at `at`, and where the pattern goes on.

    errors   regex.error
    """
    end = at + 1
    is_negated = pattern.startswith("^", end)
    end += is_negated
    members, end = _Reader(pattern, flags, is_unicode).read(end)
    return _piece(members, is_negated, "i" in flags), end


def posix_syntax(pattern: str, at: int) -> re.Match[str] | None:
    """The match of `[:name:]`, `[.name.]` or `[=name=]` at this place, as PCRE2 recognises them."""
    return _POSIX_SYNTAX.match(pattern, at)


_POSIX_SYNTAX: Final = re.compile(r"\[([:.=])((?:\\[\]\\]|(?!\[\1|\1\])[^\]])*)\1\]", re.DOTALL)


class _Reader:
    def __init__(self, pattern: str, flags: frozenset[str], is_unicode: bool) -> None:
        self.pattern = pattern
        self.flags = flags
        self.is_unicode = is_unicode
        self.members = _Members()
        self.is_quoted = False  # between \Q and \E

    def read(self, at: int) -> tuple[_Members, int]:
        """Everything up to the closing bracket, and the place behind it."""
        is_first = True
        while True:
            at = self._skip(at)
            if at >= len(self.pattern):
                raise regex.error("missing terminating ] for character class")
            if self.pattern[at] == "]" and not is_first and not self.is_quoted:
                return self.members, at + 1
            at = self._member(at)
            is_first = False

    def _skip(self, at: int) -> int:
        r"""Past \Q and \E, and past blanks under the flag xx."""
        while True:
            if self.is_quoted:
                if not self.pattern.startswith("\\E", at):
                    return at
                self.is_quoted = False
                at += 2
            elif self.pattern.startswith("\\Q", at):
                self.is_quoted = True
                at += 2
            elif self.pattern.startswith("\\E", at):
                at += 2
            elif "xx" in self.flags and self.pattern[at : at + 1] in (" ", "\t"):
                at += 1
            else:
                return at

    def _member(self, at: int) -> int:
        if not self.is_quoted and self._set(at):
            at = self._skip(self.end_of_set)
            if self._is_hyphen(at):
                raise regex.error("invalid range in character class")
            return at
        low, at = self._character(at)
        after = self._skip(at)
        if not self._is_hyphen(after):
            self.members.letters.append((low, low))
            return at
        at = self._skip(after + 1)
        if at >= len(self.pattern):
            raise regex.error("missing terminating ] for character class")
        if not self.is_quoted and self._set(at):
            raise regex.error("invalid range in character class")
        high, at = self._character(at)
        if high < low:
            raise regex.error("range out of order in character class")
        self.members.letters.append((low, high))
        return at

    def _is_hyphen(self, at: int) -> bool:
        """Whether a hyphen stands here that makes a range."""
        if self.is_quoted or not self.pattern.startswith("-", at):
            return False
        quoted, self.is_quoted = self.is_quoted, False
        after = self._skip(at + 1)
        ends = self.pattern.startswith("]", after) and not self.is_quoted
        self.is_quoted = quoted
        return not ends

    def _set(self, at: int) -> bool:
        r"""Take a named class, an escape like \d or a property, if one stands here."""
        pattern = self.pattern
        if pattern[at] == "[" and (found := posix_syntax(pattern, at)):
            self._posix(found)
            return True
        if pattern[at] != "\\" or at + 1 >= len(pattern):
            return False
        letter = pattern[at + 1]
        if letter in alphabet.CLASSES:
            inside = alphabet.UNICODE_CLASSES.get(letter) if self.is_unicode else None
            self._add(inside or alphabet.CLASSES[letter])
            self.end_of_set = at + 2
            return True
        if letter in "pP":
            inside, self.end_of_set = property_at(pattern, at)
            self._add(inside)
            return True
        if letter in _NOT_IN_A_CLASS and not pattern.startswith("\\N{U+", at):
            raise regex.error("escape sequence is invalid in character class")
        return False

    def _posix(self, found: re.Match[str]) -> None:
        if found[1] != ":":
            raise regex.error("POSIX collating elements are not supported")
        named = _NAMED.fullmatch(found[2])
        if named is None or named[2] not in alphabet.POSIX:
            raise regex.error("unknown POSIX class name")
        name = named[2]
        if "i" in self.flags and name in ("lower", "upper"):
            name = "alpha"
        self.end_of_set = found.end()
        if self.is_unicode and name in alphabet.UNICODE_POSIX:
            inside = alphabet.UNICODE_POSIX[name]
            self._add(f"[^{inside}]" if named[1] else inside)
        else:
            self._add((alphabet.POSIX_COMPLEMENTS if named[1] else alphabet.POSIX)[name])

    def _add(self, inside: str) -> None:
        (self.members.others if inside.startswith("[^") else self.members.sets).append(inside)

    def _character(self, at: int) -> tuple[int, int]:
        if self.is_quoted or self.pattern[at] != "\\":
            return ord(self.pattern[at]), at + 1
        if self.pattern.startswith("b", at + 1):
            return 8, at + 2
        return code_point_at(self.pattern, at, in_class=True)


def _piece(members: _Members, is_negated: bool, is_caseless: bool) -> Piece:
    letters, sets = members.letters, members.sets
    if not is_caseless:
        sets = [*sets, *map(_range, letters)]
        letters = []
    parts = [f"[{''.join(sets)}]"] if sets else []
    parts += [any_but(other[2:-1], is_caseless=is_caseless) for other in members.others]
    if letters:
        parts.append(_caseless(letters))
    return Piece(_union(parts, is_negated, is_caseless), size=_size(members), is_caseless=False)


def _union(parts: list[str], is_negated: bool, is_caseless: bool) -> str:
    if not is_negated:
        return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"
    if len(parts) == 1 and parts[0].startswith("[") and not parts[0].startswith("[^"):
        return any_but(parts[0][1:-1], is_caseless=is_caseless)
    return f"(?:(?!{'|'.join(parts)})(?s:.))"


def any_but(inside: str, *, is_caseless: bool) -> str:
    """One character that is none of a class.

    The module takes a negated class for one with flag i, and too narrow, when a repeated part with that flag stands
    before it; so under flag i the negation is written another way. And it makes one class, too narrow, of alternatives
    that negate one character each; so what is negated stands there twice.
    """
    return f"(?:(?![{inside}])(?s:.))" if is_caseless else f"[^{inside}{inside}]"


def _caseless(letters: list[tuple[int, int]]) -> str:
    """A class of letters in either case. ASCII alone is spelled out; the rest is left to the flag i of the module."""
    if all(high < 128 for _, high in letters):
        return f"[{''.join(_range(each) for each in _both_cases(letters))}]"
    dotted = [letter for letter in alphabet.DOTTED if any(low <= ord(letter) <= high for low, high in letters)]
    own = {"i", "I"} if {"i", "I"} & set(dotted) else set()
    own |= set(dotted) - {"i", "I"}
    inside = "".join(map(_range, letters))
    rest = f"(?![{alphabet.DOTTED}])(?i:[{inside}])"
    return f"(?:[{''.join(sorted(own))}]|{rest})" if own else f"(?:{rest})"


def _both_cases(letters: list[tuple[int, int]]) -> list[tuple[int, int]]:
    ranges = list(letters)
    for low, high in letters:
        for first, last, away in ((ord("A"), ord("Z"), 32), (ord("a"), ord("z"), -32)):
            if low <= last and high >= first:
                ranges.append((max(low, first) + away, min(high, last) + away))
    for sign, letter in ((0x212A, "k"), (0x17F, "s")):  # the kelvin sign and the long s
        if any(low <= ord(letter) <= high for low, high in ranges):
            ranges.append((sign, sign))
    return ranges


def _range(letters: tuple[int, int]) -> str:
    low, high = letters
    return literal(low) if low == high else f"{literal(low)}-{literal(high)}"


def _size(members: _Members) -> int:
    """Bytes that PCRE2 compiles the class to."""
    letters = members.letters
    if len(letters) == 1 and not members.sets and not members.others and letters[0][0] == letters[0][1]:
        return 1 + len(chr(letters[0][0]).encode("utf-8", "surrogatepass"))
    wide = sum(9 for _, high in letters if high > 255) + 4 * (len(members.others) + len(members.sets))
    return 33 + (wide + 4 if wide else 0)
