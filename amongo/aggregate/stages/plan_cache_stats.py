"""$planCacheStats: the plans that are kept for a collection's queries."""

from __future__ import annotations

from typing import Any

from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Surroundings
from amongo.aggregate.stages.telling import Telling
from amongo.errors import diagnosis as errors
from amongo.values.types import alias


@stage("$planCacheStats")
def parse_plan_cache_stats(spec: Any, surroundings: Surroundings) -> Telling:
    """A document for each plan that is kept, as the first stage on a collection.

    spec     {} or {allHosts: false}
    result   {version, queryHash, planCacheShapeHash, planCacheKey, isActive, works, timeOfCreation, createdFromQuery,
             cachedPlan, indexFilterSet, host}; no trial runs stand behind a plan, so there are no scores of these
    errors   EXPECTS_OBJECT, PLAN_CACHE_UNKNOWN_FIELD, PLAN_CACHE_ALL_HOSTS_TYPE, PLAN_CACHE_ALL_HOSTS; when run
             NO_PLAN_CACHE
    source   manual, $planCacheStats
    """
    if type(spec) is not dict:
        raise errors.EXPECTS_OBJECT(name="$planCacheStats", kind=alias(spec))
    for name, value in spec.items():
        if name != "allHosts":
            raise errors.PLAN_CACHE_UNKNOWN_FIELD(field=name)
        if type(value) is not bool:
            raise errors.PLAN_CACHE_ALL_HOSTS_TYPE(kind=alias(value))
        if value:
            raise errors.PLAN_CACHE_ALL_HOSTS()
    return Telling(lambda node, environment: node.cached_plans(environment.database, environment.collection))
