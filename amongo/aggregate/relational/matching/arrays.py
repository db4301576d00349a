"""`$elemMatch`: one element of an array satisfies all conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from amongo.aggregate.relational.inside import Inside
from amongo.aggregate.relational.listing import elements_of, form_of, unpacked
from amongo.aggregate.relational.matching.elements import Lists
from amongo.aggregate.relational.matching.values import TESTS, stored_each, value_condition
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_match, reads
from amongo.aggregate.relational.scope import Scope, shown
from amongo.aggregate.relational.sql import FALSE, Sql
from amongo.aggregate.relational.values import NOTHING, Listing, NotLowered, Value
from amongo.engine.columns import CROSSED, EACH, Path
from amongo.mql.matcher import MatchExpression
from amongo.mql.matcher.arrays import ElemMatch
from amongo.values.types import BsonType


@lowers_match("$elemMatch")
def elem_match(expression: ElemMatch, scope: Scope) -> Sql:
    """Some element of the array at the path."""
    path: Path = tuple(expression.path.split("."))
    value = scope.located(path)
    if CROSSED in value.kinds:
        raise NotLowered(f"an array stands on the way of {shown(path)} in some document")
    if BsonType.ARRAY not in value.kinds:
        return FALSE
    if not expression.takes_documents:
        return some_element(expression, value, scope)
    lists = Lists(scope)
    origin = scope.inside.origin(path)
    if origin is None or EACH in origin:
        listing = elements_of(value)
        return _some_document(expression, lists, lambda rest: _within(listing, lists, rest), scope)
    each = (*origin, EACH)
    scope.lowering.ask((*each, *rest) for rest in _paths(expression.operand))

    def stored(rest: Path) -> Value:
        return _variable_of(stored_each((*each, *rest), scope), lists)

    return _some_document(expression, lists, stored, scope)


def some_element(expression: ElemMatch, value: Value, scope: Scope) -> Sql:
    """Whether some element passes the operators, itself."""
    if expression.takes_documents:
        raise NotLowered("documents in arrays in arrays")
    if BsonType.ARRAY not in value.kinds:
        return FALSE
    listing = elements_of(value)
    if not listing.element.tags:
        return FALSE
    lists = Lists(scope)
    element = unpacked(form_of(listing), lists.variable(listing.items))
    with scope.telling_null(is_told=False):
        return lists.some(value_condition(expression.operand, element, scope))


TESTS["$elemMatch"] = some_element


def _some_document(expression: ElemMatch, lists: Lists, value_of: Callable[[Path], Value], scope: Scope) -> Sql:
    """Whether some element that is a document matches the filter.

    value_of   the value of a path in an element; CROSSED where the element is an array
    errors     NotLowered for a filter that an element without any of the fields passes: it might be no document
    """
    if expression.operand.bind()({}):
        raise NotLowered("a filter of elements that those without its fields pass")
    inner = _ElementScope(scope, _Element(value_of))
    with inner.telling_null(is_told=False):
        condition = inner.condition(expression.operand)
    scope.frame, scope.bound = inner.frame, scope.bound | inner.bound
    return lists.some(condition)


def _within(listing: Listing, lists: Lists, rest: Path) -> Value:
    """The value of a path in the elements of arrays that were computed."""
    if listing.origin is not None and listing.origin.within is not None and listing.origin.items == listing.items:
        return _variable_of(listing.origin.within(rest), lists)
    if listing.fields is None:
        raise NotLowered("a path into documents of a computed array")
    value = unpacked(form_of(listing), lists.variable(listing.items))
    for name in rest:
        if value.fields is None and value.kinds & {BsonType.OBJECT, BsonType.ARRAY}:
            raise NotLowered("a path into documents of a computed array")
        value = NOTHING if value.fields is None else value.fields.get(name or "", NOTHING)
    return value


def _variable_of(listing: Listing, lists: Lists) -> Value:
    return unpacked(form_of(listing), lists.variable(listing.items)) if listing.element.tags else NOTHING


class _Element(Inside):
    """What is inside the element that is looked at."""

    def __init__(self, value_of: Callable[[Path], Value]) -> None:
        self._value_of = value_of

    def value(self, path: Path) -> Value:
        return self._value_of(path)


class _ElementScope(Scope):
    """Lowers the filter of an element: its paths begin there."""

    def __init__(self, outer: Scope, element: _Element) -> None:
        super().__init__(outer.frame, outer.lowering)
        self.bound, self.lambdas = outer.bound, outer.lambdas + 1
        self._element = element

    @property
    def inside(self) -> Inside:
        return self._element


# What is read


@reads(ElemMatch)
def read_elem_match(expression: ElemMatch, reading: Reading) -> None:
    """The array, and what the filter reads in its elements."""
    path = tuple(expression.path.split("."))
    reading.path(path)
    if expression.takes_documents:
        for rest in _paths(expression.operand):
            reading.path((*path, EACH, *rest))
    else:
        reading.path((*path, EACH))


def _paths(expression: MatchExpression) -> Iterator[Path]:
    if expression.path is not None:
        yield tuple(expression.path.split("."))
    if expression.operator != "$elemMatch":
        for child in expression.children:
            yield from _paths(child)
