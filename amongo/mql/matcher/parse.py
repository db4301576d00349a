"""From a filter document to its match expression.

Every field of a filter is one of four things: an operator in the place of a field name, a field with a document of
operators, a field with a regular expression, or a field with the value it must equal. All checks happen here, with the
server's error codes; the tree that comes out cannot fail on a document, but for `$expr` and the limit on regular
expressions.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bson.regex import Regex

from amongo.mql.matcher.joins import conjunction
from amongo.mql.matcher.registry import (
    FIELD_OPERATORS,
    Clause,
    Collator,
    Scope,
    parse_field_clause,
    parse_top_level_clause,
)
from amongo.mql.matcher.tree import MatchExpression

_NO_VARIABLES: Mapping[str, Any] = MappingProxyType({})
_CHANCE = random.Random()


def parse_filter(
    filter: dict[str, Any],
    *,
    variables: Mapping[str, Any] = _NO_VARIABLES,
    collator: Collator | None = None,
    chance: random.Random | None = None,
    may_search: bool = False,
    allows_near: bool = False,
) -> MatchExpression:
    """Parse a filter (manual, Query Predicates).

    filter      the filter document
    variables   the variables of `let` and the system variables, for `$expr`
    collator    turns a string into its sort key under the collation of the operation
    chance      where `$sampleRate` takes its numbers from
    may_search  whether `$text` may stand in it: it is the filter of a query on a collection
    allows_near whether `$near` and `$where` may stand in it: it is that of a find, a count or a write
    result      the tree; `$and` of nothing for the empty filter
    errors      those of `amongo.errors.query`, and for `$expr` those of `amongo.errors.expression`
    """
    scope = Scope(variables, collator, chance or _CHANCE, may_search=may_search, allows_near=allows_near)
    return parse_document(filter, scope)


def parse_document(filter: dict[str, Any], scope: Scope) -> MatchExpression:
    """Parse a filter document in a scope; parameters and errors as for `parse_filter`."""
    children = []
    for name, operand in filter.items():
        if name.startswith("$"):
            node = parse_top_level_clause(Clause(name, "", operand, filter, scope))
            if node is not None:
                children.append(node)
        elif is_operator_document(operand):
            children.extend(parse_operators(name, operand, scope))
        else:
            operator = "$regex" if type(operand) is Regex else "$eq"
            node = FIELD_OPERATORS[operator](Clause(operator, name, operand, {operator: operand}, scope))
            assert node is not None
            children.append(node)
    return conjunction(children)


def parse_operators(path: str, operators: dict[str, Any], scope: Scope) -> list[MatchExpression]:
    """Parse a document of operators that stands below a field.

    result   one node for each operator that says something
    """
    clauses = (Clause(name, path, operand, operators, scope) for name, operand in operators.items())
    return [node for node in map(parse_field_clause, clauses) if node is not None]


def is_operator_document(value: Any, *, is_partial_dbref_value: bool = False) -> bool:
    """True for a document of operators: its first name starts with `$`, and it is no DBRef.

    is_partial_dbref_value   whether a document with only one of `$ref`, `$id`, `$db` counts as a DBRef too
    """
    if type(value) is not dict or not value or not next(iter(value)).startswith("$"):
        return False
    if is_partial_dbref_value:
        return not ("$ref" in value or "$id" in value or "$db" in value)
    return not ("$ref" in value and "$id" in value)
