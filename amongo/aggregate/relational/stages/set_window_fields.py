"""$setWindowFields: the documents by partition and sort pattern, with what window functions give for each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amongo.aggregate.relational.accumulators.folding import folded
from amongo.aggregate.relational.frame import Frame, Key
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import WINDOWS, lowers_stage, reads
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sorting import pattern_keys, sort_keys
from amongo.aggregate.relational.stages.add_fields import assigned
from amongo.aggregate.relational.steps import Tree
from amongo.aggregate.relational.values import NotLowered, Value
from amongo.aggregate.relational.windows.folds import lower_folded
from amongo.aggregate.relational.windows.partitions import Partitions
from amongo.aggregate.stages.set_window_fields import Computed, SetWindowFields
from amongo.mql.accumulators.registry import Unary
from amongo.mql.accumulators.single import ExtremeOf
from amongo.mql.windows import WindowFunction
from amongo.mql.windows.fillings import LastObserved
from amongo.mql.windows.folds import Folded
from amongo.mql.windows.places import AtEnd, Ranked
from amongo.values.types import BsonType


@reads(SetWindowFields)
def read_windows(stage: SetWindowFields, reading: Reading) -> None:
    """The partition, the sort pattern, and what is folded."""
    if stage.partition is not None:
        reading.expression(stage.partition)
    for path in stage.sort.paths if stage.sort is not None else ():
        reading.path(path)
    for _, function in stage.functions:
        match function:
            case Folded(accumulation=Unary() | ExtremeOf() as accumulation):
                reading.expression(accumulation.argument)
            case AtEnd():
                reading.expression(function.output)
            case LastObserved():
                reading.expression(function.input)
    reading.set_names.update(stage.fields.tree)


@lowers_stage(SetWindowFields)
def lower_windows(stage: SetWindowFields, frame: Frame, lowering: Lowering) -> Frame:
    """The same documents in the order of partition and pattern, with the functions' values."""
    if stage.collator is not None:
        raise NotLowered("$setWindowFields under a collation")
    scope = Scope(frame, lowering)
    partitions = _partitions(stage, scope)
    values = {path: scope.kept(_lowered(function, partitions)) for path, function in stage.functions}
    if stage.partition is not None or (stage.sort is not None and stage.sort.paths):
        scope.frame = replace(scope.frame, order=partitions.order, is_ordered=True)
    return assigned(_placed(stage.fields.tree, values), scope)


def _partitions(stage: SetWindowFields, scope: Scope) -> Partitions:
    by: list[Key] = []
    if stage.partition is not None:
        partition = scope.value(folded(stage.partition))
        if BsonType.ARRAY in partition.kinds:
            raise NotLowered("a partition by an array is an error")
        by = sort_keys(partition, scope)
    keys: list[Key] = []
    sorted_by: Value | None = None
    if stage.sort is not None:
        keys = pattern_keys(stage.sort, scope)
        if stage.sort.directions == (1,):
            sorted_by = scope.kept(scope.located(stage.sort.paths[0]))
    return Partitions(scope, by, keys, sorted_by)


def _lowered(function: WindowFunction, partitions: Partitions) -> Value:
    if isinstance(function, Folded):
        return lower_folded(function, partitions)
    name = {Ranked: "$rank", AtEnd: "$first", LastObserved: "$locf"}.get(type(function))
    if name is None:
        raise NotLowered(f"{type(function).__name__} over windows is not lowered")
    return WINDOWS[name](function, partitions)


def _placed(tree: dict[str, Any], values: dict[str, Value]) -> Tree:
    """The tree of the stage's fields with the values in place of the functions."""
    return {
        name: values[each.path] if isinstance(each, Computed) else _placed(each, values) for name, each in tree.items()
    }
