"""Planning as commands do it: with the index filters of the collection, which say what the planner may look at.

Source: manual, planCacheSetFilter, Index Filters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from amongo.commands.index_filters import filter_for
from amongo.planner import CanonicalQuery, Plan, plan_query

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.engine.records import Collection


def plan(
    instance: Instance, query: CanonicalQuery, collection: Collection, allowed: Sequence[Any] | None = None
) -> Plan:
    """The plan of a query on a collection.

    allowed   the indexes that settings of its shape allow, by name or key pattern; None where there are none
    errors    those of `plan_query`
    """
    if allowed is None and instance.index_filters:
        allowed = filtered_indexes(instance, query, collection)
    return plan_query(query, collection, instance.store, allowed)


def filtered_indexes(instance: Instance, query: CanonicalQuery, collection: Collection) -> Sequence[Any] | None:
    """The indexes that an index filter lets the planner consider; None where no filter is set for the shape."""
    filters = instance.index_filters.get(collection.uuid)
    if filters is None:
        return None
    found = filter_for(filters, query, collection)
    return None if found is None else found.indexes
