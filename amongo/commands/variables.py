"""Variables that a command brings into its expressions: those of `let`, and those of the moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bson import Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import command as errors
from amongo.mql.expressions import Expression, FieldPath, Variable, parse_expression
from amongo.mql.expressions.scope import check_write_name

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_RESERVED = frozenset({"NOW", "CLUSTER_TIME", "USER_ROLES", "JS_SCOPE", "IS_MR"})


def let_variables(let: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values of a command's `let`, each computed once, before any document is read.

    let      name -> expression; a later one may use an earlier one
    errors   RESERVED_VARIABLE, LET_READS_DOCUMENT, name errors, those of the expressions
    source   manual, find, aggregate, "let"
    """
    values: dict[str, Any] = {}
    for name, spec in (let or {}).items():
        if name in _RESERVED:
            raise errors.RESERVED_VARIABLE(name=name)
        check_write_name(name)
        expression = parse_expression(spec, variables=values)
        if _reads_document(expression):
            raise errors.LET_READS_DOCUMENT()
        values[name] = expression.bind()({}, values)
    return values


def runtime_variables(instance: Instance) -> dict[str, Any]:
    """`$$NOW` and `$$CLUSTER_TIME`: the same for the whole operation."""
    sequence = instance.store.last_sequence
    return {
        "NOW": DatetimeMS(instance.clock.now_ms()),
        "CLUSTER_TIME": Timestamp(sequence >> 32, sequence & 0xFFFFFFFF),
    }


def _reads_document(expression: Expression) -> bool:
    if isinstance(expression, FieldPath) or (isinstance(expression, Variable) and expression.name == "ROOT"):
        return True
    return any(map(_reads_document, expression.children()))
