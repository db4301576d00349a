"""$replaceRoot and $replaceWith."""

from __future__ import annotations

from dataclasses import replace

from amongo.aggregate.relational.frame import Frame
from amongo.aggregate.relational.inside import Below
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.steps import Rooted
from amongo.aggregate.relational.values import NotLowered
from amongo.aggregate.stages.replace_root import ReplaceRoot
from amongo.mql.expressions.nodes import FieldPath
from amongo.values.types import BsonType


@reads(ReplaceRoot)
def read_replace_root(stage: ReplaceRoot, reading: Reading) -> None:
    """What the new documents are made of."""
    if not isinstance(stage.new_root, FieldPath):
        reading.expression(stage.new_root)
    reading.is_open = False


@lowers_stage(ReplaceRoot)
def lower_replace_root(stage: ReplaceRoot, frame: Frame, lowering: Lowering) -> Frame:
    """Other documents: those whose fields are known, or those that stand at a path in every document."""
    scope = Scope(frame, lowering)
    if not isinstance(stage.new_root, FieldPath) or frame.is_known:
        value = scope.value(stage.new_root.fold())
        if value.fields is None or not value.only(BsonType.OBJECT):
            raise NotLowered("another document whose fields are not known")
        return scope.frame.built(value.fields)
    path = tuple(stage.new_root.path.parts)
    before = scope.inside
    if before.kinds(path) != {BsonType.OBJECT}:
        raise NotLowered("what takes the place of the document is not a document everywhere")
    return replace(scope.frame.stepped(Rooted(path), fields={}, inner={}), root=Below(before, path))
