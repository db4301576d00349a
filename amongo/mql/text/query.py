"""The language of `$search`: words, "phrases", -words and -"phrases" that must not be there.

Source: manual, $text, "Behavior".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import regex

from amongo.mql.text.tokens import tokenizer

_SPACES: Final = " \t\n\v\f\r"
_PART: Final = regex.compile(r'[-"]|[^-" \t\n\v\f\r]+')


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A search.

    language                of its words
    terms                   of which a document has one at least: as the index has them
    exact_terms             the same with their case and diacritics, as far as these count; None where neither does
    negated_terms           of which a document has none
    phrases                 all of which a document has somewhere
    negated_phrases         none of which it has
    is_case_sensitive       case counts
    is_diacritic_sensitive  diacritics count
    """

    language: str
    terms: frozenset[str]
    exact_terms: frozenset[str] | None
    negated_terms: frozenset[str]
    phrases: tuple[str, ...]
    negated_phrases: tuple[str, ...]
    is_case_sensitive: bool
    is_diacritic_sensitive: bool


def parse_search(search: str, language: str, *, is_case_sensitive: bool, is_diacritic_sensitive: bool) -> TextQuery:
    """A search, read.

    language   as `language_of` gives it
    errors     NEEDS_STEMMER
    """
    sentence: list[str] = []
    negated_sentence: list[str] = []
    phrases: list[str] = []
    negated_phrases: list[str] = []
    is_negated = False
    opened: int | None = None  # where the phrase begins
    for part, place, is_after_space in _parts(search):
        if part == "-":
            if opened is None and is_after_space:
                is_negated = True
        elif part != '"':
            if opened is not None and is_negated:
                continue
            is_negated = is_negated and not is_after_space
            (negated_sentence if is_negated else sentence).append(part)
        elif opened is None:
            is_negated = is_negated and not is_after_space
            opened = place
        else:
            (negated_phrases if is_negated else phrases).append(search[opened + 1 : place])
            opened = None
    cut = tokenizer(language)
    exactly = {"keeps_case": is_case_sensitive, "keeps_diacritics": is_diacritic_sensitive}
    is_exact = is_case_sensitive or is_diacritic_sensitive
    text, negated_text = " ".join(sentence), " ".join(negated_sentence)
    return TextQuery(
        language,
        frozenset(cut.terms(text)),
        frozenset(cut.terms(text, **exactly)) if is_exact else None,
        frozenset(cut.terms(negated_text, **exactly)),
        tuple(phrases),
        tuple(negated_phrases),
        is_case_sensitive,
        is_diacritic_sensitive,
    )


def _parts(search: str) -> Iterator[tuple[str, int, bool]]:
    """(part, its place, whether it begins the search or stands behind a space) of quotes, hyphens and what is
    between."""
    for match in _PART.finditer(search):
        place = match.start()
        yield match.group(), place, place == 0 or search[place - 1] in _SPACES
