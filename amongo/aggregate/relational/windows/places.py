"""$rank, $denseRank, $documentNumber, $shift, $first and $last."""

from __future__ import annotations

from dataclasses import replace

from amongo.aggregate.relational.accumulators.folding import picked
from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.registry import lowers_window
from amongo.aggregate.relational.sql import Sql, integer, sql
from amongo.aggregate.relational.sums import Whole, sized
from amongo.aggregate.relational.values import NotLowered, Value, literal, tag_of
from amongo.aggregate.relational.windows.partitions import Partitions
from amongo.mql.windows.bounds import DocumentBounds
from amongo.mql.windows.places import AtEnd, Ranked
from amongo.values.types import BsonType


@lowers_window("$rank", "$denseRank", "$documentNumber")
def lower_rank(function: Ranked, partitions: Partitions) -> Value:
    """A document's place in its partition."""
    sort_keys = tuple(partitions.sort_keys)
    if function.next_rank is None:
        number = partitions.over(Sql("row_number()"), keys=(*sort_keys, *partitions.rest))
    elif not sort_keys:
        return literal(1)
    else:
        has_gaps = function.next_rank(1, 3) == 3
        number = partitions.over(Sql("rank()") if has_gaps else Sql("dense_rank()"), keys=sort_keys)
    return sized(Whole(number, 1, partitions.most))


@lowers_window("$shift", "$first", "$last")
def lower_at_end(function: AtEnd, partitions: Partitions) -> Value:
    """The value of the document at one end of the window; the default for an empty window."""
    value = partitions.value(function.output)
    bounds, default = function.bounds, literal(function.default)
    if isinstance(bounds, DocumentBounds) and bounds.lower is not None and bounds.lower == bounds.upper:
        return _shifted(value, bounds.lower, default, partitions)
    window = partitions.window(bounds)
    if value.is_constant and not window.may_be_empty:
        return value

    def pick(each: Sql) -> Sql:
        return window.in_order(sql("last_value({})" if function.is_last else "first_value({})", each))

    if not window.may_be_empty:
        return picked(value, pick, is_null=False)
    is_empty = sql("({} = 0)", window.fold(Sql("count(*)")))
    return _or_default(value, is_empty, picked(value, pick, is_null=False), default)


def _shifted(value: Value, distance: int, default: Value, partitions: Partitions) -> Value:
    """The value so many documents on."""
    if distance == 0:
        return value
    keys = (*partitions.sort_keys, *partitions.rest)

    def pick(each: Sql) -> Sql:
        function = sql("lead({}, {})" if distance > 0 else "lag({}, {})", each, integer(abs(distance)))
        return partitions.over(function, keys=keys)

    is_outside = sql("({} IS NULL)", pick(tag_of(BsonType.BOOL)))
    if len(value.slots) == len(value.kinds) == 1:
        is_outside = sql("({} IS NULL)", pick(next(iter(value.slots.values()))))
    return _or_default(value, is_outside, picked(value, pick, is_null=False), default)


def _or_default(value: Value, is_outside: Sql, found: Value, default: Value) -> Value:
    """The value found, or the default where there is no document."""
    if found.fields is not None or found.listing is not None:
        raise NotLowered("a computed document or array of another document that may not be there")
    if not value.is_constant:
        found = replace(found, tag=sql("COALESCE({}, 0)", found.tag) if found.tag.columns else found.tag)
    return either([(is_outside, default)], found)
