r"""The characters behind PCRE2's names for them: escapes like `\d`, `[:alpha:]`, `\p{Xan}`.

In MongoDB the named classes know ASCII alone; a pattern that begins with `(*UCP)` asks for all of Unicode. What stands
here is the inside of a bracketed class of the `regex` module.
"""

from __future__ import annotations

from typing import Final

_WORD: Final = "0-9A-Z_a-z"
_SPACE: Final = r"\t-\r "
_HORIZONTAL: Final = r"\t \xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000"
_VERTICAL: Final = r"\n-\r\x85\u2028\u2029"

CLASSES: Final = {
    "d": "0-9",
    "D": r"\x00-/:-\U0010ffff",
    "w": _WORD,
    "W": r"\x00-/:-@\[-\^`{-\U0010ffff",
    "s": _SPACE,
    "S": r"\x00-\x08\x0e-\x1f!-\U0010ffff",
    "h": _HORIZONTAL,
    "H": r"\x00-\x08\n-\x1f!-\x9f\xa1-\u167f\u1681-\u180d\u180f-\u1fff\u200b-\u202e\u2030-\u205e\u2060-\u2fff"
    r"\u3001-\U0010ffff",
    "v": _VERTICAL,
    "V": r"\x00-\t\x0e-\x84\x86-\u2027\u202a-\U0010ffff",
}
CASED: Final = frozenset("wW")
"""Those with cased letters: a flag i does not widen them."""

UNICODE_CLASSES: Final = {
    "d": r"\p{Nd}",
    "D": r"\P{Nd}",
    "w": r"\p{L}\p{N}_",
    "W": r"[^\p{L}\p{N}_]",
    "s": rf"\p{{Z}}{_HORIZONTAL}{_VERTICAL}",
    "S": rf"[^\p{{Z}}{_HORIZONTAL}{_VERTICAL}]",
}
"""The same after `(*UCP)`; those in brackets of their own cannot stand beside others in a class."""

POSIX: Final = {
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
POSIX_COMPLEMENTS: Final = {
    "alpha": r"\x00-@\[-`{-\U0010ffff",
    "lower": r"\x00-`{-\U0010ffff",
    "upper": r"\x00-@\[-\U0010ffff",
    "alnum": r"\x00-/:-@\[-`{-\U0010ffff",
    "ascii": r"\x80-\U0010ffff",
    "blank": r"\x00-\x08\n-\x1f!-\U0010ffff",
    "cntrl": r" -~\x80-\U0010ffff",
    "digit": CLASSES["D"],
    "graph": r"\x00- \x7f-\U0010ffff",
    "print": r"\x00-\x1f\x7f-\U0010ffff",
    "punct": r"\x00- 0-9A-Za-z\x7f-\U0010ffff",
    "space": CLASSES["S"],
    "word": CLASSES["W"],
    "xdigit": r"\x00-/:-@G-`g-\U0010ffff",
}
UNICODE_POSIX: Final = {
    "alpha": r"\p{L}",
    "lower": r"\p{Ll}",
    "upper": r"\p{Lu}",
    "alnum": r"\p{L}\p{N}",
    "blank": _HORIZONTAL,
    "cntrl": r"\p{Cc}",
    "digit": r"\p{Nd}",
    "space": UNICODE_CLASSES["s"],
    "word": UNICODE_CLASSES["w"],
}

PROPERTIES: Final = {
    "any": r"\x00-\U0010ffff",
    "l&": r"\p{Lu}\p{Ll}\p{Lt}",
    "lc": r"\p{Lu}\p{Ll}\p{Lt}",
    "xan": r"\p{L}\p{N}",
    "xsp": UNICODE_CLASSES["s"],
    "xps": UNICODE_CLASSES["s"],
    "xwd": UNICODE_CLASSES["w"],
    "xuc": r"$@`\xa0-\ud7ff\ue000-\U0010ffff",
}
"""The properties that PCRE2 has of its own; names in lower case."""

CONTROLS: Final = {"a": 7, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9}

DOTTED: Final = "iI\u0130\u0131"
"""The Turkish letters with and without a dot are different ones; the `regex` module would take them all for i."""


def literal(code_point: int) -> str:
    """A character that means itself, inside and outside a class."""
    character = chr(code_point)
    if character.isalnum() or character == "_" or not character.isascii():
        return character
    return f"\\x{code_point:02x}"
