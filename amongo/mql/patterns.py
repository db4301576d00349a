r"""Regular expressions: PCRE2's language, run by the `regex` module.

MongoDB's expressions are PCRE2's, in UTF mode, with classes that know ASCII alone (`\d`, `\w`, `\s`, `\b`). The pattern
is translated part by part into the language of the `regex` module, so that a part with another meaning there (`\Z`,
`\h`, `{` as a letter, `(?i)` in the middle) keeps PCRE2's. Dots, anchors and the flags m, s and x are spelled out by
the translation; only the flag i is left to the module. A search is cut off after a time, as the server cuts off after
a number of steps.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Final

import regex

from amongo.errors import query as errors
from amongo.runtime.limits import PATTERN_BYTES, SEARCH_S

FLAG_BITS: Final = {"i": 2, "m": 8, "s": 16, "u": 32, "x": 64}
"""The flags that MongoDB takes, and the bit that `bson.Regex` keeps each in. u changes nothing: text is always UTF."""

Find = Callable[[str], bool]

_WORD: Final = "0-9A-Z_a-z"
_SPACE: Final = r"\t-\r "
_HORIZONTAL: Final = r"\t \xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000"
_VERTICAL: Final = r"\n-\r\x85\u2028\u2029"
_CLASSES: Final = {"d": "0-9", "w": _WORD, "s": _SPACE, "h": _HORIZONTAL, "v": _VERTICAL}
"""What is inside the brackets of a class for the escapes of that name."""
_COMPLEMENTS: Final = {
    "D": r"\x00-/:-\U0010ffff",
    "W": r"\x00-/:-@\[-\^`{-\U0010ffff",
    "S": r"\x00-\x08\x0e-\x1f!-\U0010ffff",
}
_POSIX: Final = {
    "alpha": "A-Za-z",
    "lower": "a-z",
    "upper": "A-Z",
    "alnum": "0-9A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": _SPACE,
    "word": _WORD,
    "xdigit": "0-9A-Fa-f",
}
_POSIX_COMPLEMENTS: Final = {"digit": "D", "word": "W", "space": "S"}
_CONTROLS: Final = {"a": 7, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9}
_BOUNDARY: Final = f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))"
_NO_BOUNDARY: Final = f"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))"
_ESCAPES: Final = {
    "b": _BOUNDARY,
    "B": _NO_BOUNDARY,
    "A": r"\A",
    "Z": r"(?=\n?\Z)",
    "z": r"\Z",
    "G": r"\G",
    "K": r"\K",
    "X": r"\X",
    "N": r"[^\n]",
    "R": r"(?>\r\n|[\n-\r\x85\u2028\u2029])",
    "H": f"[^{_HORIZONTAL}]",
    "V": f"[^{_VERTICAL}]",
}

_DOTTED: Final = {"i": "[iI]", "I": "[iI]", "\u0130": "\u0130", "\u0131": "\u0131"}
"""The Turkish letters with and without a dot are four different ones; the module would take them all for i."""

_PLAIN: Final = re.compile(r"(\^?)([A-Za-z0-9 _,:;@%&=<>'\"!~/-]*)")
_COMPLEX: Final = re.compile(r"\)[*+?{]|\\[1-9gk]|\(\?[RP&0-9+-]|\(\*")
_REPEATS: Final = re.compile(r"[*+?{]")
_QUICK_STEPS: Final = 4e6  # about 20 ms
_REPEAT: Final = re.compile(r"\{\d+(?:,\d*)?\}")
_INLINE_FLAGS: Final = re.compile(r"\(\?(\^?)([imsx]*)(?:-([imsx]*))?([:)])")
_NAMED_GROUP: Final = re.compile(r"\(\?P?(?:<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')", re.ASCII)
_OPENING: Final = re.compile(r"\(\?(?:[:|>=!]|<[=!])|\((?!\?|\*)|\(\?\((?:[-+]?\d+|<\w+>|'\w+'|\w+)\)", re.ASCII)
_WHOLE_PART: Final = re.compile(r"\(\?(?:R|[-+]?\d+|&\w+|P[>=]\w+)\)|\(\*(?:FAIL|F|PRUNE|SKIP)\)", re.ASCII)
_BACK_REFERENCE: Final = re.compile(r"\\(?:([1-9])(?!\d)|g(-?\d+)|g\{(-?\d+|\w+)\}|k(?:<(\w+)>|'(\w+)'|\{(\w+)\}))")
_PROPERTY: Final = re.compile(r"\\[pP](?:\{\^?[\w&: =-]+\}|[A-Z])")
_CODE_POINT: Final = re.compile(
    r"\\(?:x\{([0-9A-Fa-f]+)\}|x([0-9A-Fa-f]{0,2})|o\{([0-7]+)\}|(0[0-7]{0,2}|[1-7][0-7]{1,2})|c([ -~]))"
)


@functools.lru_cache(maxsize=512)
def compile_pattern(pattern: str, flags: str = "") -> Find:
    """Compile a regular expression to a search in a string.

    pattern   PCRE2 syntax
    flags     letters of `FLAG_BITS`
    errors    REGEX_BAD_FLAG, REGEX_INVALID; at the search: REGEX_LIMIT
    source    manual, $regex
    """
    for flag in flags:
        if flag not in FLAG_BITS:
            raise errors.REGEX_BAD_FLAG(flag=flag)
    if len(pattern.encode()) > PATTERN_BYTES:
        raise errors.REGEX_INVALID(reason="pattern is too long")
    plain = _PLAIN.fullmatch(pattern)
    if plain is not None and not set(flags) & set("imx"):
        return _find_plain(plain[2], is_prefix=bool(plain[1]))
    compiled = compile_regex(pattern, flags)
    search, quick_length = compiled.search, _quick_length(pattern)

    def find(text: str) -> bool:
        if len(text) <= quick_length:
            return search(text) is not None
        try:
            return search(text, timeout=SEARCH_S) is not None
        except TimeoutError:
            raise errors.REGEX_LIMIT() from None

    return find


def compile_regex(pattern: str, flags: str = "") -> regex.Pattern[str]:
    """The translated pattern, compiled by the `regex` module; groups keep their numbers and names.

    errors   REGEX_INVALID
    """
    try:
        translated = _Translation(pattern, flags).run()
        return regex.compile(translated, regex.VERSION0 | (regex.IGNORECASE if "i" in flags else 0))
    except (regex.error, OverflowError, RecursionError) as failure:
        raise errors.REGEX_INVALID(reason=failure) from None


def _quick_length(pattern: str) -> int:
    """Up to which text length a search needs no clock, which costs five times the search of a short string.

    Without a repeated group, a back reference or a recursion, a search takes at most about length ** (repeats + 1)
    steps.
    """
    if _COMPLEX.search(pattern):
        return -1
    return int(_QUICK_STEPS ** (1 / (1 + len(_REPEATS.findall(pattern)))))


def _find_plain(text: str, is_prefix: bool) -> Find:
    """A pattern without any special character needs no engine."""
    if is_prefix:
        return lambda subject: subject.startswith(text)
    return lambda subject: text in subject


class _Translation:
    """One walk over a pattern. `flags` are those in force; `groups` remembers them for each open group."""

    def __init__(self, pattern: str, flags: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.flags = frozenset(flags) & frozenset("imsx")
        self.groups: list[frozenset[str]] = []
        self.wraps = [0]  # for each open group: how many (?i: of ours are open in this branch of it
        self.output: list[str] = []
        self.is_unicode = False  # (*UCP): the named classes know all of Unicode, as those of the module do

    def run(self) -> str:
        while self.at < len(self.pattern):
            self._part()
        self._close_wraps()
        if self.groups:
            raise regex.error("missing closing parenthesis")
        return "".join(self.output)

    def _part(self) -> None:
        character = self.pattern[self.at]
        if character == "\\":
            self._escape()
        elif character == "[":
            self._class()
        elif character == "(":
            self._open()
        elif character == ")":
            self._close()
        elif character == "|":
            self._branch()
        elif "x" in self.flags and character in " \t\n\r\v\f":
            self.at += 1
        elif "x" in self.flags and character == "#":
            end = self.pattern.find("\n", self.at)
            self.at = len(self.pattern) if end < 0 else end + 1
        elif character == "{":
            repeat = _REPEAT.match(self.pattern, self.at)
            self._emit(repeat[0] if repeat else r"\{", len(repeat[0]) if repeat else 1)
        else:
            self._emit(self._single(character), 1)

    def _single(self, character: str) -> str:
        if character == ".":
            return r"(?s:.)" if "s" in self.flags else r"[^\n]"
        if character == "^":
            return r"(?:\A|(?<=\n)(?!\Z))" if "m" in self.flags else r"\A"
        if character == "$":
            return r"(?=\n|\Z)" if "m" in self.flags else r"(?=\n?\Z)"
        if "i" in self.flags and character in _DOTTED:
            return f"(?-i:{_DOTTED[character]})"
        return character if character in "*+?" else _literal(character)

    def _emit(self, translated: str, length: int) -> None:
        self.output.append(translated)
        self.at += length

    def _open(self) -> None:
        """A group, a change of flags, a comment, or a part in parentheses that the module reads the same way."""
        pattern, at = self.pattern, self.at
        if pattern.startswith("(?#", at):
            end = pattern.find(")", at)
            if end < 0:
                raise regex.error("missing ) after (?# comment")
            self.at = end + 1
            return
        if at == 0 and (start := re.match(r"(?:\(\*(?:UTF8?|UCP|LF|NO_\w+)\))+", pattern)):
            self.is_unicode = "(*UCP)" in start[0]
            self.at = start.end()
            return
        if (inline := _INLINE_FLAGS.match(pattern, at)) and inline[0] != "(?:":
            self._change_flags(inline)
            return
        if whole := _WHOLE_PART.match(pattern, at):
            self._emit(whole[0], len(whole[0]))
            return
        if named := _NAMED_GROUP.match(pattern, at):
            self._enter(f"(?P<{named[1] or named[2]}>", len(named[0]))
            return
        opening = _OPENING.match(pattern, at)
        if opening is None:
            raise regex.error("unrecognized character after (? or (?-")
        self._enter(opening[0], len(opening[0]))

    def _enter(self, opening: str, length: int) -> None:
        self.groups.append(self.flags)
        self.wraps.append(0)
        self._emit(opening, length)

    def _change_flags(self, inline: re.Match[str]) -> None:
        base = frozenset[str]() if inline[1] else self.flags
        flags = (base | frozenset(inline[2])) - frozenset(inline[3] or "")
        scope = "(?i:" if "i" in flags else "(?-i:"
        if inline[4] == ":":
            self._enter(scope, len(inline[0]))
        else:
            self.wraps[-1] += 1
            self._emit(scope, len(inline[0]))
        self.flags = flags

    def _close(self) -> None:
        if not self.groups:
            raise regex.error("unmatched closing parenthesis")
        self._close_wraps()
        self.wraps.pop()
        self.flags = self.groups.pop()
        self._emit(")", 1)

    def _close_wraps(self) -> None:
        self.output.append(")" * self.wraps[-1])

    def _branch(self) -> None:
        """Flags changed in one branch stay changed in the next ones of the same group."""
        self._close_wraps()
        self._emit("|", 1)
        if self.wraps[-1]:
            self.wraps[-1] = 1
            self.output.append("(?i:" if "i" in self.flags else "(?-i:")

    def _escape(self) -> None:
        pattern, at = self.pattern, self.at
        if at + 1 == len(pattern):
            raise regex.error("\\ at end of pattern")
        letter = pattern[at + 1]
        if letter == "Q":
            end = pattern.find("\\E", at)
            end = len(pattern) if end < 0 else end
            self._emit("".join(map(_literal, pattern[at + 2 : end])), end + 2 - at)
        elif letter == "E":
            self.at += 2
        elif self.is_unicode and letter in "dDwWsSbB":
            self._emit(f"\\{letter}", 2)
        elif letter in _CLASSES:
            self._emit(f"[{_CLASSES[letter]}]", 2)
        elif letter in "DWS":
            self._emit(f"[^{_CLASSES[letter.lower()]}]", 2)
        elif letter in _ESCAPES:
            self._emit(_ESCAPES[letter], 2)
        elif reference := _BACK_REFERENCE.match(pattern, at):
            self._emit(self._reference(reference), len(reference[0]))
        elif found := _PROPERTY.match(pattern, at):
            self._emit(found[0], len(found[0]))
        else:
            code_point, length = self._code_point()
            self._emit(_literal(chr(code_point)), length)

    def _reference(self, reference: re.Match[str]) -> str:
        number = reference[1] or reference[2] or reference[3]
        if number is None or not re.fullmatch(r"-?\d+", number):
            return f"(?P={number or reference[4] or reference[5] or reference[6]})"
        if number.startswith("-"):
            opened = len(re.findall(r"(?<!\\)\((?!\?(?!P?<(?![=!])|'))(?!\*)", self.pattern[: self.at]))
            number = str(opened + 1 + int(number))
        return f"(?:\\{number})"

    def _code_point(self) -> tuple[int, int]:
        """The character that an escape names, and the length of the escape."""
        letter = self.pattern[self.at + 1]
        if letter in _CONTROLS:
            return _CONTROLS[letter], 2
        named = _CODE_POINT.match(self.pattern, self.at)
        if named:
            wide, narrow, octal, digits, control = named.groups()
            if control is not None:
                return ord(control.upper()) ^ 64, 3
            code_point = int(octal or digits, 8) if octal or digits else int(wide or narrow or "0", 16)
            if code_point > 0x10FFFF:
                raise regex.error("character code point value in \\x{} or \\o{} is too large")
            return code_point, len(named[0])
        if letter.isascii() and letter.isalnum():
            raise regex.error("unrecognized character follows \\")
        return ord(letter), 2

    def _class(self) -> None:
        """A bracketed class, every member spelled out."""
        pattern = self.pattern
        end = self.at + 1
        negated = pattern.startswith("^", end)
        end += negated
        members: list[str] = []
        first = end
        while True:
            if end >= len(pattern):
                raise regex.error("missing terminating ] for character class")
            if pattern[end] == "]" and end > first:
                break
            member, end = self._member(end)
            members.append(member)
        body = "".join(members)
        if "i" in self.flags and not negated and not set(pattern) & {"\u0130", "\u0131"}:
            self.output.append("(?!(?-i:[\\u0130\\u0131]))")
        self.output.append(f"[{'^' if negated else ''}{body}]")
        self.at = end + 1

    def _member(self, at: int) -> tuple[str, int]:
        """One member of a class: a named class, an escape class, a range or a character; and where the next begins."""
        pattern = self.pattern
        if posix := re.compile(r"\[:(\^?)(\w+):\]").match(pattern, at):
            if posix[2] not in _POSIX:
                raise regex.error("unknown POSIX class name")
            if self.is_unicode:
                return posix[0], posix.end()
            if not posix[1]:
                return _POSIX[posix[2]], posix.end()
            if posix[2] in _POSIX_COMPLEMENTS:
                return _COMPLEMENTS[_POSIX_COMPLEMENTS[posix[2]]], posix.end()
            return f"[:^{posix[2]}:]", posix.end()
        if pattern.startswith("\\Q", at):
            end = pattern.find("\\E", at)
            end = len(pattern) if end < 0 else end
            return "".join(map(_literal, pattern[at + 2 : end])), end + 2
        if pattern.startswith("\\E", at):
            return "", at + 2
        if pattern[at] == "\\" and at + 1 < len(pattern):
            letter = pattern[at + 1]
            if self.is_unicode and letter in "dDwWsS":
                return f"\\{letter}", at + 2
            if letter in _CLASSES:
                return _CLASSES[letter], at + 2
            if letter in _COMPLEMENTS:
                return _COMPLEMENTS[letter], at + 2
            if found := _PROPERTY.match(pattern, at):
                return found[0], found.end()
        low, at = self._class_character(at)
        if pattern.startswith("-", at) and not pattern.startswith("-]", at) and at + 1 < len(pattern):
            after = pattern[at + 1 : at + 3]
            if after[:1] != "[" and not (after[:1] == "\\" and after[1:] in (*_CLASSES, *_COMPLEMENTS, "p", "P")):
                high, at = self._class_character(at + 1)
                if high < low:
                    raise regex.error("range out of order in character class")
                return f"{_literal(chr(low))}-{_literal(chr(high))}", at
        return _literal(chr(low)), at

    def _class_character(self, at: int) -> tuple[int, int]:
        if self.pattern[at] != "\\":
            return ord(self.pattern[at]), at + 1
        if at + 1 >= len(self.pattern):
            raise regex.error("\\ at end of pattern")
        if self.pattern[at + 1] == "b":
            return 8, at + 2
        outer, self.at = self.at, at
        code_point, length = self._code_point()
        self.at = outer
        return code_point, at + length


def _literal(character: str) -> str:
    """A character that means itself, inside and outside a class."""
    if character.isalnum() or character == "_" or not character.isascii():
        return character
    return f"\\x{ord(character):02x}"
