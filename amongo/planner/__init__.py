"""One query becomes one plan: how its documents are found, filtered, ordered and shaped."""

from amongo.planner.capped_scan import CappedScan
from amongo.planner.index_scan import find_hinted, range_scan
from amongo.planner.live_scan import LiveScan
from amongo.planner.plan import Plan, ResumePoint, plan_query
from amongo.planner.query import CanonicalQuery, canonical_query, is_exact_id

__all__ = [
    "CanonicalQuery",
    "CappedScan",
    "LiveScan",
    "Plan",
    "ResumePoint",
    "canonical_query",
    "find_hinted",
    "is_exact_id",
    "plan_query",
    "range_scan",
]
