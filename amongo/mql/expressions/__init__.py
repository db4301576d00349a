"""Expressions compute a value from a document: parsed once into a frozen tree, bound to a closure, run many times."""

from amongo.mql.expressions import (
    arithmetic,
    arrays,
    binding,
    bitwise,
    boolean,
    chance,
    comparison,
    conditional,
    convert,
    date,
    first_n,
    folds,
    functions,
    hashing,
    iteration,
    metadata,
    objects,
    quantiles,
    scripting,
    sets,
    string_search,
    strings,
    trigonometry,
    types,
)
from amongo.mql.expressions.nodes import Evaluate, Expression, FieldPath, Literal, Variable
from amongo.mql.expressions.not_yet import NOT_YET
from amongo.mql.expressions.parse import parse_expression, parse_in
from amongo.mql.expressions.registry import DOCUMENTATION, OPERATORS
from amongo.mql.expressions.scope import Scope

__all__ = [
    "DOCUMENTATION",
    "NOT_YET",
    "OPERATORS",
    "Evaluate",
    "Expression",
    "FieldPath",
    "Literal",
    "Scope",
    "Variable",
    "parse_expression",
    "parse_in",
]

FAMILIES = (
    arithmetic,
    arrays,
    binding,
    bitwise,
    boolean,
    chance,
    comparison,
    conditional,
    convert,
    date,
    first_n,
    folds,
    functions,
    hashing,
    iteration,
    metadata,
    objects,
    quantiles,
    scripting,
    sets,
    string_search,
    strings,
    trigonometry,
    types,
)
"""The modules whose import fills the registry."""
