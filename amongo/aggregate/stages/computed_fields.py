"""Computed fields at paths: what $addFields writes, and how it goes through arrays on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from amongo.aggregate.environment import Document
from amongo.aggregate.stages.stage import Surroundings
from amongo.errors import query as query_errors
from amongo.mql.expressions import Evaluate, Expression
from amongo.values.missing import MISSING
from amongo.values.paths import field_path

Tree = dict[str, Any]
"""Field name -> an Expression, or the Tree below; in the order in which the fields are written."""

Plan = tuple[tuple[str, Any], ...]
"""A bound tree: (name, Evaluate) or (name, Plan)."""


@dataclass(frozen=True, slots=True)
class ComputedFields:
    """Expressions at paths. All of them see the document as it came in."""

    tree: Tree

    def bind(self) -> Evaluate:
        """The closure `(document, variables) -> document with the fields`."""
        plan = _bind(self.tree)
        if all(callable(step) for _, step in plan):
            return _bind_flat(plan)
        return lambda document, variables: _apply(plan, document, document, variables)


def parse_computed_fields(spec: Document, surroundings: Surroundings) -> ComputedFields:
    """Parse `{path: expression, …}`; an object that is no operator spells out the fields below its path.

    errors   PATH_COLLISION, path errors, those of the expressions
    """
    tree: Tree = {}
    for parts, value in _paths(spec, ()):
        _insert(tree, parts, surroundings.parse(value))
    return ComputedFields(tree)


def fields_at(expressions: Mapping[str, Expression]) -> ComputedFields:
    """Expressions at paths, each of which is written out.

    errors   PATH_COLLISION, path errors
    """
    tree: Tree = {}
    for path, expression in expressions.items():
        _insert(tree, field_path(path).parts, expression)
    return ComputedFields(tree)


def _paths(spec: Document, prefix: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in spec.items():
        parts = (*prefix, *field_path(name).parts)
        if type(value) is dict and value and not next(iter(value)).startswith("$"):
            yield from _paths(value, parts)
        else:
            yield parts, value


def _insert(tree: Tree, parts: tuple[str, ...], expression: Expression) -> None:
    for index, name in enumerate(parts[:-1]):
        below = tree.setdefault(name, {})
        if not isinstance(below, dict):
            raise query_errors.PATH_COLLISION_REMAINING(path=".".join(parts), rest=".".join(parts[index + 1 :]))
        tree = below
    if parts[-1] in tree:
        raise query_errors.PATH_COLLISION(path=".".join(parts))
    tree[parts[-1]] = expression


def _bind(tree: Tree) -> Plan:
    return tuple((name, _bind(step) if isinstance(step, dict) else step.bind()) for name, step in tree.items())


def _bind_flat(plan: Plan) -> Evaluate:
    def add(document: Document, variables: Any) -> Document:
        result = dict(document)
        for name, evaluate in plan:
            value = evaluate(document, variables)
            if value is not MISSING:
                result[name] = value
            else:
                result.pop(name, None)
        return result

    return add


def _apply(plan: Plan, root: Document, target: Any, variables: Any) -> Any:
    """The target with the plan's fields: inside every element of an array, and in place of any other value."""
    if type(target) is list:
        return [_apply(plan, root, element, variables) for element in target]
    result = dict(target) if type(target) is dict else {}
    for name, step in plan:
        if callable(step):
            value = step(root, variables)
        else:
            value = _apply(step, root, result.get(name, MISSING), variables)
        if value is not MISSING:
            result[name] = value
        else:
            result.pop(name, None)
    return result
