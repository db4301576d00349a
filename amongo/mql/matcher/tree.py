"""The match expression: what a filter is once it has been read.

A filter is parsed once into frozen nodes and bound once to a closure; only the closure sees documents. A planner reads
the nodes: `operator`, `path`, `operand`, and `children` of the logical ones. The parser brings filters into one form:
`$ne` is `$not` over `$eq`, `$nin` is `$not` over `$in`, `$exists: false` is `$not` over `$exists`, `$all` is `$and`;
an `$and` inside an `$and` is spliced into it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from amongo.values.paths import bind_any, expand_located, query_path

Document = dict[str, Any]
Test = Callable[[Any], bool]
"""A test of one value; MISSING stands for a path that leads nowhere."""
Match = Callable[[Document], bool]
"""A filter bound: does the document match?"""
Located = tuple[bool, int | None]
"""Whether a document matches, and the array position that made it match (what the positional operator takes)."""


@dataclass(frozen=True, slots=True)
class MatchExpression(ABC):
    """A node of the tree.

    operator   the operator's name, with its dollar sign
    path       the dotted path it reads; None for logical nodes and `$expr`
    operand    the operand, checked; a logical node has its children here
    """

    operator: str
    path: str | None
    operand: Any

    @property
    def children(self) -> tuple[MatchExpression, ...]:
        """The expressions that a logical node joins; empty for all others."""
        return ()

    @abstractmethod
    def bind(self) -> Match:
        """Compile to a closure over one document."""

    @abstractmethod
    def value_test(self) -> Test:
        """Compile to a test of one value, the path left aside: how `$elemMatch` asks about an array element."""

    @abstractmethod
    def locate(self, document: Document) -> Located:
        """Match and say at which array position. Slower than the closure; used for positional operators alone."""


@dataclass(frozen=True, slots=True)
class Predicate(MatchExpression):
    """A test of the values that one path leads to: the document matches when any of them passes.

    fans_out   False when an array at the end of the path is tested whole and not element by element
    """

    path: str
    fans_out: ClassVar[bool] = True

    def bind(self) -> Match:
        return bind_any(query_path(self.path), self.value_test(), leaf_arrays=self.fans_out)

    def locate(self, document: Document) -> Located:
        test = self.value_test()
        for leaf in expand_located(document, query_path(self.path), leaf_arrays=self.fans_out):
            if test(leaf.value):
                return True, leaf.position
        return False, None


@dataclass(frozen=True, slots=True)
class Constant(MatchExpression):
    """`$alwaysTrue`, `$alwaysFalse`, and `$all: []`."""

    def bind(self) -> Match:
        return self.value_test()

    def value_test(self) -> Test:
        holds = self.operator == "$alwaysTrue"
        return lambda value: holds

    def locate(self, document: Document) -> Located:
        return self.operator == "$alwaysTrue", None


ALWAYS_TRUE = Constant("$alwaysTrue", None, 1)
ALWAYS_FALSE = Constant("$alwaysFalse", None, 1)
