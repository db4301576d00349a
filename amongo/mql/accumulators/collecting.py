"""Folds that keep many values: $push, $addToSet, $concatArrays, $setUnion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from amongo.errors import expression as errors
from amongo.mql.accumulators.registry import Accumulation, Accumulator, accumulator, accumulator_form
from amongo.mql.expressions import Evaluate, Expression, Scope, parse_in
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.order import Collator
from amongo.values.types import alias


@accumulator("$push", grows=True)
class Push:
    """All values, in the order of the documents.

    argument   an expression; missing is left out, null is kept
    result     array
    source     manual, $push (aggregation)
    """

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[Any] = []

    def add(self, value: Any) -> None:
        """Keep a value."""
        if value is not MISSING:
            self._values.append(value)

    def result(self) -> list[Any]:
        """The values so far."""
        return list(self._values)


@accumulator("$concatArrays", grows=True)
class ConcatArrays:
    """All arrays as one, in the order of the documents.

    argument   an expression that gives an array; missing is left out
    result     array
    errors     ARRAY_ACCUMULATOR_TYPE at anything else, null included
    source     manual, $concatArrays
    """

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[Any] = []

    def add(self, value: Any) -> None:
        """Append an array.

        errors   ARRAY_ACCUMULATOR_TYPE
        """
        if value is MISSING:
            return
        if type(value) is not list:
            raise errors.ARRAY_ACCUMULATOR_TYPE(name="$concatArrays", kind=alias(value))
        self._values.extend(value)

    def result(self) -> list[Any]:
        """The arrays so far."""
        return list(self._values)


class DistinctValues:
    """Different values, the first of equals kept, in the order in which they came."""

    __slots__ = ("_collator", "_values")

    def __init__(self, collator: Collator | None = None) -> None:
        self._collator = collator
        self._values: dict[bytes, Any] = {}

    def add(self, value: Any) -> None:
        """Keep a value that is not there yet."""
        if value is not MISSING:
            self._values.setdefault(key_bytes(value, self._collator), value)

    def result(self) -> list[Any]:
        """The values so far."""
        return list(self._values.values())


class UnionOfArrays(DistinctValues):
    """Different elements of arrays."""

    __slots__ = ()

    def add(self, value: Any) -> None:
        """Keep the elements that are not there yet.

        errors   ARRAY_ACCUMULATOR_TYPE
        """
        if value is MISSING:
            return
        if type(value) is not list:
            raise errors.ARRAY_ACCUMULATOR_TYPE(name="$setUnion", kind=alias(value))
        for element in value:
            super().add(element)


@dataclass(frozen=True, slots=True)
class Distinct(Accumulation):
    """$addToSet or $setUnion under a collation."""

    kind: Callable[[Collator | None], Accumulator]
    argument: Expression
    collator: Collator | None

    @property
    def grows(self) -> bool:
        return True

    def bind(self) -> Evaluate:
        return self.argument.bind()

    def create(self, key: Any, variables: Mapping[str, Any]) -> Accumulator:
        return self.kind(self.collator)


@accumulator_form("$addToSet")
def parse_add_to_set(argument: Any, scope: Scope) -> Accumulation:
    """The different values.

    argument   an expression; missing is left out, null is kept
    result     array; of equal values the first is kept
    order      of the array: not defined; here as they came
    source     manual, $addToSet (aggregation)
    """
    return Distinct(DistinctValues, parse_in(argument, scope), scope.collator)


@accumulator_form("$setUnion")
def parse_set_union(argument: Any, scope: Scope) -> Accumulation:
    """The different elements of all arrays.

    argument   an expression that gives an array; missing is left out
    result     array; of equal elements the first is kept
    errors     ARRAY_ACCUMULATOR_TYPE at anything else, null included
    order      of the array: not defined; here as they came
    source     manual, $setUnion
    """
    return Distinct(UnionOfArrays, parse_in(argument, scope), scope.collator)
