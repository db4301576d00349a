"""From texts to terms, from documents to scores, from `$search` to what is searched."""

from __future__ import annotations

from typing import Any

import pytest

from amongo.errors import ServerError
from amongo.mql.text import TextQuery, TextSearch, language_of, parse_search
from amongo.mql.text.fields import TextFields
from amongo.mql.text.scores import term_scores
from amongo.mql.text.tokens import tokenizer


def definition(weights: dict[str, int], language: str = "english", override: str = "language") -> dict[str, Any]:
    return {
        "key": {"_fts": "text", "_ftsx": 1},
        "weights": weights,
        "default_language": language,
        "language_override": override,
    }


# (case, language, text, terms)
TERMS: list[tuple[str, str, str, list[str]]] = [
    ("stems", "english", "Running runs", ["run", "run"]),
    ("stop words", "english", "the cat and I", ["cat"]),
    ("delimiters", "english", 'co-op, "quoted" (x) a.b/c;d', ["co", "op", "quot", "x", "b", "c", "d"]),
    ("an apostrophe joins in English", "english", "don't", ["don't"]),
    ("and parts elsewhere", "french", "l'eau", ["eau"]),
    ("underscores join", "none", "snake_case", ["snake_case"]),
    ("diacritics", "french", "Café", ["caf"]),
    ("no language keeps words", "none", "The Running", ["the", "running"]),
    ("Spanish", "spanish", "corriendo", ["corr"]),
    ("Turkish i", "turkish", "DIŞ", ["d\u0131s"]),
    ("wide spaces", "none", "a\u3000b\u2014c", ["a", "b", "c"]),
    ("nothing", "english", "  - !", []),
]


@pytest.mark.parametrize(("language", "text", "terms"), [case[1:] for case in TERMS], ids=[case[0] for case in TERMS])
def test_terms(language: str, text: str, terms: list[str]) -> None:
    assert list(tokenizer(language).terms(text)) == terms


def test_case_and_diacritics_may_be_kept() -> None:
    cut = tokenizer("none")
    assert list(cut.terms("Café", keeps_case=True)) == ["Cafe"]
    assert list(cut.terms("Café", keeps_diacritics=True)) == ["café"]


def test_languages_by_name_and_code() -> None:
    assert [language_of(name) for name in ("English", "en", "NB", "none", "latin", "")] == [
        *("english", "english", "norwegian", "none", None, None)
    ]


# (case, weights, document, scores)
SCORES: list[tuple[str, dict[str, int], dict[str, Any], dict[str, float]]] = [
    ("one of two words", {"a": 1}, {"a": "mongodb database"}, {"mongodb": 0.75, "databas": 0.75}),
    ("the whole field", {"a": 1}, {"a": "cake"}, {"cake": 1.1}),
    ("twice", {"a": 1}, {"a": "cake cake"}, {"cake": 1.5}),
    ("weights", {"a": 10, "b": 2}, {"a": "cake", "b": "cake"}, {"cake": 13.2}),
    ("strings of an array", {"a": 1}, {"a": ["cake", "x", 3, ["cake"]]}, {"cake": 1.1, "x": 1.1}),
    ("embedded", {"a.b": 1}, {"a": [{"b": "cake"}, {"c": "x"}]}, {"cake": 1.1}),
    ("only what is indexed", {"a": 1}, {"a": {"b": "cake"}, "b": "cake"}, {}),
    ("everything", {"$**": 1, "b": 5}, {"a": "cake", "b": "x", "c": {"d": ["y"]}}, {"cake": 1.1, "x": 5.5, "y": 1.1}),
    ("a document's language", {"a": 1}, {"language": "none", "a": "the cakes"}, {"the": 0.75, "cakes": 0.75}),
    ("an embedded language", {"d.a": 1}, {"d": {"language": "es", "a": "corriendo"}}, {"corr": 1.0}),
]


@pytest.mark.parametrize(("weights", "document", "scores"), [case[1:] for case in SCORES], ids=[c[0] for c in SCORES])
def test_scores(weights: dict[str, int], document: dict[str, Any], scores: dict[str, float]) -> None:
    found = term_scores(TextFields.of(definition(weights)), document)
    assert found == pytest.approx(scores)


@pytest.mark.parametrize(("language", "code"), [(3, 17261), ("klingon", 17262)])
def test_languages_that_documents_cannot_name(language: Any, code: int) -> None:
    with pytest.raises(ServerError) as failure:
        term_scores(TextFields.of(definition({"a": 1})), {"language": language, "a": "x"})
    assert failure.value.code == code


def search(text: str, *, case: bool = False, diacritics: bool = False, language: str = "english") -> TextQuery:
    return parse_search(text, language, is_case_sensitive=case, is_diacritic_sensitive=diacritics)


def test_the_language_of_searches() -> None:
    query = search('bake "coffee shop" -tea - x -"no no"-"nor this" co-op -un-known')
    assert query.terms == {"bake", "coffe", "shop", "x", "co", "op"}
    assert query.negated_terms == {"tea", "un", "known"}
    assert (query.phrases, query.negated_phrases) == (("coffee shop",), ("no no", "nor this"))


# (case, search, options, text, whether it matches)
MATCHES: list[tuple[str, str, dict[str, Any], str, bool]] = [
    ("any word", "tea cakes", {}, "a cake", True),
    ("no word", "tea", {}, "a cake", False),
    ("stop words alone", "the and", {}, "the and", False),
    ("negation", "cake -tea", {}, "tea and cake", False),
    ("negation alone", "-tea", {}, "cake", False),
    ("phrase", '"apple cake"', {}, "An Apple Cake", True),
    ("phrase within words", '"apple cake"', {}, "apple cakes", True),
    ("words of a phrase apart", '"apple cake"', {}, "cake of apple", False),
    ("two phrases", '"an apple" "the tea"', {}, "an apple", False),
    ("negated phrase", 'cake -"apple cake"', {}, "apple cake", False),
    ("case", "Cake", {"case": True}, "cake", False),
    ("case kept", "Cake", {"case": True}, "Cake", True),
    ("case of a phrase", '"A Cake"', {"case": True}, "a Cake", False),
    ("diacritics", "cafe", {"language": "none"}, "café", True),
    ("diacritics kept", "cafe", {"language": "none", "diacritics": True}, "café", False),
]


@pytest.mark.parametrize(
    ("text", "options", "value", "expected"), [c[1:] for c in MATCHES], ids=[c[0] for c in MATCHES]
)
def test_matches(text: str, options: dict[str, Any], value: str, expected: bool) -> None:
    index = definition({"a": 1}, options.get("language", "english"))
    assert TextSearch(search(text, **options), index).matches({"a": value}) is expected


def test_a_score_adds_up_the_words_that_are_found() -> None:
    found = TextSearch(search("apple cake tea"), definition({"a": 1}))
    assert found.score({"a": "apple cake"}) == pytest.approx(0.75 * 2)
    assert found.score({"a": "coffee"}) is None
