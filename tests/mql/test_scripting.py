"""`$where`, `$function` and `$accumulator`: read like a server, refused like one with scripting off."""

from collections.abc import Callable
from typing import Any

import pytest
from bson import Code

from amongo.errors import ServerError
from amongo.mql.accumulators import parse_accumulation
from amongo.mql.expressions import Scope, parse_expression
from amongo.mql.matcher import parse_filter

FUNCTION: dict[str, Any] = {"body": "function(x) { return x }", "args": ["$x"], "lang": "js"}
FOLD: dict[str, Any] = {
    "init": "function() { return 0 }",
    "accumulate": Code("function(state, x) { return state + x }"),
    "accumulateArgs": ["$x"],
    "merge": {"$concat": ["function", "(a, b) { return a + b }"]},
    "lang": "js",
}


def code_of(act: Callable[[], object]) -> int | None:
    """The code of the error, None without one."""
    try:
        act()
    except ServerError as failure:
        return failure.code
    return None


def without(spec: dict[str, Any], name: str) -> dict[str, Any]:
    return {field: value for field, value in spec.items() if field != name}


FILTERS: list[tuple[str, Any, int]] = [
    ("string", "this.a", 6108304),
    ("code", Code("this.a"), 6108304),
    ("code with a scope", Code("this.a", {}), 4649201),
    ("number", 1, 2),
    ("null", None, 2),
    ("empty", "", 2),
]


@pytest.mark.parametrize(("operand", "code"), [case[1:] for case in FILTERS], ids=[case[0] for case in FILTERS])
def test_where(operand: Any, code: int) -> None:
    assert code_of(lambda: parse_filter({"$where": operand}, allows_near=True)) == code
    assert code_of(lambda: parse_filter({"$or": [{"$where": operand}]}, allows_near=True)) == code


def test_where_stands_in_queries_alone() -> None:
    assert code_of(lambda: parse_filter({"$where": "1"}, may_search=True)) == 2
    assert code_of(lambda: parse_filter({"a": {"$elemMatch": {"$where": "1"}}}, allows_near=True)) == 2
    assert code_of(lambda: parse_filter({"a": {"$where": "1"}}, allows_near=True)) == 2


FUNCTIONS: list[tuple[str, Any, int]] = [
    ("no object", ["x"], 31260),
    ("no body", without(FUNCTION, "body"), 31261),
    ("body of a field", {**FUNCTION, "body": "$code"}, 31432),
    ("body of a computed constant", {**FUNCTION, "body": {"$concat": ["a", "b"]}}, 31432),
    ("body of another type", {**FUNCTION, "body": 5}, 31262),
    ("body with a scope", {**FUNCTION, "body": Code("f", {})}, 31262),
    ("no args", without(FUNCTION, "args"), 31263),
    ("no lang", without(FUNCTION, "lang"), 31418),
    ("another lang", {**FUNCTION, "lang": "lua"}, 31419),
    ("lang of another type", {**FUNCTION, "lang": 1}, 31419),
]


@pytest.mark.parametrize(("operand", "code"), [case[1:] for case in FUNCTIONS], ids=[case[0] for case in FUNCTIONS])
def test_a_function_that_is_not_well_written(operand: Any, code: int) -> None:
    assert code_of(lambda: parse_expression({"$function": operand})) == code


def test_a_function_fails_when_its_turn_comes() -> None:
    evaluate = parse_expression({"$cond": ["$x", {"$function": {**FUNCTION, "args": []}}, "no"]}).bind()
    assert evaluate({"x": 0}, {}) == "no"
    with pytest.raises(ServerError) as failure:
        evaluate({"x": 1}, {})
    assert failure.value.code == 31264


FOLDS: list[tuple[str, Any, int]] = [
    ("no object", "x", 4544703),
    ("code of a field", {**FOLD, "init": "$code"}, 4544701),
    ("code of another type", {**FOLD, "merge": 5}, 4544702),
    ("finalize of another type", {**FOLD, "finalize": True}, 4544702),
    ("lang of another type", {**FOLD, "lang": 1}, 4544704),
    ("another lang", {**FOLD, "lang": "lua"}, 4544705),
    ("unknown field", {**FOLD, "more": 1}, 4544706),
    ("no init", without(FOLD, "init"), 4544707),
    ("no accumulate", without(FOLD, "accumulate"), 4544708),
    ("no merge", without(FOLD, "merge"), 4544709),
    ("no accumulateArgs", without(FOLD, "accumulateArgs"), 4544710),
]


@pytest.mark.parametrize(("operand", "code"), [case[1:] for case in FOLDS], ids=[case[0] for case in FOLDS])
def test_an_accumulator_that_is_not_well_written(operand: Any, code: int) -> None:
    assert code_of(lambda: parse_accumulation("r", {"$accumulator": operand}, Scope())) == code


def test_an_accumulator_fails_when_a_group_begins() -> None:
    accumulation = parse_accumulation("r", {"$accumulator": FOLD}, Scope())
    assert accumulation.bind()({"x": 3}, {}) == [3]
    assert code_of(lambda: accumulation.create(None, {})) == 31264
