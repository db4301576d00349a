"""$firstN, $lastN, $minN, $maxN, $top, $topN, $bottom and $bottomN of a group.

Each picks documents by a column in whose order they are: that of the frame, or a sort key before it.
"""

from __future__ import annotations

from typing import Final

from amongo.aggregate.relational.accumulators.collecting import as_array, element_of
from amongo.aggregate.relational.accumulators.extremes import check_ordered
from amongo.aggregate.relational.accumulators.folding import Folding, folded, position
from amongo.aggregate.relational.listing import as_element, common_form, empty_list, packed
from amongo.aggregate.relational.registry import lowers_fold
from amongo.aggregate.relational.sorting import pattern_keys, sort_keys
from amongo.aggregate.relational.sql import TRUE, Sql, integer, negated, sql
from amongo.aggregate.relational.values import NULLISH, Form, NotLowered, Value, literal, without
from amongo.errors import ServerError
from amongo.mql.accumulators.several import KeyedOutput, Several, read_group_count
from amongo.mql.expressions import Literal

_MOST_COUNT: Final = 100_000
"""How many values may be asked for; of more the interpreter takes care."""


@lowers_fold("$firstN", "$lastN")
def lower_ends(accumulation: Several, folding: Folding) -> Value:
    """The values of the first or last documents; missing as null."""
    value = folding.value(accumulation.argument)
    return _chosen(value, TRUE, folding.position, accumulation, folding, is_last=accumulation.name == "$lastN")


@lowers_fold("$minN", "$maxN")
def lower_extremes(accumulation: Several, folding: Folding) -> Value:
    """The smallest or largest values; null and missing are left out, of equal ones the first come first."""
    value = folding.value(accumulation.argument)
    if value.is_constant:
        raise NotLowered("extremes of a constant")
    if value.only(*NULLISH):
        return literal([])
    check_ordered(value, folding)
    keys = sort_keys(value, folding.scope, is_descending=accumulation.name == "$maxN")
    order = position(folding.scope, keys)
    present = without(value, *NULLISH)
    return _chosen(present, negated(value.is_nullish), order, accumulation, folding)


@lowers_fold("$top", "$topN", "$bottom", "$bottomN")
def lower_sorted(accumulation: Several, folding: Folding) -> Value:
    """The outputs of the documents that come first or last in a sort pattern; missing as null."""
    keyed = accumulation.argument
    assert isinstance(keyed, KeyedOutput)
    value = folding.value(keyed.output)
    scope = folding.scope
    order = position(scope, pattern_keys(keyed.pattern, scope))
    is_last = accumulation.name.startswith("$bottom")
    if accumulation.name in ("$top", "$bottom"):
        return folding.picked(value, "arg_max_null({}, {})" if is_last else "arg_min_null({}, {})", order)
    return _chosen(value, TRUE, order, accumulation, folding, is_last=is_last)


def _chosen(
    value: Value, condition: Sql, order: Sql, accumulation: Several, folding: Folding, *, is_last: bool = False
) -> Value:
    """The values of so many documents, of those for which a condition holds, as an array.

    order     what they are chosen by
    is_last   whether the last ones in the order are chosen; they come in the order all the same
    """
    count = _count_of(accumulation)
    element = element_of(as_element(value))
    form = common_form([element])
    element_sql = packed(element, form)
    if not form.is_plain and _has_twins(form):  # DuckDB keeps structs as sort keys here, and gives back 0.0 for -0.0
        order = sql("list({} ORDER BY {})", element_sql, order)
        if condition != TRUE:
            order = sql("{} FILTER (WHERE {})", order, condition)
        listed = sql("COALESCE({}, {})", folding.fold(order), empty_list(form))
        cut = sql("{}[{}:]" if is_last else "{}[:{}]", listed, integer(-count if is_last else count))
        return as_array(cut, form, count)
    items = sql("arg_max({}, {}, {})" if is_last else "arg_min({}, {}, {})", element_sql, order, integer(count))
    if condition != TRUE:
        items = sql("{} FILTER (WHERE {})", items, condition)
    chosen = folding.fold(items)
    if condition != TRUE:
        chosen = sql("COALESCE({}, {})", chosen, empty_list(form))
    return as_array(sql("list_reverse({})", chosen) if is_last else chosen, form, count)


def _has_twins(form: Form) -> bool:
    """Whether there may be doubles among the elements that are equal and yet differ."""
    facts = form.element
    return facts.has_negative_zero or facts.has_nan or any(map(_has_twins, (form.fields or {}).values()))


def _count_of(accumulation: Several) -> int:
    """How many values are asked for.

    errors   NotLowered where the count depends on the group, is an error, or is very large
    """
    count = folded(accumulation.count)
    if not isinstance(count, Literal):
        raise NotLowered("a count that depends on the group")
    try:
        found = read_group_count(count.value)
    except ServerError:
        raise NotLowered("a count that is an error") from None
    if found > _MOST_COUNT:
        raise NotLowered("a very large count")
    return found
