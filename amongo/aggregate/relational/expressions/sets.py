"""Sets and sorted arrays: elements of one type whose slot compares as MongoDB does, so that equal ones are the same."""

from __future__ import annotations

from dataclasses import replace

from amongo.aggregate.relational.each import Elements
from amongo.aggregate.relational.expressions.arrays import array_only, array_or_null, read_count
from amongo.aggregate.relational.expressions.boolean import truth
from amongo.aggregate.relational.listing import (
    ELEMENT,
    array_of,
    array_where,
    beside,
    constant_listing,
    cut,
    form_of,
    joined_lists,
    length_of,
    packed,
)
from amongo.aggregate.relational.registry import lowers_call, lowers_node
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, TRUE, Sql, all_of, case, integer, listed, sql, word
from amongo.aggregate.relational.values import NULL_VALUE, Listing, NotLowered, Value, boolean, literal, tag_of
from amongo.engine.columns import Facts, slot_of
from amongo.mql.expressions.iteration import SortArray
from amongo.mql.expressions.sets import SetEquals
from amongo.mql.sort_keys import parse_sort
from amongo.values.types import BsonType

_ORDERED = frozenset({BsonType.INT, BsonType.LONG, BsonType.STRING, BsonType.BOOL, BsonType.DATE, BsonType.OBJECT_ID})
_PLACE = word("i")
_NULLS = frozenset({int(BsonType.NULL), int(BsonType.MISSING)})


def sortable_slot(facts: Facts, scope: Scope) -> str:
    """The slot of values, all of one type, by which they sort and are equal.

    errors   NotLowered where types are mixed, or have no such slot
    """
    kinds = facts.tags
    is_double = kinds == {BsonType.DOUBLE} and not facts.has_nan and not facts.has_negative_zero
    if len(kinds) != 1 or not (kinds <= _ORDERED or is_double):
        raise NotLowered("an order or an equality of elements of these types")
    if BsonType.STRING in kinds and (scope.lowering.collates or not facts.is_utf8):
        raise NotLowered("an order of strings under a collation")
    slot = slot_of(min(kinds))
    assert slot is not None
    return slot


def _check_sets(listings: list[Listing], scope: Scope) -> list[Listing]:
    """Those of the listings that have elements, all of one type. errors: NotLowered."""
    given = [each for each in listings if each.element.tags]
    if given:
        sortable_slot(joined_lists(given).element, scope)
        if not all(each.is_plain for each in given):
            raise NotLowered("sets of elements of these types")
    return given


def _as_set(items: Sql) -> Sql:
    return sql("list_sort(list_distinct({}))", items)


def _arrays(arguments: list[Value]) -> list[Listing] | None:
    listings = [array_or_null(array) for array in arguments]
    given = [each for each in listings if each is not None]
    return given if len(given) == len(listings) else None


@lowers_call("$setUnion")
def union(arguments: list[Value], scope: Scope) -> Value:
    """What is in any of the arrays, in order; null if one is null or missing."""
    if not arguments:
        return literal([])
    listings = _arrays(arguments)
    if listings is None:
        return NULL_VALUE
    given = _check_sets(listings, scope)
    found = joined_lists(given) if given else constant_listing(())
    items = _as_set(found.items) if given else found.items
    return array_where(replace(found, items=items, origin=None), _all_arrays(arguments))


def _all_arrays(arguments: list[Value]) -> Sql:
    return all_of(array.is_kind(BsonType.ARRAY) for array in arguments)


@lowers_call("$setIntersection")
def intersection(arguments: list[Value], scope: Scope) -> Value:
    """What is in all of the arrays, in order; null if one is null or missing."""
    if not arguments:
        return literal([])
    listings = _arrays(arguments)
    if listings is None:
        return NULL_VALUE
    given = _check_sets(listings, scope)
    if len(given) < len(listings):
        return array_where(constant_listing(()), _all_arrays(arguments))
    items = given[0].items
    for each in given[1:]:
        items = sql("list_intersect({}, {})", items, each.items)
    return array_where(replace(given[0], items=_as_set(items), origin=None), _all_arrays(arguments))


@lowers_call("$setDifference")
def difference(arguments: list[Value], scope: Scope) -> Value:
    """What is in the first array and not in the second, in the order of the first; null if one is null or missing."""
    listings = _arrays(arguments)
    if listings is None:
        return NULL_VALUE
    left, right = listings
    given = _check_sets(listings, scope)
    if left not in given:
        return array_where(constant_listing(()), _all_arrays(arguments))
    is_first = sql("list_position({}, {}) = {}", left.items, ELEMENT, _PLACE)
    is_other = sql("NOT list_contains({}, {})", right.items, ELEMENT) if right in given else TRUE
    condition = all_of([is_first, is_other])
    items = sql("list_filter({}, lambda {}, {}: {})", left.items, ELEMENT, _PLACE, condition)
    return array_where(replace(left, items=items, origin=None), _all_arrays(arguments))


@lowers_node(SetEquals, "$setEquals")
def are_equal(node: SetEquals, scope: Scope) -> Value:
    """All arrays have the same elements."""
    listings = [array_only(scope.value(argument)) for argument in node.arguments]
    given = _check_sets(listings, scope)
    sets = [scope.kept_condition(_as_set(each.items)) for each in given]
    parts = [sql("COALESCE({} = {}, FALSE)", sets[0], each) for each in sets[1:]]
    if len(given) < len(listings):
        parts += [sql("COALESCE(len({}) = 0, FALSE)", each) for each in sets[:1]]
    return boolean(all_of(parts))


