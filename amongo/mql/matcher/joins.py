"""The nodes that join other nodes: `$and`, `$or`, `$nor`, `$not`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from amongo.mql.matcher.tree import Document, Located, Match, MatchExpression, Test
from amongo.values.paths import expand_located, query_path

SERVER_ORDER: Final = (
    "$and",
    "$or",
    "$elemMatch",
    "$size",
    "$eq",
    "$lte",
    "$lt",
    "$gt",
    "$gte",
    "$regex",
    "$mod",
    "$exists",
    "$in",
    "$bitsAllSet",
    "$bitsAllClear",
    "$bitsAnySet",
    "$bitsAnyClear",
    "$nor",
    "$not",
    "$type",
)
"""Operators in the order in which the server sorts the children of an `$and`."""


def _server_order(expression: MatchExpression) -> tuple[int, str]:
    """How the server sorts the children of an `$and`: by operator, then by path."""
    operator = expression.operator
    rank = SERVER_ORDER.index(operator) if operator in SERVER_ORDER else len(SERVER_ORDER)
    return rank, expression.path or ""


@dataclass(frozen=True, slots=True)
class Join(MatchExpression):
    """A node whose operand is the tuple of its children."""

    operand: tuple[MatchExpression, ...]

    @property
    def children(self) -> tuple[MatchExpression, ...]:
        return self.operand

    def bind(self) -> Match:
        return self._join([child.bind() for child in self.operand])

    def value_test(self) -> Test:
        return self._join([child.value_test() for child in self.operand])

    @staticmethod
    def _join(tests: list[Callable[[Any], bool]]) -> Callable[[Any], bool]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class And(Join):
    """Every child matches; of no children at all: always."""

    @staticmethod
    def _join(tests: list[Callable[[Any], bool]]) -> Callable[[Any], bool]:
        if len(tests) == 1:
            return tests[0]
        if len(tests) == 2:
            first, second = tests
            return lambda subject: first(subject) and second(subject)
        if len(tests) == 3:
            first, second, third = tests
            return lambda subject: first(subject) and second(subject) and third(subject)

        def every(subject: Any) -> bool:
            return all(test(subject) for test in tests)

        return every

    def locate(self, document: Document) -> Located:
        """The position that the last child gives, of those that give one, in the server's order of children."""
        position = None
        for child in sorted(self.operand, key=_server_order):
            matched, found = child.locate(document)
            if not matched:
                return False, None
            if found is not None:
                position = found
        return True, position


@dataclass(frozen=True, slots=True)
class Or(Join):
    """Some child matches."""

    @staticmethod
    def _join(tests: list[Callable[[Any], bool]]) -> Callable[[Any], bool]:
        if len(tests) == 1:
            return tests[0]
        if len(tests) == 2:
            first, second = tests
            return lambda subject: first(subject) or second(subject)

        def some(subject: Any) -> bool:
            return any(test(subject) for test in tests)

        return some

    def locate(self, document: Document) -> Located:
        """A position only where the server turns the branches into one `$in`: for several branches it keeps none."""
        path = self.operand[0].path
        if len(self.operand) == 1:
            return self.operand[0].locate(document)
        if path is not None and all(child.path == path and child.operator in ("$eq", "$in") for child in self.operand):
            test = self.value_test()
            for leaf in expand_located(document, query_path(path)):
                if test(leaf.value):
                    return True, leaf.position
        return self.bind()(document), None


@dataclass(frozen=True, slots=True)
class Nor(Join):
    """No child matches."""

    @staticmethod
    def _join(tests: list[Callable[[Any], bool]]) -> Callable[[Any], bool]:
        def none(subject: Any) -> bool:
            return not any(test(subject) for test in tests)

        return none

    def locate(self, document: Document) -> Located:
        return self.bind()(document), None


@dataclass(frozen=True, slots=True)
class Not(MatchExpression):
    """The operand, another match expression, does not match: also where its path leads nowhere."""

    operand: MatchExpression

    @property
    def children(self) -> tuple[MatchExpression, ...]:
        return (self.operand,)

    def bind(self) -> Match:
        inner = self.operand.bind()
        return lambda document: not inner(document)

    def value_test(self) -> Test:
        inner = self.operand.value_test()
        return lambda value: not inner(value)

    def locate(self, document: Document) -> Located:
        return not self.operand.bind()(document), None


def conjunction(children: Iterable[MatchExpression]) -> MatchExpression:
    """All of these: a single one stays itself, the children of an `$and` are spliced in."""
    flat: list[MatchExpression] = []
    for child in children:
        flat.extend(child.operand if type(child) is And else (child,))
    return flat[0] if len(flat) == 1 else And("$and", None, tuple(flat))


def negation(child: MatchExpression) -> Not:
    """Not this."""
    return Not("$not", None, child)
