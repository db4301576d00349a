"""`arrayFilters`: which elements `$[id]` means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from amongo.errors import update as errors
from amongo.mql.updates.inner_filters import parse_inner_filter
from amongo.mql.updates.registry import UpdateContext
from amongo.mql.updates.tree import ArrayFilters
from amongo.values.types import alias

_IDENTIFIER = re.compile(r"[a-z][a-zA-Z0-9]*")


def parse_array_filters(filters: list[dict[str, Any]], context: UpdateContext) -> ArrayFilters:
    """The tests of elements by identifier.

    filters   filter documents, each about the paths under one identifier
    errors    ARRAY_FILTER_TYPE, ARRAY_FILTER_WITHOUT_FIELD, ARRAY_FILTER_TWO_FIELDS, ARRAY_FILTER_NAME,
              ARRAY_FILTER_TWICE; those of the filter
    source    manual, $[<identifier>]
    """
    tests: ArrayFilters = {}
    for position, document in enumerate(filters):
        if type(document) is not dict:
            raise errors.ARRAY_FILTER_TYPE(position=position, kind=alias(document))
        matches = parse_inner_filter(document, context)
        name = _identifier(document)
        if name in tests:
            raise errors.ARRAY_FILTER_TWICE(name=name)
        tests[name] = _on_element(name, matches)
    return tests


def _on_element(name: str, matches: Callable[[dict[str, Any]], bool]) -> Callable[[Any], bool]:
    return lambda item: matches({name: item})


def _identifier(document: dict[str, Any]) -> str:
    found = ""
    for name in _top_level_names(document):
        if found and name != found:
            raise errors.ARRAY_FILTER_TWO_FIELDS(first=found, second=name)
        found = name
    if not found:
        raise errors.ARRAY_FILTER_WITHOUT_FIELD()
    if not _IDENTIFIER.fullmatch(found):
        raise errors.ARRAY_FILTER_NAME(name=found)
    return found


def _top_level_names(document: dict[str, Any]) -> Iterator[str]:
    for name, operand in document.items():
        if not name.startswith("$"):
            yield name.partition(".")[0]
        elif type(operand) is list:
            for inner in operand:
                if type(inner) is dict:
                    yield from _top_level_names(inner)
