"""What a regular expression says of the beginning of the strings that it finds. Source: manual, $regex, "Index Use"."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from bson import Regex

from amongo.planner.bounds.intervals import BEHIND, Edge, Interval, low_edge
from amongo.values.key_bytes import key_bytes
from amongo.values.order import regex_parts

_END_BYTES: Final = 2  # of the key of a string
_SPECIAL: Final = frozenset("^$.[]()|*+?{}\\")
_OPTIONAL: Final = frozenset("*?{")  # what stands before them may be absent
_LAST_CHARACTER: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)


class Prefix(NamedTuple):
    """How the strings begin that a regular expression finds.

    text      of every one of them
    is_exact  every string that begins so is found
    """

    text: str
    is_exact: bool


def regex_prefix(expression: Regex[Any]) -> Prefix | None:
    """The prefix of a regular expression that is anchored at the beginning and begins with plain text; else None."""
    pattern, flags = (part.decode() for part in regex_parts(expression))
    if pattern.startswith("\\A"):
        rest = pattern[2:]
    elif pattern.startswith("^") and "m" not in flags:
        rest = pattern[1:]
    else:
        return None
    if "i" in flags or "x" in flags or "|" in rest or rest[:1] in ("*", "?", "+", "{"):
        return None
    text, left = _plain(rest)
    if not text:
        return None
    return Prefix(text, left in ("", ".*") or (left == ".*$" and "s" in flags))


def _plain(pattern: str) -> tuple[str, str]:
    """(text, rest): the plain text with which a pattern begins, and what follows it."""
    found: list[str] = []
    at = 0
    while at < len(pattern):
        character, width = pattern[at], 1
        if character == "\\":
            character, width = pattern[at + 1 : at + 2], 2
            if not character or character.isalnum() or not character.isascii() or character == "_":
                break
        elif character in _SPECIAL:
            break
        following = pattern[at + width : at + width + 1]
        if following and following in _OPTIONAL:
            break
        found.append(character)
        at += width
        if following == "+":
            break
    return "".join(found), pattern[at:]


def prefix_interval(text: str) -> Interval:
    """The strings that begin with a text; compared by their bytes."""
    low = low_edge(text)
    return Interval(low, Edge(low.at[:-_END_BYTES] + BEHIND, _after(text), False))


def _after(text: str) -> Any:
    """The first string behind all that begin with a text, as explain shows it; behind all strings come documents."""
    kept = text.rstrip(chr(_LAST_CHARACTER))
    if not kept:
        return {}
    last = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES.stop if last in _SURROGATES else last)


def below(path: str) -> Interval:
    """The paths below a path: those that begin with it and a dot, as a wildcard index has them."""
    low = low_edge(f"{path}.")
    return Interval(low, Edge(key_bytes(f"{path}/"), f"{path}/", False))
