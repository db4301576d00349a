"""The plan of a query with `$text`: the documents that the text index has for the words of the search.

Each word is a range of the index; what it gives is matched in full, since phrases, negations and case are not in the
index. Source: manual, $text, "Restrictions"; Text Indexes, "Compound Text Indexes".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from amongo.engine.indexes import Index, record_id_of
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.errors import text as errors
from amongo.mql.index_keys import KeyMaker, key_maker
from amongo.mql.matcher import MatchExpression, Text, searches
from amongo.mql.text import TextSearch
from amongo.values.key_bytes import compound, key_bytes

Document = dict[str, Any]

_BY_DISTANCE = frozenset({"$near", "$nearSphere", "$geoNear"})


@dataclass(frozen=True, slots=True)
class TextScan:
    """The documents that a text index has for some words.

    index    the text index
    prefix   with which every key begins: of the fields before the text
    search   what is searched
    """

    index: Index
    prefix: bytes
    search: TextSearch

    def records(self, store: Store, collection: Collection) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes), each once: word by word, by what the index says of each, least first."""
        with store.lock:
            view, entries = collection.view(), self.index.entries.view()
        seen: set[int] = set()
        for term in sorted(self.search.query.terms, reverse=True):
            low = self.prefix + key_bytes(term)
            for record_id in map(record_id_of, entries.between(low, low + b"\xff")):
                raw = view.record(record_id)
                if record_id not in seen and raw is not None:
                    seen.add(record_id)
                    yield record_id, raw


def check_search(expression: MatchExpression | None, *, has_hint: bool, is_natural: bool) -> Text | None:
    """The `$text` of a filter, if it stands where it may; None if there is none.

    errors   TWICE, IN_NOR, WITH_NEAR, WITH_HINT, WITH_NATURAL
    """
    found = list(searches(expression))
    if not found:
        return None
    assert expression is not None
    if len(found) > 1:
        raise errors.TWICE()
    if _is_below(expression, "$nor"):
        raise errors.IN_NOR()
    if not _BY_DISTANCE.isdisjoint(_operators(expression)):
        raise errors.WITH_NEAR()
    if has_hint:
        raise errors.WITH_HINT()
    if is_natural:
        raise errors.WITH_NATURAL()
    return found[0]


def _operators(expression: MatchExpression) -> Iterator[str]:
    yield expression.operator
    for child in expression.children:
        yield from _operators(child)


def _is_below(expression: MatchExpression, operator: str) -> bool:
    """Whether a `$text` stands below an operator."""
    if expression.operator == operator:
        return any(True for _ in searches(expression))
    return any(_is_below(child, operator) for child in expression.children)


def text_scan(expression: MatchExpression, collection: Collection) -> TextScan | None:
    """The scan of the collection's text index for a filter with `$text`; None where the filter finds other documents
    as well, and each is to be looked at. Either way the filter is ready to match.

    errors   INDEX_REQUIRED, INDEX_UNUSABLE, UNINDEXED_BRANCH, NEEDS_STEMMER
    """
    definitions = [each for each in collection.indexes.values() if "_fts" in each["key"]]
    if not definitions:
        raise errors.INDEX_REQUIRED()
    definition = definitions[0]
    if definition.get("hidden"):
        raise errors.INDEX_UNUSABLE(namespace=collection.namespace)
    (node,) = searches(expression)
    maker = key_maker(definition)
    prefix = _prefix(expression, definition, maker)
    if prefix is None:
        raise errors.INDEX_UNUSABLE(namespace=collection.namespace)
    search = node.prepare(definition)
    if not _is_required(expression):
        _check_branches(expression, collection)
        return None
    assert collection.secondary is not None
    index = collection.secondary.named(definition["name"])
    assert index is not None
    return TextScan(index, prefix, search)


def _prefix(expression: MatchExpression, definition: Mapping[str, Any], maker: KeyMaker) -> bytes | None:
    """The bytes of the fields that stand before the text; None if the filter does not say what they equal."""
    names = list(definition["key"])
    before = names[: names.index("_fts")]
    wanted = dict(_equalities(expression))
    if not wanted.keys() >= set(before):
        return None
    return compound([wanted[name] for name in before], maker.directions[: len(before)])


def _equalities(expression: MatchExpression) -> Iterator[tuple[str, Any]]:
    """(path, value) of what every match equals."""
    if expression.operator == "$eq" and expression.path is not None:
        yield expression.path, expression.operand
    elif expression.operator == "$and":
        for child in expression.children:
            yield from _equalities(child)


def _is_required(expression: MatchExpression) -> bool:
    """Whether every match satisfies the `$text`."""
    if isinstance(expression, Text):
        return True
    if expression.operator == "$or" and len(expression.children) > 1:
        return False
    return expression.operator in ("$and", "$or") and any(map(_is_required, expression.children))


def _check_branches(expression: MatchExpression, collection: Collection) -> None:
    """Refuse a `$text` beside filters that no index serves.

    errors   UNINDEXED_BRANCH
    """
    if expression.operator == "$or" and any(True for _ in searches(expression)):
        first = {next(iter(each["key"])) for each in collection.indexes.values() if not each.get("hidden")}
        for child in expression.children:
            if not any(True for _ in searches(child)) and first.isdisjoint(_paths(child)):
                raise errors.UNINDEXED_BRANCH(namespace=collection.namespace)
    for child in expression.children:
        _check_branches(child, collection)


def _paths(expression: MatchExpression) -> Iterator[str]:
    """The paths of the predicates that every match satisfies."""
    if expression.path is not None:
        yield expression.path
    elif expression.operator == "$and":
        for child in expression.children:
            yield from _paths(child)
