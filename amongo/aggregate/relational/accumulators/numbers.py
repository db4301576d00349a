"""$sum, $avg and $count of a group."""

from __future__ import annotations

from dataclasses import replace

from amongo.aggregate.relational.accumulators.folding import Folding
from amongo.aggregate.relational.registry import lowers_fold
from amongo.aggregate.relational.sql import Sql
from amongo.aggregate.relational.sums import Whole, mean, sized, total
from amongo.aggregate.relational.values import Value
from amongo.mql.accumulators.registry import Unary
from amongo.mql.accumulators.single import CountDocuments
from amongo.values.types import BsonType


@lowers_fold("$sum")
def lower_sum(accumulation: Unary, folding: Folding) -> Value:
    """The sum, of the widest type that was summed. No group is empty: a sum of positive whole numbers is positive."""
    value = folding.value(accumulation.argument)
    found = total(value, folding.most, folding)
    least = value.facts.least
    if least is None or least <= 0 or not value.only(BsonType.INT, BsonType.LONG) or not folding.most:
        return found
    return replace(found, facts=replace(found.facts, least=least))


@lowers_fold("$avg")
def lower_average(accumulation: Unary, folding: Folding) -> Value:
    """The mean, a double; null of no numbers."""
    return mean(folding.value(accumulation.argument), folding.most, folding)


@lowers_fold("$count")
def lower_count(accumulation: CountDocuments, folding: Folding) -> Value:
    """How many documents."""
    return sized(Whole(folding.fold(Sql("count(*)")), min(1, folding.most), folding.most))
