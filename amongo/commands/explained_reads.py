"""explain of find, count and distinct: the plan that each makes, and the same plan executed with counters."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from amongo.commands.collations import collator_for
from amongo.commands.explained import QUERY_PLANNER, Document, Query, execution_stats, query_planner
from amongo.commands.explained_pipelines import explain_pipeline
from amongo.commands.find import plan_find
from amongo.commands.hints import check_hint
from amongo.commands.planning import allowed_indexes
from amongo.commands.planning import plan as plan_for
from amongo.commands.variables import runtime_variables
from amongo.commands.view_reads import count_in_view, distinct_in_view, find_in_view_request
from amongo.commands.views import is_view
from amongo.mql.matcher.normal_form import normal_form
from amongo.planner import Plan, canonical_query
from amongo.planner.distinct_scan import DistinctScan, ValuesNotKept, distinct_scan
from amongo.planner.explain import count_tree, distinct_tree, end_of_nothing, plan_tree
from amongo.planner.explain_stage import Stage
from amongo.planner.probe import Counts, Probe
from amongo.values.numbers import number

if TYPE_CHECKING:
    from amongo.aggregate.relational.running import Scan
    from amongo.commands.count import CountRequest
    from amongo.commands.distinct import DistinctRequest
    from amongo.commands.find import FindRequest
    from amongo.commands.instance import Instance
    from amongo.runtime.interrupts import Interrupt
    from amongo.values.collation import Collation


def explain_find(instance: Instance, request: FindRequest, verbosity: str, interrupt: Interrupt) -> Document:
    """The plan of a find.

    errors   those of `plan_find`, on a view those of an aggregate
    """
    if is_view(instance.store.catalog, request.namespace):
        return explain_pipeline(instance, find_in_view_request(request), verbosity, interrupt)
    plan = plan_find(instance, request, weighs_all=True)
    query = _query(request.namespace, request.filter, plan, request.options.collation, request.sort, request.projection)
    variables = runtime_variables(instance) | request.options.variables
    return explain_plan(instance, plan, query, verbosity, interrupt, variables)


def explain_distinct(instance: Instance, request: DistinctRequest, verbosity: str, interrupt: Interrupt) -> Document:
    """The plan of the find whose documents a distinct looks into.

    errors   those of the filter, the hint, the collation
    """
    if is_view(instance.store.catalog, request.namespace):
        return explain_pipeline(instance, distinct_in_view(request), verbosity, interrupt)
    plan = planned(
        instance, request.namespace, request.filter, request.hint, request.collation, allowed=request.allowed
    )
    query = _query(request.namespace, request.filter, plan, request.collation)
    if plan is not None:
        allowed = allowed_indexes(instance, plan.query, plan.collection, request.allowed)
        scan = distinct_scan(plan.query, request.path, plan.collection, allowed)
        if scan is not None:
            return _explain_scan(instance, scan, plan, query, verbosity, interrupt)
    return explain_plan(instance, plan, query, verbosity, interrupt)


def _explain_scan(
    instance: Instance, scan: DistinctScan, plan: Plan, query: Query, verbosity: str, interrupt: Interrupt
) -> Document:
    """The plan of a distinct whose values an index has; the other plans would read documents."""
    started = time.monotonic()
    counts = Counts()
    if verbosity != QUERY_PLANNER and (moment := scan.moment(instance.store, plan.collection)) is not None:
        try:
            counts.given = sum(1 for _ in scan.values(moment, interrupt, counts))
        except ValuesNotKept:
            return explain_plan(instance, plan, query, verbosity, interrupt)
        counts.is_ended = True
    tree = distinct_tree(scan, counts)
    others = [plan, *plan.rejected] if plan.access is not None else []
    rejected = [plan_tree(each, query.filter, None, None, None) for each in others]
    body: Document = {"queryPlanner": query_planner(instance, query, tree, rejected)}
    if verbosity != QUERY_PLANNER:
        body["executionStats"] = execution_stats(tree, _ms_since(started), verbosity)
    return body


def explain_count(instance: Instance, request: CountRequest, verbosity: str, interrupt: Interrupt) -> Document:
    """The plan of a count: COUNT above what it counts; a count of everything looks at nothing.

    errors   those of the filter, the hint, the collation
    """
    if is_view(instance.store.catalog, request.namespace):
        return explain_pipeline(instance, count_in_view(request), verbosity, interrupt)
    plan = planned(instance, request.namespace, request.filter, request.hint, request.collation)
    query = _query(request.namespace, request.filter, plan, request.collation)
    started = time.monotonic()
    rejected: list[Stage] = []
    is_whole = plan is not None and not request.filter and not request.hint
    if is_whole and plan is not None:
        tree = Stage("RECORD_STORE_FAST_COUNT", returned=0, works=1)
        counted = plan.collection.count
    else:
        probe = None
        if verbosity != QUERY_PLANNER and plan is not None:
            most = min(request.skip + request.limit, sys.maxsize) if request.limit else None
            probe = _executed(instance, plan, interrupt, most)
        below = end_of_nothing() if plan is None else count_tree(plan, request.filter, probe)
        rejected = [] if plan is None else [count_tree(each, request.filter, None) for each in plan.rejected]
        counted = below.returned or 0
        tree = Stage("COUNT", returned=0, works=below.works, child=below)
    skipped = min(counted, request.skip)
    most = request.limit or counted
    tree.counted = {"nCounted": number(min(counted - skipped, most)), "nSkipped": number(skipped)}
    body: Document = {"queryPlanner": query_planner(instance, query, tree, rejected)}
    if verbosity != QUERY_PLANNER:
        body["executionStats"] = execution_stats(tree, _ms_since(started), verbosity)
    return body


def planned(
    instance: Instance,
    namespace: str,
    filter: Mapping[str, Any],
    hint: Any,
    collation: Collation | None,
    variables: Mapping[str, Any] | None = None,
    limit: int = 0,
    allowed: Sequence[Any] | None = None,
) -> Plan | None:
    """The plan of a filter as count, distinct and delete make it; None without a collection.

    errors   those of the filter, the hint, the collation
    """
    collection = instance.store.catalog.get(namespace)
    query = canonical_query(
        filter,
        variables=runtime_variables(instance) | dict(variables or {}),
        hint=hint,
        limit=limit,
        collator=collator_for(collation, collection),
        id_collator=None if collection is None else collection.collator,
    )
    if collection is None:
        query.check_without_collection()
        return None
    check_hint(collection, hint)
    return plan_for(instance, query, collection, allowed, weighs_all=True)


def explain_plan(
    instance: Instance,
    plan: Plan | None,
    query: Query,
    verbosity: str,
    interrupt: Interrupt,
    variables: Mapping[str, Any] | None = None,
) -> Document:
    """`queryPlanner` of a plan, and `executionStats` where they are asked for; None stands for no collection."""
    started = time.monotonic()
    if plan is not None:
        scan = instance.columnar.scan(plan, lambda: variables or runtime_variables(instance), interrupt)
        if scan is not None:
            return _explain_columnar(instance, scan, query, verbosity, interrupt)
    probe = None if plan is None or verbosity == QUERY_PLANNER else _executed(instance, plan, interrupt)
    tree, rejected = end_of_nothing(), []
    if plan is not None:
        tree = plan_tree(plan, query.filter, query.projection, query.sort, probe)
        rejected = [plan_tree(each, query.filter, query.projection, query.sort, None) for each in plan.rejected]
    body: Document = {"queryPlanner": query_planner(instance, query, tree, rejected)}
    if verbosity != QUERY_PLANNER:
        body["executionStats"] = execution_stats(tree, _ms_since(started), verbosity)
    return body


def _explain_columnar(instance: Instance, scan: Scan, query: Query, verbosity: str, interrupt: Interrupt) -> Document:
    """COLUMNAR: amongo's own stage, which filters and sorts over columns."""
    started = time.monotonic()
    tree = Stage("COLUMNAR", before={"filter": normal_form(query.filter)}, after=scan.report)
    body: Document = {"queryPlanner": query_planner(instance, query, tree)}
    if verbosity != QUERY_PLANNER:
        tree.returned = sum(1 for _ in scan.records(interrupt))
        tree.counted = {"docsExamined": number(tree.returned)}
        tree.works = tree.returned + 1
        body["executionStats"] = execution_stats(tree, _ms_since(started), verbosity)
    return body


def _executed(instance: Instance, plan: Plan, interrupt: Interrupt, most: int | None = None) -> Probe:
    """The counters of an execution; to `most` documents where that is not None."""
    probe = Probe()
    kept = plan.covered_fields
    if kept is not None:
        for _ in probe.watch("given", plan.covered(kept, instance.store, interrupt, probe)):
            pass
        return probe
    for number_given, _ in enumerate(probe.watch("given", plan.rows(instance.store, interrupt, probe)), 1):
        if number_given == most:
            break
    return probe


def _ms_since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


def _query(
    namespace: str,
    filter: Mapping[str, Any],
    plan: Plan | None,
    collation: Collation | None,
    sort: Document | None = None,
    projection: Document | None = None,
) -> Query:
    expression = None if plan is None else plan.query.expression
    return Query(namespace, filter, expression, sort, projection, collation)
