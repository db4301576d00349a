"""What a pattern is made of, translated: its text for the `regex` module, and what PCRE2 would know of it.

PCRE2 refuses a lookbehind that has no fixed length and a pattern that compiles to more than 64 KiB, so pieces know
their lengths and sizes. They also know how much a search may take, which decides whether it needs a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby

import regex

from amongo.runtime.limits import COMPILED_PATTERN_BYTES, LOOKBEHIND_LENGTH, PATTERN_REPEATS

WILD = 100
"""The degree of what may take steps without bound."""

UNLIMITED = None


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a pattern.

    text           in the language of the `regex` module, in one piece: a quantifier can follow
    least, most    characters that it matches; `most` is None where there is no maximum
    size           bytes that PCRE2 compiles it to
    degree         a search takes about length ** (1 + degree) steps; WILD where that is not so
    is_caseless    flag i is in force; None where case plays no part
    is_repeatable  a quantifier may follow
    is_assertion   it looks around and matches nothing
    is_fixed       of one length for PCRE2, which does not count the branches of a group
    """

    text: str
    least: int = 1
    most: int | None = 1
    size: int = 1
    degree: int = 0
    is_caseless: bool | None = None
    is_repeatable: bool = True
    is_assertion: bool = False
    is_fixed: bool = True


def nothing(text: str = "", size: int = 1) -> Piece:
    """What matches no character and cannot be repeated: an anchor, a change of flags."""
    return Piece(text, 0, 0, size, is_repeatable=False)


@dataclass(slots=True)
class Branch:
    """One alternative of a group."""

    pieces: list[Piece] = field(default_factory=list)

    def joined(self) -> Piece:
        """The branch as one piece, without brackets around it."""
        texts = []
        for is_caseless, run in groupby(_with_case(self.pieces), key=lambda pair: pair[0]):
            text = "".join(piece.text for _, piece in run)
            texts.append(f"(?i:{text})" if is_caseless else text)
        most = [piece.most for piece in self.pieces]
        return Piece(
            "".join(texts),
            sum(piece.least for piece in self.pieces),
            UNLIMITED if None in most else sum(length for length in most if length is not None),
            sum(piece.size for piece in self.pieces),
            min(sum(piece.degree for piece in self.pieces), WILD),
            is_fixed=all(piece.is_fixed for piece in self.pieces),
        )


def _with_case(pieces: Iterable[Piece]) -> Iterable[tuple[bool, Piece]]:
    """Each piece with the case that it is written in; one without letters goes with the piece before it."""
    case = False
    for piece in pieces:
        if piece.is_caseless is not None:
            case = piece.is_caseless
        yield case, piece


def alternatives(branches: list[Piece]) -> Piece:
    """The branches of a group as one piece, without brackets around it."""
    lengths = [branch.most for branch in branches]
    most = UNLIMITED if None in lengths else max(length for length in lengths if length is not None)
    least = min(branch.least for branch in branches)
    return Piece(
        "|".join(branch.text for branch in branches),
        least,
        most,
        sum(branch.size for branch in branches) + 3 * (len(branches) - 1),
        max(branch.degree for branch in branches),
        is_fixed=all(branch.is_fixed for branch in branches) and least == most,
    )


def check_lookbehind(branches: list[Piece]) -> None:
    """Refuse what PCRE2 cannot look behind for: each alternative has one length.

    errors   regex.error
    """
    for branch in branches:
        if not branch.is_fixed or branch.least != branch.most:
            raise regex.error("lookbehind assertion is not fixed length")
        if branch.least > LOOKBEHIND_LENGTH:
            raise regex.error("lookbehind assertion is too long")


def repeated(piece: Piece, low: int, high: int | None, mode: str, *, is_group: bool) -> Piece:
    """The piece with a quantifier.

    high     None for no maximum
    mode     "" greedy, "?" lazy, "+" possessive
    errors   regex.error
    """
    if max(low, high or 0) > PATTERN_REPEATS:
        raise regex.error("number too big in {} quantifier")
    if high is not None and high < low:
        raise regex.error("numbers out of order in {} quantifier")
    if piece.is_assertion:  # once is enough
        text = f"(?:{piece.text})" + ("" if low else "?")
        return replace(piece, text=text, is_repeatable=False)
    bounds = "*" if (low, high) == (0, None) else f"{{{low},{'' if high is None else high}}}"
    size = _group_size(piece.size, low, high) if is_group else _single_size(piece.size, low, high)
    if size > COMPILED_PATTERN_BYTES:
        raise regex.error("regular expression is too large")
    return replace(
        piece,
        text=f"{piece.text}{bounds}{mode}",
        least=piece.least * low,
        most=UNLIMITED if high is None or piece.most is None else piece.most * high,
        size=size,
        degree=_degree(piece, low, high),
        is_repeatable=False,
        is_fixed=piece.is_fixed and low == high,
    )


def _degree(piece: Piece, low: int, high: int | None) -> int:
    if high is not None and high <= 1:
        return min(piece.degree + 1, WILD)
    if piece.degree or not piece.is_fixed or "|" in piece.text:
        return WILD
    return 0 if low == high else 1


def _single_size(size: int, low: int, high: int | None) -> int:
    """Bytes that PCRE2 compiles a repeated character or class to."""
    if size > 30:
        return size + (1 if high is None and low < 2 else 5)
    if high is None:
        return size + 1 + (size + 3 if low > 1 else 0)
    return (size + 3 if low else 0) + (size + 3 if high > low else 0)


def _group_size(size: int, low: int, high: int | None) -> int:
    """Bytes that PCRE2 compiles a repeated group to: it is copied."""
    total = size * max(low, 1) + (1 if low == 0 else 0)
    if high is not None and high > max(low, 1):
        total += (high - max(low, 1)) * (size + 7)
    return total
