"""planCacheClearFilters: forget index filters. Source: manual, planCacheClearFilters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.index_filters import parse_shape, refuse_shape_without_query
from amongo.commands.plan_cache_clear import PlanCacheRequest, parse
from amongo.commands.views import refuse_view

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


def run(instance: Instance, request: PlanCacheRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}; the filter of one shape is forgotten, or all of the collection.

    errors   IS_A_VIEW, those of `parse_shape`, BAD_VALUE for a shape without a query
    """
    refuse_view(instance.store.catalog, request.namespace)
    collection = instance.store.catalog.get(request.namespace)
    if collection is not None:
        filters = instance.index_filters.get(collection.uuid)
        if "query" in request.document:
            shape = parse_shape(request.document)
            if filters is not None:
                filters.by_shape.pop(shape.key, None)
        else:
            refuse_shape_without_query(request.document)
            instance.index_filters.pop(collection.uuid, None)
    return {"ok": 1.0}


COMMAND = Command("planCacheClearFilters", parse, run, is_quick=True)
