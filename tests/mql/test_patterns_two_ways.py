"""Patterns of a grammar, right ones and wrong ones: what PCRE2 finds, we find; what it refuses, we refuse."""

from __future__ import annotations

import random

import pcre2
import pytest
import regex

from amongo.errors import ServerError
from amongo.mql.patterns import compile_regex

COUNT = 1500
RAN_AWAY = (-1, -1)

needs_pcre2 = pytest.mark.skipif(pcre2.LIBRARY is None, reason="this machine has no libpcre2-8")

ATOM_TEXT = r"""
    . ^ $ \d \w \s \D \W \S \b \B \A \Z \z \h \H \v \V \R \N \K \X \G \x41 \x{e9} \101 \cA \1 \2 \g1 \g{-1} \g{1} \k<n>
    \n \t \e \. \\ \- \Qa.b\E \E \pL \p{Lu} \P{Ll} \p{^L} \p{Greek} \p{Xan} \p{L&} \u \y \o{101} \N{U+41} \08 \8 \x \0
    [abc] [^a] [a-c] []a] [^]a] [\d-z] [a-\d] [[:alpha:]] [[:^alpha:]] [[:word:]x] [a&&b] [--/] [a-] [-a] [\b] [\]]
    [\Qa-z\E] [^\W] [[:foo:]] [[a] [a [\n-\r] [[.a.]] [a||b] [[:<:]] [[:>:]] [é-ü] [A-Z] [^A-Z] [^k] [\w-é] [\N]
    [\pL] [^\P{L}] [\x{100}-\x{200}] [\h] [\V] [z-a]
"""
OPENING_TEXT = r"""
    ( (?: (?= (?! (?<= (?<! (?> (?| (?<n> (?P<n> (?'n' (?i) (?-i) (?i: (?s: (?m) (?x) (?^) (?xx) (?U) (?n) (?im-sx:
    (?#c) (*F) (*PRUNE) (*UCP) (?1) (?&n) (?P>n) (?P=n) (?(1) (?(<n>) (?(DEFINE) (?(?=a) (*atomic: (*pla: (?+1) (?-1)
    (?C) (?a) (?<1> (?) (?-)
"""
QUANTIFIER_TEXT = "* + ? {2} {1,} {0,1} {,2} {2,1} *? +? ?? *+ ++ ?+ {2}+ { {a} ** {0} {65536}"
ATOMS, OPENINGS, QUANTIFIERS = ATOM_TEXT.split(), OPENING_TEXT.split(), QUANTIFIER_TEXT.split()
LETTERS = "aaabbcA1_- \n\ré\u0130\u0131ß\u017fK.\t\x0b\x01\\]&"


def written(chance: random.Random, depth: int = 0) -> str:
    """A pattern, or what looks like one."""
    parts = []
    for _ in range(chance.randint(1, 4)):
        kind = chance.random()
        if kind < 0.2 and depth < 3:
            opening = chance.choice(OPENINGS)
            closing = ")" if chance.random() < 0.97 else ""
            parts.append(opening if opening.endswith(")") else opening + written(chance, depth + 1) + closing)
        elif kind < 0.6:
            parts.append(chance.choice("abcA1 é|"))
        else:
            parts.append(chance.choice(ATOMS))
        if chance.random() < 0.25:
            parts.append(chance.choice(QUANTIFIERS))
    return "".join(parts)


@needs_pcre2
def test_patterns_mean_what_pcre2_means() -> None:
    chance = random.Random(3)
    valid = 0
    for _ in range(COUNT):
        pattern, flags = written(chance), "".join(flag for flag in "imsx" if chance.random() < 0.2)
        texts = ["", "a", "ab", *("".join(chance.choices(LETTERS, k=chance.randint(1, 6))) for _ in range(6))]
        expected = pcre2.search(pattern, flags, texts)
        try:
            compiled = compile_regex(pattern, flags)
        except ServerError as refused:
            is_known = "supported by amongo" in refused.message or "open group" in refused.message
            assert expected is None or is_known, (pattern, flags, refused.message)
            continue
        assert expected is not None, (pattern, flags)
        valid += 1
        for text, place in zip(texts, expected, strict=True):
            found = span(compiled, text, 0.2)
            if found != RAN_AWAY and not isinstance(place, int):
                assert found == place, (pattern, flags, text)
    assert COUNT // 4 < valid < COUNT


def span(compiled: regex.Pattern[str], text: str, timeout_s: float = 60) -> tuple[int, int] | None:
    """Where the pattern is found; RAN_AWAY if the search was cut off."""
    try:
        found = compiled.search(text, timeout=timeout_s)
    except (TimeoutError, MemoryError):
        return RAN_AWAY
    return None if found is None else found.span()


@needs_pcre2
@pytest.mark.parametrize("form", ["{}", "[{}]", "[^{}]"])
def test_flag_i_knows_every_letter(form: str) -> None:
    letters = [chr(code) for code in (*range(0xD800), *range(0xE000, 0x1E944)) if chr(code).swapcase() != chr(code)]
    for letter in letters[:: 1 if form == "{}" else 7]:
        variants = {letter, letter.lower(), letter.upper(), letter.title()}
        others = "skKiI\u017f\u0130\u0131ß\u1e9e\u03c2\u03c3\u03a3\u00b5\u03bc"
        texts = [text for text in (*variants, *others) if len(text) == 1]
        pattern = f"^{form.format(letter)}$"
        compiled = compile_regex(pattern, "i")
        assert [span(compiled, text) for text in texts] == pcre2.search(pattern, "i", texts), letter
