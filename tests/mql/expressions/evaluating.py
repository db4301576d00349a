"""How the tables of these tests are read: an expression, a document, and what comes out."""

from typing import Any

from amongo.errors import ServerError
from amongo.mql.expressions import parse_expression
from amongo.values.missing import MISSING

__all__ = ["MISSING", "evaluate", "failure_code"]


def evaluate(spec: Any, document: dict[str, Any] | None = None, **variables: Any) -> Any:
    """The expression's value for a document."""
    return parse_expression(spec, variables=variables).bind()(document or {}, variables)


def failure_code(spec: Any, document: dict[str, Any] | None = None) -> int | None:
    """The code of the error, or None where there is a value."""
    try:
        evaluate(spec, document)
    except ServerError as failure:
        return failure.code
    return None


def same(actual: Any, expected: Any) -> bool:
    """Equal in value and in type, all the way down; NaN is NaN, and -0.0 is not 0.0."""
    if type(actual) is not type(expected):
        return False
    if type(actual) is list:
        return len(actual) == len(expected) and all(map(same, actual, expected))
    if type(actual) is dict:
        return list(actual) == list(expected) and all(same(actual[name], expected[name]) for name in actual)
    return repr(actual) == repr(expected)
