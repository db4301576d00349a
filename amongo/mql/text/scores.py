"""How much each term says of a document: what a text index keeps, and the score of a search adds up.

A term of a field counts 1 for its first occurrence, 1/2 for the next, 1/4 and so on; more where the field is short; a
tenth more where the field is the term and nothing else; and by the field's weight. Source: manual, $text, "Text
Score"; scores that servers give.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from amongo.mql.text.fields import TextFields
from amongo.mql.text.tokens import tokenizer


def term_scores(fields: TextFields, document: dict[str, Any]) -> dict[str, float]:
    """The score of each term of a document.

    errors   LANGUAGE_NOT_STRING, LANGUAGE_UNKNOWN, NEEDS_STEMMER
    """
    scores: dict[str, float] = {}
    for text in fields.texts(document):
        counts = Counter(tokenizer(text.language).terms(text.value))
        total = counts.total()
        for term, count in counts.items():
            frequency = 2.0 - 0.5 ** (count - 1)
            share = 0.5 * count / total + 0.5
            is_whole = len(term) == len(text.value) and term == text.value.lower()
            score = text.weight * frequency * share * (1.1 if is_whole else 1.0)
            scores[term] = scores.get(term, 0.0) + score
    return scores
