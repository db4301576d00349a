"""Folds that keep one value: $min, $max, $first, $last, $count, $mergeObjects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bson import Int64

from amongo.errors import expression as errors
from amongo.mql.accumulators.registry import Accumulation, Accumulator, accumulator, accumulator_form
from amongo.mql.accumulators.sums import Sum
from amongo.mql.expressions import Evaluate, Expression, Scope, parse_in
from amongo.mql.expressions.truth import is_nullish
from amongo.values.missing import MISSING
from amongo.values.order import Collator, compare
from amongo.values.types import alias

# Python compares these as the order of values does, and `min` and `max` keep the first of equals. (NaN is a double.)
_PLAIN_NUMBERS: Final = frozenset({int, Int64})


class Extreme:
    """The value that is furthest in one direction of the total order; the first of equals."""

    __slots__ = ("_collator", "_sign", "_value")

    def __init__(self, sign: int, collator: Collator | None = None) -> None:
        self._sign = sign
        self._collator = collator
        self._value: Any = MISSING

    def add(self, value: Any) -> None:
        """Take in a value; null and missing change nothing."""
        if is_nullish(value):
            return
        if self._value is MISSING or compare(value, self._value, self._collator) == self._sign:
            self._value = value

    def add_many(self, values: list[Any]) -> None:
        """Take in values in turn; plain numbers are compared by Python itself."""
        if set(map(type, values)) <= _PLAIN_NUMBERS:
            if values:
                self.add(max(values) if self._sign > 0 else min(values))
            return
        for value in values:
            self.add(value)

    def result(self) -> Any:
        """The extreme so far, None for nothing."""
        return None if self._value is MISSING else self._value


@dataclass(frozen=True, slots=True)
class ExtremeOf(Accumulation):
    """$min (`sign` -1) or $max (`sign` 1)."""

    sign: int
    argument: Expression
    collator: Collator | None

    @property
    def grows(self) -> bool:
        return False

    def bind(self) -> Evaluate:
        return self.argument.bind()

    def create(self, key: Any, variables: Mapping[str, Any]) -> Accumulator:
        return Extreme(self.sign, self.collator)


@accumulator_form("$min")
def parse_min(argument: Any, scope: Scope) -> Accumulation:
    """The smallest value in the order across types.

    argument   an expression; null and missing are left out
    result     the first of the smallest values, type kept; null for nothing
    source     manual, $min (aggregation)
    """
    return ExtremeOf(-1, parse_in(argument, scope), scope.collator)


@accumulator_form("$max")
def parse_max(argument: Any, scope: Scope) -> Accumulation:
    """The largest value in the order across types.

    argument   an expression; null and missing are left out
    result     the first of the largest values, type kept; null for nothing
    source     manual, $max (aggregation)
    """
    return ExtremeOf(1, parse_in(argument, scope), scope.collator)


@accumulator("$first")
class First:
    """The value of the first document.

    argument   an expression
    result     its value for the first document; null where that is missing
    source     manual, $first (aggregation)
    """

    __slots__ = ("_is_set", "_value")

    def __init__(self) -> None:
        self._is_set = False
        self._value: Any = None

    def add(self, value: Any) -> None:
        """Take in a value; only the first one counts."""
        if not self._is_set:
            self._is_set = True
            self._value = None if value is MISSING else value

    def add_many(self, values: list[Any]) -> None:
        """Take in values in turn."""
        if values:
            self.add(values[0])

    def result(self) -> Any:
        """The first value."""
        return self._value


@accumulator("$last")
class Last:
    """The value of the last document.

    argument   an expression
    result     its value for the last document; null where that is missing
    source     manual, $last (aggregation)
    """

    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value: Any = None

    def add(self, value: Any) -> None:
        """Take in a value in place of the one before."""
        self._value = None if value is MISSING else value

    def add_many(self, values: list[Any]) -> None:
        """Take in values in turn."""
        if values:
            self.add(values[-1])

    def result(self) -> Any:
        """The last value."""
        return self._value


@dataclass(frozen=True, slots=True)
class CountDocuments(Accumulation):
    """One for each document."""

    @property
    def grows(self) -> bool:
        return False

    def bind(self) -> Evaluate:
        return lambda document, variables: 1

    def create(self, key: Any, variables: Mapping[str, Any]) -> Accumulator:
        return Sum()


@accumulator_form("$count")
def parse_count(argument: Any, scope: Scope) -> Accumulation:
    """How many documents.

    argument   {}
    result     int, long past 32 bits
    errors     COUNT_TAKES_NOTHING
    source     manual, $count (aggregation accumulator)
    """
    if type(argument) is not dict or argument:
        raise errors.COUNT_TAKES_NOTHING()
    return CountDocuments()


@accumulator("$mergeObjects", grows=True)
class MergeObjects:
    """Documents laid over one another: later fields replace earlier ones, in place.

    argument   an expression; null and missing are left out
    result     document, {} for nothing
    errors     MERGE_OBJECTS_IN_GROUP at any other value
    source     manual, $mergeObjects
    """

    __slots__ = ("_merged",)

    def __init__(self) -> None:
        self._merged: dict[str, Any] = {}

    def add(self, value: Any) -> None:
        """Lay a document over those before.

        errors   MERGE_OBJECTS_IN_GROUP
        """
        if type(value) is dict:
            self._merged.update(value)
        elif not is_nullish(value):
            raise errors.MERGE_OBJECTS_IN_GROUP(kind=alias(value))

    def result(self) -> dict[str, Any]:
        """The merged document."""
        return dict(self._merged)
