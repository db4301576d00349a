"""$push and $addToSet of a group: values as a list, in the order of the documents."""

from __future__ import annotations

from dataclasses import replace

from amongo.aggregate.relational.accumulators.folding import Folding
from amongo.aggregate.relational.comparing import group_columns
from amongo.aggregate.relational.listing import array_of, common_form, empty_list, packed
from amongo.aggregate.relational.registry import lowers_fold
from amongo.aggregate.relational.sql import TRUE, Sql, all_of, listed, negated, sql
from amongo.aggregate.relational.values import Form, Listing, NotLowered, Value, literal, without
from amongo.mql.accumulators.collecting import Distinct
from amongo.mql.accumulators.registry import Unary
from amongo.values.types import BsonType


@lowers_fold("$push")
def lower_push(accumulation: Unary, folding: Folding) -> Value:
    """All values that are not missing."""
    value = folding.value(accumulation.argument)
    return collected(value, TRUE, folding)


@lowers_fold("$addToSet")
def lower_add_to_set(accumulation: Distinct, folding: Folding) -> Value:
    """The different values that are not missing, each where it came first."""
    value = folding.value(accumulation.argument)
    if value.is_constant:
        raise NotLowered("a set of a constant")
    scope = folding.scope
    by = [*folding.key, *group_columns(value, scope)]
    if not by:
        raise NotLowered("a set of documents that are all equal")
    earliest = sql("min({}) OVER (PARTITION BY {})", folding.position, listed(by))
    is_first = scope.kept_condition(sql("({} = {})", earliest, folding.position))
    return collected(value, is_first, folding)


def collected(value: Value, condition: Sql, folding: Folding) -> Value:
    """The values of the documents for which a condition holds, but for missing ones, as an array."""
    if value.only(BsonType.MISSING):
        return literal([])
    element = element_of(without(value, BsonType.MISSING))
    form = common_form([element])
    wanted = all_of([condition, negated(value.is_kind(BsonType.MISSING))])
    gathered = sql("list({} ORDER BY {})", packed(element, form), folding.position)
    if wanted == TRUE:
        return as_array(folding.fold(gathered), form, folding.most)
    items = folding.fold(sql("{} FILTER (WHERE {})", gathered, wanted))
    return as_array(sql("COALESCE({}, {})", items, empty_list(form)), form, folding.most)


def element_of(value: Value) -> Value:
    """A value as one that can be put into a list."""
    return replace(value, fields=None) if value.is_constant else value


def as_array(items: Sql, form: Form, most: int) -> Value:
    """An array of elements of this form."""
    return array_of(Listing(items, form.element, form.is_plain, form.fields, most))
