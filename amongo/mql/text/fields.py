"""The texts of a document that a text index takes in, with their languages and weights.

A field takes part by its path: an indexed path has strings and arrays of strings, of embedded documents and arrays of
them too; `$**` takes every string. An embedded document may name its language. Source: manual, Text Indexes,
Wildcard Text Indexes; Specify the Default Language for a Text Index, "Specify Language per Document".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from amongo.errors import text as errors
from amongo.mql.text.languages import language_of

Document = dict[str, Any]


class Text(NamedTuple):
    """One string of a document."""

    value: str
    language: str
    weight: float


@dataclass(frozen=True, slots=True)
class TextFields:
    """The fields of a text index.

    weights    path -> weight
    prefixes   of the paths, their beginnings included: where to look further
    takes_all  every string takes part, with weight 1 where none is given
    language   of documents that name none
    override   the field by which they name one
    """

    weights: Mapping[str, float]
    prefixes: frozenset[str]
    takes_all: bool
    language: str
    override: str

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> TextFields:
        """The fields of a text index, by its definition."""
        weights = {path: float(weight) for path, weight in definition["weights"].items() if path != "$**"}
        prefixes = set()
        for path in weights:
            parts = path.split(".")
            prefixes |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
        return cls(
            weights,
            frozenset(prefixes),
            "$**" in definition["weights"],
            language_of(definition["default_language"]) or "none",
            definition["language_override"],
        )

    def texts(self, document: Document) -> Iterator[Text]:
        """The texts of a document.

        errors   LANGUAGE_NOT_STRING, LANGUAGE_UNKNOWN
        """
        return self._texts(document, "", self._language(document, self.language))

    def _texts(self, document: Document, prefix: str, language: str) -> Iterator[Text]:
        for name, value in document.items():
            if type(value) not in (str, dict, list) or (self.takes_all and name == self.override):
                continue
            path = f"{prefix}.{name}" if prefix else name
            if not self.takes_all and path not in self.prefixes:
                continue
            if type(value) is list:
                for element in value:
                    yield from self._value(element, path, language)
            else:
                yield from self._value(value, path, language)

    def _value(self, value: Any, path: str, language: str) -> Iterator[Text]:
        if type(value) is str:
            weight = self.weights.get(path)
            if weight is not None or self.takes_all:
                yield Text(value, language, 1.0 if weight is None else weight)
        elif type(value) is dict:
            yield from self._texts(value, path, self._language(value, language))

    def _language(self, document: Document, current: str) -> str:
        """The language that a document names; the one around it where it names none."""
        if self.override not in document:
            return current
        name = document[self.override]
        if type(name) is not str:
            raise errors.LANGUAGE_NOT_STRING()
        language = language_of(name)
        if language is None:
            raise errors.LANGUAGE_UNKNOWN(name=name)
        return language
