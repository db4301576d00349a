"""$sortByCount: how often each value occurs, the most frequent first."""

from __future__ import annotations

from typing import Any

from amongo.aggregate.stages.group import Group
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.sort import Sort
from amongo.aggregate.stages.stacked import Stacked
from amongo.aggregate.stages.stage import Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.mql.accumulators import parse_accumulation
from amongo.mql.sort_keys import parse_sort


@stage("$sortByCount")
def parse_sort_by_count(spec: Any, surroundings: Surroundings) -> Stage:
    """How often each value occurs, the most frequent first.

    spec     a path with $, or an object with one operator
    result   {_id: value, count: int}
    errors   SORT_BY_COUNT_TYPE, SORT_BY_COUNT_NOT_PATH, SORT_BY_COUNT_NOT_EXPRESSION
    source   manual, $sortByCount
    """
    if type(spec) is dict:
        if not next(iter(spec), "").startswith("$"):
            raise errors.SORT_BY_COUNT_NOT_EXPRESSION()
    elif type(spec) is str:
        if not spec.startswith("$"):
            raise errors.SORT_BY_COUNT_NOT_PATH()
    else:
        raise errors.SORT_BY_COUNT_TYPE()
    scope = surroundings.scope
    count = parse_accumulation("count", {"$sum": 1}, scope)
    group = Group(surroundings.parse(spec), (("count", count),), scope.collator)
    order = {"count": -1}
    return Stacked((group, Sort(order, parse_sort(order), scope.collator)))
