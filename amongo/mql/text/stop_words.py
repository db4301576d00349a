"""The words that text search leaves out, by language: so frequent that they tell documents apart by nothing.

They are the lists of the Snowball project, in `stop_words.txt`; of Romanian there is none. Source: manual, Text Search
Languages, "Stop Words".
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language, in small letters; none for "none" and for a language without a list."""
    return _all().get(language, frozenset())


@cache
def _all() -> dict[str, frozenset[str]]:
    paragraphs = files("amongo.mql.text").joinpath("stop_words.txt").read_text("utf-8").split("\n\n")
    found = {}
    for paragraph in paragraphs[1:]:
        name, _, words = paragraph.partition(":")
        found[name] = frozenset(words.split())
    return found
