"""String operators by columns: the very strings of the interpreter, code points and NUL included, or no lowering."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId, Regex
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.differential.expression_cases import (
    assert_computed,
    assert_expression_refused,
    assert_same_or_refused,
)

TEXTS = [
    "",
    "a",
    "abcABC",
    "  x y \t",
    "\0a\0",
    "h\u00e9llo",
    "\U0001f600x\U0001f600",
    "a,b,,c",
    "aaaa",
    "\u00c9t\u00c9",
    "e\u0301a",
    "\u2003wide\u2003",
    "'quoted' \"text\" ?",
    "\u017f\u212a",
    "line\nline",
]
DOCUMENTS = [
    {"s": text, "t": TEXTS[(place * 4 + 1) % len(TEXTS)], "a": "abcABC"[place % 5 :]}
    for place, text in enumerate(TEXTS)
]
WITH_NULL = [*DOCUMENTS, {"s": None, "t": None, "a": None}, {}]

NULLABLE: dict[str, Any] = {
    "concat": {"$concat": ["$s", "-", "$t"]},
    "concat with null": {"$concat": ["$s", None, "$t"]},
    "toLower": {"$toLower": "$s"},
    "toLower of ASCII": {"$toLower": "$a"},
    "toUpper": {"$toUpper": "$s"},
    "toUpper of ASCII": {"$toUpper": "$a"},
    "strcasecmp": {"$strcasecmp": ["$s", "$t"]},
    "split": {"$split": ["$s", ","]},
    "split by several": {"$split": ["$s", "aa"]},
    "split by null": {"$split": ["$s", None]},
    "a part of split": {"$arrayElemAt": [{"$split": ["$s", ","]}, 1]},
    "substrBytes": {"$substrBytes": ["$a", 1, 2]},
    "substr with the rest": {"$substr": ["$a", 2, -1]},
    "substr past the end": {"$substr": ["$a", 99, 3]},
    "substr far past the end": {"$substr": ["$a", Int64(2**40), Int64(2**40)]},
    "substr of everything": {"$substrBytes": ["$s", 0, -1]},
    "substrCP": {"$substrCP": ["$s", 1, 2]},
    "trim": {"$trim": {"input": "$s"}},
    "ltrim": {"$ltrim": {"input": "$s"}},
    "rtrim": {"$rtrim": {"input": "$s"}},
    "trim of characters": {"$trim": {"input": "$s", "chars": "a\u00e9\U0001f600"}},
    "trim of a combining mark": {"$rtrim": {"input": "$s", "chars": "\u0301a"}},
    "trim of a field's characters": {"$trim": {"input": "$s", "chars": "$t"}},
    "trim of nothing": {"$trim": {"input": "$s", "chars": ""}},
    "trim of null": {"$trim": {"input": "$s", "chars": None}},
    "indexOfCP": {"$indexOfCP": ["$s", "a"]},
    "indexOfCP from": {"$indexOfCP": ["$s", "a", 1]},
    "indexOfCP between": {"$indexOfCP": ["$s", "a", 1, 3]},
    "indexOfCP between nothing": {"$indexOfCP": ["$s", "a", 3, 1]},
    "indexOfBytes": {"$indexOfBytes": ["$s", "x"]},
    "indexOfBytes from": {"$indexOfBytes": ["$a", "A", 1]},
    "indexOfBytes between": {"$indexOfBytes": ["$a", "b", 1, 3]},
    "indexOfBytes cut in the middle": {"$indexOfBytes": ["$a", "cA", 1, 3]},
    "replaceOne": {"$replaceOne": {"input": "$s", "find": "a", "replacement": "$t"}},
    "replaceOne of several": {"$replaceOne": {"input": "$s", "find": "aa", "replacement": ""}},
    "replaceAll": {"$replaceAll": {"input": "$s", "find": "a", "replacement": "$t"}},
    "replaceAll by null": {"$replaceAll": {"input": "$s", "find": "a", "replacement": None}},
    "regexMatch": {"$regexMatch": {"input": "$s", "regex": "a"}},
    "regexMatch at the ends": {"$regexMatch": {"input": "$s", "regex": "^a.*c$"}},
    "regexMatch with flags": {"$regexMatch": {"input": "$s", "regex": Regex("abc", "i")}},
    "regexMatch with options": {"$regexMatch": {"input": "$a", "regex": "ABC", "options": "i"}},
    "regexMatch of null": {"$regexMatch": {"input": "$s", "regex": None}},
    "of a missing field": {"$toLower": "$nothing"},
    "concat of a missing field": {"$concat": ["$nothing", "$s"]},
    "one in another": {"$toUpper": {"$concat": [{"$substrCP": ["$s", 0, 1]}, {"$ifNull": ["$t", ""]}]}},
}

STRINGS_ONLY: dict[str, Any] = {
    "strLenBytes": {"$strLenBytes": "$s"},
    "strLenCP": {"$strLenCP": "$s"},
    "strLenCP of ASCII": {"$strLenCP": "$a"},
    "substrCP by a length": {"$substrCP": ["$s", 1, {"$strLenCP": "$s"}]},
    "size of split": {"$size": {"$split": ["$s", ","]}},
}

REFUSED: dict[str, tuple[Any, str]] = {
    "substrBytes that might cut a character": ({"$substrBytes": ["$s", 1, 2]}, "might cut a character"),
    "the length of null": ({"$strLenCP": "$s"}, "may be no string"),
    "concat of numbers": ({"$concat": ["$s", "$n"]}, "no string may come here"),
    "toLower of doubles": ({"$toLower": "$d"}, "neither a string nor a whole number"),
    "an empty string sought": ({"$indexOfCP": ["$s", ""]}, "that is empty"),
    "an empty string replaced": ({"$replaceAll": {"input": "$s", "find": "", "replacement": "x"}}, "that is empty"),
    "split by a field": ({"$split": ["$s", "$t"]}, "no constant"),
    "a negative start": ({"$substrCP": ["$s", "$n", 1]}, "negative"),
}


@pytest.mark.parametrize("name", NULLABLE)
def test_strings_and_null(name: str) -> None:
    assert_computed(DOCUMENTS, NULLABLE[name])
    assert_computed(WITH_NULL, NULLABLE[name])


@pytest.mark.parametrize("name", STRINGS_ONLY)
def test_strings_only(name: str) -> None:
    assert_computed(DOCUMENTS, STRINGS_ONLY[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_proved_is_refused(name: str) -> None:
    spec, reason = REFUSED[name]
    documents = [{**document, "n": -1, "d": 1.5} for document in WITH_NULL]
    assert_expression_refused(documents, spec, reason)


def test_whole_numbers_as_text() -> None:
    documents = [{"n": each} for each in (0, -7, 2**31 - 1, Int64(-(2**63)), None, "Text")]
    assert_computed(documents, {"$toLower": "$n"})
    assert_computed(documents, {"$substrBytes": ["$n", 1, 3]})


# Any strings, any operators

LETTERS = st.sampled_from(
    ["a", "b", "A", "B", ",", " ", "\0", "\t", "\u00e9", "\u0301", "\U0001f600", "\u2003", "\n", "'", "?"]
)
texts = st.text(LETTERS, max_size=8)
nullable = st.one_of(texts, texts, st.none())
odd = st.sampled_from([1, Int64(5), 2.5, True, Decimal128("1.5"), ["a"], {"a": "a"}, ObjectId(bytes(12)), Regex("a")])


def _documents(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.fixed_dictionaries({}, optional={"s": values, "t": values, "u": st.text("abAB,", max_size=6)})
    return st.lists(one, min_size=1, max_size=6)


documents_of_strings = st.one_of(_documents(texts), _documents(nullable), _documents(st.one_of(nullable, odd)))


def _specs(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    small = st.integers(-1, 5)
    constant = st.text(LETTERS, max_size=3)
    either = st.one_of(inner, constant)
    window = st.one_of(st.just([]), st.lists(st.integers(0, 6), min_size=1, max_size=2))
    named = st.sampled_from(["$trim", "$ltrim", "$rtrim"])
    replacing = st.sampled_from(["$replaceOne", "$replaceAll"])
    pattern = st.sampled_from(["a", "^a", "b$", "^ab$", "a.b", "[ab]+", "\\s", "(a|b){2}", "A,", "^.$"])
    return st.one_of(
        st.lists(either, min_size=1, max_size=3).map(lambda each: {"$concat": each}),
        st.tuples(st.sampled_from(["$toLower", "$toUpper", "$strLenBytes", "$strLenCP"]), inner).map(
            lambda each: {each[0]: each[1]}
        ),
        st.tuples(inner, either).map(lambda each: {"$strcasecmp": list(each)}),
        st.tuples(inner, constant).map(lambda each: {"$split": list(each)}),
        st.tuples(st.sampled_from(["$substrBytes", "$substrCP", "$substr"]), inner, small, small).map(
            lambda each: {each[0]: list(each[1:])}
        ),
        st.tuples(named, inner).map(lambda each: {each[0]: {"input": each[1]}}),
        st.tuples(named, inner, either).map(lambda each: {each[0]: {"input": each[1], "chars": each[2]}}),
        st.tuples(st.sampled_from(["$indexOfCP", "$indexOfBytes"]), inner, constant, window).map(
            lambda each: {each[0]: [each[1], each[2], *each[3]]}
        ),
        st.tuples(replacing, inner, constant, either).map(
            lambda each: {each[0]: {"input": each[1], "find": each[2], "replacement": each[3]}}
        ),
        st.tuples(inner, pattern).map(lambda each: {"$regexMatch": {"input": each[0], "regex": each[1]}}),
        st.tuples(inner, constant).map(lambda each: {"$ifNull": list(each)}),
    )


specs = st.recursive(st.sampled_from(["$s", "$t", "$u"]), _specs, max_leaves=3).filter(lambda spec: type(spec) is dict)


@settings(max_examples=90)
@given(documents_of_strings, specs)
def test_any_string_expression(documents: list[dict[str, Any]], spec: Any) -> None:
    assert_same_or_refused(documents, spec)


@settings(max_examples=40)
@given(_documents(nullable), _specs(st.sampled_from(["$s", "$t", "$u"])))
def test_any_operator_on_strings_and_null(documents: list[dict[str, Any]], spec: Any) -> None:
    assert_same_or_refused(documents, spec)
