"""planCacheListFilters: the index filters of a collection. Source: manual, planCacheListFilters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.plan_cache_clear import PlanCacheRequest, parse
from amongo.commands.views import refuse_view

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


def run(instance: Instance, request: PlanCacheRequest, context: Context) -> dict[str, Any]:
    """{filters}; none for a collection that does not exist.

    errors   IS_A_VIEW
    """
    refuse_view(instance.store.catalog, request.namespace)
    collection = instance.store.catalog.get(request.namespace)
    filters = None if collection is None else instance.index_filters.get(collection.uuid)
    found = [] if filters is None else [each.document() for each in filters.by_shape.values()]
    return {"filters": found, "ok": 1.0}


COMMAND = Command("planCacheListFilters", parse, run, is_quick=True)
