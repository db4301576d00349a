"""$count: one row with the number of documents; of none no row."""

from __future__ import annotations

from amongo.aggregate.relational.accumulators.folding import UNBOUNDED
from amongo.aggregate.relational.frame import Frame, Key
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.relation import Relation
from amongo.aggregate.relational.sql import Sql, column
from amongo.aggregate.relational.sums import Whole, sized
from amongo.aggregate.relational.values import NotLowered
from amongo.aggregate.stages.count import Count


@reads(Count)
def read_count(stage: Count, reading: Reading) -> None:
    """Nothing."""
    reading.is_open = False


@lowers_stage(Count)
def lower_count(stage: Count, frame: Frame, lowering: Lowering) -> Frame:
    """The number of documents."""
    most = frame.relation.most
    if most is None:
        raise NotLowered(UNBOUNDED)
    name = lowering.fresh("a")
    counted = frame.relation.selected([(name, Sql("count(*)"))], rest=Sql(" HAVING count(*) > 0"))
    relation = Relation(counted.source, most=1)
    fields = {stage.name: sized(Whole(column(name), 0, most))}
    return Frame(relation, is_stored=False, fields=fields, order=(Key(column(name)),))
