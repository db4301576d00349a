"""Text search: languages, terms, scores, searches. Source: manual, Text Search."""

from amongo.mql.text.keys import bind_terms
from amongo.mql.text.languages import language_of
from amongo.mql.text.query import TextQuery, parse_search
from amongo.mql.text.search import TextSearch

__all__ = ["TextQuery", "TextSearch", "bind_terms", "language_of", "parse_search"]
