"""All of the language is lowered or stands on a list with a reason; and no text of a user comes into statements."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from amongo.aggregate.pipeline import parse_pipeline
from amongo.aggregate.relational import not_lowered, registry
from amongo.aggregate.stages import STAGES
from amongo.aggregate.stages.stacked import Stacked
from amongo.aggregate.stages.stage import Stage
from amongo.mql.accumulators.registry import ACCUMULATORS
from amongo.mql.expressions import OPERATORS
from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.mql.matcher.registry import FIELD_OPERATORS, TOP_LEVEL_OPERATORS
from amongo.mql.windows.registry import WINDOW_FUNCTIONS

ROOT = Path(__file__).parents[2] / "amongo" / "aggregate" / "relational"

EXAMPLES: Mapping[str, Any] = {
    "$bucket": {"groupBy": "$a", "boundaries": [0, 1]},
    "$densify": {"field": "a", "range": {"step": 1, "bounds": "full"}},
    "$fill": {"output": {"a": {"value": 1}}},
    "$sortByCount": "$a",
}
"""A specification of each stage that is parsed to one of several classes."""

CONSTANTS = ("$const", "$literal")
"""What the parser makes a constant, which `Scope` takes as it is."""

FILTERS: Mapping[str, Any] = {
    "$all": {"a": {"$all": [1, 2]}},
    "$comment": {"a": 1, "$comment": "for the log"},
    "$db": {"$db": "d"},
    "$id": {"$id": 1},
    "$ne": {"a": {"$ne": 1}},
    "$nin": {"a": {"$nin": [1]}},
    "$options": {"a": {"$regex": "a", "$options": "s"}},
    "$ref": {"$ref": "c"},
}
"""A filter with each operator that the parser turns into others, or into nothing."""


def _stage_is_lowered(name: str) -> bool:
    if name in EXAMPLES:
        (stage,) = parse_pipeline([{name: EXAMPLES[name]}]).stages
        return _is_lowered(stage)
    kind = STAGES[name].__annotations__["return"]
    return kind != "Stage" and kind in {each.__name__ for each in registry.STAGES}


def _filter_is_lowered(name: str) -> bool:
    """Whether an operator that the parser turns into others is turned into lowered ones."""
    return name in FILTERS and all(each in registry.MATCHES for each in _operators(parse_filter(FILTERS[name])))


def _operators(expression: MatchExpression) -> Iterator[str]:
    yield expression.operator
    for child in expression.children:
        yield from _operators(child)


def _is_lowered(stage: Stage) -> bool:
    if isinstance(stage, Stacked):
        return all(map(_is_lowered, stage.stages))
    return type(stage) in registry.STAGES


LISTS: Mapping[str, tuple[Collection[str], Callable[[str], bool], Mapping[str, str]]] = {
    "stages": (STAGES, _stage_is_lowered, not_lowered.STAGES),
    "expressions": (
        OPERATORS,
        lambda name: name in registry.CALLS or name in registry.NODE_NAMES or name in CONSTANTS,
        not_lowered.EXPRESSIONS,
    ),
    "match operators": (
        {**FIELD_OPERATORS, **TOP_LEVEL_OPERATORS},
        lambda name: name in registry.MATCHES or _filter_is_lowered(name),
        not_lowered.MATCHES,
    ),
    "accumulators": (ACCUMULATORS, lambda name: name in registry.FOLDS, not_lowered.ACCUMULATORS),
    "window operators": (WINDOW_FUNCTIONS, lambda name: name in registry.WINDOWS, not_lowered.WINDOWS),
}


@pytest.mark.parametrize("subject", LISTS)
def test_everything_is_lowered_or_has_a_reason_why_not(subject: str) -> None:
    names, is_lowered, reasons = LISTS[subject]
    assert sorted(name for name in names if not is_lowered(name) and name not in reasons) == []
    assert sorted(name for name in names if is_lowered(name) and name in reasons) == [], "lowered, and on the list"
    assert sorted(reasons.keys() - set(names)) == [], "not of the language"
    assert all(reasons.values())


# Statements


def _modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


class _Texts:
    """Which expressions of a module can only be text that is written in it."""

    def __init__(self, tree: ast.Module) -> None:
        self.assigned: dict[str, list[ast.expr | None]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._assign(target, node.value)
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
                self._assign(node.target, node.value)
            elif isinstance(node, ast.For | ast.comprehension):
                rows = node.iter.elts if isinstance(node.iter, ast.Tuple) else [None]
                for row in rows:
                    self._assign(node.target, row)
            elif isinstance(node, ast.AugAssign):
                self._assign(node.target, None)
            elif isinstance(node, ast.withitem):
                self._assign(node.optional_vars, None)
            elif isinstance(node, ast.arg) and node.arg != "template":  # handed on: the callers are looked at
                self.assigned.setdefault(node.arg, []).append(None)

    def _assign(self, target: ast.AST | None, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self.assigned.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for each, part in zip(target.elts, value.elts, strict=False):
                self._assign(each, part)
        elif target is not None:
            for each in ast.walk(target):
                if isinstance(each, ast.Name):
                    self.assigned.setdefault(each.id, []).append(None)

    def is_text(self, node: ast.expr | None) -> bool:
        """Whether an expression is written text, or made of it."""
        match node:
            case ast.Constant(value=str()):
                return True
            case ast.IfExp():
                return self.is_text(node.body) and self.is_text(node.orelse)
            case ast.BinOp(op=ast.Add()):
                return self.is_text(node.left) and self.is_text(node.right)
            case ast.Name(id=name):
                found = self.assigned.get(name, [] if name == "template" else [None])
                return all(map(self.is_text, found))
            case ast.Subscript(value=ast.Name(id=name)):
                return all(map(self._is_table, self.assigned.get(name, [None])))
            case ast.Subscript(value=table):
                return self._is_table(table)
        return False

    def _is_table(self, node: ast.expr | None) -> bool:
        return isinstance(node, ast.Dict) and all(map(self.is_text, node.values))


def _takers_of_templates() -> dict[tuple[type, str, str], int]:
    """Functions and methods that take a template to hand it on, as a call names them and, of those of one module alone,
    where -> its place among the arguments."""
    found = {}
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                names = [each.arg for each in node.args.args]
                if "template" in names:
                    kind = ast.Attribute if names[0] == "self" else ast.Name
                    found[kind, node.name, path.name if node.name.startswith("_") else ""] = names.index("template") - (
                        names[0] == "self"
                    )
    return found


TAKERS = _takers_of_templates()


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_of_statements_are_written_in_the_code(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = _Texts(tree)
    lines = [call.lineno for call, template in _templates(tree, path.name) if not texts.is_text(template)]
    assert lines == [] or path.name == "sql.py"


def _templates(tree: ast.AST, module: str) -> Iterator[tuple[ast.Call, ast.expr | None]]:
    """Calls with the template that each is given."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        place = TAKERS.get((type(node.func), name, module if name.startswith("_") else ""))
        if place is not None:
            by_name = [each.value for each in node.keywords if each.arg == "template"]
            yield node, by_name[0] if by_name else node.args[place] if place < len(node.args) else None


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_pieces_of_statements_are_made_in_one_place(path: Path) -> None:
    """`Sql(…)` takes any text: outside of its module only text that is written there."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    made = [call.lineno for call in _calls(tree, "Sql") if not _is_written(call)]
    assert made == [] or path.name == "sql.py"


def _is_written(call: ast.Call) -> bool:
    return len(call.args) == 1 and not call.keywords and isinstance(call.args[0], ast.Constant)
