"""$sort, $limit, $skip: an order is only noted until somebody has to know it."""

from __future__ import annotations

from dataclasses import replace

from amongo.aggregate.relational.frame import Frame
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sorting import pattern_keys
from amongo.aggregate.relational.sql import integer, sql
from amongo.aggregate.stages.limit import Limit
from amongo.aggregate.stages.skip import Skip
from amongo.aggregate.stages.sort import Sort
from amongo.mql.sort_keys import SortPattern

_MOST = 2**63 - 1


@reads(Sort)
def read_sort(stage: Sort, reading: Reading) -> None:
    """The paths of the pattern."""
    for path in stage.pattern.paths:
        reading.path(path)


@lowers_stage(Sort)
def lower_sort(stage: Sort, frame: Frame, lowering: Lowering) -> Frame:
    """The same rows; the pattern before the order that they had."""
    found = ordered_by(stage.pattern, frame, lowering)
    return found if stage.limit is None else first_rows(found, stage.limit)


def ordered_by(pattern: SortPattern, frame: Frame, lowering: Lowering) -> Frame:
    """The same rows; a sort pattern before the order that they had.

    errors   NotLowered
    """
    scope = Scope(frame, lowering)
    keys = pattern_keys(pattern, scope)
    return replace(scope.frame, order=(*keys, *frame.order), is_ordered=True)


@lowers_stage(Limit)
def lower_limit(stage: Limit, frame: Frame, lowering: Lowering) -> Frame:
    """The first rows in the order."""
    return first_rows(frame, stage.count)


@lowers_stage(Skip)
def lower_skip(stage: Skip, frame: Frame, lowering: Lowering) -> Frame:
    """All but the first rows in the order."""
    return window(frame, stage.count, None)


def window(frame: Frame, skip: int, limit: int | None) -> Frame:
    """The rows behind the first ones in the order, and of these so many, or all."""
    if limit is not None:
        frame = first_rows(frame, skip + limit)
    if not skip:
        return frame
    rest = sql("{} OFFSET {}", frame.order_by(), integer(min(skip, _MOST)))
    return replace(frame, relation=frame.relation.followed(rest))


def first_rows(frame: Frame, count: int) -> Frame:
    """The first rows in the order."""
    rest = sql("{} LIMIT {}", frame.order_by(), integer(min(count, _MOST)))
    return replace(frame, relation=frame.relation.followed(rest))
