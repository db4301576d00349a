"""So many elements of an array: $firstN, $lastN, $minN, $maxN."""

from __future__ import annotations

import functools
from typing import Any

from amongo.errors import expression as errors
from amongo.mql.expressions.nodes import Call, Expression, Operator
from amongo.mql.expressions.registry import parse_operand, read_fields, register
from amongo.mql.expressions.scope import Scope
from amongo.mql.expressions.truth import is_nullish
from amongo.values.key_bytes import key_bytes
from amongo.values.numbers import exact_integer
from amongo.values.order import Collator
from amongo.values.types import alias, is_number


def read_count(value: Any) -> int:
    """An evaluated `n`: a whole number above zero.

    errors   N_TYPE, N_NOT_WHOLE, N_NOT_POSITIVE
    """
    if not is_number(value):
        raise errors.N_TYPE(kind=alias(value))
    count = exact_integer(value)
    if count is None:
        raise errors.N_NOT_WHOLE(value=value)
    if count <= 0:
        raise errors.N_NOT_POSITIVE(value=count)
    return count


def _pick(name: str, collator: Collator | None, count: Any, array: Any) -> list[Any]:
    wanted = read_count(count)
    if type(array) is not list:
        raise errors.N_TAKES_ARRAY(name=name, kind=alias(array))
    if name == "$firstN":
        return array[:wanted]
    if name == "$lastN":
        return array[-wanted:]
    values = [element for element in array if not is_nullish(element)]
    values.sort(key=lambda element: key_bytes(element, collator), reverse=name == "$maxN")
    return values[:wanted]


def _register(name: str, what: str) -> None:
    def parse(operand: Any, scope: Scope) -> Expression:
        fields = read_fields(
            name,
            operand,
            {"n": errors.N_WITHOUT_N, "input": errors.N_WITHOUT_INPUT},
            (),
            errors.N_NEEDS_OBJECT,
            errors.N_UNKNOWN_FIELD,
        )
        call = Operator(name, functools.partial(_pick, name, scope.collator), False)
        return Call(call, (parse_operand(fields["n"], scope), parse_operand(fields["input"], scope)))

    register(
        name,
        parse,
        f"""{what}

    args     {{n: whole number above zero, input: array}}
    result   array of at most n elements
    errors   N_NEEDS_OBJECT, N_UNKNOWN_FIELD, N_WITHOUT_N, N_WITHOUT_INPUT, N_TYPE, N_NOT_WHOLE, N_NOT_POSITIVE,
             N_TAKES_ARRAY, null and missing included
    source   manual, {name} (array operator)
    """,
    )


_register("$firstN", "The first elements.")
_register("$lastN", "The last elements, in their order.")
_register("$minN", "The smallest elements, the smallest first; null is left out.")
_register("$maxN", "The largest elements, the largest first; null is left out.")
