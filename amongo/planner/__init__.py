"""One query becomes one plan: how its documents are found, filtered, ordered and shaped."""

from amongo.planner.plan import Plan, plan_query
from amongo.planner.query import CanonicalQuery, canonical_query, exact_id_key

__all__ = ["CanonicalQuery", "Plan", "canonical_query", "exact_id_key", "plan_query"]
