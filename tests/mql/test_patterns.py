"""Regular expressions: PCRE2's meaning, part by part."""

import pytest

from amongo.errors import ServerError
from amongo.mql.patterns import compile_pattern, may_run_away, search

CASES: list[tuple[str, str, str, str, bool]] = [
    ("alternatives that negate one character each, the first", "[^x]|[^y]", "", "x", True),
    ("alternatives that negate one character each, the second", "[^x]|[^y]", "", "y", True),
    ("a dot and a negated character", ".|[^a]", "", "a", True),
    # name, pattern, flags, text, found
    ("plain", "b", "", "abc", True),
    ("plain prefix", "^ab", "", "abc", True),
    ("plain prefix elsewhere", "^b", "", "abc", False),
    ("empty pattern", "", "", "", True),
    ("case matters", "B", "", "abc", False),
    ("flag i", "B", "i", "abc", True),
    ("flag i beyond ASCII", "É", "i", "é", True),
    ("sharp s is one letter", "^ss$", "i", "ß", False),
    ("dotted capital I is not i", "istanbul", "i", "\u0130stanbul", False),
    ("dotless i is not in a range", "^[a-z]$", "i", "\u0131", False),
    ("u says nothing new", "é", "u", "é", True),
    ("dot stops at newline", "a.c", "", "a\nc", False),
    ("flag s", "a.c", "s", "a\nc", True),
    ("caret is the start", "^c", "", "a\nc", False),
    ("flag m", "^c", "m", "a\nc", True),
    ("flag m, no line after the last newline", "^$", "m", "a\n", False),
    ("dollar before the last newline", "a$", "", "a\n", True),
    ("dollar in flag m", "a$", "m", "a\nb", True),
    (r"\Z before the last newline", r"a\Z", "", "a\n", True),
    (r"\z is the very end", r"a\z", "", "a\n", False),
    ("flag x skips blanks", "a b # rest", "x", "ab", True),
    ("flag x keeps blanks in a class", "a[ ]b", "x", "a b", True),
    (r"\d is ASCII", r"\d", "", "\u0661", False),
    (r"\w is ASCII", r"^\w$", "", "é", False),
    (r"\s knows the vertical tab", r"^\s$", "", "\v", True),
    (r"\b is ASCII", r"\byster", "", "Öyster", True),
    (r"(*UCP) \b knows Unicode", r"(*UCP)\byster", "", "Öyster", False),
    (r"(*UCP) \d", r"(*UCP)^\d$", "", "\u0661", True),
    (r"\D in a class", r"^[\D]$", "", "é", True),
    (r"\W in a class", r"^[\W]$", "", "é", True),
    (r"\h", r"a\hb", "", "a\u00a0b", True),
    (r"\R", r"a\Rb", "", "a\r\nb", True),
    (r"\N", r"a\Nb", "", "a\nb", False),
    (r"\K", r"a\Kb", "", "ab", True),
    (r"\Q and \E", r"^\Qa.b\E.$", "", "a.bc", True),
    (r"\Q takes a dot for a dot", r"\Qa.b\E", "", "axb", False),
    (r"\x{...}", r"^\x{e9}$", "", "é", True),
    (r"\xhh", r"^\x41$", "", "A", True),
    ("octal", r"^\101$", "", "A", True),
    ("control", r"^\cA$", "", "\x01", True),
    ("brace as a letter", "^a{,2}$", "", "a{,2}", True),
    ("repeat", "^a{2,3}$", "", "aaa", True),
    ("possessive", "^a++a", "", "aa", False),
    ("atomic", "^(?>a+)a", "", "aa", False),
    ("lazy", "^a+?b", "", "aab", True),
    ("lookbehind", "(?<=a)b", "", "ab", True),
    ("negative lookahead", "a(?!b)", "", "ab", False),
    ("named group and reference", r"(?<x>a)\k<x>", "", "aa", True),
    ("back reference", r"(a)\1", "", "aa", True),
    ("relative reference", r"(a)(b)\g{-1}", "", "abb", True),
    ("recursion", r"^(\((?1)*\))$", "", "(()())", True),
    ("conditional", r"^(a)?(?(1)b|c)$", "", "ab", True),
    ("comment", "a(?#note)b", "", "ab", True),
    ("flags from here on", "^a(?i)b$", "", "aB", True),
    ("flags not before", "^a(?i)b$", "", "Ab", False),
    ("flags reach the next branch", "^(a(?i)b|c)$", "", "C", True),
    ("flags end with the group", "^(?:a(?i)b)c$", "", "aBC", False),
    ("flags of a group", "^(?i:a)b$", "", "Ab", True),
    ("flags off", "^(?-i)a$", "i", "A", False),
    ("flag s of a group", "^(?s:.)$", "", "\n", True),
    ("posix class", "^[[:alpha:]]$", "", "x", True),
    ("posix class is ASCII", "^[[:alpha:]]$", "", "é", False),
    ("posix complement", "^[[:^digit:]]$", "", "x", True),
    ("bracket first", "^[]a]$", "", "]", True),
    ("bracket inside", "^[[a]$", "", "[", True),
    ("double ampersand", "^[a&&b]$", "", "&", True),
    ("double hyphen range", "^[+--]$", "", ",", True),
    ("hyphen last", "^[a-]$", "", "-", True),
    ("backspace in a class", r"^[\b]$", "", "\b", True),
    ("negated class takes newline", "^[^a]$", "", "\n", True),
    ("property", r"^\p{Lu}$", "", "É", True),
    ("property keeps its case", r"^\p{Lu}$", "i", "é", False),
    ("property of PCRE2 alone", r"^\p{Xan}+$", "", "é1", True),
    ("property that is not", r"^\P{^Lu}$", "", "É", True),
    ("script, or what several scripts use", r"^\p{Greek}$", "", "\u0342", True),
    (r"\w keeps to ASCII in flag i", r"^\w$", "i", "\u017f", False),
    ("the long s is an s in flag i", "^s$", "i", "\u017f", True),
    ("and in a range", "^[a-z]$", "i", "\u017f", True),
    (r"\V in a class", r"^[\V]$", "", "a", True),
    ("start of a word", "[[:<:]]b", "", "ab b", True),
    ("end of a word", "a[[:>:]]b", "", "ab", False),
    ("flag U inside", "^(?U)a+$", "", "aa", True),
    ("flag n inside", r"^(?n)(a)(?<x>b)\1$", "", "abb", True),
    ("flag xx inside", "^(?xx)[a b]$", "", " ", False),
    ("callout", "^a(?C1)b$", "", "ab", True),
    ("alphabetic assertion", "a(*positive_lookahead:b)", "", "ab", True),
    ("a lookahead once is enough", "^(?=a)*b", "", "b", True),
    ("alternatives of a lookbehind", "(?<=a|bc)d", "", "bcd", True),
    ("reference to a group further on", r"^(?:\2b|(a)(x))+$", "", "axxb", True),
    ("name further on", "^(?&n)c(?<n>ab?)$", "", "abca", True),
    ("subroutine in another way", r"^(ab?)\g<1>$", "", "aab", True),
    ("branch reset", r"^(?|(a)|(b))\1$", "", "bb", True),
    ("(*UCP) and posix", "(*UCP)^[[:alpha:]]$", "", "é", True),
    (r"\N{U+...}", r"^\N{U+e9}$", "", "é", True),
    ("octal in braces", r"^\o{101}$", "", "A", True),
    ("a number that names no group", r"^\11$", "", "\t", True),
]


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_pattern(pattern: str, flags: str, text: str, found: bool) -> None:
    assert compile_pattern(pattern, flags)(text) is found


