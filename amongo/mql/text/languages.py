"""The languages of text search, by name and by ISO 639-1 code. Source: manual, Text Search Languages."""

from __future__ import annotations

from typing import Final

_CODES: Final = {
    "da": "danish",
    "nl": "dutch",
    "en": "english",
    "fi": "finnish",
    "fr": "french",
    "de": "german",
    "hu": "hungarian",
    "it": "italian",
    "nb": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "es": "spanish",
    "sv": "swedish",
    "tr": "turkish",
}
_NAMES: Final = frozenset(_CODES.values()) | {"none"}


def language_of(name: str) -> str | None:
    """The language that a name or code means, whatever its case; "none" is one without stop words and stems.

    result   its English name in small letters; None for a language that text search does not know
    """
    folded = name.lower()
    return folded if folded in _NAMES else _CODES.get(folded)
