"""Stages that stand for several, and the crossing behind a $group."""

from __future__ import annotations

from amongo.aggregate.relational.frame import Frame
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import READS, STAGES, lowers_stage, reads
from amongo.aggregate.relational.values import NotLowered
from amongo.aggregate.stages.handed_on import HandedOn
from amongo.aggregate.stages.stacked import Stacked
from amongo.engine.columns import OTHER
from amongo.values.types import BsonType

_CHANGED = frozenset({BsonType.MIN_KEY, BsonType.MAX_KEY, BsonType.JAVASCRIPT})


@reads(Stacked)
def read_stacked(stage: Stacked, reading: Reading) -> None:
    """What its stages read."""
    for each in stage.stages:
        tell = READS.get(type(each))
        if tell is None or not reading.is_open:
            return
        tell(each, reading)


@lowers_stage(Stacked)
def lower_stacked(stage: Stacked, frame: Frame, lowering: Lowering) -> Frame:
    """One stage after the other, all or none."""
    for each in stage.stages:
        lower = STAGES.get(type(each))
        if lower is None:
            raise NotLowered(f"{type(each).__name__} is not lowered")
        frame = lower(each, frame, lowering)
    return frame


@lowers_stage(HandedOn)
def lower_handed_on(stage: HandedOn, frame: Frame, lowering: Lowering) -> Frame:
    """The same documents, where none of the values is one that changes."""
    for value in frame.fields.values():
        listed = value.listing.element.tags if value.listing is not None else frozenset()
        is_opaque = value.listing is None and OTHER in value.slots and BsonType.ARRAY in value.kinds
        if (value.kinds | listed) & _CHANGED or (is_opaque and stage.arrays):
            raise NotLowered("values that change on their way out of a $group")
    return frame
