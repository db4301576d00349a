"""$bucketAuto: groups of about the same size, by where a value falls.

The values are counted, and where each bucket ends is found one after the other: with the first value by which it has as
many documents as it should. A document's bucket is the number of ends below its value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from amongo.aggregate.relational.accumulators.folding import Folding, folded, kept_deep, sort_key
from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.frame import Frame
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.relation import Relation
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sorting import sort_keys
from amongo.aggregate.relational.sql import Sql, column, integer, joined, listed, sql, word
from amongo.aggregate.relational.stages.group import folded_rows, read_accumulations
from amongo.aggregate.relational.values import NotLowered, Value, facts_of, tag_of
from amongo.aggregate.stages.bucket_auto import BucketAuto
from amongo.values.types import BsonType

_MOST_BUCKETS: Final = 100
"""Of more buckets the interpreter takes care: a statement has a part for each."""


@reads(BucketAuto)
def read_bucket_auto(stage: BucketAuto, reading: Reading) -> None:
    """The value, and what is folded."""
    reading.expression(stage.value)
    read_accumulations((accumulation for _, accumulation in stage.fields), reading)
    reading.is_open = False


@lowers_stage(BucketAuto)
def lower_bucket_auto(stage: BucketAuto, frame: Frame, lowering: Lowering) -> Frame:
    """One row a bucket, ascending; the folds take documents in the order of the value."""
    if stage.rounded is not None:
        raise NotLowered("$bucketAuto with a granularity")
    if stage.collator is not None:
        raise NotLowered("$bucketAuto under a collation")
    if stage.count > _MOST_BUCKETS:
        raise NotLowered(f"$bucketAuto of more than {_MOST_BUCKETS} buckets")
    scope = Scope(frame, lowering)
    value = kept_deep(scope.value(folded(stage.value)), scope)
    keys = sort_keys(value, scope)
    if not keys:
        raise NotLowered("$bucketAuto of a constant")
    place = scope.kept_condition(sort_key(keys))
    number = column(lowering.fresh("b"))
    relation = _numbered(scope.frame.relation, place, number, stage.count)
    scope.frame = replace(scope.frame, relation=relation, order=(*keys, *frame.order), is_ordered=True)

    def limits(columns: Mapping[Sql, Sql], folding: Folding) -> Value:
        least = folding.picked(value, "arg_min_null({}, {})", folding.position)
        most = folding.picked(value, "arg_max_null({}, {})", folding.position)
        following = _following(least, columns[number])
        is_last = sql("(lead({}) OVER (ORDER BY {}) IS NULL)", columns[number], columns[number])
        highest = either([(is_last, most)], following)
        return Value(facts_of((BsonType.OBJECT,)), tag_of(BsonType.OBJECT), fields={"min": least, "max": highest})

    return folded_rows(scope, limits, [number], stage.fields, order=number)


def _following(value: Value, number: Sql) -> Value:
    """The value in the row of the next bucket."""
    if value.fields is not None or value.listing is not None:
        raise NotLowered("$bucketAuto by computed documents or arrays")

    def ahead(each: Sql) -> Sql:
        return sql("lead({}) OVER (ORDER BY {})", each, number) if each.columns else each

    return replace(
        value, tag=ahead(value.tag), slots={slot: ahead(each) for slot, each in value.slots.items()}, constant=...
    )


def _numbered(relation: Relation, place: Sql, number: Sql, count: int) -> Relation:
    """The rows with the numbers of their buckets.

    place   what orders the values
    count   how many buckets there are at most
    """
    source = relation.as_source()
    values = sql("SELECT {} AS v, count(*) AS n FROM {} GROUP BY {}", place, source, place)
    parts = [
        sql("ends AS MATERIALIZED (SELECT v, CAST(sum(n) OVER (ORDER BY v) AS BIGINT) AS e FROM ({}))", values),
        sql(
            "sized AS (SELECT greatest(1, CAST(floor(CAST(max(e) AS DOUBLE) / {} + 0.5) AS BIGINT)) AS size FROM ends)",
            integer(count),
        ),
    ]
    ends = [word(f"end{each}") for each in range(1, count)]
    for each, before in zip(ends, [None, *ends], strict=False):
        if before is None:
            found = Sql("SELECT min(e) AS s, min(v) AS v FROM ends, sized WHERE e >= size")
        else:
            found = sql(
                "SELECT min(ends.e) AS s, min(ends.v) AS v FROM ends, sized, {} WHERE ends.e >= {}.s + size",
                before,
                before,
            )
        parts.append(sql("{} AS MATERIALIZED ({})", each, found))
    past = [sql("COALESCE(CAST({} > (SELECT v FROM {}) AS BIGINT), 0)", place, each) for each in ends]
    counted = joined(" + ", past or [integer(0)])
    rows = sql("SELECT *, {} AS {} FROM {}", counted, number, source)
    return Relation(sql("(WITH {} {})", listed(parts), rows), most=relation.most)
