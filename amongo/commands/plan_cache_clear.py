"""planCacheClear: forget what is known of the shapes of queries. Source: manual, planCacheClear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.cached_plans import forget_plans
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.index_filters import parse_shape, refuse_shape_without_query
from amongo.commands.namespaces import collection_namespace
from amongo.commands.views import refuse_view

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class PlanCacheRequest:
    """A command about the plans of one collection.

    namespace   "database.collection"
    document    the command, whose other fields count only where the collection exists
    """

    namespace: str
    document: dict[str, Any]


def parse(database: str, document: dict[str, Any]) -> PlanCacheRequest:
    """The request; fields that nobody knows are ignored.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE
    """
    return PlanCacheRequest(collection_namespace(database, document[next(iter(document))]), document)


def run(instance: Instance, request: PlanCacheRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}; one shape is forgotten, or all of the collection.

    errors   IS_A_VIEW, those of `parse_shape`, BAD_VALUE for a shape without a query
    """
    refuse_view(instance.store.catalog, request.namespace)
    collection = instance.store.catalog.get(request.namespace)
    if collection is not None:
        if "query" in request.document:
            forget_plans(collection, parse_shape(request.document))
        else:
            refuse_shape_without_query(request.document)
            forget_plans(collection)
    return {"ok": 1.0}


COMMAND = Command("planCacheClear", parse, run, is_quick=True)
