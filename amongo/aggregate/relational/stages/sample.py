"""$sample: the rows in an order by chance, and of these the first.

The chance is a number from the source that the interpreter has; each row's place goes by a hash of it and of the row.
"""

from __future__ import annotations

from dataclasses import replace

from amongo.aggregate.relational.frame import Frame, Key
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.sql import column, listed, parameter, sql
from amongo.aggregate.relational.stages.order import first_rows
from amongo.aggregate.relational.values import NotLowered
from amongo.aggregate.stages.sample import Sample


@reads(Sample)
def read_sample(stage: Sample, reading: Reading) -> None:
    """Nothing."""


@lowers_stage(Sample)
def lower_sample(stage: Sample, frame: Frame, lowering: Lowering) -> Frame:
    """So many rows, each of them with the same chance."""
    if lowering.random is None:
        raise NotLowered("there is nothing to draw by")
    chance = parameter(lowering.random.getrandbits(63), "BIGINT")
    row = listed(key.by for key in frame.order)
    place = lowering.fresh("r")
    drawn = sql("hash(xor(hash({}), CAST({} AS UBIGINT)))", row, chance)
    relation = frame.relation.with_columns([(place, drawn)])
    order = (Key(column(place)), *frame.order)
    return first_rows(replace(frame, relation=relation, order=order, is_ordered=True), stage.size)
