"""Every accumulator, registered where it is defined.

`@accumulator("$sum")` on a class makes it an accumulator of one expression: its instances fold the values of one
group. `@accumulator_form("$firstN")` on a function is for an argument with a shape of its own; it gives an
`Accumulation`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from amongo.mql.expressions import Evaluate, Expression, Scope, parse_in


class Accumulator(Protocol):
    """The state of one fold: the values of one group, one by one.

    A state may also have `add_many`, which takes in a list of values in turn: faster than `add` for each of them, with
    the same result. Only a state that never fails has it.
    """

    def add(self, value: Any) -> None:
        """Take in the argument's value for one document, or MISSING."""
        ...

    def result(self) -> Any:
        """The fold so far; may be asked again after more values."""
        ...


class Accumulation(ABC):
    """A parsed accumulator: what it computes for each document, and how a fold begins."""

    __slots__ = ()

    @property
    @abstractmethod
    def grows(self) -> bool:
        """Whether a fold keeps its values, so that memory has to be watched."""

    @abstractmethod
    def bind(self) -> Evaluate:
        """What is added for each document."""

    @abstractmethod
    def create(self, key: Any, variables: Mapping[str, Any]) -> Accumulator:
        """Begin the fold of the group with this key."""


@dataclass(frozen=True, slots=True)
class Unary(Accumulation):
    """An accumulator of one expression."""

    kind: Callable[[], Accumulator]
    argument: Expression
    keeps_values: bool

    @property
    def grows(self) -> bool:
        return self.keeps_values

    def bind(self) -> Evaluate:
        return self.argument.bind()

    def create(self, key: Any, variables: Mapping[str, Any]) -> Accumulator:
        return self.kind()


Parse = Callable[[Any, Scope], Accumulation]

ACCUMULATORS: dict[str, Parse] = {}
"""Name -> how to parse its argument. Filled by the decorators below."""

DOCUMENTATION: dict[str, str] = {}
"""Name -> docstring of the definition: the reference pages are made from it."""

Kind = TypeVar("Kind", bound=Callable[[], Accumulator])


def _register(name: str, parse: Parse, documentation: str | None) -> None:
    if name in ACCUMULATORS:
        raise RuntimeError(f"{name} is defined twice")
    ACCUMULATORS[name] = parse
    DOCUMENTATION[name] = documentation or ""


def accumulator(name: str, *, grows: bool = False) -> Callable[[Kind], Kind]:
    """Register a class of states as an accumulator of one expression.

    grows   whether a state keeps its values
    """

    def enter(kind: Kind) -> Kind:
        def parse(argument: Any, scope: Scope) -> Accumulation:
            return Unary(kind, parse_in(argument, scope), grows)

        _register(name, parse, kind.__doc__)
        return kind

    return enter


def accumulator_form(name: str) -> Callable[[Parse], Parse]:
    """Register a parse function `(argument, scope) -> Accumulation`."""

    def enter(parse: Parse) -> Parse:
        _register(name, parse, parse.__doc__)
        return parse

    return enter
