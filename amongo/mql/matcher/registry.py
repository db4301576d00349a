"""Every filter operator, registered where it is defined.

An operator is a function from its clause to a match expression. `@field_operator` ones stand below a field
(`{a: {$gt: 5}}`), `@top_level_operator` ones where a field name could stand (`{$or: [...]}`). The list of what MongoDB
has and this version has not is `NOT_YET`, with the reason that the error gives.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from amongo.errors import query as errors
from amongo.mql.matcher.tree import MatchExpression
from amongo.runtime.limits import FILTER_DEPTH

Collator = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Scope:
    """What surrounds a clause.

    variables      the variables that `$expr` may read (`let`, `$$NOW`, …)
    collator       turns a string into its sort key, or None for comparison by bytes
    chance         where `$sampleRate` takes its numbers from
    is_top_level   False below `$elemMatch`, where `$expr`, `$where` and `$text` are refused
    may_search     `$text` may stand here: the filter is that of a query on a collection
    allows_near    `$near` and `$where` may stand here: the filter is that of a find, a count or a write
    depth          how many filters this one is nested in
    """

    variables: Mapping[str, Any]
    collator: Collator | None
    chance: random.Random
    is_top_level: bool = True
    may_search: bool = False
    allows_near: bool = False
    depth: int = 0

    def deeper(self) -> Scope:
        """The scope of a filter inside this one.

        errors   FILTER_TOO_DEEP
        """
        if self.depth >= FILTER_DEPTH:
            raise errors.FILTER_TOO_DEEP(limit=FILTER_DEPTH)
        return replace(self, depth=self.depth + 1)

    def inside_element(self) -> Scope:
        """The scope of the filter below `$elemMatch`."""
        return replace(self.deeper(), is_top_level=False)


@dataclass(frozen=True, slots=True)
class Clause:
    """One operator as it was written.

    operator   its name
    path       the field path it stands below; "" at the top level and for the elements of `$elemMatch`
    operand    a canonical value
    siblings   the whole document that the operator stands in (`$regex` looks for its `$options`)
    """

    operator: str
    path: str
    operand: Any
    siblings: dict[str, Any]
    scope: Scope


Parse = Callable[[Clause], MatchExpression | None]
"""From a clause to its node; None when the clause says nothing of its own (`$comment`, `$options`)."""

FIELD_OPERATORS: dict[str, Parse] = {}
TOP_LEVEL_OPERATORS: dict[str, Parse] = {}

NOT_YET: dict[str, str] = {}
"""Operators of MongoDB that this version does not have: name -> reason."""


def field_operator(name: str) -> Callable[[Parse], Parse]:
    """Register an operator that stands below a field; a second definition of a name is a programming error."""
    return _enter(FIELD_OPERATORS, name)


def top_level_operator(name: str) -> Callable[[Parse], Parse]:
    """Register an operator that stands in the place of a field name."""
    return _enter(TOP_LEVEL_OPERATORS, name)


def _enter(table: dict[str, Parse], name: str) -> Callable[[Parse], Parse]:
    def enter(parse: Parse) -> Parse:
        if name in table:
            raise RuntimeError(f"{name} is defined twice")
        if name in NOT_YET:
            raise RuntimeError(f"{name} is defined and stands in NOT_YET as well")
        table[name] = parse
        return parse

    return enter


def parse_field_clause(clause: Clause) -> MatchExpression | None:
    """The node of an operator that stands below a field.

    errors   UNKNOWN_OPERATOR, NOT_SUPPORTED_YET, and those of the operator
    """
    parse = FIELD_OPERATORS.get(clause.operator)
    if parse is not None:
        return parse(clause)
    if clause.operator in NOT_YET:
        raise errors.NOT_SUPPORTED_YET(name=clause.operator, reason=NOT_YET[clause.operator])
    raise errors.UNKNOWN_OPERATOR(name=clause.operator)


def parse_top_level_clause(clause: Clause) -> MatchExpression | None:
    """The node of an operator that stands in the place of a field name.

    errors   UNKNOWN_TOP_LEVEL_OPERATOR, and those of the operator
    """
    parse = TOP_LEVEL_OPERATORS.get(clause.operator)
    if parse is not None:
        return parse(clause)
    raise errors.UNKNOWN_TOP_LEVEL_OPERATOR(name=clause.operator)


def is_top_level_name(name: str) -> bool:
    """True for the name of an operator that stands in the place of a field name."""
    return name in TOP_LEVEL_OPERATORS
