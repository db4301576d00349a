"""One walk over a pattern in PCRE2's language, which gives the same pattern in the language of the `regex` module.

Dots, anchors and the flags m, s, x, n and U are spelled out by the walk; flag i becomes groups with that flag. Groups
have numbers, their names are resolved. A name or a length of a group that stands further on is known in a second walk.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import regex

import amongo.mql.patterns.alphabet as alphabet
import amongo.mql.patterns.syntax as syntax
from amongo.mql.patterns.classes import any_but, class_at, posix_syntax
from amongo.mql.patterns.escapes import code_point_at, property_at
from amongo.mql.patterns.groups import OPENINGS, Group, Groups, closed
from amongo.mql.patterns.pieces import UNLIMITED, WILD, Piece, nothing, repeated
from amongo.runtime.limits import COMPILED_PATTERN_BYTES, PATTERN_DEPTH

_BOUNDARY: Final = "(?:(?<=[{word}])(?![{word}])|(?<![{word}])(?=[{word}]))"
_NO_BOUNDARY: Final = "(?:(?<=[{word}])(?=[{word}])|(?<![{word}])(?![{word}]))"
_ANCHORS: Final = {"A": r"\A", "Z": r"(?=\n?\Z)", "z": r"\Z", "G": r"\G", "K": r"\K"}
_NAME_BYTES: Final = 32


def translate(pattern: str, flags: str) -> Piece:
    """The whole pattern, translated.

    flags    letters of imsux
    errors   regex.error, for what PCRE2 refuses, and for the little that the module cannot do
    """
    first = _Walk(pattern, flags, Groups())
    whole = first.run()
    if first.looked_ahead:
        whole = _Walk(pattern, flags, first.groups).run()
    if whole.size + 7 > COMPILED_PATTERN_BYTES:
        raise regex.error("regular expression is too large")
    return whole


class _Walk:
    """The walk. `open` are the groups around the present place, `known` is what an earlier walk has learnt."""

    def __init__(self, pattern: str, flags: str, known: Groups) -> None:
        self.pattern = pattern
        self.known = known
        self.groups = Groups()
        self.at = 0
        self.flags = frozenset(flags) & frozenset("imsx")
        self.open = [Group("", "", self.flags)]
        self.is_unicode = False  # (*UCP): the named classes know all of Unicode
        self.looked_ahead = False
        self.last_is_group = False

    def run(self) -> Piece:
        """The whole pattern as one piece.

        errors   regex.error
        """
        if start := syntax.START.match(self.pattern):
            self.is_unicode = "(*UCP)" in start[0]
            self.at = start.end()
        while self.at < len(self.pattern):
            self._part()
        if len(self.open) > 1:
            raise regex.error("missing closing parenthesis")
        return closed(self.open[0])

    def _part(self) -> None:
        character = self.pattern[self.at]
        step = _STEPS.get(character)
        if step is not None:
            step(self)
        elif "x" in self.flags and character in " \t\n\r\v\f\x85\u200e\u200f\u2028\u2029":
            self.at += 1
        elif "x" in self.flags and character == "#":
            end = self.pattern.find("\n", self.at)
            self.at = len(self.pattern) if end < 0 else end + 1
        else:
            self._letter(ord(character), self.at + 1)

    # Characters

    def _take(self, piece: Piece, end: int, *, is_group: bool = False) -> None:
        self.open[-1].take(piece)
        self.last_is_group = is_group
        self.at = end

    def _letter(self, code_point: int, end: int) -> None:
        character = chr(code_point)
        size = 1 + len(character.encode("utf-8", "surrogatepass"))
        if "i" not in self.flags:
            piece = Piece(alphabet.literal(code_point), size=size, is_caseless=False)
        elif character in alphabet.DOTTED:
            text = "[iI]" if character in "iI" else character
            piece = Piece(text, size=size, is_caseless=False)
        else:
            has_case = character.lower() != character.upper()
            piece = Piece(alphabet.literal(code_point), size=size, is_caseless=True if has_case else None)
        self._take(piece, end)

    def _dot(self) -> None:
        self._take(Piece(r"(?s:.)" if "s" in self.flags else any_but(r"\n", is_caseless=False)), self.at + 1)

    def _caret(self) -> None:
        self._take(nothing(r"(?:\A|(?<=\n)(?!\Z))" if "m" in self.flags else r"\A"), self.at + 1)

    def _dollar(self) -> None:
        self._take(nothing(r"(?=\n|\Z)" if "m" in self.flags else r"(?=\n?\Z)"), self.at + 1)

    def _class(self) -> None:
        for sign, side in (("<", "(?="), (">", "(?<=")):
            if self.pattern.startswith(f"[[:{sign}:]]", self.at):
                word = self._word()
                self._take(replace(nothing(_BOUNDARY.format(word=word)), is_caseless=False), self.at)
                look = Piece(f"{side}[{word}])", 0, 0, 11, is_caseless=False, is_assertion=True)
                self._take(look, self.at + 7)
                return
        if (found := posix_syntax(self.pattern, self.at)) is not None:
            is_named = found[1] == ":"
            raise regex.error(
                "POSIX named classes are supported only within a class" if is_named else "POSIX collating elements"
            )
        self._take(*class_at(self.pattern, self.at, self.flags, is_unicode=self.is_unicode))

    def _word(self) -> str:
        return alphabet.UNICODE_CLASSES["w"] if self.is_unicode else alphabet.CLASSES["w"]

    # Quantifiers

    def _quantifier(self) -> None:
        found = syntax.QUANTIFIER.match(self.pattern, self.at)
        if found is None:  # a brace that is one
            self._letter(ord("{"), self.at + 1)
            return
        piece = self.open[-1].last()
        if piece is None or not piece.is_repeatable:
            raise regex.error("quantifier does not follow a repeatable item")
        sign, low, comma, high, mode = found.groups()
        if sign:
            bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        else:
            bounds = int(low), (int(high) if high else None) if comma else int(low)
        if "U" in self.flags and mode != "+":
            mode = "" if mode else "?"
        self.open[-1].replace_last(repeated(piece, *bounds, mode, is_group=self.last_is_group))
        self.at = found.end()

    # Groups

    def _bar(self) -> None:
        self.open[-1].begin_branch(self.groups)
        self.at += 1

    def _parenthesis(self) -> None:
        """A group, a change of flags, a comment, a call, a verb."""
        pattern, at = self.pattern, self.at
        for form in _PARENTHESES:
            if form(self):
                return
        if (inline := syntax.INLINE_FLAGS.match(pattern, at)) is not None:
            self._change_flags(inline)
        elif (named := syntax.NAMED_GROUP.match(pattern, at)) is not None:
            self._name_next(named[1] or named[2])
            self._enter(Group("(", ")", self.flags), named.end(), captures=True)
        elif (condition := syntax.CONDITION.match(pattern, at)) is not None:
            self._condition(condition)
        elif pattern.startswith(("(?(DEFINE)", "(?(?=", "(?(?!", "(?(?<=", "(?(?<!"), at):
            length = len("(?(DEFINE)") if pattern.startswith("(?(D", at) else 2
            self._enter(Group(pattern[at : at + length], ")", self.flags, kind="condition"), at + length)
        elif not pattern.startswith(("(?", "(*"), at):
            captures = "n" not in self.flags
            self._enter(Group("(" if captures else "(?:", ")", self.flags), at + 1, captures=captures)
        else:
            for opening, group, kind in OPENINGS:
                if pattern.startswith(opening, at):
                    self._enter(Group(group, ")", self.flags, kind=kind), at + len(opening))
                    return
            raise regex.error("unrecognized character after (? or (?-")

    def _enter(self, group: Group, end: int, *, captures: bool = False) -> None:
        if len(self.open) > PATTERN_DEPTH:
            raise regex.error("parentheses are too deeply nested")
        if captures:
            self.groups.count += 1
            group.number = self.groups.count
        group.first_count = group.last_count = self.groups.count
        self.open.append(group)
        self.at = end

    def _close(self) -> None:
        if len(self.open) == 1:
            raise regex.error("unmatched closing parenthesis")
        group = self.open.pop()
        piece = closed(group, is_final=not self.looked_ahead or self.known.count > 0)
        if group.kind == "reset":
            self.groups.count = max(self.groups.count, group.last_count)
        if group.number and piece.is_fixed and piece.most is not UNLIMITED:
            self.groups.lengths[group.number] = piece.least
        self.flags = group.flags
        self._take(piece, self.at + 1, is_group=True)

    def _name_next(self, name: str) -> None:
        if len(name.encode()) > _NAME_BYTES:
            raise regex.error("subpattern name is too long (maximum 32 code units)")
        number = self.groups.count + 1
        if self.groups.names.setdefault(name, number) != number:
            if "J" in self.flags:
                raise regex.error("groups of the same name are not supported by amongo")
            raise regex.error("two named subpatterns have the same name (PCRE2_DUPNAMES not set)")

    def _change_flags(self, inline: re.Match[str]) -> None:
        base, added = (self.flags - set("imsxn"), inline[1]) if inline[1] is not None else (self.flags, inline[2])
        removed = set(inline[3] or "")
        flags = base | set(added)
        flags = (flags | {"xx"} if "xx" in added else flags - {"xx"}) if "x" in added else flags
        flags -= removed | ({"xx"} if "x" in removed else set())
        if inline[4] == ":":
            self._enter(Group("(?:", ")", self.flags), inline.end())
        else:
            self._take(nothing(size=0), inline.end())
        self.flags = frozenset(flags)

    def _comment(self) -> bool:
        if not self.pattern.startswith("(?#", self.at):
            return False
        end = self.pattern.find(")", self.at)
        if end < 0:
            raise regex.error("missing ) after (?# comment")
        self.at = end + 1
        return True

    def _callout(self) -> bool:
        found = syntax.CALLOUT.match(self.pattern, self.at)
        if found is None:
            return False
        if found[1] and int(found[1]) > 255:
            raise regex.error("number after (?C is greater than 255")
        self._take(nothing(size=6), found.end())
        return True

    def _verb(self) -> bool:
        found = syntax.VERB.match(self.pattern, self.at)
        if found is None or not (found[1] or found[2]):
            return False
        name, argument = found[1] or "MARK", found[2]
        if name == "MARK" and (argument is None or argument == ":"):
            raise regex.error("(*MARK) must have an argument")
        text = {"F": "(?!)", "FAIL": "(?!)", "MARK": "", "PRUNE": "(*PRUNE)", "SKIP": "(*SKIP)"}.get(name)
        if text is None or (name == "SKIP" and argument):
            known = name in ("ACCEPT", "COMMIT", "THEN", "SKIP")
            raise regex.error(f"(*{name}) is not supported by amongo" if known else "(*VERB) not recognized")
        self._take(nothing(text), found.end())
        return True

    def _condition(self, found: re.Match[str]) -> None:
        name = found["angle"] or found["quoted"] or found["bare"]
        if found["bare"] == "R" and "R" not in self.groups.names:
            raise regex.error("a condition on recursion is not supported by amongo")
        number = self._named(name) if name else self._number(found["sign"], found["number"])
        self._enter(Group(f"(?({number})", ")", self.flags, kind="condition"), found.end())

    # References

    def _number(self, sign: str, digits: str) -> int:
        """The number of the group that a reference means.

        errors   regex.error if there is none
        """
        number = int(digits)
        if sign and not number:
            raise regex.error("a relative value of zero is not allowed")
        if sign == "-":
            number = self.groups.count - number + 1
        elif sign == "+":
            number += self.groups.count
        return self._existing(number)

    def _existing(self, number: int) -> int:
        if number > self.groups.count and self.known.count < number:
            if self.known.count or number <= 0 or number > self.pattern.count("("):
                raise regex.error("reference to non-existent subpattern")
            self.looked_ahead = True
        if number <= 0:
            raise regex.error("reference to non-existent subpattern")
        return number

    def _named(self, name: str) -> int:
        number = self.groups.names.get(name) or self.known.names.get(name)
        if number is not None:
            return number
        if self.known.count or name not in self.pattern[self.at + 3 + len(name) :]:
            raise regex.error("reference to non-existent subpattern")
        self.looked_ahead = True
        return 1

    def _length(self, number: int) -> int | None:
        """Characters that a group matches; None where that is not fixed, or not known yet."""
        length = self.groups.lengths.get(number)
        if length is None:
            self.looked_ahead = self.looked_ahead or not self.known.count
            length = self.known.lengths.get(number)
        return length

    def _call(self) -> bool:
        found = syntax.CALL.match(self.pattern, self.at)
        if found is None:
            return False
        whole, sign, digits, name, *rest = found.groups()
        if rest[1] or rest[3]:
            sign, target = (rest[0], rest[1]) if rest[1] else (rest[2], rest[3])
            digits, name = (target, None) if target.isdigit() else (None, target)
        if whole or (digits is not None and not int(digits) and not sign):
            number = 0
        else:
            number = self._named(name) if name else self._number(sign or "", digits or "")
        self._refer(f"(?{number})", self._length(number) if number else None, found.end())
        return True

    def _reference(self) -> bool:
        found = syntax.BACK_REFERENCE.match(self.pattern, self.at)
        if found is None:
            return False
        sign, digits = (found[1], found[2]) if found[2] else (found[3], found[4])
        name = found[5] or found[6] or found[7] or found[8]
        if digits is not None and not digits.isdigit():
            name = digits
        self._refer_back(self._named(name) if name else self._number(sign or "", digits), found.end())
        return True

    def _refer_back(self, number: int, end: int) -> None:
        self._refer(f"(?:\\{number})", self._length(number), end, is_caseless="i" in self.flags)

    def _refer(self, text: str, length: int | None, end: int, *, is_caseless: bool | None = None) -> None:
        is_fixed = length is not None
        piece = Piece(text, length or 0, length, 3, WILD, is_caseless, is_fixed=is_fixed)
        self._take(piece, end, is_group=True)

    # Escapes

    def _escape(self) -> None:
        pattern, at = self.pattern, self.at
        letter = pattern[at + 1 : at + 2]
        if letter == "Q":
            end = pattern.find("\\E", at + 2)
            for character in pattern[at + 2 : len(pattern) if end < 0 else end]:
                self._letter(ord(character), at)
            self.at = len(pattern) if end < 0 else end + 2
        elif letter == "E":
            self.at += 2
        elif letter in _ANCHORS and letter:
            if letter == "K" and any(group.is_lookaround for group in self.open):
                raise regex.error("\\K is not allowed in lookarounds")
            self._take(nothing(_ANCHORS[letter]), at + 2)
        elif not self._set_escape(letter) and not self._call() and not self._reference() and not self._numbered():
            self._letter(*code_point_at(pattern, at))

    def _set_escape(self, letter: str) -> bool:
        """An escape for one of several characters, or for a place between two."""
        end = self.at + 2
        if letter in ("b", "B"):
            text = (_BOUNDARY if letter == "b" else _NO_BOUNDARY).format(word=self._word())
            self._take(replace(nothing(text), is_caseless=False), end)
        elif letter and letter in alphabet.CLASSES:
            inside = (self.is_unicode and alphabet.UNICODE_CLASSES.get(letter)) or alphabet.CLASSES[letter]
            piece = Piece(self._one_of(inside), is_caseless=False if letter in alphabet.CASED else None)
            self._take(piece, end)
        elif letter == "N" and not self.pattern.startswith("{U+", end):
            if self.pattern.startswith("{", end) and not syntax.QUANTIFIER.match(self.pattern, end):
                raise regex.error("PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u")
            self._take(Piece(any_but(r"\n", is_caseless=False)), end)
        elif letter == "R":
            self._take(Piece(r"(?>\r\n|[\n-\r\x85\u2028\u2029])", 1, 2, is_fixed=False), end)
        elif letter == "X":
            self._take(Piece(r"\X", 1, UNLIMITED, is_fixed=False, degree=1), end)
        elif letter in ("p", "P"):
            inside, end = property_at(self.pattern, self.at)
            self._take(Piece(self._one_of(inside), size=3, is_caseless=False), end)
        else:
            return False
        return True

    def _one_of(self, inside: str) -> str:
        """A character of the class with this inside, which may be a whole negated class instead."""
        if inside.startswith("[^"):
            return any_but(inside[2:-1], is_caseless="i" in self.flags)
        return f"[{inside}]"

    def _numbered(self) -> bool:
        r"""A back reference like \1; a number that names no group so far may be an octal code point instead."""
        found = syntax.NUMBERED.match(self.pattern, self.at)
        if found is None:
            return False
        number = int(found[1])
        if number >= 10 and number > self.groups.count and found[1][0] < "8":
            return False
        self._refer_back(self._existing(number), found.end())
        return True


_STEPS: Final[dict[str, Callable[[_Walk], None]]] = {
    "\\": _Walk._escape,
    "[": _Walk._class,
    "(": _Walk._parenthesis,
    ")": _Walk._close,
    "|": _Walk._bar,
    "*": _Walk._quantifier,
    "+": _Walk._quantifier,
    "?": _Walk._quantifier,
    "{": _Walk._quantifier,
    ".": _Walk._dot,
    "^": _Walk._caret,
    "$": _Walk._dollar,
}
_PARENTHESES: Final = (_Walk._comment, _Walk._callout, _Walk._verb, _Walk._call, _Walk._reference)
