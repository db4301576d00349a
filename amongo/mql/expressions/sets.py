"""Sets: arrays whose order and repetitions do not count. Elements are equal as in comparisons: 1 and 1.0 are one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amongo.errors import expression as errors
from amongo.mql.expressions.arrays import collated
from amongo.mql.expressions.nodes import Document, Evaluate, Expression, Literal, Variables
from amongo.mql.expressions.registry import form, operator, parse_operand
from amongo.mql.expressions.scope import Scope
from amongo.mql.expressions.truth import is_nullish, is_true
from amongo.values.key_bytes import key_bytes
from amongo.values.order import Collator
from amongo.values.types import alias


def _keyed(array: list[Any], collator: Collator | None) -> dict[bytes, Any]:
    """The elements by key; of equal ones the first stays."""
    keyed: dict[bytes, Any] = {}
    for element in array:
        keyed.setdefault(key_bytes(element, collator), element)
    return keyed


def _ordered(keyed: dict[bytes, Any]) -> list[Any]:
    """The elements in the total order, as the server's sets have them."""
    return [keyed[key] for key in sorted(keyed)]


def union(args: list[Any], collator: Collator | None) -> list[Any] | None:
    """What is in any of the arrays.

    args     any number of arrays
    result   array without repetitions; null at the first null or missing argument
    errors   SET_UNION_TYPE at the first argument of another type
    source   manual, $setUnion
    """
    keyed: dict[bytes, Any] = {}
    for arg in args:
        if is_nullish(arg):
            return None
        if type(arg) is not list:
            raise errors.SET_UNION_TYPE(kind=alias(arg))
        for element in arg:
            keyed.setdefault(key_bytes(element, collator), element)
    return _ordered(keyed)


def intersection(args: list[Any], collator: Collator | None) -> list[Any] | None:
    """What is in all of the arrays.

    args     any number of arrays
    result   array without repetitions, [] without arguments; null at the first null or missing argument
    errors   SET_INTERSECTION_TYPE at the first argument of another type
    source   manual, $setIntersection
    """
    shared: dict[bytes, Any] | None = None
    for arg in args:
        if is_nullish(arg):
            return None
        if type(arg) is not list:
            raise errors.SET_INTERSECTION_TYPE(kind=alias(arg))
        keyed = _keyed(arg, collator)
        shared = keyed if shared is None else {key: element for key, element in shared.items() if key in keyed}
    return _ordered(shared or {})


def difference(args: list[Any], collator: Collator | None) -> list[Any] | None:
    """What is in the first array and not in the second.

    args     two arrays
    result   array without repetitions, in the order of the first; null if either is null or missing
    errors   SET_DIFFERENCE_FIRST, SET_DIFFERENCE_SECOND
    source   manual, $setDifference
    """
    left, right = args
    if is_nullish(left) or is_nullish(right):
        return None
    if type(left) is not list:
        raise errors.SET_DIFFERENCE_FIRST(kind=alias(left))
    if type(right) is not list:
        raise errors.SET_DIFFERENCE_SECOND(kind=alias(right))
    without = _keyed(right, collator)
    return [element for key, element in _keyed(left, collator).items() if key not in without]


@dataclass(frozen=True, slots=True)
class SetEquals(Expression):
    """Two or more arrays with the same elements. A constant that is no array is refused before any document."""

    arguments: tuple[Expression, ...]
    collator: Collator | None

    def children(self) -> Iterator[Expression]:
        return iter(self.arguments)

    def fold(self) -> Expression:
        arguments = tuple(argument.fold() for argument in self.arguments)
        for argument in arguments:
            if isinstance(argument, Literal) and type(argument.value) is not list:
                raise errors.SET_EQUALS_CONSTANT_TYPE(kind=alias(argument.value))
        folded = SetEquals(arguments, self.collator)
        if all(argument.is_constant for argument in arguments):
            return Literal(folded.compile()({}, {}))
        return folded

    def compile(self) -> Evaluate:
        compiled = tuple(argument.compile() for argument in self.arguments)
        collator = self.collator

        def are_equal(document: Document, variables: Variables) -> bool:
            sets = []
            for evaluate in compiled:
                array = evaluate(document, variables)
                if type(array) is not list:
                    raise errors.SET_EQUALS_TYPE(kind=alias(array))
                sets.append({key_bytes(element, collator) for element in array})
            return all(other == sets[0] for other in sets)

        return are_equal


@form("$setEquals")
def parse_set_equals(operand: Any, scope: Scope) -> Expression:
    """Whether all arrays have the same elements.

    args     two or more arrays
    result   bool
    errors   SET_EQUALS_COUNT; SET_EQUALS_CONSTANT_TYPE for a constant that is no array; SET_EQUALS_TYPE, null and
             missing included
    source   manual, $setEquals
    """
    specs = operand if type(operand) is list else [operand]
    if len(specs) < 2:
        raise errors.SET_EQUALS_COUNT(count=len(specs))
    return SetEquals(tuple(parse_operand(spec, scope) for spec in specs), scope.collator)


def is_subset(args: list[Any], collator: Collator | None) -> bool:
    """Whether all elements of the first array are in the second.

    args     two arrays
    result   bool
    errors   SET_SUBSET_FIRST, SET_SUBSET_SECOND, null and missing included
    source   manual, $setIsSubset
    """
    left, right = args
    if type(left) is not list:
        raise errors.SET_SUBSET_FIRST(kind=alias(left))
    if type(right) is not list:
        raise errors.SET_SUBSET_SECOND(kind=alias(right))
    return _keyed(left, collator).keys() <= _keyed(right, collator).keys()


collated("$setUnion", (0, None), union)
collated("$setIntersection", (0, None), intersection)
collated("$setDifference", 2, difference)
collated("$setIsSubset", 2, is_subset)


@operator("$allElementsTrue", arity=1)
def all_true(array: Any) -> bool:
    """Whether every element is true.

    args     an array
    result   bool; true for []
    errors   ALL_ELEMENTS_TYPE, null and missing included
    source   manual, $allElementsTrue
    """
    if type(array) is not list:
        raise errors.ALL_ELEMENTS_TYPE(kind=alias(array))
    return all(is_true(element) for element in array)


@operator("$anyElementTrue", arity=1)
def any_true(array: Any) -> bool:
    """Whether some element is true.

    args     an array
    result   bool; false for []
    errors   ANY_ELEMENT_TYPE, null and missing included
    source   manual, $anyElementTrue
    """
    if type(array) is not list:
        raise errors.ANY_ELEMENT_TYPE(kind=alias(array))
    return any(is_true(element) for element in array)
