"""A search bound to a text index: does a document match, and with which score? Source: manual, $text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amongo.mql.text.fields import Text, TextFields
from amongo.mql.text.query import TextQuery
from amongo.mql.text.scores import term_scores
from amongo.mql.text.tokens import Tokenizer, tokenizer

Document = dict[str, Any]


class TextSearch:
    """One search on the documents of one text index."""

    __slots__ = ("_fields", "query")

    def __init__(self, query: TextQuery, definition: Mapping[str, Any]) -> None:
        self.query = query
        self._fields = TextFields.of(definition)

    def score(self, document: Document) -> float | None:
        """The document's score; None if it does not match."""
        scores = term_scores(self._fields, document)
        found = [scores[term] for term in sorted(self.query.terms) if term in scores]
        if not found or not self._passes(document):
            return None
        return sum(found)

    def matches(self, document: Document) -> bool:
        """Whether the document matches."""
        return self.score(document) is not None

    def _passes(self, document: Document) -> bool:
        """Whether the document has what is asked for beside one term, and nothing that must not be there."""
        query = self.query
        is_plain = query.exact_terms is None and not query.negated_terms
        if is_plain and not query.phrases and not query.negated_phrases:
            return True
        texts = list(self._fields.texts(document))
        if not is_plain:
            terms = {term for text in texts for term in self._terms(text)}
            if query.exact_terms is not None and terms.isdisjoint(query.exact_terms):
                return False
            if not terms.isdisjoint(query.negated_terms):
                return False
        return all(self._has_phrase(texts, phrase) for phrase in query.phrases) and not any(
            self._has_phrase(texts, phrase) for phrase in query.negated_phrases
        )

    def _terms(self, text: Text) -> list[str]:
        cut = tokenizer(text.language)
        query = self.query
        return list(
            cut.terms(text.value, keeps_case=query.is_case_sensitive, keeps_diacritics=query.is_diacritic_sensitive)
        )

    def _has_phrase(self, texts: list[Text], phrase: str) -> bool:
        cut = tokenizer(self.query.language)
        wanted = self._folded(cut, phrase)
        return any(wanted in self._folded(cut, text.value) for text in texts)

    def _folded(self, cut: Tokenizer, text: str) -> str:
        query = self.query
        return cut.folded(text, keeps_case=query.is_case_sensitive, keeps_diacritics=query.is_diacritic_sensitive)
