"""Arrays: elements, parts, searching, joining, turning, on the lists of their elements."""

from __future__ import annotations

from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.comparing import equal
from amongo.aggregate.relational.each import Elements
from amongo.aggregate.relational.listing import (
    array_of,
    array_where,
    as_element,
    common_form,
    constant_listing,
    cut,
    elements_of,
    form_of,
    joined_lists,
    length_of,
    listing_in,
    packed,
    unpacked,
)
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_call, lowers_node, reads
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import TRUE, Sql, all_of, any_of, case, integer, listed, negated, sql
from amongo.aggregate.relational.sums import INT_MOST, whole_range
from amongo.aggregate.relational.values import (
    NOTHING,
    NULL_VALUE,
    NULLISH,
    Listing,
    NotLowered,
    Origin,
    Value,
    boolean,
    facts_of,
    literal,
    of_kind,
    tag_of,
)
from amongo.engine.columns import BOOL, DATE, EACH, OBJECT_ID, OTHER, STRING, WHOLE, Path, slot_of
from amongo.mql.expressions.nodes import ArrayExpression, Call, FieldPath
from amongo.values.numbers import exact_int
from amongo.values.types import BsonType

_TAKING_ARRAYS = frozenset(
    {
        "$allElementsTrue",
        "$anyElementTrue",
        "$arrayElemAt",
        "$avg",
        "$concatArrays",
        "$first",
        "$firstN",
        "$in",
        "$indexOfArray",
        "$last",
        "$lastN",
        "$max",
        "$maxN",
        "$min",
        "$minN",
        "$reverseArray",
        "$setDifference",
        "$setIntersection",
        "$setIsSubset",
        "$setUnion",
        "$size",
        "$slice",
        "$sum",
    }
)
"""Operators that want the elements of a field path among their arguments."""

_COMPARED_AS_THEY_ARE = frozenset({STRING, BOOL, DATE, OBJECT_ID, WHOLE})
_MOST_RANGE = 10_000
_MOST_EACH = 20


@reads(Call)
def read_call(node: Call, reading: Reading) -> None:
    """What the arguments read, and the elements of those that are arrays."""
    for child in node.arguments:
        reading.expression(child)
        if node.operator.name in _TAKING_ARRAYS and isinstance(child, FieldPath) and len(child.path.parts) == 1:
            reading.path((*child.path.parts, EACH))


def array_or_null(array: Value) -> Listing | None:
    """The elements of an array that may be null or missing; None where it always is.

    errors   NotLowered where something else may come
    """
    if array.kinds - NULLISH - {BsonType.ARRAY}:
        raise NotLowered("something that is no array may come here")
    return elements_of(array) if BsonType.ARRAY in array.kinds else None


def array_only(array: Value) -> Listing:
    """The elements of what is always an array.

    errors   NotLowered where something else may come
    """
    if not array.only(BsonType.ARRAY):
        raise NotLowered("something that is no array may come here")
    return elements_of(array)


@lowers_node(ArrayExpression)
def array_expression(node: ArrayExpression, scope: Scope) -> Value:
    """An array of so many values, null for missing ones."""
    return array_of(list_of([scope.value(item) for item in node.items]))


def list_of(values: list[Value]) -> Listing:
    """The listing of an array that has these values, null for missing ones."""
    if not values:
        return constant_listing(())
    values = [as_element(value) for value in values]
    form = common_form(values, is_nested=True)
    items = sql("list_value({})", listed(packed(value, form) for value in values))
    return listing_in(form, items, len(values))


@lowers_call("$isArray")
def is_array(arguments: list[Value], scope: Scope) -> Value:
    """Whether it is an array."""
    return boolean(arguments[0].is_kind(BsonType.ARRAY))


@lowers_call("$size")
def size(arguments: list[Value], scope: Scope) -> Value:
    """How many elements."""
    listing = array_only(arguments[0])
    return of_kind(BsonType.INT, length_of(listing), least=0, most=INT_MOST if listing.most is None else listing.most)


# Elements


@lowers_call("$arrayElemAt")
def element_at(arguments: list[Value], scope: Scope) -> Value:
    """The element at a position, from the end if negative."""
    array, index = arguments
    listing = array_or_null(array)
    if listing is None or index.only(*NULLISH):
        return NULL_VALUE
    if not index.is_constant:
        least, most = whole_range(index)
        if index.kinds - NULLISH - {BsonType.INT, BsonType.LONG} or least < -INT_MOST - 1 or most > INT_MOST:
            raise NotLowered("$arrayElemAt with an index that may be no whole number of 32 bits")
        at = index.slots[WHOLE]
        position = sql("({} + CAST({} >= 0 AS BIGINT))", at, at)
    else:
        whole = exact_int(index.constant)
        if whole is None:
            raise NotLowered("$arrayElemAt with an index that is refused")
        position = integer(whole + 1 if whole >= 0 else whole)
    has_both = all_of([array.is_kind(BsonType.ARRAY), negated(index.is_nullish)])
    return _picked(listing, position, has_both, scope)