@lowers_call("$setIsSubset")
def is_subset(arguments: list[Value], scope: Scope) -> Value:
    """All elements of the first array are in the second."""
    left, right = (array_only(array) for array in arguments)
    given = _check_sets([left, right], scope)
    if left not in given:
        return boolean(TRUE)
    if right not in given:
        return boolean(sql("COALESCE({} = 0, FALSE)", length_of(left)))
    return boolean(sql("COALESCE(list_has_all({}, {}), FALSE)", right.items, left.items))


@lowers_call("$allElementsTrue")
def all_true(arguments: list[Value], scope: Scope) -> Value:
    """Every element is true."""
    return _truth_of_elements(arguments[0], scope, "COALESCE(list_bool_and({}), TRUE)", TRUE)


@lowers_call("$anyElementTrue")
def any_true(arguments: list[Value], scope: Scope) -> Value:
    """Some element is true."""
    return _truth_of_elements(arguments[0], scope, "COALESCE(list_bool_or({}), FALSE)", FALSE)


def _truth_of_elements(array: Value, scope: Scope, template: str, of_none: Sql) -> Value:
    """
    of_none   the condition where no array has elements
    """
    listing = array_only(array)
    if not listing.element.tags:
        return boolean(of_none)
    elements = Elements(listing, scope)
    return boolean(sql(template, elements.mapped(truth(elements.element))))


# Sorted


@lowers_call("$minN")
def min_n(arguments: list[Value], scope: Scope) -> Value:
    """So many of the smallest elements, the smallest first; null is left out."""
    return _extremes(arguments, scope, "list_sort({}, 'ASC')")


@lowers_call("$maxN")
def max_n(arguments: list[Value], scope: Scope) -> Value:
    """So many of the largest elements, the largest first; null is left out."""
    return _extremes(arguments, scope, "list_sort({}, 'DESC')")


def _extremes(arguments: list[Value], scope: Scope, template: str) -> Value:
    count, listing = read_count(arguments[0]), array_only(arguments[1])
    facts = _without_null(listing.element)
    if not facts.tags:
        return literal([])
    slot = sortable_slot(facts, scope)
    items = listing.items
    if not listing.is_plain:
        elements = Elements(listing, scope)
        values = elements.mapped(elements.element.slots[slot])
        items = sql("list_filter({}, lambda {}: {} IS NOT NULL)", values, ELEMENT, ELEMENT)
    items = sql("list_slice({}, 1, {})", sql(template, items), integer(count))
    return array_of(Listing(items, facts, True, None, count if listing.most is None else min(count, listing.most)))


def _without_null(facts: Facts) -> Facts:
    counts = {tag: rows for tag, rows in facts.counts.items() if tag not in _NULLS}
    return replace(facts, counts=counts)


@lowers_node(SortArray, "$sortArray")
def sort_array(node: SortArray, scope: Scope) -> Value:
    """The elements in order."""
    array = scope.value(node.array)
    listing = array_or_null(array)
    if listing is None:
        return NULL_VALUE
    if not listing.element.tags:
        return array_of(listing, array)
    if type(node.order) is dict:
        return array_of(_by_pattern(listing, node, scope), array)
    return array_of(_by_value(listing, scope, is_descending=node.order < 0), array)


def _by_value(listing: Listing, scope: Scope, *, is_descending: bool) -> Listing:
    """Elements of one type, or null."""
    direction = "list_sort({}, 'DESC', 'NULLS LAST')" if is_descending else "list_sort({}, 'ASC', 'NULLS FIRST')"
    facts = _without_null(listing.element)
    slot = sortable_slot(facts, scope)
    if listing.is_plain:
        return cut(listing, lambda items: sql(direction, items))
    if BsonType.MISSING in listing.element.tags or listing.fields is not None:
        raise NotLowered("an order of elements of these types")
    elements = Elements(listing, scope)
    ordered = sql(direction, elements.mapped(elements.element.slots[slot]))
    tag = case([(sql("({} IS NULL)", ELEMENT), tag_of(BsonType.NULL))], tag_of(min(facts.tags)))
    back = packed(Value(listing.element, tag, {slot: ELEMENT}), form_of(listing))
    items = sql("list_transform({}, lambda {}: {})", ordered, ELEMENT, back)
    return replace(listing, items=items, origin=None)


def _by_pattern(listing: Listing, node: SortArray, scope: Scope) -> Listing:
    """Documents by paths inside of them, all in one direction."""
    pattern = parse_sort(node.order, is_stage=True)
    if pattern.keywords or pattern.natural or len(set(pattern.directions)) != 1:
        raise NotLowered("$sortArray by paths in several directions")
    is_descending = pattern.directions[0] < 0
    elements = Elements(listing, scope)
    keys: list[Sql] = []
    for path in pattern.paths:
        if BsonType.OBJECT not in listing.element.tags:
            raise NotLowered("$sortArray by a path of elements that are no documents")
        key = elements.inside(beside(listing, tuple(path)))
        facts = _without_null(key.facts)
        if facts.tags:
            value = key.slots[sortable_slot(facts, scope)]
            keys += [sql("({} IS NOT NULL)", value), value]
    place = elements.place()
    keys.append(sql("(-{})", place) if is_descending else place)
    parts = listed(sql("{} := {}", word(f"k{at}"), key) for at, key in enumerate(keys))
    keyed = elements.mapped(sql("struct_pack({})", parts))
    ordered = sql("list_sort({}, 'DESC')" if is_descending else "list_sort({})", keyed)
    last = word(f"k{len(keys) - 1}")
    chosen = scope.kept_condition(sql("list_transform({}, lambda {}: abs({}.{}))", ordered, ELEMENT, ELEMENT, last))
    return cut(listing, lambda items: sql("list_select({}, {})", items, chosen))
