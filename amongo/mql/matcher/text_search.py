"""`$text`: documents in whose indexed texts the words of a search stand.

What a search means depends on the text index of the collection that is asked, so the node is bound to one when the
query is planned: `Text.search` holds what it means there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from amongo.errors import query as query_errors
from amongo.errors import text as errors
from amongo.mql.matcher.registry import Clause, top_level_operator
from amongo.mql.matcher.tree import Document, Located, Match, MatchExpression, Test
from amongo.mql.text import TextSearch, language_of, parse_search
from amongo.values.types import alias

_OPTIONS: Final = {
    "$search": ("string", ""),
    "$language": ("string", None),
    "$caseSensitive": ("bool", False),
    "$diacriticSensitive": ("bool", False),
}


@dataclass(slots=True)
class BoundSearch:
    """What a `$text` means on the collection that is asked; None until the query is planned."""

    search: TextSearch | None = None


@dataclass(frozen=True, slots=True)
class Text(MatchExpression):
    """A search; the operand holds its options by name, the defaults filled in."""

    operand: Mapping[str, Any]
    bound: BoundSearch = field(default_factory=BoundSearch, compare=False)

    def prepare(self, definition: Mapping[str, Any]) -> TextSearch:
        """Bind the search to a text index, given by its definition.

        errors   NEEDS_STEMMER
        """
        name = self.operand["$language"]
        query = parse_search(
            self.operand["$search"],
            language_of(definition["default_language"] if name is None else name) or "none",
            is_case_sensitive=self.operand["$caseSensitive"],
            is_diacritic_sensitive=self.operand["$diacriticSensitive"],
        )
        search = self.bound.search = TextSearch(query, definition)
        return search

    def bind(self) -> Match:
        bound = self.bound

        def matches(document: Document) -> bool:
            if bound.search is None:
                raise errors.INDEX_REQUIRED()
            return bound.search.matches(document)

        return matches

    def value_test(self) -> Test:
        raise AssertionError("$text is refused below $elemMatch")

    def locate(self, document: Document) -> Located:
        return self.bind()(document), None


@top_level_operator("$text")
def text(clause: Clause) -> MatchExpression:
    """The words of a search stand in the document's indexed texts.

    operand   {$search: string, $language: string, $caseSensitive: bool, $diacriticSensitive: bool}
    errors    NOT_ALLOWED_HERE where a filter is not a query of its own, NEEDS_OBJECT, SEARCH_MISSING, OPTION_TYPE,
              LANGUAGE_UNSUPPORTED, UNKNOWN_OPTION; EXPR_NOT_TOP_LEVEL below $elemMatch
    source    manual, $text
    """
    if not clause.scope.is_top_level:
        raise query_errors.EXPR_NOT_TOP_LEVEL(name="$text")
    if not clause.scope.may_search:
        raise errors.NOT_ALLOWED_HERE()
    operand = clause.operand
    if type(operand) is not dict:
        raise errors.NEEDS_OBJECT()
    if "$search" not in operand:
        raise errors.SEARCH_MISSING()
    options: dict[str, Any] = {}
    for name, (kind, default) in _OPTIONS.items():
        if name in operand and alias(operand[name]) != kind:
            raise errors.OPTION_TYPE(name=name, expected=kind, actual=alias(operand[name]))
        options[name] = operand.get(name, default)
    language = options["$language"]
    if language is not None and language_of(language) is None:
        raise errors.LANGUAGE_UNSUPPORTED(name=language)
    if not operand.keys() <= _OPTIONS.keys():
        raise errors.UNKNOWN_OPTION()
    return Text("$text", None, options)


def searches(expression: MatchExpression | None) -> Iterator[Text]:
    """The `$text` nodes of a tree."""
    if isinstance(expression, Text):
        yield expression
    elif expression is not None:
        for child in expression.children:
            yield from searches(child)
