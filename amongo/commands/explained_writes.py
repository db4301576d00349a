"""explain of update, delete and findAndModify: which documents they would find, and what they would do with them.

The documents are computed and never written. Source: manual, explain, "Explain and Write Operations".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from amongo.commands.collations import asked_collation
from amongo.commands.explained import QUERY_PLANNER, Document, Query, execution_stats, query_planner
from amongo.commands.explained_reads import planned
from amongo.commands.hints import check_hint
from amongo.commands.planning import plan as plan_for
from amongo.commands.time_series_writes import written_series
from amongo.commands.variables import runtime_variables
from amongo.commands.views import refuse_view
from amongo.commands.writing_updates import UpdateTask
from amongo.errors import command as errors
from amongo.planner import Plan
from amongo.planner.explain import end_of_nothing, plan_tree
from amongo.planner.explain_stage import Stage
from amongo.planner.probe import Probe
from amongo.values.numbers import number

if TYPE_CHECKING:
    from amongo.commands.delete import DeleteRequest
    from amongo.commands.find_and_modify import FindAndModifyRequest
    from amongo.commands.instance import Instance
    from amongo.commands.update import UpdateRequest, UpdateStatement
    from amongo.runtime.interrupts import Interrupt


def explain_update(instance: Instance, request: UpdateRequest, verbosity: str, interrupt: Interrupt) -> Document:
    """The plan of an update of one statement.

    errors   EXPLAINED_BATCH, those of the statement
    """
    if len(request.updates) != 1:
        raise errors.EXPLAINED_BATCH()
    (statement,) = request.updates
    task = _task(instance, request.namespace, statement, request.variables, interrupt)
    return _explain_update(task, statement, verbosity, returns=False)


def explain_delete(instance: Instance, request: DeleteRequest, verbosity: str, interrupt: Interrupt) -> Document:
    """The plan of a delete of one statement.

    errors   EXPLAINED_BATCH, those of the statement
    """
    if len(request.deletes) != 1:
        raise errors.EXPLAINED_BATCH()
    (statement,) = request.deletes
    _refuse_others(instance, request.namespace)
    collation = asked_collation(statement.collation)
    limit = 0 if statement.multi else 1
    plan = planned(instance, request.namespace, statement.filter, statement.hint, collation, request.variables, limit)
    query = Query(request.namespace, statement.filter, None if plan is None else plan.query.expression)
    return _explain_delete(instance, plan, query, verbosity, interrupt, returns=False)


def explain_find_and_modify(
    instance: Instance, request: FindAndModifyRequest, verbosity: str, interrupt: Interrupt
) -> Document:
    """The plan of a findAndModify.

    errors   those of its filter, sort and update
    """
    statement = request.statement
    task = _task(instance, request.namespace, statement, request.variables, interrupt)
    if not request.removes:
        return _explain_update(task, statement, verbosity, returns=True, returns_new=request.returns_new)
    plan = _plan(task)
    query = Query(request.namespace, statement.filter, task.query.expression, statement.sort)
    return _explain_delete(instance, plan, query, verbosity, interrupt, returns=True)


def _task(
    instance: Instance,
    namespace: str,
    statement: UpdateStatement,
    variables: Mapping[str, Any],
    interrupt: Interrupt,
) -> UpdateTask:
    _refuse_others(instance, namespace)
    return UpdateTask.parse(instance, namespace, statement, runtime_variables(instance) | dict(variables), interrupt)


def _refuse_others(instance: Instance, namespace: str) -> None:
    """Refuse what is no collection.

    errors   IS_A_VIEW, NOT_SUPPORTED_YET
    """
    if written_series(instance.store.catalog, namespace) is not None:
        raise errors.NOT_SUPPORTED_YET(what="explain of writes to time series", reason="it comes with the Scale issue")
    refuse_view(instance.store.catalog, namespace)


def _plan(task: UpdateTask) -> Plan | None:
    collection = task.instance.store.catalog.get(task.namespace)
    if collection is None:
        return None
    check_hint(collection, task.hint)
    return plan_for(task.instance, task.query, collection, weighs_all=True)


def _explain_update(
    task: UpdateTask, statement: UpdateStatement, verbosity: str, *, returns: bool, returns_new: bool = False
) -> Document:
    started = time.monotonic()
    instance, plan = task.instance, _plan(task)
    query = Query(task.namespace, statement.filter, task.query.expression, statement.sort)
    matched = modified = 0
    probe = None
    if plan is not None and verbosity != QUERY_PLANNER:
        probe = Probe()
        for row in probe.watch("given", plan.rows(instance.store, task.interrupt, probe)):
            matched += 1
            modified += task.changed(row, plan.collection) is not None
    upserts = statement.upsert and not matched
    below = _below(plan, query, probe)
    returned = int(bool(matched) or (upserts and returns_new)) if returns else 0
    counted = {"nMatched": number(matched), "nWouldModify": number(modified), "nWouldUpsert": number(int(upserts))}
    tree = _writing("UPDATE", below, counted, returned, is_express=not statement.multi and not returns)
    return _body(instance, query, tree, started, verbosity)


def _explain_delete(
    instance: Instance, plan: Plan | None, query: Query, verbosity: str, interrupt: Interrupt, *, returns: bool
) -> Document:
    started = time.monotonic()
    probe = None
    if plan is not None and verbosity != QUERY_PLANNER:
        probe = Probe()
        for _ in probe.watch("given", plan.rows(instance.store, interrupt, probe)):
            pass
    below = _below(plan, query, probe)
    found = below.returned or 0
    counted = {"nWouldDelete": number(found)}
    is_express = not returns and plan is not None and plan.query.limit > 0
    tree = _writing("DELETE", below, counted, min(found, 1) if returns else 0, is_express=is_express)
    return _body(instance, query, tree, started, verbosity)


def _writing(name: str, below: Stage, counted: Document, returned: int, *, is_express: bool) -> Stage:
    """The stage that writes. One document that is found by its `_id` alone is written in the same stage."""
    if below.is_express and is_express:
        counted = {**below.counted, **counted}
        return Stage(f"EXPRESS_{name}", {}, below.after, counted, returned, 1, is_express=True)
    if below.is_express:
        below = Stage("IDHACK", {}, {}, below.counted, below.returned, 1)
    return Stage(name, {}, {}, counted, returned, below.works + 1, child=below)


def _below(plan: Plan | None, query: Query, probe: Probe | None) -> Stage:
    """What the write takes its documents from; the limit of one is its own."""
    if plan is None:
        return end_of_nothing()
    tree = plan_tree(plan, query.filter, None, query.sort, probe)
    return tree.child if tree.name == "LIMIT" and tree.child is not None else tree


def _body(instance: Instance, query: Query, tree: Stage, started: float, verbosity: str) -> Document:
    body: Document = {"queryPlanner": query_planner(instance, query, tree)}
    if verbosity != QUERY_PLANNER:
        taken_ms = int((time.monotonic() - started) * 1000)
        body["executionStats"] = execution_stats(tree, taken_ms, verbosity)
    return body
