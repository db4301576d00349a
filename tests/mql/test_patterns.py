"""Regular expressions: PCRE2's meaning, part by part."""

import pytest

from amongo.errors import ServerError
from amongo.mql import patterns
from amongo.mql.patterns import compile_pattern

CASES: list[tuple[str, str, str, str, bool]] = [
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
]


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_pattern(pattern: str, flags: str, text: str, found: bool) -> None:
    assert compile_pattern(pattern, flags)(text) is found


INVALID = ["(", ")", "[", "[b-a]", "a\\", "*a", r"\i", "(?z)", "[[:nope:]]", "(?<n", r"\x{110000}", "(?P<n>a)(?P=m)"]


@pytest.mark.parametrize("pattern", INVALID)
def test_invalid(pattern: str) -> None:
    with pytest.raises(ServerError) as caught:
        compile_pattern(pattern, "")
    assert caught.value.code == 51091


def test_runaway_search_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SEARCH_S", 0.05)
    find = compile_pattern("^(?:a|aa)+(?:b|c)(?=d)$", "")
    with pytest.raises(ServerError) as caught:
        find("a" * 5000)
    assert caught.value.code == 51156
