"""What the plan cache of a collection holds, as $planCacheStats shows it, and as planCacheClear forgets it.

Source: manual, $planCacheStats, planCacheClear.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bson import Int64
from bson.datetime_ms import DatetimeMS

from amongo.commands.hello import HOST
from amongo.commands.index_filters import Shape, filter_for, shape_key
from amongo.commands.shape_hashes import plan_cache_key, plan_shape_hash
from amongo.commands.variables import runtime_variables
from amongo.errors import ServerError
from amongo.planner import CanonicalQuery, canonical_query, plan_query
from amongo.planner.explain import plan_tree
from amongo.planner.index_facts import planning_of

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.engine.records import Collection
    from amongo.planner.plan_cache import CachedShape

Document = dict[str, Any]


def shown_plans(instance: Instance, collection: Collection) -> Iterator[Document]:
    """A document for each shape of which something is kept, with the plan that its first query has now."""
    planning = planning_of(collection)
    for shape in [] if planning is None else planning.cache.shapes():
        try:
            query = _query(shape, collection, instance)
        except ServerError:  # it asked for a variable of its command
            continue
        plan = plan_query(query, collection, instance.store, weighs_all=True)
        sort, projection = dict(shape.sort or {}), dict(shape.projection or {})
        key = shape_key(query.expression, sort, projection, None)
        filters = instance.index_filters.get(collection.uuid)
        yield {
            "version": "1",
            "queryHash": plan_shape_hash(key),
            "planCacheShapeHash": plan_shape_hash(key),
            "planCacheKey": plan_cache_key(key, collection),
            "isActive": True,
            "works": Int64(max(shape.works, 0)),
            "timeOfCreation": DatetimeMS(shape.created_ms),
            "createdFromQuery": {"query": dict(shape.filter), "sort": sort, "projection": projection},
            "cachedPlan": plan_tree(plan, shape.filter, projection or None, sort or None, None).planned(),
            "indexFilterSet": filters is not None and filter_for(filters, query, collection) is not None,
            "host": HOST,
        }


def forget_plans(collection: Collection, shape: Shape | None = None) -> None:
    """Forget what is kept of one shape; of all without one."""
    planning = planning_of(collection)
    if planning is None:
        return
    if shape is None:
        planning.cache.forget()
        return
    for each in planning.cache.shapes():
        try:
            expression = canonical_query(each.filter).expression
        except ServerError:
            continue
        key = shape_key(expression, dict(each.sort or {}), dict(each.projection or {}), None)
        if key[:-1] == shape.key[:-1]:
            planning.cache.forget(each)


def _query(shape: CachedShape, collection: Collection, instance: Instance) -> CanonicalQuery:
    return canonical_query(
        shape.filter,
        projection=dict(shape.projection) if shape.projection else None,
        sort=dict(shape.sort) if shape.sort else None,
        variables=runtime_variables(instance),
        collator=shape.collator,
        id_collator=collection.collator,
    )
