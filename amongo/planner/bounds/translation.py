"""From one predicate to the intervals of an index in which everything lies that it finds.

The intervals may hold more than the predicate finds, never less; the tightness says which. A predicate that an index
cannot serve has no intervals: one that finds what the index leaves out, or compares strings otherwise.

An index has the elements of an array and not the array itself, an empty one as undefined; a missing field as null.
Source: manual, Multikey Index Bounds, Indexes and Collation, Sparse Indexes, Hashed Indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from bson import Int64, MaxKey, MinKey, Regex

from amongo.mql.geo.geometry import Geometry
from amongo.mql.geo.plane_grid import PlaneGrid, cap_boxes, flat_boxes
from amongo.mql.matcher import MatchExpression
from amongo.mql.matcher.geospatial import GeoIntersects, GeoWithin
from amongo.planner.bounds.extents import EXTENTS, NULL_POINT, NUMBERS_AND_NAN, OF_TYPES, UNDEFINED_POINT
from amongo.planner.bounds.intervals import (
    ALL,
    EVERYTHING,
    GREATEST,
    LEAST,
    NOTHING,
    Interval,
    OrderedIntervals,
    high_edge,
    low_edge,
    only,
    ordered,
    point,
    points_of,
)
from amongo.planner.bounds.prefixes import prefix_interval, regex_prefix
from amongo.planner.bounds.shape import PLACES, FieldShape, Kind
from amongo.planner.bounds.tightness import Tightness
from amongo.runtime.limits import GEO_QUERY_SQUARES
from amongo.values import order
from amongo.values.hashes import hashed_value
from amongo.values.key_bytes import has_strings, key_bytes
from amongo.values.numbers import is_nan
from amongo.values.order import Collator, canonical_class
from amongo.values.types import NUMERIC_TYPES, BsonType

FETCH: Final = Tightness.INEXACT_FETCH
COVERED: Final = Tightness.INEXACT_COVERED
EXACT: Final = Tightness.EXACT


class Translation(NamedTuple):
    """What a predicate says of the values of one field.

    intervals   everything that it finds has a key in them
    tightness   what being in them proves
    """

    intervals: OrderedIntervals
    tightness: Tightness


Translate = Callable[[MatchExpression, FieldShape], Translation | None]


def translate(node: MatchExpression, field: FieldShape, *, is_total: bool = False) -> Translation | None:
    """The intervals of a predicate on the path of a field; None if the field cannot serve it.

    node      a predicate, its negation, or a disjunction of predicates on this path
    is_total  it compares in the total order of all types, as `$expr` does
    """
    if is_total:
        return _in_total_order(node, field)
    if field.kind is Kind.HASHED:
        return _hashed(node, field)
    if field.kind in PLACES:
        return _placed(node, field)
    write = _WRITERS.get(node.operator)
    return None if write is None else write(node, field)


# Comparisons


def _equal(node: MatchExpression, field: FieldShape) -> Translation | None:
    value = node.operand
    if value is None:
        return _null(field)
    if not _compares(value, node, field):
        return None
    if type(value) is list:
        return Translation(_array_points(value, field.collator), FETCH)
    return Translation(OrderedIntervals((point(value, field.collator),)), EXACT)


def _inequality(node: MatchExpression, field: FieldShape) -> Translation | None:
    operator, value = node.operator, node.operand
    admits_equal = operator in ("$gte", "$lte")
    if value is None:
        return _null(field) if admits_equal else _NONE
    kind = type(value)
    if kind is MinKey or kind is MaxKey:
        return _beyond_extreme(operator, kind, field)
    if not _compares(value, node, field):
        return None
    if is_nan(value):
        return Translation(OrderedIntervals((point(value),)), EXACT) if admits_equal else _NONE
    if kind is list:
        return Translation(only(_array_side(operator, value, field.collator)), FETCH)
    extent = EXTENTS[canonical_class(value)]
    if operator in ("$gt", "$gte"):
        interval = Interval(low_edge(value, field.collator, is_inclusive=admits_equal), extent.high)
    else:
        interval = Interval(extent.low, high_edge(value, field.collator, is_inclusive=admits_equal))
    return Translation(only(interval), EXACT)


def _in_total_order(node: MatchExpression, field: FieldShape) -> Translation | None:
    """A comparison of `$expr`: values of all types take part, and a missing one comes directly before null."""
    operator, value = node.operator, node.operand
    if field.kind is not Kind.ORDERED or field.is_multikey or field.has_places or not _compares(value, node, field):
        return None
    low, high = LEAST, GREATEST
    if operator in ("$eq", "$gt", "$gte"):
        low = low_edge(value, field.collator, is_inclusive=operator != "$gt")
    if operator in ("$eq", "$lt", "$lte"):  # an index has as null what is missing, and that is below null
        high = high_edge(value, field.collator, is_inclusive=operator != "$lt" or value is None)
    return Translation(only(Interval(low, high)), FETCH)


def _compares(value: Any, node: MatchExpression, field: FieldShape) -> bool:
    """Whether the index orders the value as the query does."""
    collator: Collator | None = getattr(node, "collator", None)
    return collator is field.collator or not has_strings(value)


def _null(field: FieldShape) -> Translation | None:
    """Null, or missing: an index has both as null."""
    if field.has_places:
        return None  # a path through a place can lead to something and to nothing in one document
    return Translation(OrderedIntervals((NULL_POINT,)), FETCH if field.is_multikey and field.is_dotted else EXACT)


def _beyond_extreme(operator: str, extreme: type, field: FieldShape) -> Translation:
    """MinKey and MaxKey compare with values of every type, an array as a whole among them."""
    is_above = operator in ("$gt", "$gte")
    admits_equal = operator in ("$gte", "$lte")
    admits_others = is_above == (extreme is MinKey)
    if not admits_others:
        return Translation(OrderedIntervals((point(extreme()),)), EXACT) if admits_equal else _NONE
    if admits_equal or field.is_multikey or field.has_places:
        is_whole = admits_equal and not field.has_places and not (field.is_multikey and field.is_dotted)
        return Translation(EVERYTHING, EXACT if is_whole else FETCH)
    if is_above:
        return Translation(only(Interval(low_edge(MinKey(), is_inclusive=False), GREATEST)), EXACT)
    return Translation(only(Interval(LEAST, high_edge(MaxKey(), is_inclusive=False))), EXACT)


def _array_points(value: list[Any], collator: Collator | None) -> OrderedIntervals:
    """Where an array lies that equals this one: by its first element, or as an element of another array."""
    first = point(value[0], collator) if value else UNDEFINED_POINT
    return ordered((first, point(value, collator)))


def _array_side(operator: str, value: list[Any], collator: Collator | None) -> Interval:
    """Where arrays lie that come before or behind this one: by their first elements, or as elements of others."""
    if operator in ("$gt", "$gte"):
        if not value:
            return ALL
        return Interval(min(low_edge(value, collator), low_edge(value[0], collator)), GREATEST)
    whole = high_edge(value, collator)
    return Interval(LEAST, max(whole, high_edge(value[0], collator)) if value else whole)


def _in(node: MatchExpression, field: FieldShape) -> Translation | None:
    if not _compares(node.operand, node, field):
        return None
    points: dict[bytes, Any] = {}
    others: list[Translation] = []
    for value in node.operand:
        kind = type(value)
        if kind is Regex:
            others.append(_pattern(value, field))
        elif kind is list:
            others.append(Translation(_array_points(value, field.collator), FETCH))
        elif value is None:
            null = _null(field)
            if null is None:
                return None
            others.append(null)
        else:
            points.setdefault(key_bytes(value, field.collator), value)
    found = points_of(points)
    if not others:
        return Translation(found, EXACT)
    intervals = [interval for each in others for interval in each.intervals.intervals]
    return Translation(ordered((*found.intervals, *intervals)), min(each.tightness for each in others))


def _regex(node: MatchExpression, field: FieldShape) -> Translation:
    return _pattern(node.operand, field)


def _pattern(expression: Regex[Any], field: FieldShape) -> Translation:
    itself = point(expression)
    strings = EXTENTS[order.STRING]
    if field.collator is not None:  # the index has its strings by their sort keys
        return Translation(OrderedIntervals((strings, itself)), FETCH)
    prefix = regex_prefix(expression)
    if prefix is None:
        return Translation(OrderedIntervals((strings, itself)), COVERED)
    return Translation(OrderedIntervals((prefix_interval(prefix.text), itself)), EXACT if prefix.is_exact else COVERED)


# Types, existence, remainders


def _exists(node: MatchExpression, field: FieldShape) -> Translation:
    return Translation(EVERYTHING, FETCH)


def _type(node: MatchExpression, field: FieldShape) -> Translation:
    types: frozenset[BsonType] = node.operand
    if BsonType.ARRAY in types:
        return Translation(EVERYTHING, FETCH)
    return Translation(ordered(OF_TYPES[each] for each in types if each in OF_TYPES), _tightness_of_types(types))


def _tightness_of_types(types: frozenset[BsonType]) -> Tightness:
    """An index does not tell null from missing, nor undefined from an empty array, nor how a number was stored."""
    if BsonType.NULL in types or BsonType.UNDEFINED in types:
        return FETCH
    has_strings_and_symbols = (BsonType.STRING in types) == (BsonType.SYMBOL in types)
    return EXACT if has_strings_and_symbols and types & NUMERIC_TYPES in (frozenset(), NUMERIC_TYPES) else COVERED


def _mod(node: MatchExpression, field: FieldShape) -> Translation:
    return Translation(OrderedIntervals((NUMBERS_AND_NAN,)), COVERED)


# Joins


def _not(node: MatchExpression, field: FieldShape) -> Translation | None:
    (child,) = node.children
    if child.operator == "$exists":
        return Translation(OrderedIntervals((NULL_POINT,)), FETCH)
    if child.operator not in _NEGATED:
        return None
    operands = child.operand if child.operator == "$in" else [child.operand]
    if any(type(each) in (list, Regex) for each in operands):
        return None
    found = translate(child, field)
    if found is None or found.tightness is not EXACT:
        return None
    return Translation(found.intervals.complement(), FETCH if field.is_multikey else EXACT)


_NEGATED: Final = frozenset({"$eq", "$in", "$gt", "$gte", "$lt", "$lte"})


def _or(node: MatchExpression, field: FieldShape) -> Translation | None:
    """Some of several predicates, all of this path."""
    found = NOTHING
    tightness = EXACT
    for child in node.children:
        each = translate(child, field)
        if each is None:
            return None
        found, tightness = found.union(each.intervals), min(tightness, each.tightness)
    return Translation(found, tightness)


def _and(node: MatchExpression, field: FieldShape) -> Translation | None:
    """All of several predicates on this path; on arrays each may hold of another element, so that one alone counts."""
    served = [each for each in (translate(child, field) for child in node.children) if each is not None]
    if not served:
        return None
    if field.is_multikey:
        return Translation(served[0].intervals, FETCH)
    return _all_of(served, is_whole=len(served) == len(node.children))


def _elem_match(node: MatchExpression, field: FieldShape) -> Translation | None:
    """What one and the same element must be: the predicates on elements themselves."""
    condition = node.operand
    if getattr(node, "takes_documents", True) or field.has_places:
        return None
    children = condition.children if condition.operator == "$and" else (condition,)
    served = [each for each in (translate(child, field) for child in children) if each is not None]
    return _all_of(served, is_whole=False) if served else None


def _all_of(served: Iterable[Translation], *, is_whole: bool) -> Translation:
    found = EVERYTHING
    tightness = EXACT if is_whole else FETCH
    for each in served:
        found, tightness = found.intersection(each.intervals), min(tightness, each.tightness)
    return Translation(found, tightness)


_NONE: Final = Translation(NOTHING, EXACT)

_WRITERS: Final[Mapping[str, Translate]] = {
    "$eq": _equal,
    "$gt": _inequality,
    "$gte": _inequality,
    "$lt": _inequality,
    "$lte": _inequality,
    "$in": _in,
    "$regex": _regex,
    "$exists": _exists,
    "$type": _type,
    "$mod": _mod,
    "$not": _not,
    "$or": _or,
    "$and": _and,
    "$elemMatch": _elem_match,
}


# Hashes


def _hashed(node: MatchExpression, field: FieldShape) -> Translation | None:
    """The hashes of what equals a value; numbers that differ in their fractions have one hash."""
    if node.operator == "$eq":
        operands = [node.operand]
    elif node.operator == "$in":
        operands = node.operand
    elif node.operator == "$not" and node.children[0].operator == "$exists":
        operands = [None]
    else:
        return None
    if any(type(each) in (list, Regex) for each in operands):
        return None
    if has_strings(operands) and (field.collator is not None or not _compares(operands, node, field)):
        return None
    return Translation(ordered(point(hashed_value(each)) for each in operands), FETCH)


# Places


def _placed(node: MatchExpression, field: FieldShape) -> Translation | None:
    """The squares that cover the region in which places have to lie, or that they have to meet."""
    if not isinstance(node, GeoWithin | GeoIntersects):
        return None
    geometry = node.operand
    ranges = _sphere_ranges(geometry) if field.kind is Kind.SPHERE else _plane_ranges(geometry, field.grid)
    if ranges is None:
        return None
    intervals = (Interval(low_edge(Int64(low)), high_edge(Int64(high))) for low, high in ranges)
    return Translation(ordered(intervals), FETCH)


def _sphere_ranges(geometry: Geometry) -> list[tuple[int, int]] | None:
    """What lies in the squares, and the larger squares that they lie in, as which a place may be known."""
    if not geometry.is_on_sphere:
        return None
    squares = geometry.squares(GEO_QUERY_SQUARES)
    above = {each.number for square in squares for each in square.above}
    return [*(square.range for square in squares), *((number, number) for number in above)]


def _plane_ranges(geometry: Geometry, grid: PlaneGrid | None) -> list[tuple[int, int]] | None:
    assert grid is not None
    if geometry.region is not None:
        boxes = flat_boxes(geometry.region)
    elif geometry.cap is not None:
        boxes = cap_boxes(geometry.cap)
    else:
        return None
    return [found for box in boxes for found in grid.ranges(box, GEO_QUERY_SQUARES)]
