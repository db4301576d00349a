"""Folds that keep so many values: $firstN, $lastN, $minN, $maxN; by a sort pattern $top, $topN, $bottom, $bottomN."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from amongo.errors import expression as errors
from amongo.mql.accumulators.registry import Accumulation, Accumulator, Parse, accumulator_form
from amongo.mql.expressions import Evaluate, Expression, Scope, parse_in
from amongo.mql.expressions.nodes import Document, Variables
from amongo.mql.expressions.truth import is_nullish
from amongo.mql.sort_keys import SortPattern, parse_sort
from amongo.values.key_bytes import descending, key_bytes
from amongo.values.missing import MISSING
from amongo.values.numbers import exact_integer
from amongo.values.order import Collator
from amongo.values.types import alias


class FirstValues:
    """The first `count` values; missing counts as null."""

    __slots__ = ("_count", "_values")

    def __init__(self, count: int) -> None:
        self._count = count
        self._values: list[Any] = []

    def add(self, value: Any) -> None:
        """Keep a value while there is room."""
        if len(self._values) < self._count:
            self._values.append(None if value is MISSING else value)

    def result(self) -> list[Any]:
        """The values so far."""
        return list(self._values)


class LastValues:
    """The last `count` values; missing counts as null."""

    __slots__ = ("_values",)

    def __init__(self, count: int) -> None:
        self._values: deque[Any] = deque(maxlen=count)

    def add(self, value: Any) -> None:
        """Keep a value in place of the oldest."""
        self._values.append(None if value is MISSING else value)

    def result(self) -> list[Any]:
        """The values so far."""
        return list(self._values)


class SmallestKeys:
    """The `count` values with the smallest keys, the smallest first; of equal keys the earlier."""

    __slots__ = ("_bound", "_count", "_kept")

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: list[tuple[bytes, int, Any]] = []
        self._bound = 4 * count + 64

    def add_keyed(self, key: bytes, value: Any) -> None:
        """Take in a value with its key."""
        self._kept.append((key, len(self._kept), value))
        if len(self._kept) > self._bound:
            self._prune()

    def _prune(self) -> None:
        smallest = heapq.nsmallest(self._count, self._kept, key=lambda entry: entry[:2])
        self._kept = [(key, position, value) for position, (key, _, value) in enumerate(smallest)]

    def result(self) -> list[Any]:
        """The values so far."""
        self._prune()
        return [value for _, _, value in self._kept]


class ExtremeValues(SmallestKeys):
    """$minN and $maxN: null and missing are left out."""

    __slots__ = ("_key",)

    def __init__(self, count: int, key: Callable[[Any], bytes]) -> None:
        super().__init__(count)
        self._key = key

    def add(self, value: Any) -> None:
        """Take in a value."""
        if not is_nullish(value):
            self.add_keyed(self._key(value), value)


class TopValues(SmallestKeys):
    """$topN: the outputs of the documents that come first in the sort pattern."""

    __slots__ = ()

    def add(self, value: Any) -> None:
        """Take in the pair of a sort key and an output."""
        key, output = value
        self.add_keyed(key, output)


class BottomValues:
    """$bottomN: the outputs of the documents that come last in the sort pattern, in its order."""

    __slots__ = ("_bound", "_count", "_kept")

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: list[tuple[bytes, Any]] = []
        self._bound = 4 * count + 64

    def add(self, value: Any) -> None:
        """Take in the pair of a sort key and an output."""
        key, output = value
        self._kept.append((key, output))
        if len(self._kept) > self._bound:
            self._prune()

    def _prune(self) -> None:
        self._kept.sort(key=lambda entry: entry[0])
        del self._kept[: -self._count]

    def result(self) -> list[Any]:
        """The outputs so far."""
        self._prune()
        return [output for _, output in self._kept]


class Only:
    """$top and $bottom: the one value of a fold that keeps one."""

    __slots__ = ("_fold",)

    def __init__(self, fold: TopValues | BottomValues) -> None:
        self._fold = fold

    def add(self, value: Any) -> None:
        """Take in the pair of a sort key and an output."""
        self._fold.add(value)

    def result(self) -> Any:
        """The output so far."""
        kept = self._fold.result()
        return kept[0] if kept else None


def read_group_count(value: Any) -> int:
    """`n` of a group: a whole number above zero.

    errors   N_IN_GROUP
    """
    count = exact_integer(value)
    if count is None or count <= 0:
        raise errors.N_IN_GROUP(value=None if value is MISSING else value)
    return count


@dataclass(frozen=True, slots=True)
class Several(Accumulation):
    """An accumulator with a count, which may depend on the group's key.

    name   with its dollar
    """

    name: str
    make: Callable[[int], Accumulator]
    argument: Expression
    count: Expression

    @property
    def grows(self) -> bool:
        return True

    def bind(self) -> Evaluate:
        count = self.count.fold()
        if count.is_constant:
            read_group_count(count.compile()({}, {}))
        return self.argument.bind()

    def create(self, key: Any, variables: Mapping[str, Any]) -> Accumulator:
        root = key if type(key) is dict else {}
        return self.make(read_group_count(self.count.bind()(root, variables)))


def _parse_several(name: str, argument: Any, scope: Scope, make: Callable[[int], Accumulator]) -> Accumulation:
    if type(argument) is not dict:
        raise errors.N_NEEDS_OBJECT(name=name)
    for field in argument:
        if field not in ("n", "input"):
            raise errors.N_UNKNOWN_FIELD(name=name, field=field)
    if "n" not in argument:
        raise errors.N_WITHOUT_N(name=name)
    if "input" not in argument:
        raise errors.N_WITHOUT_INPUT(name=name)
    return Several(name, make, parse_in(argument["input"], scope), parse_in(argument["n"], scope))


@accumulator_form("$firstN")
def parse_first_n(argument: Any, scope: Scope) -> Accumulation:
    """The values of the first documents.

    argument   {n: whole number above zero, over the group's key; input: expression}
    result     array of at most n values, null for missing ones
    errors     N_NEEDS_OBJECT, N_UNKNOWN_FIELD, N_WITHOUT_N, N_WITHOUT_INPUT, N_IN_GROUP
    source     manual, $firstN (aggregation accumulator)
    """
    return _parse_several("$firstN", argument, scope, FirstValues)


@accumulator_form("$lastN")
def parse_last_n(argument: Any, scope: Scope) -> Accumulation:
    """The values of the last documents.

    argument   {n: whole number above zero, over the group's key; input: expression}
    result     array of at most n values, null for missing ones
    errors     N_NEEDS_OBJECT, N_UNKNOWN_FIELD, N_WITHOUT_N, N_WITHOUT_INPUT, N_IN_GROUP
    source     manual, $lastN (aggregation accumulator)
    """
    return _parse_several("$lastN", argument, scope, LastValues)


@accumulator_form("$minN")
def parse_min_n(argument: Any, scope: Scope) -> Accumulation:
    """The smallest values, the smallest first.

    argument   {n: whole number above zero, over the group's key; input: expression}; null and missing are left out
    result     array of at most n values
    errors     N_NEEDS_OBJECT, N_UNKNOWN_FIELD, N_WITHOUT_N, N_WITHOUT_INPUT, N_IN_GROUP
    source     manual, $minN
    """
    collator = scope.collator
    return _parse_several(
        "$minN", argument, scope, lambda count: ExtremeValues(count, lambda value: key_bytes(value, collator))
    )


@accumulator_form("$maxN")
def parse_max_n(argument: Any, scope: Scope) -> Accumulation:
    """The largest values, the largest first.

    argument   {n: whole number above zero, over the group's key; input: expression}; null and missing are left out
    result     array of at most n values
    errors     N_NEEDS_OBJECT, N_UNKNOWN_FIELD, N_WITHOUT_N, N_WITHOUT_INPUT, N_IN_GROUP
    source     manual, $maxN
    """
    collator = scope.collator
    return _parse_several(
        "$maxN",
        argument,
        scope,
        lambda count: ExtremeValues(count, lambda value: descending(key_bytes(value, collator))),
    )


@dataclass(frozen=True, slots=True)
class KeyedOutput(Expression):
    """For a document, its sort key and an output, as a pair for a fold."""

    pattern: SortPattern
    output: Expression
    collator: Collator | None

    def fold(self) -> Expression:
        return KeyedOutput(self.pattern, self.output.fold(), self.collator)

    def compile(self) -> Evaluate:
        pattern, output, collator = self.pattern, self.output.compile(), self.collator

        def pair(document: Document, variables: Variables) -> tuple[bytes, Any]:
            value = output(document, variables)
            return pattern.key(document, collator), None if value is MISSING else value

        return pair


def _top_parser(name: str, has_count: bool, make: Callable[[int], Accumulator]) -> Parse:
    def parse(argument: Any, scope: Scope) -> Accumulation:
        """The outputs of the documents that come first (or last) in a sort pattern.

        argument   {sortBy: pattern, output: expression}, with N also {n: whole number above zero}
        result     the output, or an array of at most n in the pattern's order; null for missing ones
        errors     TOP_NEEDS_OBJECT, TOP_UNKNOWN_FIELD, TOP_WITHOUT_N, TOP_WITHOUT_OUTPUT, TOP_WITHOUT_SORT_BY,
                   TOP_SORT_BY_TYPE, N_IN_GROUP, those of the sort pattern
        source     manual, $top, $topN, $bottom, $bottomN
        """
        if type(argument) is not dict:
            raise errors.TOP_NEEDS_OBJECT(name=name)
        for field in argument:
            if field not in ("sortBy", "output") and not (has_count and field == "n"):
                raise errors.TOP_UNKNOWN_FIELD(name=name, field=field)
        if has_count and "n" not in argument:
            raise errors.TOP_WITHOUT_N(name=name)
        if "output" not in argument:
            raise errors.TOP_WITHOUT_OUTPUT(name=name)
        if "sortBy" not in argument:
            raise errors.TOP_WITHOUT_SORT_BY(name=name)
        order = argument["sortBy"]
        if type(order) is not dict:
            raise errors.TOP_SORT_BY_TYPE(name=name, kind=alias(order))
        output = parse_in(argument["output"], scope)
        keyed = KeyedOutput(parse_sort(order, is_stage=True), output, scope.collator)
        return Several(name, make, keyed, parse_in(argument["n"] if has_count else 1, scope))

    return parse


accumulator_form("$top")(_top_parser("$top", False, lambda count: Only(TopValues(count))))
accumulator_form("$topN")(_top_parser("$topN", True, TopValues))
accumulator_form("$bottom")(_top_parser("$bottom", False, lambda count: Only(BottomValues(count))))
accumulator_form("$bottomN")(_top_parser("$bottomN", True, BottomValues))
