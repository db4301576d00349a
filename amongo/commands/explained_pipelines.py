"""explain of aggregate: what its first stage reads, then stage after stage.

A pipeline that is one $match, or nothing, is explained like a find. Others show what they read as a `$cursor`, and each
stage as the rewrite passes have left it. For the counts of an execution every beginning of the pipeline is run: that is
slow, and right.

`amongoPasses` is a field of our own: the names of the rewrite passes that have changed something, in the order in which
they are made; it is not there if none has.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bson import Int64

from amongo.aggregate import Pipeline, carried_keywords, parse_pipeline
from amongo.commands import aggregate
from amongo.commands.collations import collation_for, parse_collation, view_collation
from amongo.commands.explained import QUERY_PLANNER, Document, Query, execution_stats, query_planner
from amongo.commands.hints import check_hint
from amongo.commands.pipeline_output import PipelineOutput
from amongo.commands.planning import plan as plan_for
from amongo.commands.time_series import find_series
from amongo.commands.variables import runtime_variables
from amongo.commands.views import resolve
from amongo.errors.expression import CLUSTER_TIME_UNAVAILABLE
from amongo.planner import Plan, canonical_query
from amongo.planner.explain import end_of_nothing, plan_tree
from amongo.planner.explain_stage import Stage
from amongo.planner.probe import Probe
from amongo.planner.query import columnar_hint
from amongo.values.collation import collator as collator_of
from amongo.values.numbers import number
from amongo.values.order import Collator

if TYPE_CHECKING:
    from amongo.commands.aggregate import AggregateRequest
    from amongo.commands.instance import Instance
    from amongo.runtime.interrupts import Interrupt

_MAKING: Final = frozenset(
    {"$changeStream", "$documents", "$collStats", "$indexStats", "$currentOp", "$planCacheStats", "$geoNear"}
)


def explain_pipeline(instance: Instance, request: AggregateRequest, verbosity: str, interrupt: Interrupt) -> Document:
    """The plan of an aggregate.

    errors   those of stages, the hint, the collation; CLUSTER_TIME_UNAVAILABLE
    """
    if any(text.startswith("$$CLUSTER_TIME") for text in _strings(request.stages)):
        raise CLUSTER_TIME_UNAVAILABLE()
    catalog = instance.store.catalog
    resolved = resolve(catalog, request.namespace) if catalog.get(request.namespace) is None else None
    specs: list[Document] = request.stages
    namespace = request.namespace
    if resolved is not None:
        namespace = resolved.namespace
        specs = resolved.pipeline + request.stages
    is_series = resolved is not None and resolved.series is not None
    collection = catalog.get(namespace)
    collation = (
        collation_for(request.collation, collection)
        if resolved is None
        else view_collation(resolved.view, request.collation)
    )
    collator = collator_of(collation)
    pipeline = _parsed(request, specs, collator)
    if pipeline.output is not None:
        variables = runtime_variables(instance) | request.variables
        output = PipelineOutput(instance, request.database, variables, collation, interrupt, request.is_validated)
        output.check(pipeline.output)
    if not carried_keywords(pipeline, specs):
        pipeline = pipeline.optimized(request.passes_off)
    match, rest = (None, pipeline) if is_series else pipeline.leading_match()
    own: Document = {"amongoPasses": list(pipeline.passes)} if pipeline.passes else {}
    filter = match.spec if match else {}
    query = Query(namespace, filter, collation=request.collation)
    plan = None
    if collection is not None and not is_series:
        check_hint(collection, request.hint)
        sort, behind = rest.leading_sort()
        order = sort.spec if sort is not None and not sort.pattern.keywords else None
        canonical = canonical_query(
            filter,
            sort=order,
            variables=runtime_variables(instance) | request.variables,
            hint=request.hint,
            collator=collator,
            id_collator=collection.collator,
        )
        plan = plan_for(instance, canonical, collection, request.allowed, weighs_all=True)
        query = replace(query, expression=canonical.expression)
        if order is not None and plan.query.sort is None:
            rest = behind  # the plan gives the order
        elif order is not None:
            plan = replace(plan, query=replace(plan.query, sort=None))
    columnar = None
    if plan is not None and not carried_keywords(pipeline, specs):
        variables = runtime_variables(instance) | request.variables
        environment = aggregate.environment_of(instance, request, variables, collator, interrupt)
        columnar = instance.columnar.report(pipeline, plan, environment)
    started = time.monotonic()
    if columnar is not None and columnar["prefix"]:
        tree = Stage("COLUMNAR", after=columnar)
        rest = pipeline.after(len(columnar["prefix"]))
    elif is_series:
        check_hint(find_series(catalog, namespace), request.hint)
        tree = _scan_of_series(find_series(catalog, namespace).count)
    else:
        tree = _tree(instance, plan, query, verbosity, interrupt)
    rejected = [] if plan is None else [plan_tree(each, filter, None, None, None) for each in plan.rejected]
    if columnar is not None and not columnar["prefix"]:
        own["amongoColumnar"] = columnar
    head: Document = {"queryPlanner": query_planner(instance, query, tree, rejected)}
    if verbosity != QUERY_PLANNER:
        head["executionStats"] = execution_stats(tree, int((time.monotonic() - started) * 1000), verbosity)
    if not rest.stages:
        return {**head, **own}
    stages = [step.document() for step in rest.steps]
    if pipeline.names[0] not in _MAKING:
        stages.insert(0, {"$cursor": head})
    if verbosity != QUERY_PLANNER:
        asked = None if collation is None else parse_collation(collation)
        _, hint = columnar_hint(request.hint)  # a beginning of the pipeline need not go over columns
        beginning = replace(request, namespace=namespace, collation=asked, hint=hint)
        beginnings = (pipeline.before(taken) for taken in range(len(pipeline.stages) + 1))
        counted = [_returned(instance, beginning, each, interrupt) for each in beginnings]
        for stage, returned in zip(stages, counted[len(counted) - len(stages) :], strict=True):
            stage["nReturned"] = Int64(returned)
            stage["executionTimeMillisEstimate"] = Int64(0)
    return {"stages": stages, **own}


def _tree(instance: Instance, plan: Plan | None, query: Query, verbosity: str, interrupt: Interrupt) -> Stage:
    if plan is None:
        return end_of_nothing()
    probe = None
    if verbosity != QUERY_PLANNER:
        probe = Probe()
        for _ in probe.watch("given", plan.rows(instance.store, interrupt, probe)):
            pass
    return plan_tree(plan, query.filter, None, None, probe)


def _parsed(request: AggregateRequest, stages: list[Document], collator: Collator | None = None) -> Pipeline:
    has_collection = not request.namespace.endswith(".$cmd.aggregate")
    return parse_pipeline(
        stages,
        variables=request.variables,
        collator=collator,
        has_collection=has_collection,
        namespace=request.namespace,
    )


def _scan_of_series(count: int) -> Stage:
    """The scan of a time series: its measurements are stored as they are, one by one."""
    return Stage("COLLSCAN", {}, {"direction": "forward"}, {"docsExamined": number(count)}, count, count + 1)


def _returned(instance: Instance, request: AggregateRequest, pipeline: Pipeline, interrupt: Interrupt) -> int:
    """How many documents the beginning of a pipeline gives; a stage that writes is not run, and gives none; nor is a
    change stream."""
    if pipeline.output is not None or request.stream is not None:
        return 0
    shorter = replace(request, stages=[{step.name: step.spec} for step in pipeline.steps], pipeline=pipeline)
    return sum(1 for _ in aggregate.result_documents(instance, shorter, interrupt))


def _strings(value: Any) -> Iterator[str]:
    """The strings of a pipeline."""
    if type(value) is str:
        yield value
    elif type(value) is dict:
        for part in value.values():
            yield from _strings(part)
    elif type(value) is list:
        for part in value:
            yield from _strings(part)
