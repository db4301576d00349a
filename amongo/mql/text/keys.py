"""The keys of a text index: one for each term of a document, with its score and the index's other fields.

Source: manual, Text Indexes, "Compound Text Indexes".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from amongo.errors import text as errors
from amongo.mql.text.fields import TextFields
from amongo.mql.text.scores import term_scores
from amongo.values.missing import MISSING
from amongo.values.paths import FieldPath, expand, query_path
from amongo.values.wording import shown

Document = dict[str, Any]


def bind_terms(definition: Mapping[str, Any]) -> Callable[[Document], Iterator[list[Any]]]:
    """The values of a document's keys: one list for each term, in the order of the key pattern.

    errors   the function raises FIELD_IS_ARRAY, LANGUAGE_NOT_STRING, LANGUAGE_UNKNOWN, NEEDS_STEMMER
    """
    fields = TextFields.of(definition)
    names = list(definition["key"])
    place = names.index("_fts")
    before = [query_path(name) for name in names[:place]]
    after = [query_path(name) for name in names[place + 2 :]]

    def values(document: Document) -> Iterator[list[Any]]:
        front = [_single(document, path) for path in before]
        back = [_single(document, path) for path in after]
        for term, score in term_scores(fields, document).items():
            yield [*front, term, score, *back]

    return values


def _single(document: Document, path: FieldPath) -> Any:
    """The one value of a field beside the text; null where there is none."""
    for value in expand(document, path, leaf_arrays=False):
        if type(value) is list:
            raise errors.FIELD_IS_ARRAY(path=path.text, document=shown(document))
    found = list(expand(document, path, leaf_arrays=False))
    if len(found) > 1:
        raise errors.FIELD_IS_ARRAY(path=path.text, document=shown(document))
    return None if not found or found[0] is MISSING else found[0]
