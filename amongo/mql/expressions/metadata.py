"""$meta: what is known of a document beside its fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from amongo.errors import query as errors
from amongo.mql.expressions.nodes import Document, Evaluate, Expression, Variables
from amongo.mql.expressions.registry import form
from amongo.mql.expressions.scope import Scope
from amongo.mql.metadata import ABSENT, CARRIED, META_KEYWORDS, metadata_field
from amongo.values.missing import MISSING

NOT_YET: Final = "documents carry no metadata but scores, the distance and the place"


@dataclass(frozen=True, slots=True)
class Meta(Expression):
    """The metadata of a keyword; missing where the document carries none."""

    keyword: str

    def fold(self) -> Expression:
        return self

    def compile(self) -> Evaluate:
        name = metadata_field(self.keyword)

        def look(document: Document, variables: Variables) -> Any:
            return document.get(name, MISSING)

        return look


@form("$meta")
def parse_meta(operand: Any, scope: Scope) -> Expression:
    """What is known of a document beside its fields.

    args     a keyword
    result   for "textScore", "score" and "geoNearDistance": double; for "geoNearPoint": the place that was measured;
             for "scoreDetails": document; for "indexKey": the key of the index that a $match at the start of the
             pipeline goes by; missing where documents carry nothing of the kind
    errors   META_NEEDS_STRING, META_UNKNOWN; NOT_SUPPORTED_YET for all keywords but these
    source   manual, $meta
    """
    if type(operand) is not str:
        raise errors.META_NEEDS_STRING()
    if operand not in META_KEYWORDS:
        raise errors.META_UNKNOWN(keyword=operand)
    if operand not in CARRIED and operand not in ABSENT:
        raise errors.NOT_SUPPORTED_YET(name="$meta", reason=NOT_YET)
    return Meta(operand)
