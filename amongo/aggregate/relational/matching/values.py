"""Match operators as tests of values, and match expressions of paths as conditions.

A filter on a path holds if any value that the path leads to passes the operator's test: the value at the end of the
path, each element of an array that stands there, and, where an array stands on the way, what its documents hold. So
each operator is written once, as a test of one value (`@tests`), and `path_condition` does the rest.

Tests give conditions that are never NULL, unless the scope allows it (`Scope.null_is_false`): then NULL may stand for
false, which is cheaper to compute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from amongo.aggregate.relational.listing import elements_of, form_of, unpacked
from amongo.aggregate.relational.lowering import holds_plain, list_column
from amongo.aggregate.relational.matching.elements import Lists
from amongo.aggregate.relational.registry import lowers_match
from amongo.aggregate.relational.scope import Scope, shown
from amongo.aggregate.relational.sql import FALSE, Sql, all_of, any_of, column, integer, negated, sql
from amongo.aggregate.relational.values import NOTHING, Form, Listing, NotLowered, Value, literal, without
from amongo.engine.columns import CROSSED, DATE, EACH, OBJECT_ID, STRING, WHOLE, Path, slot_of
from amongo.mql.matcher import MatchExpression
from amongo.mql.matcher.tree import Predicate
from amongo.values.paths import is_index
from amongo.values.types import BsonType

Test = Callable[[Any, Value, Scope], Sql]

TESTS: Final[dict[str, Test]] = {}
"""Match operator -> (match expression, value, scope) -> whether the value passes, arrays taken whole."""

_MOST_POSITION: Final = 10_000


def tests(*names: str) -> Callable[[Test], Test]:
    """Register the test of one value for match operators; their conditions on paths follow from it."""

    def enter(test: Test) -> Test:
        for name in names:
            TESTS[name] = test
        return test

    lowers_match(*names)(path_condition)
    return enter


def value_condition(expression: MatchExpression, value: Value, scope: Scope) -> Sql:
    """Whether one value passes a match expression, its paths left aside, as `$elemMatch` asks about an element.

    errors   NotLowered
    """
    name = expression.operator
    if name == "$and":
        return all_of([value_condition(child, value, scope) for child in expression.children])
    if name == "$or":
        return any_of([value_condition(child, value, scope) for child in expression.children])
    if name in ("$nor", "$not"):
        with scope.telling_null():
            return negated(any_of([value_condition(child, value, scope) for child in expression.children]))
    test = TESTS.get(name)
    if test is None:
        raise NotLowered(f"{name} is not lowered for elements")
    return test(expression, value, scope)


def path_condition(expression: Predicate, scope: Scope) -> Sql:
    """Whether some value that the path of a match expression leads to passes its test.

    errors   NotLowered, Unread
    """
    path: Path = tuple(expression.path.split("."))
    test = TESTS[expression.operator]
    value = scope.located(path)
    parts = []
    if not value.only(CROSSED):
        parts.append(test(expression, without(value, CROSSED), scope))
    if expression.fans_out and BsonType.ARRAY in value.kinds:
        listing = elements_of(value)
        parts.append(_some(expression, form_of(listing), listing.items, scope))
    if CROSSED in value.kinds:
        parts += _crossing(expression, path, scope)
    return any_of(parts)


def _some(expression: Predicate, form: Form, items: Sql, scope: Scope) -> Sql:
    """Whether some element passes, elements taken whole."""
    if not form.element.tags:
        return FALSE
    sought = _sought(expression, form)
    if sought is not None:
        return sql("COALESCE(list_contains({}, {}), FALSE)", items, sought)
    lists = Lists(scope)
    return lists.some(_test_of(expression)(expression, unpacked(form, lists.variable(items)), scope))


def _sought(expression: Predicate, form: Form) -> Sql | None:
    """What to look for in a list of plain elements, where a filter asks whether one is equal to it."""
    if not form.is_plain or expression.operator != "$eq" or getattr(expression, "collator", None) is not None:
        return None
    operand = literal(expression.operand)
    ((slot, sought),) = operand.slots.items() or (("", None),)
    is_alike = slot in (WHOLE, STRING, DATE, OBJECT_ID) and {slot} == set(map(slot_of, form.element.tags))
    return sought if is_alike else None


def _test_of(expression: Predicate) -> Test:
    return TESTS[expression.operator]


# Arrays on the way


def _crossing(expression: Predicate, path: Path, scope: Scope) -> list[Sql]:
    """The conditions that some value passes which the path leads to through an array, one for each place of it."""
    origin = scope.inside.origin(path)
    if origin is None or EACH in origin:
        raise NotLowered(f"an array stands on the way of {shown(path)} in some document")
    places = [(origin[:at], origin[at:]) for at in range(1 + len(origin) - len(path), len(origin))]
    scope.lowering.ask((*head, EACH, *rest) for head, rest in places)
    conditions = []
    for head, rest in places:
        conditions.append(_some_leaf(expression, head, rest, scope))
        name = rest[0]
        if name is not None and is_index(name):
            conditions.append(_at_position(expression, head, int(name), rest[1:], scope))
    return conditions


def _some_leaf(expression: Predicate, head: Path, rest: Path, scope: Scope) -> Sql:
    """Whether some document of the arrays at `head` has a value at `rest` that passes."""
    form, items = _leaves(expression, head, rest, scope)
    return _some(expression, form, items, scope)


def _leaves(expression: Predicate, head: Path, rest: Path, scope: Scope) -> tuple[Form, Sql]:
    """What is at a path in each element of the stored arrays at another: (form, list).

    errors   NotLowered where more arrays stand there, and where elements that are no documents might pass as missing
    """
    path = (*head, EACH, *rest)
    listing = stored_each(path, scope)
    tags = listing.element.tags
    if CROSSED in tags or (BsonType.ARRAY in tags and expression.fans_out):
        raise NotLowered(f"arrays stand inside arrays on the way of {shown(path)}")
    if BsonType.MISSING in tags and _test_of(expression)(expression, NOTHING, scope) != FALSE:
        raise NotLowered(f"a filter that missing fields pass, where an array stands on the way of {shown(path)}")
    return form_of(listing), listing.items


def stored_each(path: Path, scope: Scope) -> Listing:
    """What is at a path with EACH, element by element of the stored arrays; nothing where no array stands."""
    facts = scope.lowering.facts(path)
    return Listing(column(list_column(scope.lowering.read[path])), facts, holds_plain(facts))


def _at_position(expression: Predicate, head: Path, position: int, rest: Path, scope: Scope) -> Sql:
    """Whether the element at a position passes, or the value at `rest` in it."""
    if position > _MOST_POSITION:
        raise NotLowered("a position far out in an array")
    if rest:
        form, items = _leaves(expression, head, rest, scope)
    else:
        listing = stored_each((*head, EACH), scope)
        form, items = form_of(listing), listing.items
    if not form.element.tags:
        return FALSE
    element = unpacked(form, sql("{}[{}]", items, integer(position + 1)))
    with scope.telling_null():
        condition = _test_of(expression)(expression, element, scope)
    return all_of(
        [sql("COALESCE(len({}) > {}, FALSE)", items, integer(position)), sql("COALESCE({}, FALSE)", condition)]
    )
