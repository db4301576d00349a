"""The predicates of a filter, each by the path that it reads: what the fields of an index can be bounded by.

Every match satisfies each of them. A predicate inside an `$elemMatch` reads the path through it, and belongs to it:
two of one `$elemMatch` speak of one and the same element. Source: manual, Multikey Index Bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from amongo.mql.matcher import MatchExpression
from amongo.mql.matcher.joins import negation
from amongo.planner.bounds.comparisons import comparisons
from amongo.planner.bounds.comparisons import finds_missing as total_finds_missing
from amongo.planner.bounds.shape import has_places
from amongo.values.order import Collator


class Element(NamedTuple):
    """The `$elemMatch` that a predicate stands in.

    node    it
    depth   how many components its path has, from the top
    """

    node: MatchExpression
    depth: int


class PlacedPredicate(NamedTuple):
    """A predicate by the path that it reads.

    node       the predicate; below an `$elemMatch` its own path is what is left
    path       the whole path
    elements   the `$elemMatch`es that it stands in, the outermost first
    root       the condition of the filter that it comes from, one of the `$and` at the top
    is_whole   it is that condition: where bounds prove it, nothing is left to ask
    is_total   it compares in the total order of all types, a missing field below null: it comes from `$expr`
    """

    node: MatchExpression
    path: str
    elements: tuple[Element, ...]
    root: MatchExpression
    is_whole: bool
    is_total: bool = False


def conditions(expression: MatchExpression | None) -> tuple[MatchExpression, ...]:
    """The conditions of a filter that all must hold: the children of its `$and`, or itself."""
    if expression is None:
        return ()
    return expression.children if expression.operator == "$and" else (expression,)


def placed_predicates(expression: MatchExpression | None, collator: Collator | None = None) -> list[PlacedPredicate]:
    """The predicates of a filter, in its order.

    collator   of the query
    """
    found: list[PlacedPredicate] = []
    for root in conditions(expression):
        if root.path is not None and root.operator != "$elemMatch":
            found.append(PlacedPredicate(root, root.path, (), root, True))
        else:
            found += _placed(root, "", (), root, True, collator)
    return found


def _placed(
    node: MatchExpression,
    above: str,
    elements: tuple[Element, ...],
    root: MatchExpression,
    is_whole: bool,
    collator: Collator | None,
) -> Iterator[PlacedPredicate]:
    operator = node.operator
    if operator == "$and":
        for child in node.children:
            yield from _placed(child, above, elements, root, False, collator)
    elif operator == "$nor":
        is_single = is_whole and len(node.children) == 1
        for child in node.children:
            yield from _placed(negation(child), above, elements, root, is_single, collator)
    elif operator == "$expr":
        for each in comparisons(node, collator):
            yield PlacedPredicate(each, each.path or "", (), root, False, True)
    elif operator == "$elemMatch" and getattr(node, "takes_documents", False):
        path = _joined(above, node.path)
        if not has_places(f".{path}"):
            inside = (*elements, Element(node, path.count(".") + 1))
            yield from _placed(node.operand, path, inside, root, False, collator)
    else:
        path_read = read_path(node)
        if path_read is not None and not (elements and _enters_place(path_read)):
            yield PlacedPredicate(node, _joined(above, path_read), elements, root, is_whole and not elements)


def read_path(node: MatchExpression) -> str | None:
    """The one path that a predicate reads; None where there are several, or none."""
    if node.path is not None:
        return node.path
    if node.operator not in ("$not", "$or", "$and"):
        return None
    paths = {read_path(child) for child in node.children}
    return paths.pop() if len(paths) == 1 else None


def _joined(above: str, path: str | None) -> str:
    return f"{above}.{path}" if above else path or ""


def _enters_place(path: str) -> bool:
    """Whether a path below an `$elemMatch` begins with what can be a place of an array in the array."""
    return has_places(f".{path}")


def finds_missing(placed: PlacedPredicate) -> bool:
    """Whether a predicate may find a document that has nothing at its path: an index may leave such documents out.

    A path that goes on behind an array of scalars leads to no value at all: there a negation holds, and an expression
    has an empty array.
    """
    node = placed.node
    if placed.is_total:
        return "." in placed.path or total_finds_missing(node)
    if "." in (read_path(node) or "") and _has_negation(node):
        return True
    return node.bind()({})


def _has_negation(node: MatchExpression) -> bool:
    return node.operator == "$not" or (node.operator in ("$or", "$and") and any(map(_has_negation, node.children)))
