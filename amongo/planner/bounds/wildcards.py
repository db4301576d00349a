"""Which parts of a wildcard index serve a predicate.

A wildcard index has a key for each path to a value that is no document of its own: the path and the value. It serves a
predicate on one path that it takes in; not one that finds what is missing, nor one that compares documents or arrays
as a whole, nor `_id` unless its projection shows it. Source: manual, Wildcard Indexes, Wildcard Index Restrictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amongo.mql.matcher import MatchExpression
from amongo.mql.projections import parse_projection
from amongo.planner.bounds.extents import EXTENTS
from amongo.planner.bounds.intervals import EVERYTHING, OrderedIntervals, ordered, point
from amongo.planner.bounds.predicates import PlacedPredicate, finds_missing
from amongo.planner.bounds.prefixes import below
from amongo.planner.bounds.shape import FieldShape, IndexShape, has_places
from amongo.planner.bounds.tightness import Tightness
from amongo.planner.bounds.translation import Translation, translate
from amongo.values import order
from amongo.values.paths import is_index

PATH_FIELD: Final = "$_path"

_DOCUMENTS: Final = OrderedIntervals((EXTENTS[order.OBJECT],))
_EMPTY_DOCUMENT: Final = OrderedIntervals((point({}),))


def serves(placed: PlacedPredicate, shape: IndexShape) -> bool:
    """Whether a wildcard index has a key for whatever a predicate finds."""
    is_multikey = bool(shape.arrays_on(placed.path))
    if placed.is_total or _compares_whole(placed.node) or finds_missing(placed):
        return False
    if placed.node.operator == "$elemMatch" and has_places(placed.path):
        return False  # it may be an array in an array
    paths = key_paths(placed.path, is_multikey=is_multikey)
    return paths is not None and all(takes_in(shape.definition, path) for path in paths)


def key_paths(path: str, *, is_multikey: bool) -> list[str] | None:
    """The paths by which keys have what a path leads to; None if keys do not say.

    A component that can be a place in an array is not in the path of a key: what ends in one is at either of two paths.
    What goes on behind one may lead into an array in the array, of which there is one key as a whole.
    """
    parts = path.split(".")
    if not is_multikey or not any(map(is_index, parts[1:])):
        return [path]
    if any(map(is_index, parts[1:-1])):
        return None
    return [path, ".".join(parts[:-1])]


def value_field(shape: IndexShape, field: FieldShape, path: str) -> FieldShape:
    """The field of the values at a path. field: the wildcard"""
    return FieldShape(path, direction=field.direction, collator=field.collator, arrays=shape.arrays_on(path))


def translate_value(placed: PlacedPredicate, field: FieldShape) -> Translation | None:
    """The intervals of the values at the path of a predicate.

    A document is not among them, its fields are: where documents can be found, every value counts.
    """
    # The places of a path are no matter here: the paths of the keys say where to look.
    plain = FieldShape("", direction=field.direction, collator=field.collator, arrays=field.arrays)
    found = translate(placed.node, plain)
    if found is None:
        return None
    documents = found.intervals.intersection(_DOCUMENTS)
    if not documents.intervals:
        return Translation(found.intervals, Tightness.INEXACT_FETCH) if field.has_places else found
    if documents == _EMPTY_DOCUMENT:
        return Translation(found.intervals, Tightness.INEXACT_FETCH)
    is_exact = placed.node.operator == "$exists" and not field.has_places
    return Translation(EVERYTHING, Tightness.EXACT if is_exact else Tightness.INEXACT_FETCH)


def path_intervals(paths: list[str], values: OrderedIntervals) -> OrderedIntervals:
    """The intervals of the paths of keys that have these values."""
    intervals = [point(path) for path in paths]
    if values.is_everything:
        intervals += [below(path) for path in paths]
    return ordered(intervals)


def _compares_whole(node: MatchExpression) -> bool:
    """Whether a predicate compares with documents or arrays that are not empty, or with any of them by order."""
    if node.operator in ("$or", "$and", "$not"):
        return any(map(_compares_whole, node.children))
    if node.operator in ("$gt", "$gte", "$lt", "$lte"):
        return type(node.operand) in (dict, list)
    if node.operator not in ("$eq", "$in"):
        return False
    operands = node.operand if node.operator == "$in" else [node.operand]
    return any(type(each) in (dict, list) and bool(each) for each in operands)


def takes_in(definition: Mapping[str, Any], path: str) -> bool:
    """Whether a wildcard index has keys for a path."""
    wildcard = next(name for name in definition["key"] if name.endswith("$**"))
    if wildcard != "$**":
        root = wildcard.removesuffix("$**")
        return path.startswith(root) and not has_places(root)  # such a root leads through documents alone
    projection = definition.get("wildcardProjection")
    if projection is None:
        return path.partition(".")[0] != "_id"
    if "_id" not in projection:
        projection = {**projection, "_id": 0}
    probe: Any = 1
    for name in reversed(path.split(".")):
        probe = {name: probe}
    shown = parse_projection(projection, is_stage=True).apply(probe)
    for name in path.split("."):
        if type(shown) is not dict or name not in shown:
            return False
        shown = shown[name]
    return True
