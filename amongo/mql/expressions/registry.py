"""Every expression operator, registered where it is defined.

Three ways to define one, by how its arguments arrive:

- `@operator("$add", arity=(0, None))`: positional, all evaluated; a fixed arity gives the function that many
  parameters, a range gives it one list.
- `@named("$trim", ...)`: an object of named arguments, all evaluated, passed in the order they are declared.
  An argument that was not written arrives as ABSENT.
- `@form("$let")`: the function gets the raw operand and the scope and returns a node of its own; for operators
  that evaluate lazily, bind variables or need their operand before evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from amongo.errors import Condition
from amongo.errors import expression as errors
from amongo.mql.expressions.nodes import Call, Expression, Literal, Operator
from amongo.mql.expressions.scope import Scope

Parse = Callable[[Any, Scope], Expression]
Function = Callable[..., Any]


class Absent(Enum):
    """The type of ABSENT."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
"""A named argument that the user did not write (one that evaluates to nothing is MISSING)."""

OPERATORS: dict[str, Parse] = {}
"""Name -> how to parse its operand. Filled by the decorators below."""

DOCUMENTATION: dict[str, str] = {}
"""Name -> docstring of the defining function: the reference pages are made from it."""

_parse_operand: Parse | None = None


def register(name: str, parse: Parse, documentation: str | None) -> None:
    """Enter an operator; a second definition of a name is a programming error."""
    if name in OPERATORS:
        raise RuntimeError(f"{name} is defined twice")
    OPERATORS[name] = parse
    DOCUMENTATION[name] = documentation or ""


def use_parser(parse: Parse) -> None:
    """Tell the registry how operands are parsed (parse.py does, once)."""
    global _parse_operand
    _parse_operand = parse


def parse_operand(spec: Any, scope: Scope) -> Expression:
    """Parse an operand one level deeper.

    errors   those of `parse_expression`, NESTED_TOO_DEEP
    """
    assert _parse_operand is not None
    return _parse_operand(spec, scope.deeper())


def operator(*names: str, arity: int | tuple[int, int | None], is_pure: bool = True) -> Callable[[Function], Function]:
    """Register a function of evaluated positional arguments.

    arity     how many: a number (the function takes that many parameters) or (least, most) with None for
              no bound (the function takes one list)
    is_pure   False keeps constant arguments from being folded ($rand)
    errors    at parse: WRONG_ARGUMENT_COUNT, ARGUMENT_COUNT_OUT_OF_RANGE
    """

    def enter(function: Function) -> Function:
        for name in names:
            call = Operator(name, function, not isinstance(arity, int), is_pure)

            def parse(operand: Any, scope: Scope, name: str = name, call: Operator = call) -> Expression:
                specs = operand if type(operand) is list else [operand]
                check_arity(name, arity, len(specs))
                return Call(call, tuple(parse_operand(spec, scope) for spec in specs))

            register(name, parse, function.__doc__)
        return function

    return enter


def check_arity(name: str, arity: int | tuple[int, int | None], count: int) -> None:
    """Refuse a wrong number of arguments.

    errors   WRONG_ARGUMENT_COUNT, ARGUMENT_COUNT_OUT_OF_RANGE
    """
    if isinstance(arity, int):
        if count != arity:
            raise errors.WRONG_ARGUMENT_COUNT(name=name, expected=arity, count=count)
        return
    least, most = arity
    if most is not None and not least <= count <= most:
        raise errors.ARGUMENT_COUNT_OUT_OF_RANGE(name=name, least=least, most=most, count=count)


def named(
    name: str,
    *,
    required: dict[str, Condition],
    optional: tuple[str, ...] = (),
    not_object: Condition,
    unknown: Condition,
    is_pure: bool = True,
    constant: Function | None = None,
) -> Callable[[Function], Function]:
    """Register a function of evaluated named arguments, required ones first, in the order given here.

    required     argument -> the error when it is not written
    not_object   the error when the operand is no object; gaps: name
    unknown      the error for any other argument; gaps: name, field
    constant     what computes it where all arguments are constants; None for the function itself
    """

    def enter(function: Function) -> Function:
        call = Operator(name, function, False, is_pure, constant)

        def parse(operand: Any, scope: Scope) -> Expression:
            fields = read_fields(name, operand, required, optional, not_object, unknown)
            names = (*required, *optional)
            return Call(call, tuple(_parse_named(fields, field, scope) for field in names))

        register(name, parse, function.__doc__)
        return function

    return enter


def read_fields(
    name: str,
    operand: Any,
    required: dict[str, Condition],
    optional: tuple[str, ...],
    not_object: Condition,
    unknown: Condition,
) -> dict[str, Any]:
    """Check the object of named arguments and give it back; parameters as for `named`."""
    if type(operand) is not dict:
        raise not_object(name=name)
    for field in operand:
        if field not in required and field not in optional:
            raise unknown(name=name, field=field)
    for field, absent in required.items():
        if field not in operand:
            raise absent(name=name, field=field)
    return operand


def _parse_named(fields: dict[str, Any], field: str, scope: Scope) -> Expression:
    return parse_operand(fields[field], scope) if field in fields else Literal(ABSENT)


def form(*names: str) -> Callable[[Callable[[Any, Scope], Expression]], Callable[[Any, Scope], Expression]]:
    """Register a parse function `(operand, scope) -> Expression` for an operator with a node of its own."""

    def enter(parse: Callable[[Any, Scope], Expression]) -> Callable[[Any, Scope], Expression]:
        for name in names:
            register(name, parse, parse.__doc__)
        return parse

    return enter
