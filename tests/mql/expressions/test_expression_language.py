"""Paths, variables, literals, folding: what holds for every expression."""

from typing import Any

import pytest
from evaluating import MISSING, evaluate, failure_code, same

from amongo.errors import ServerError
from amongo.mql.expressions import parse_expression

VALUES: list[tuple[str, Any, dict[str, Any], Any]] = [
    ("path", "$a", {"a": 1}, 1),
    ("missing path", "$a", {}, MISSING),
    ("null is not missing", "$a", {"a": None}, None),
    ("nested path", "$a.b", {"a": {"b": 1}}, 1),
    ("path into a scalar", "$a.b", {"a": 5}, MISSING),
    ("array on the way fans out", "$a.b", {"a": [{"b": 1}, {"c": 2}, 3, {"b": None}]}, [1, None]),
    ("array of nothing gives an empty array", "$a.b", {"a": [1, 2]}, []),
    ("nested arrays on the way are passed over", "$a.b", {"a": [[{"b": 1}]]}, []),
    ("fan-out at two levels", "$a.b.c", {"a": [{"b": [{"c": 1}, {"c": 2}]}]}, [[1, 2]]),
    ("numbers in a path are names", "$a.0", {"a": [1, 2]}, []),
    ("ROOT", "$$ROOT", {"a": 1}, {"a": 1}),
    ("ROOT with a path", "$$ROOT.a.b", {"a": {"b": 2}}, 2),
    ("CURRENT is ROOT", "$$CURRENT.a", {"a": 1}, 1),
    ("REMOVE is missing", "$$REMOVE", {}, MISSING),
    ("text without a dollar", "a", {"a": 1}, "a"),
    ("object", {"x": "$a", "y": "$b"}, {"a": 1}, {"x": 1}),
    ("array keeps null for missing", ["$a", "$b"], {"a": 1}, [1, None]),
    ("empty object", {}, {}, {}),
    ("literal", {"$literal": "$a"}, {"a": 1}, "$a"),
    ("literal object", {"$literal": {"$add": [1, 1]}}, {}, {"$add": [1, 1]}),
    ("let", {"$let": {"vars": {"x": "$a"}, "in": ["$$x", "$a"]}}, {"a": 1}, [1, 1]),
    ("let is evaluated outside", {"$let": {"vars": {"x": 1, "y": "$a"}, "in": "$$y"}}, {"a": 3}, 3),
    ("let rebinds CURRENT", {"$let": {"vars": {"CURRENT": "$a"}, "in": "$b"}}, {"a": {"b": 7}, "b": 1}, 7),
    ("ROOT stays when CURRENT is bound", {"$let": {"vars": {"CURRENT": "$a"}, "in": "$$ROOT.b"}}, {"a": 0, "b": 1}, 1),
    ("path of an array variable", {"$let": {"vars": {"x": [{"b": 1}, {"b": 2}]}, "in": "$$x.b"}}, {}, [1, 2]),
]


@pytest.mark.parametrize(("name", "spec", "document", "expected"), VALUES, ids=[case[0] for case in VALUES])
def test_value(name: str, spec: Any, document: dict[str, Any], expected: Any) -> None:
    assert same(evaluate(spec, document), expected)


ERRORS: list[tuple[str, Any, int]] = [
    ("unknown operator", {"$nope": 1}, 168),
    ("two operators", {"$add": [1], "$abs": 1}, 15983),
    ("dollar alone", "$", 16872),
    ("empty variable", "$$", 9),
    ("undefined variable", "$$x", 17276),
    ("variables are case sensitive", "$$root", 17276),
    ("redact's variables are not defined elsewhere", "$$KEEP", 17276),
    ("path ends with a dot", "$a.", 40353),
    ("variable path ends with a dot", "$$ROOT.", 40353),
    ("empty step", "$a..b", 15998),
    ("dollar step", "$a.$b", 16410),
    ("NUL in a path", "$a\0b", 16411),
    ("dot in an object's name", {"a.b": 1}, 16412),
    ("dollar later in an object", {"a": 1, "$b": 1}, 16410),
    ("too deep", ("nested", 300), 15),
    ("let without in", {"$let": {"vars": {}}}, 16877),
    ("let binds a system variable", {"$let": {"vars": {"ROOT": 1}, "in": 1}}, 9),
    ("let binds an upper-case name", {"$let": {"vars": {"Abc": 1}, "in": 1}}, 9),
    ("not yet", {"$encStrContains": {}}, 115),
]


@pytest.mark.parametrize(("name", "spec", "code"), ERRORS, ids=[case[0] for case in ERRORS])
def test_error(name: str, spec: Any, code: int) -> None:
    if isinstance(spec, tuple):
        depth, spec = spec[1], 1
        for _ in range(depth):
            spec = {"$abs": spec}
    assert failure_code(spec) == code


def test_constant_parts_fail_when_bound_and_not_when_parsed() -> None:
    expression = parse_expression({"$ifNull": ["$a", {"$divide": [1, 0]}]})
    with pytest.raises(ServerError) as failure:
        expression.bind()
    assert failure.value.code == 2


def test_constants_are_folded() -> None:
    folded = parse_expression({"$add": [1, {"$multiply": [2, 3]}, {"$cond": [True, 1, "$a"]}]}).fold()
    assert folded.is_constant
    assert folded.bind()({}, {}) == 8


def test_a_bound_expression_does_not_change_its_document() -> None:
    document = {"a": [{"b": 1}], "c": {"d": 1}}
    for spec in (
        {"$mergeObjects": ["$c", {"e": 1}]},
        {"$map": {"input": "$a", "in": {"$setField": {"field": "z", "input": "$$this", "value": 1}}}},
        {"$concatArrays": ["$a", [1]]},
        {"$reverseArray": "$a"},
        {"$sortArray": {"input": "$a", "sortBy": {"b": -1}}},
    ):
        evaluate(spec, document)
    assert document == {"a": [{"b": 1}], "c": {"d": 1}}


def test_a_variable_that_the_command_does_not_provide() -> None:
    with pytest.raises(ServerError) as failure:
        parse_expression("$$NOW").bind()({}, {})
    assert failure.value.code == 51144
