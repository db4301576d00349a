"""$group: one row for each group, in the order in which their first documents came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from amongo.aggregate.relational.accumulators.folding import (
    Folding,
    after,
    folded,
    kept_deep,
    lower_accumulation,
    picked,
)
from amongo.aggregate.relational.comparing import group_columns
from amongo.aggregate.relational.frame import Frame, Key
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.relation import Relation
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, column, listed, sql
from amongo.aggregate.relational.stages.bucket import bucket_number, bucket_value
from amongo.aggregate.relational.values import NotLowered, Value, tag_of
from amongo.aggregate.stages.bucket import BucketOf
from amongo.aggregate.stages.group import Group
from amongo.engine.columns import DOUBLE
from amongo.mql.accumulators import Accumulation
from amongo.mql.accumulators.collecting import Distinct
from amongo.mql.accumulators.registry import Unary
from amongo.mql.accumulators.several import KeyedOutput, Several
from amongo.mql.accumulators.single import ExtremeOf
from amongo.values.types import BsonType


@reads(Group)
def read_group(stage: Group, reading: Reading) -> None:
    """The key, and what is folded."""
    reading.expression(stage.key)
    read_accumulations((accumulation for _, accumulation in stage.fields), reading)
    reading.is_open = False


def read_accumulations(accumulations: Iterable[Accumulation], reading: Reading) -> None:
    """What accumulators take in."""
    for accumulation in accumulations:
        if isinstance(accumulation, Unary | ExtremeOf | Distinct | Several):
            argument = accumulation.argument
            if isinstance(argument, KeyedOutput):
                for path in argument.pattern.paths:
                    reading.path(path)
                argument = argument.output
            reading.expression(argument)


@lowers_stage(Group)
def lower_group(stage: Group, frame: Frame, lowering: Lowering) -> Frame:
    """One row a group; of no documents none."""
    if stage.collator is not None:
        raise NotLowered("a $group under a collation")
    scope = Scope(frame, lowering)
    node = folded(stage.key)
    if isinstance(node, BucketOf):
        number = scope.kept_condition(bucket_number(node, scope))
        by = [number] if number.columns else []
        return folded_rows(scope, lambda columns, _: bucket_value(columns.get(number, number), node), by, stage.fields)
    key = kept_deep(scope.value(node), scope)
    by = list(dict.fromkeys(map(scope.kept_condition, group_columns(key, scope, missing_is_null=True))))
    return folded_rows(scope, lambda columns, folding: _key(key, columns, folding, is_null=True), by, stage.fields)


def folded_rows(
    scope: Scope,
    key: Callable[[Mapping[Sql, Sql], Folding], Value],
    by: list[Sql],
    accumulations: Iterable[tuple[str, Accumulation]],
    order: Sql | None = None,
) -> Frame:
    """One row a group, with its key and what the accumulators make of its documents.

    key     gives the `_id`, from the columns of the groups: column of `by` -> its column in the result
    by      the columns that tell groups apart; none for a single group
    order   the one of these by which the groups are ordered; None for the order of their first documents
    """
    folding = Folding(scope, by)
    columns = {each: column(scope.lowering.fresh("k")) for each in by}
    fields = {"_id": key(columns, folding)}
    for name, accumulation in accumulations:
        fields[name] = lower_accumulation(accumulation, folding)
    first = scope.lowering.fresh("first")
    place = order or sql("min({})", folding.position)
    outputs = [(first, place if by else Sql("0"))]
    outputs += [(name.text, each) for each, name in columns.items()]
    outputs += folding.outputs
    rest = sql(" GROUP BY {}", listed(by)) if by else Sql(" HAVING count(*) > 0")
    relation = Relation(scope.frame.relation.selected(outputs, rest=rest).source, most=folding.most)
    for each in folding.behind:
        relation = relation.with_columns([each])
    return after(Frame(relation, is_stored=False, order=(Key(column(first)),)), fields, scope)


def _key(value: Value, columns: Mapping[Sql, Sql], folding: Folding, *, is_null: bool = False) -> Value:
    """The key of each group, from the columns of groups where these have it, otherwise from the first document.

    is_null   whether missing becomes null
    """
    if value.is_constant or value.listing is not None:
        return folding.picked(value, "arg_min_null({}, {})", folding.position, is_null=is_null)
    if value.fields is not None:
        fields = {name: _key(each, columns, folding) for name, each in value.fields.items()}
        return Value(value.facts, tag_of(BsonType.OBJECT), fields=fields)
    has_twins = value.facts.has_nan or value.facts.has_negative_zero  # doubles that are equal and yet differ

    def pick(each: Sql) -> Sql:
        if each in columns and not (has_twins and each == value.slots.get(DOUBLE)):
            return columns[each]
        if not each.columns:
            return each
        return folding.fold(sql("arg_min_null({}, {})", each, folding.position))

    return picked(value, pick, is_null=is_null)
