"""$function: an expression written in JavaScript, read as by a server and refused when it is evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from bson.code import Code

from amongo.errors import scripting as errors
from amongo.mql.expressions.nodes import Document, Evaluate, Expression, Literal, Variables
from amongo.mql.expressions.registry import form, parse_operand
from amongo.mql.expressions.scope import Scope
from amongo.values.types import alias


@dataclass(frozen=True, slots=True)
class Scripted(Expression):
    """A call of JavaScript: not evaluated before its turn comes, and then refused."""

    arguments: Expression

    def children(self) -> Iterator[Expression]:
        return iter((self.arguments,))

    def fold(self) -> Expression:
        return Scripted(self.arguments.fold())

    def compile(self) -> Evaluate:
        def refuse(document: Document, variables: Variables) -> NoReturn:
            raise errors.NO_ENGINE()

        return refuse


@form("$function")
def parse_function(operand: Any, scope: Scope) -> Expression:
    """What a function in JavaScript computes. There is no engine for it: evaluation always fails.

    args     {body: a string or code, args: an expression that gives an array, lang: "js"}
    result   none
    errors   FUNCTION_NOT_OBJECT, FUNCTION_WITHOUT_BODY, FUNCTION_BODY_NOT_CONSTANT, FUNCTION_BODY_TYPE,
             FUNCTION_WITHOUT_ARGS, FUNCTION_WITHOUT_LANG, FUNCTION_LANG; NO_ENGINE on evaluation
    order    a pipeline that reads no document does not fail
    source   manual, $function (aggregation)
    """
    if type(operand) is not dict:
        raise errors.FUNCTION_NOT_OBJECT(kind=alias(operand))
    if "body" not in operand:
        raise errors.FUNCTION_WITHOUT_BODY()
    body = parse_operand(operand["body"], scope)
    if not isinstance(body, Literal):
        raise errors.FUNCTION_BODY_NOT_CONSTANT()
    if not is_code(body.value):
        raise errors.FUNCTION_BODY_TYPE()
    if "args" not in operand:
        raise errors.FUNCTION_WITHOUT_ARGS()
    arguments = parse_operand(operand["args"], scope)
    if "lang" not in operand:
        raise errors.FUNCTION_WITHOUT_LANG()
    if operand["lang"] != "js":
        raise errors.FUNCTION_LANG()
    return Scripted(arguments)


def is_code(value: Any) -> bool:
    """Whether a value can be a function: a string, or code without a scope."""
    return type(value) is str or (type(value) is Code and value.scope is None)