@lowers_call("$first")
def first(arguments: list[Value], scope: Scope) -> Value:
    """The first element."""
    listing = array_or_null(arguments[0])
    return NULL_VALUE if listing is None else _picked(listing, integer(1), arguments[0].is_kind(BsonType.ARRAY), scope)


@lowers_call("$last")
def last(arguments: list[Value], scope: Scope) -> Value:
    """The last element."""
    listing = array_or_null(arguments[0])
    return NULL_VALUE if listing is None else _picked(listing, integer(-1), arguments[0].is_kind(BsonType.ARRAY), scope)


def _picked(listing: Listing, position: Sql, condition: Sql, scope: Scope) -> Value:
    """The element at a position (1 is the first, -1 the last), missing past the ends; null unless a condition holds."""
    if listing.fields is not None:
        raise NotLowered("an element that is a computed document")
    found = _element(listing, position, scope) if listing.element.tags else NOTHING
    return either([(condition, found)], NULL_VALUE) if condition != TRUE else found


def _element(listing: Listing, position: Sql, scope: Scope) -> Value:
    form = form_of(listing)
    element = scope.kept_condition(sql("list_extract({}, {})", listing.items, position))
    value = unpacked(form, element)
    facts = value.facts.and_(facts_of((BsonType.MISSING,)))
    tag = case([(sql("({} IS NULL)", element), tag_of(BsonType.MISSING))], value.tag)
    found = Value(facts, tag, value.slots, listing=value.listing)
    origin = listing.origin
    if OTHER not in found.slots or origin is None or origin.within is None or origin.items != listing.items:
        return found
    give = origin.within

    def within(rest: Path) -> Value:
        inner = give(rest)
        return _element(inner, position, scope) if inner.element.tags else NOTHING

    return Value(facts, tag, value.slots, origin=Origin(found.slots[OTHER], None, within))


# Searching


@lowers_call("$in")
def contains(arguments: list[Value], scope: Scope) -> Value:
    """Whether a value equals some element."""
    value, array = arguments
    if type(array.constant) is list and len(array.constant) <= _MOST_EACH:
        return boolean(any_of(equal(value, literal(each), scope) for each in array.constant))
    listing = array_only(array)
    slot = _shared_slot(value, listing, scope)
    if slot is not None:
        return boolean(sql("COALESCE(list_contains({}, {}), FALSE)", listing.items, value.slots[slot]))
    return boolean(sql("COALESCE(list_bool_or({}), FALSE)", _matches(value, listing, scope)))


def _shared_slot(value: Value, listing: Listing, scope: Scope) -> str | None:
    """The slot in which a value and the elements can be compared as they are."""
    slots = {slot_of(kind) for kind in listing.element.tags}
    if not listing.is_plain or len(slots) != 1 or not slots <= _COMPARED_AS_THEY_ARE & value.slots.keys():
        return None
    (slot,) = slots
    if slot == WHOLE and value.kinds & {BsonType.DOUBLE, BsonType.DECIMAL}:
        return None
    if slot == STRING and (scope.lowering.collates or BsonType.SYMBOL in value.kinds):
        return None
    return slot


def _matches(value: Value, listing: Listing, scope: Scope) -> Sql:
    """A list that says for each element whether a value equals it."""
    if not listing.element.tags:
        return sql("list_transform({}, lambda e: FALSE)", listing.items)
    value = scope.kept(value)
    elements = Elements(listing, scope)
    return elements.mapped(equal(value, elements.element, scope))


@lowers_call("$indexOfArray")
def index_of(arguments: list[Value], scope: Scope) -> Value:
    """Where a value first occurs in an array; -1 for nowhere."""
    array, value, *window = arguments
    listing = array_or_null(array)
    if listing is None:
        return NULL_VALUE
    asked = [exact_int(each.constant) if each.is_constant else None for each in window]
    if any(each is None or each < 0 for each in asked):
        raise NotLowered("$indexOfArray with bounds that are no constants, or that are refused")
    begin, end = asked[0] if asked else None, asked[1] if len(asked) > 1 else None
    slot = _shared_slot(value, listing, scope)
    if slot is not None and begin is None and value.only(*(kind for kind in value.kinds if slot_of(kind) == slot)):
        place = sql("list_position({}, {})", listing.items, value.slots[slot])
    else:
        matches = _matches(value, listing, scope)
        if begin is not None:
            bounds = integer(begin + 1), integer(INT_MOST if end is None else end)
            matches = sql("list_slice({}, {}, {})", matches, *bounds)
        place = sql("list_position({}, TRUE)", matches)
    index = sql("COALESCE(CAST({} AS BIGINT) + {}, (-1))", place, integer((begin or 0) - 1))
    most = INT_MOST if listing.most is None else listing.most
    return either([(array.is_kind(BsonType.ARRAY), of_kind(BsonType.INT, index, least=-1, most=most))], NULL_VALUE)


