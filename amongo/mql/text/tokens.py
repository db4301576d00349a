"""From text to terms: cut at delimiters, made small, rid of stop words, stemmed, rid of diacritics.

Source: manual, Text Index Properties ("Tokenization Delimiters", "Case Insensitivity", "Diacritic Insensitivity"), Text
Search Languages.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any, Final

import regex

from amongo.errors import text as errors
from amongo.mql.text.stop_words import stop_words
from amongo.runtime.limits import TEXT_STEMS
from amongo.runtime.workers import Lock

_DELIMITERS: Final = r"\p{Dash}\p{Hyphen}\p{Pattern_Syntax}\p{Quotation_Mark}\p{Terminal_Punctuation}\p{White_Space}"
_WORD: Final = regex.compile(rf"[^{_DELIMITERS}]+")
_ENGLISH_WORD: Final = regex.compile(rf"(?:[^{_DELIMITERS}]|')+")  # don't is one word
_TURKISH_SMALL: Final = str.maketrans({"I": "\u0131", "\u0130": "i"})


class Tokenizer:
    """Cuts texts of one language into terms.

    language   as `language_of` gives it
    """

    __slots__ = ("_stem", "_stop_words", "_word", "language")

    def __init__(self, language: str) -> None:
        self.language = language
        self._word = _ENGLISH_WORD if language == "english" else _WORD
        self._stop_words = stop_words(language)
        self._stem = _stemmer(language)

    def terms(self, text: str, *, keeps_case: bool = False, keeps_diacritics: bool = False) -> Iterator[str]:
        """The terms of a text, in order, each as often as it stands there."""
        for word in self._word.findall(text):
            small = self.small(word)
            if small in self._stop_words:
                continue
            term = self._stem(word if keeps_case else small)
            yield term if keeps_diacritics else without_diacritics(term)

    def small(self, text: str) -> str:
        """The text in small letters of the language."""
        return (text.translate(_TURKISH_SMALL) if self.language == "turkish" else text).lower()

    def folded(self, text: str, *, keeps_case: bool, keeps_diacritics: bool) -> str:
        """The text as phrases are compared."""
        text = text if keeps_case else self.small(text)
        return text if keeps_diacritics else without_diacritics(text)


@cache
def tokenizer(language: str) -> Tokenizer:
    """The tokenizer of a language.

    errors   NEEDS_STEMMER
    """
    return Tokenizer(language)


def without_diacritics(text: str) -> str:
    """The text with each letter in its plain form."""
    if text.isascii():
        return text
    return "".join(each for each in unicodedata.normalize("NFD", text) if unicodedata.category(each) != "Mn")


def _stemmer(language: str) -> Callable[[str], str]:
    """What cuts a word to its stem; "none" leaves words as they are.

    errors   NEEDS_STEMMER
    """
    if language == "none":
        return str
    if not has_stemmers():
        raise errors.NEEDS_STEMMER(language=language)
    import snowballstemmer  # late: only text search needs it

    stemmer: Any = snowballstemmer.stemmer(language)
    lock = Lock()  # a stemmer works on the word in its own fields

    @lru_cache(maxsize=TEXT_STEMS)
    def stem(word: str) -> str:
        with lock:
            found: str = stemmer.stemWord(word)
        return found

    return stem


def has_stemmers() -> bool:
    """Whether the stemmers are installed."""
    return find_spec("snowballstemmer") is not None
