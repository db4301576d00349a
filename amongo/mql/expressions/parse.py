"""From the text of an expression to its tree: strings with $ are paths, objects with $ are operators."""

from collections.abc import Callable, Collection
from typing import Any

from amongo.errors import expression as errors
from amongo.errors import value as value_errors
from amongo.mql.expressions.nodes import (
    ArrayExpression,
    Expression,
    FieldPath,
    Literal,
    ObjectExpression,
    Variable,
)
from amongo.mql.expressions.not_yet import NOT_YET
from amongo.mql.expressions.registry import OPERATORS, parse_operand, use_parser
from amongo.mql.expressions.scope import Scope, check_read_name
from amongo.runtime.limits import DOCUMENT_BYTES
from amongo.values.missing import MISSING
from amongo.values.paths import FieldPath as Path
from amongo.values.paths import field_path


def parse_expression(
    spec: Any,
    *,
    variables: Collection[str] = frozenset(),
    collator: Callable[[str], bytes] | None = None,
) -> Expression:
    """Parse an expression once, to be bound and run many times.

    spec        any canonical value: `"$a.b"`, `{"$add": [...]}`, an object, an array, a literal
    variables   names of the user variables in scope (system variables are always there); a mapping will do
    collator    the key of a string under a collation; None compares strings by their bytes
    result      a frozen tree; `.bind()` gives `(document, variables) -> value | MISSING`
    errors      UNKNOWN_OPERATOR, OPERATOR_NOT_YET, UNDEFINED_VARIABLE, path and name errors, wrong arguments
    source      manual, Expression Operators; Variables in Aggregation Expressions
    """
    return parse_in(spec, Scope(frozenset(variables), "CURRENT" in variables, collator=collator))


def parse_in(spec: Any, scope: Scope) -> Expression:
    """Parse an expression at a place where `scope` holds; see `parse_expression`."""
    kind = type(spec)
    if kind is str:
        if spec.startswith("$"):
            return parse_path_text(spec, scope)
        if 4 * len(spec) >= DOCUMENT_BYTES and len(spec.encode()) >= DOCUMENT_BYTES:
            raise errors.LITERAL_TOO_LARGE()
        return Literal(spec)
    if kind is dict:
        return parse_object(spec, scope)
    if kind is list:
        return ArrayExpression(tuple(parse_operand(item, scope) for item in spec))
    return Literal(spec)


def parse_path_text(text: str, scope: Scope) -> Expression:
    """Parse `$path`, `$$variable` or `$$variable.path`.

    errors   DOLLAR_ALONE, UNDEFINED_VARIABLE, those of `check_read_name` and `field_path`
    """
    if len(text) < 2:
        raise errors.DOLLAR_ALONE()
    if text[1] != "$":
        whole = field_path(text[1:])
        return Variable("CURRENT", whole) if scope.rebinds_current else FieldPath(whole)
    name, dot, rest = text[2:].partition(".")
    check_read_name(name)
    if not scope.defines(name):
        raise errors.UNDEFINED_VARIABLE(name=name)
    path = _rest_of_path(name, rest) if dot else None
    if name == "REMOVE":
        return Literal(MISSING)
    if name == "CURRENT" and not scope.rebinds_current:
        return Variable("ROOT", path)
    return Variable(name, path)


def _rest_of_path(name: str, rest: str) -> Path:
    whole = field_path(f"{name}.{rest}")
    return Path(rest, whole.parts[1:])


def parse_object(spec: dict[str, Any], scope: Scope) -> Expression:
    """Parse `{$operator: operand}`, or an object of expressions when no field starts with $.

    errors   UNKNOWN_OPERATOR, OPERATOR_NOT_YET, MORE_THAN_ONE_OPERATOR, DOT_IN_FIELD_NAME, name errors
    """
    if not spec:
        return Literal({})
    first = next(iter(spec))
    if first.startswith("$"):
        if len(spec) != 1:
            raise errors.MORE_THAN_ONE_OPERATOR(spec=spec)
        return parse_operator(first, spec[first], scope)
    fields = []
    for name, value in spec.items():
        if "." in name:
            raise errors.DOT_IN_FIELD_NAME()
        if not name:
            raise value_errors.PATH_FIELD_EMPTY()
        field_path(name)
        fields.append((name, parse_operand(value, scope)))
    return ObjectExpression(tuple(fields))


def parse_operator(name: str, operand: Any, scope: Scope) -> Expression:
    """Parse one operator by its name.

    errors   UNKNOWN_OPERATOR, OPERATOR_NOT_YET, those of the operator
    """
    parse = OPERATORS.get(name)
    if parse is not None:
        return parse(operand, scope)
    if name in NOT_YET:
        raise errors.OPERATOR_NOT_YET(name=name, reason=NOT_YET[name])
    raise errors.UNKNOWN_OPERATOR(name=name)


use_parser(parse_in)
