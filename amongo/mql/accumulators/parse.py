"""From `name: {$accumulator: argument}` of a $group or $bucket to an accumulation."""

from __future__ import annotations

from typing import Any

from amongo.errors import expression as errors
from amongo.mql.accumulators.not_yet import NOT_YET
from amongo.mql.accumulators.registry import ACCUMULATORS, Accumulation
from amongo.mql.expressions import Scope


def parse_accumulation(field: str, spec: Any, scope: Scope) -> Accumulation:
    """Parse one accumulator.

    field    the name of the field that gets the result
    spec     {$accumulator: argument}
    errors   ACCUMULATOR_FIELD_DOT, ACCUMULATOR_FIELD_DOLLAR, ACCUMULATOR_NOT_OBJECT, ACCUMULATOR_NOT_ONE,
             ACCUMULATOR_NOT_UNARY, UNKNOWN_ACCUMULATOR, OPERATOR_NOT_YET, those of the argument
    source   manual, $group
    """
    if "." in field:
        raise errors.ACCUMULATOR_FIELD_DOT(field=field)
    if field.startswith("$"):
        raise errors.ACCUMULATOR_FIELD_DOLLAR(field=field)
    if type(spec) is not dict or not next(iter(spec), "").startswith("$"):
        raise errors.ACCUMULATOR_NOT_OBJECT(field=field)
    if len(spec) != 1:
        raise errors.ACCUMULATOR_NOT_ONE(field=field)
    ((name, argument),) = spec.items()
    if type(argument) is list:
        raise errors.ACCUMULATOR_NOT_UNARY(name=name)
    parse = ACCUMULATORS.get(name)
    if parse is not None:
        return parse(argument, scope)
    if name in NOT_YET:
        raise errors.OPERATOR_NOT_YET(name=name, reason=NOT_YET[name])
    raise errors.UNKNOWN_ACCUMULATOR(name=name)
