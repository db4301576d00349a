"""Variables that a command brings into its expressions: those of `let`, and those of the moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bson import Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import command as errors
from amongo.errors.expression import VARIABLE_UNAVAILABLE
from amongo.mql.expressions import Expression, FieldPath, Variable, parse_expression
from amongo.mql.expressions.scope import check_write_name
from amongo.values.collation import Collation

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

NO_VARIABLES: Final[dict[str, Any]] = {}
"""Those of a command without `let`."""

_RESERVED = frozenset({"NOW", "CLUSTER_TIME", "USER_ROLES", "JS_SCOPE", "IS_MR"})


def let_variables(let: Mapping[str, Any] | None, collation: Collation | None = None) -> dict[str, Any]:
    """The values of a command's `let`, each computed once, before any document is read.

    let         name -> expression; a later one may use an earlier one
    collation   what the command asks for
    errors      RESERVED_VARIABLE, LET_READS_DOCUMENT, name errors, those of the expressions
    source      manual, find, aggregate, "let"
    """
    if not let:
        return NO_VARIABLES
    values: dict[str, Any] = {}
    collator = None if collation is None else collation.collator
    for name, spec in let.items():
        if name in _RESERVED:
            raise errors.RESERVED_VARIABLE(name=name)
        check_write_name(name)
        expression = parse_expression(spec, variables=values, collator=collator)
        _check_constant(expression)
        values[name] = expression.bind()({}, values)
    return values


def runtime_variables(instance: Instance) -> dict[str, Any]:
    """`$$NOW` and `$$CLUSTER_TIME`: the same for the whole operation."""
    sequence = instance.store.last_sequence
    return {
        "NOW": DatetimeMS(instance.clock.now_ms()),
        "CLUSTER_TIME": Timestamp(sequence >> 32, sequence & 0xFFFFFFFF),
    }


def _check_constant(expression: Expression) -> None:
    """Refuse an expression that needs a document, or what only a running query has.

    errors   LET_READS_DOCUMENT, VARIABLE_UNAVAILABLE
    """
    if isinstance(expression, FieldPath):
        raise errors.LET_READS_DOCUMENT()
    if isinstance(expression, Variable):
        if expression.name == "ROOT":
            raise errors.LET_READS_DOCUMENT()
        if expression.name in _RESERVED:
            raise VARIABLE_UNAVAILABLE(name=expression.name)
    for child in expression.children():
        _check_constant(child)