# Parts


@lowers_call("$slice")
def slice_(arguments: list[Value], scope: Scope) -> Value:
    """A part of an array: so many from the front, from the end, or from a position on."""
    array, *numbers = arguments
    listing = array_or_null(array)
    if listing is None or any(number.only(*NULLISH) for number in numbers):
        return NULL_VALUE
    bounds = [exact_int(number.constant) if number.is_constant else None for number in numbers]
    if any(each is None for each in bounds) or (len(bounds) == 2 and (bounds[1] or 0) <= 0):
        raise NotLowered("$slice with numbers that are no constants, or that are refused")
    position, count = bounds[0] or 0, bounds[1] if len(bounds) == 2 else None
    most = abs(position) if count is None else count
    most = most if listing.most is None else min(most, listing.most)
    return array_of(cut(listing, lambda items: _sliced(items, position, count), most), array)


def _sliced(items: Sql, position: int, count: int | None) -> Sql:
    if count is None and position >= 0:
        return sql("list_slice({}, 1, {})", items, integer(position))
    if position < 0:
        items, position = sql("list_slice({}, {}, (-1))", items, integer(position)), 0
    if count is None:
        return items
    return sql("list_slice({}, {}, {})", items, integer(position + 1), integer(position + count))


@lowers_call("$reverseArray")
def reverse(arguments: list[Value], scope: Scope) -> Value:
    """The elements from the last to the first."""
    listing = array_or_null(arguments[0])
    if listing is None:
        return NULL_VALUE
    return array_of(cut(listing, lambda items: sql("list_reverse({})", items)), arguments[0])


@lowers_call("$concatArrays")
def concat_arrays(arguments: list[Value], scope: Scope) -> Value:
    """Arrays joined, left to right; null if one is null or missing."""
    if not arguments:
        return literal([])
    listings = [array_or_null(array) for array in arguments]
    present = [each for each in listings if each is not None]
    if len(present) < len(listings):
        return NULL_VALUE
    return array_where(joined_lists(present), all_of(array.is_kind(BsonType.ARRAY) for array in arguments))


@lowers_call("$firstN")
def first_n(arguments: list[Value], scope: Scope) -> Value:
    """So many elements from the front."""
    count, listing = read_count(arguments[0]), array_only(arguments[1])
    most = count if listing.most is None else min(count, listing.most)
    return array_of(cut(listing, lambda items: sql("list_slice({}, 1, {})", items, integer(count)), most))


@lowers_call("$lastN")
def last_n(arguments: list[Value], scope: Scope) -> Value:
    """So many elements from the end."""
    count, listing = read_count(arguments[0]), array_only(arguments[1])
    most = count if listing.most is None else min(count, listing.most)
    return array_of(cut(listing, lambda items: sql("list_slice({}, {}, (-1))", items, integer(-count)), most))


def read_count(value: Value) -> int:
    """A constant number of elements, above zero.

    errors   NotLowered
    """
    count = exact_int(value.constant) if value.is_constant else None
    if count is None or count <= 0:
        raise NotLowered("a number of elements that is no constant, or that is refused")
    return count


@lowers_call("$range")
def number_range(arguments: list[Value], scope: Scope) -> Value:
    """Whole numbers from one up (or down) to, and without, another."""
    begin, end, *steps = arguments
    step = exact_int(steps[0].constant) if steps and steps[0].is_constant else None if steps else 1
    ranges = [whole_range(each) for each in (begin, end)]
    is_whole = all(each.only(BsonType.INT, BsonType.LONG) for each in (begin, end))
    if not is_whole or step is None or step == 0 or any(low < -INT_MOST - 1 or high > INT_MOST for low, high in ranges):
        raise NotLowered("$range of something else than whole numbers of 32 bits, or with a step that is no constant")
    (first_low, first_high), (last_low, last_high) = ranges
    span = last_high - first_low if step > 0 else first_high - last_low
    most = max(0, -(-span // abs(step)))
    if most > _MOST_RANGE:
        raise NotLowered("$range of many numbers")
    items = sql("range({}, {}, {})", begin.slots[WHOLE], end.slots[WHOLE], integer(step))
    low, high = min(first_low, last_low), max(first_high, last_high)
    return array_of(Listing(items, facts_of((BsonType.INT,), least=low, most=high), True, None, most))
