"""$addFields and $set."""

from __future__ import annotations

from typing import Any

from amongo.aggregate.relational.frame import Frame
from amongo.aggregate.relational.inside import Inside
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.stages.project import set_in, written
from amongo.aggregate.relational.steps import Tree, Written
from amongo.aggregate.relational.values import Value
from amongo.aggregate.stages.add_fields import AddFields


@reads(AddFields)
def read_add_fields(stage: AddFields, reading: Reading) -> None:
    """What the expressions read."""
    _read(stage.fields.tree, reading)
    reading.set_names.update(stage.fields.tree)


def _read(tree: dict[str, Any], reading: Reading) -> None:
    for each in tree.values():
        if isinstance(each, dict):
            _read(each, reading)
        else:
            reading.expression(each)


@lowers_stage(AddFields)
def lower_add_fields(stage: AddFields, frame: Frame, lowering: Lowering) -> Frame:
    """The documents with the values; all expressions see them as they came in."""
    scope = Scope(frame, lowering)
    return assigned(_values(stage.fields.tree, scope), scope)


def assigned(tree: Tree, scope: Scope) -> Frame:
    """The documents with values at paths, as $addFields sets them."""
    frame = scope.frame
    values = {name: each for name, each in tree.items() if isinstance(each, Value)}
    if len(values) == len(tree):
        return frame.setting(values)
    if frame.is_known:
        fields = set_in(frame.fields, tree)
        if fields is not None:
            return frame.built(fields)
    before = scope.inside
    set_fields, set_inner = written(tree, before, before)
    fields = {name: value for name, value in frame.fields.items() if name not in set_inner} | set_fields
    inner: dict[str, Inside] = {name: each for name, each in frame.inner.items() if name not in set_fields} | set_inner
    return frame.stepped(Written(tree), fields=fields, inner=inner)


def _values(tree: dict[str, Any], scope: Scope) -> Tree:
    return {
        name: _values(each, scope) if isinstance(each, dict) else scope.value(each.fold())
        for name, each in tree.items()
    }