INVALID: dict[str, list[str]] = {
    "brackets": [
        "(",
        ")",
        "[",
        "[b-a]",
        "[]",
        "[[:nope:]]",
        "[[.a.]]",
        "[:alpha:]",
        r"[\d-z]",
        "[a-[:alpha:]]",
        r"[\B]",
    ],
    "escapes": ["a\\", r"\i", r"\x{110000}", r"\x{d800}", r"\x{g}", r"\o{8}", r"\u0041", r"\cé", r"\p{nope}", r"\N{x}"],
    "quantifiers": ["*a", "^*", "a**", "a{2}{2}", "(?i)*", "a{65536}", "a{2,1}", "|+"],
    "groups": ["(?z)", "(?<n", "(?<1>a)", "(?<n>a)(?<n>b)", "(?C256)", "(*NOPE)", "(" * 251 + ")" * 251],
    "references": ["(?P<n>a)(?P=m)", r"\1", r"(a)\2", r"\g{-1}", "(?1)", "(?(1)a)", "(?&n)"],
    "lookbehind": ["(?<=a*)b", "(?<=(a|bc))d", r"(?<=\R)", r"(?<=\K)", "(?<=a{1,2})"],
    "size": ["a" * 16385, "é" * 8193, "(?:ab){9000}", "(?:a{65535}){65535}"],
    "not supported": [r"\C", "(*ACCEPT)", "(*COMMIT)", "(*THEN)", "(?J)(?<n>a)(?<n>b)", "(*CR)a", r"(a\1)"],
}


@pytest.mark.parametrize("kind", INVALID)
def test_invalid(kind: str) -> None:
    for pattern in INVALID[kind]:
        with pytest.raises(ServerError) as caught:
            compile_pattern(pattern, "")
        assert caught.value.code == 51091, pattern[:40]


def test_longest_pattern() -> None:
    assert compile_pattern("a" * 16384)("a" * 16384)


@pytest.mark.parametrize(
    ("pattern", "expected"), [("^ab", False), ("^a.*b$", False), ("a.*b+c", True), ("(a|b)*c", True), (r"(a)\1", True)]
)
def test_what_may_run_away(pattern: str, expected: bool) -> None:
    assert may_run_away(pattern) is expected


def test_runaway_search_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SEARCH_S", 0.05)
    find = compile_pattern("^(?:a|aa)+(?:b|c)(?=d)$", "")
    with pytest.raises(ServerError) as caught:
        find("a" * 5000)
    assert caught.value.code == 51156
