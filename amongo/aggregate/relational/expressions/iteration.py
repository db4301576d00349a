"""$map, $filter, $reduce: lambdas over lists. What they compute for each element cannot be kept in a column."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.each import Elements
from amongo.aggregate.relational.expressions.boolean import truth
from amongo.aggregate.relational.listing import (
    MOST_LAMBDAS,
    array_of,
    as_element,
    common_form,
    cut,
    elements_of,
    length_of,
    listing_in,
    packed,
)
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_node, reads
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, integer, parameter, sql
from amongo.aggregate.relational.sums import INT_MOST, LONG_MOST, whole_range
from amongo.aggregate.relational.values import NULL_VALUE, NULLISH, Listing, NotLowered, Value, of_kind
from amongo.engine.columns import DOUBLE, EACH, STRING, WHOLE
from amongo.mql.expressions import Expression
from amongo.mql.expressions.iteration import Filter, Map, Reduce
from amongo.mql.expressions.nodes import Call, FieldPath, Literal, Variable
from amongo.values.numbers import exact_integer
from amongo.values.types import BsonType

_LARGE = 1e300
_ROUNDED_UP = 1 + 2.0**-30


@reads(Map, Filter, Reduce)
def read_iteration(node: Map | Filter | Reduce, reading: Reading) -> None:
    """The elements, and what is read inside of them."""
    for child in node.children():
        reading.expression(child)
    if isinstance(node.array, FieldPath):
        body = node.test if isinstance(node, Filter) else node.body
        inner = set(_paths_of(body, "this" if isinstance(node, Reduce) else node.name))
        if isinstance(node, Filter):
            inner.add(())
        for path in sorted(inner):
            reading.path((*node.array.path.parts, EACH, *path))


def _paths_of(expression: Expression, name: str) -> Iterator[tuple[str, ...]]:
    """The paths inside a variable that an expression reads; () for the variable itself."""
    if isinstance(expression, Variable) and expression.name == name:
        yield () if expression.path is None else expression.path.parts
    for child in expression.children():
        yield from _paths_of(child, name)


@contextmanager
def each_of(listing: Listing, name: str, scope: Scope) -> Iterator[Elements]:
    """Lower what stands inside the block with a variable for each element.

    errors   NotLowered where lambdas stand too deep in one another
    """
    if scope.lambdas >= MOST_LAMBDAS:
        raise NotLowered(f"more than {MOST_LAMBDAS} expressions over elements in one another")
    elements = Elements(listing, scope)
    scope.lambdas += 1
    try:
        with scope.binding({name: elements.element}):
            yield elements
    finally:
        scope.lambdas -= 1


def _array(expression: Expression, scope: Scope) -> tuple[Value, Listing | None]:
    """(the array, its elements); None where it is null or missing everywhere.

    errors   NotLowered where something else may come
    """
    array = scope.value(expression)
    if array.kinds - NULLISH - {BsonType.ARRAY}:
        raise NotLowered("something that is no array may come here")
    return array, elements_of(array) if BsonType.ARRAY in array.kinds else None


@lowers_node(Map, "$map")
def map_(node: Map, scope: Scope) -> Value:
    """A value for each element, null where it is missing."""
    array, listing = _array(node.array, scope)
    if listing is None:
        return NULL_VALUE
    if not listing.element.tags:
        return array_of(listing, array)
    with each_of(listing, node.name, scope) as elements:
        body = as_element(scope.value(node.body))
        form = common_form([body], is_nested=True)
        items = elements.mapped(packed(body, form))
    return array_of(listing_in(form, items, listing.most), array)


@lowers_node(Filter, "$filter")
def filter_(node: Filter, scope: Scope) -> Value:
    """The elements for which the test is true, at most `limit` of them."""
    array, listing = _array(node.array, scope)
    if listing is None:
        return NULL_VALUE
    limit = _limit(node.limit)
    if not listing.element.tags:
        return array_of(listing, array)
    with each_of(listing, node.name, scope) as elements:
        found = elements.chosen(truth(scope.value(node.test)))
    if limit is not None:
        most = limit if found.most is None else min(limit, found.most)
        found = cut(found, lambda items: sql("list_slice({}, 1, {})", items, integer(limit)), most)
    return array_of(found, array)


def _limit(limit: Expression) -> int | None:
    if not isinstance(limit, Literal):
        raise NotLowered("$filter with a limit that is no constant")
    if limit.value is None:
        return None
    count = exact_integer(limit.value)
    if count is None or not 1 <= count <= INT_MOST:
        raise NotLowered("$filter with a limit that is refused")
    return count


@lowers_node(Reduce, "$reduce")
def reduce(node: Reduce, scope: Scope) -> Value:
    """Sums of whole numbers that stay in their type, and strings joined; what else a body may be is not lowered."""
    body, initial = node.body, node.initial
    if not isinstance(body, Call) or body.operator.name not in ("$add", "$concat") or not isinstance(initial, Literal):
        raise NotLowered("$reduce with another body than $add or $concat of $$value and something")
    if not body.arguments or body.arguments[0] != Variable("value") or len(body.arguments) != 2:
        raise NotLowered("$reduce with another body than $add or $concat of $$value and something")
    if any(_paths_of(body.arguments[1], "value")):
        raise NotLowered("$reduce with a body that reads $$value twice")
    array, listing = _array(node.array, scope)
    start = scope.value(initial)
    if listing is None:
        return NULL_VALUE
    if not listing.element.tags:
        found = start
    else:
        with each_of(listing, "this", scope) as elements:
            value = scope.value(body.arguments[1])
            fold = _joined if body.operator.name == "$concat" else _added
            found = fold(start, value, elements, listing)
    return either([(array.is_kind(BsonType.ARRAY), found)], NULL_VALUE)


def _added(start: Value, value: Value, elements: Elements, listing: Listing) -> Value:
    """The sum of a constant and a number for each element, all of one type that the sum never leaves."""
    if value.only(BsonType.DOUBLE):
        return _added_doubles(start, value, elements, listing)
    is_one_type = value.kinds == start.kinds and (value.only(BsonType.INT) or value.only(BsonType.LONG))
    if not is_one_type or listing.most is None:
        raise NotLowered("$reduce with $add of several types, or of arrays of any length")
    least, most = whole_range(value)
    low = int(start.constant) + min(0, least * listing.most)
    high = int(start.constant) + max(0, most * listing.most)
    limit = INT_MOST if value.only(BsonType.INT) else LONG_MOST
    if low < -limit or high > limit:
        raise NotLowered("$reduce with $add that may pass its type")
    total = sql("list_sum({})", elements.mapped(value.slots[WHOLE]))
    summed = sql("(CAST(COALESCE({}, 0) AS BIGINT) + {})", total, start.slots[WHOLE])
    return of_kind(min(value.kinds), summed, least=low, most=high)


def _added_doubles(start: Value, value: Value, elements: Elements, listing: Listing) -> Value:
    """Doubles added one after the other, each time rounded as the machine does it; the start where there are none."""
    facts = value.facts
    is_known = facts.low is not None and facts.high is not None and not (facts.has_nan or facts.has_infinity)
    if not is_known or listing.most is None or type(start.constant) not in (int, float):
        raise NotLowered("$reduce with $add of doubles of which too little is known")
    first = float(start.constant)
    limit = abs(first) + listing.most * max(abs(facts.low or 0.0), abs(facts.high or 0.0))
    if not limit < _LARGE or math.copysign(1.0, first) < 0:
        raise NotLowered("$reduce with $add of large doubles, or from a number below zero")
    template = "list_reduce({}, lambda s, e: s + e, {})"
    total = sql(template, elements.mapped(value.slots[DOUBLE]), parameter(first, "DOUBLE"))
    known = {"low": -limit * _ROUNDED_UP, "high": limit * _ROUNDED_UP, "low_bit": min(facts.low_bit or 0, -1074)}
    summed = of_kind(BsonType.DOUBLE, total, **known, has_negative_zero=True)
    return either([(sql("COALESCE({} = 0, TRUE)", length_of(listing)), start)], summed)


def _joined(start: Value, value: Value, elements: Elements, listing: Listing) -> Value:
    """A constant and a string for each element, one behind the other."""
    if not start.only(BsonType.STRING) or not value.only(BsonType.STRING) or listing.most is None:
        raise NotLowered("$reduce with $concat of something else than strings")
    joined = sql("COALESCE(list_aggregate({}, 'string_agg', ''), '')", elements.mapped(value.slots[STRING]))
    size = start.facts.string_bytes + listing.most * value.facts.string_bytes
    is_ascii = start.facts.is_ascii and value.facts.is_ascii
    text: Sql = sql("({} || {})", start.slots[STRING], joined)
    return of_kind(BsonType.STRING, text, is_ascii=is_ascii, string_bytes=size)
