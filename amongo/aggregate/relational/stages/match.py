"""$match."""

from __future__ import annotations

from dataclasses import replace

from amongo.aggregate.relational.frame import Frame
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.matching.surviving import surviving
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.stages.match import Match


@reads(Match)
def read_match(stage: Match, reading: Reading) -> None:
    """What the filter reads."""
    reading.match(stage.filter)


@lowers_stage(Match)
def lower_match(stage: Match, frame: Frame, lowering: Lowering) -> Frame:
    """The rows for which the filter holds."""
    scope = Scope(frame, lowering)
    condition = scope.filter(stage.filter)
    narrowed = surviving(stage.filter, scope)
    return replace(scope.frame.where(condition), narrowed=narrowed)
