"""Plans in the words of explain: a tree of stages, each with what it does and, once executed, with what it has counted.

The stages are those that `Plan` runs, under the server's names. What the server counts in works (a unit of its own) is
derived from what went through. Source: manual, Explain Results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amongo.mql.matcher.normal_form import normal_form
from amongo.planner.bounds_text import WHOLE, id_bounds_text
from amongo.planner.explain_access import Asked, access_tree
from amongo.planner.explain_stage import Stage
from amongo.planner.plan import Plan
from amongo.planner.probe import Probe
from amongo.runtime.limits import BLOCKING_STAGE_BYTES
from amongo.values.numbers import number
from amongo.values.wording import shown

Document = dict[str, Any]

_SIMPLE: Final = (bool, int, float)


EOF: Final = "EOF"


def plan_tree(
    plan: Plan, filter: Mapping[str, Any], projection: Document | None, sort: Document | None, probe: Probe | None
) -> Stage:
    """The stages of a plan, the last one first.

    filter, projection, sort   as the command gave them
    probe                      of an execution that came to its end, or to its limit; None for a plan alone
    """
    counts = probe.counts if probe is not None else {}
    found, given = counts.get("found", 0), counts.get("given", 0)
    stage = _access(plan, filter, probe, is_simple=not sort and (projection is None or _is_simple(projection)))
    if stage.is_express:
        stage.returned = given
        return stage
    query = plan.query
    if query.sort is not None:
        stage = Stage(
            "SORT",
            after={
                "sortPattern": sort or {},
                "memLimit": BLOCKING_STAGE_BYTES,
                **({"limitAmount": number(query.skip + query.limit)} if query.limit else {}),
                "type": "default" if query.sort.keywords else "simple",
            },
            counted={"totalDataSizeSorted": 0, "usedDisk": False, "spills": 0},
            returned=min(found, query.skip + query.limit) if query.limit else found,
            works=stage.works + found + 1,
            child=stage,
        )
    if query.skip:
        let_through = max((stage.returned or 0) - query.skip, 0)
        stage = _on_top(stage, "SKIP", {"skipAmount": number(query.skip)}, let_through)
    if projection:
        name = "PROJECTION_SIMPLE" if _is_simple(projection) else "PROJECTION_DEFAULT"
        stage = _on_top(stage, name, {"transformBy": projection}, min(given, stage.returned or 0))
    if query.limit and query.sort is None:
        stage = _on_top(stage, "LIMIT", {"limitAmount": number(query.limit)}, given)
        stage.is_ended = True
    return stage


def end_of_nothing() -> Stage:
    """The plan for a collection that does not exist."""
    return Stage(EOF, returned=0, works=1)


def _on_top(child: Stage, name: str, after: Document, returned: int) -> Stage:
    works = child.works if child.is_ended else child.works + 1
    return Stage(name, after=after, returned=returned, works=works, is_ended=child.is_ended, child=child)


def _is_simple(projection: Document) -> bool:
    """Whether a projection keeps or drops top-level fields and does nothing else."""
    return all(type(value) in _SIMPLE and "." not in name for name, value in projection.items())


# How the documents are found


def _access(plan: Plan, filter: Mapping[str, Any], probe: Probe | None, *, is_simple: bool) -> Stage:
    counts = probe.counts if probe is not None else {}
    examined, found = counts.get("examined", 0), counts.get("found", 0)
    is_ended = probe is not None and "found" in probe.ended
    condition = normal_form(filter)
    if plan.stage == "COLLSCAN":
        return Stage(
            "COLLSCAN",
            {"filter": condition} if condition else {},
            {"direction": "backward" if plan.query.is_reverse else "forward"},
            {"docsExamined": number(examined)},
            found,
            examined + is_ended,
            is_ended,
        )
    if plan.access is not None:
        question = Asked(plan.query.expression, condition, plan.query.sort_spec, plan.query.collator)
        return access_tree(plan.access, question, found, probe)
    is_clustered = plan.scan is None and "clusteredIndex" in plan.collection.options
    if plan.stage == "IDHACK" and plan.query.expression is None and is_simple and not plan.query.skip:
        return _express(examined, found, is_clustered=is_clustered)
    if plan.near is not None:
        examined = plan.collection.count if probe is not None else 0
        return Stage(plan.stage, {}, {}, _examined(examined), found, examined + is_ended, is_ended)
    if plan.text is not None:
        return _text(plan, condition, examined, found, is_ended)
    if is_clustered:
        after = {"direction": _direction(plan)}
        before = {"filter": condition} if condition else {}
        return Stage(
            "CLUSTERED_IXSCAN",
            before,
            after,
            {"docsExamined": number(examined)},
            found,
            examined + is_ended,
            is_ended,
        )
    keys = Stage(
        "IXSCAN",
        {},
        _index_fields(plan, filter),
        {"keysExamined": number(examined), "seeks": 1, "dupsTested": 0, "dupsDropped": 0},
        examined,
        examined + is_ended,
        is_ended,
    )
    asked = _residual(filter) if plan.scan is None else condition
    return Stage(
        "FETCH",
        {"filter": asked} if asked else {},
        {},
        {"docsExamined": number(examined), "alreadyHasObj": 0},
        found,
        keys.works,
        is_ended,
        child=keys,
    )


def _examined(count: int) -> Document:
    return {"keysExamined": number(count), "docsExamined": number(count)}


def _express(examined: int, found: int, *, is_clustered: bool) -> Stage:
    """What finds a document by its `_id` alone."""
    name = "EXPRESS_CLUSTERED_IXSCAN" if is_clustered else "EXPRESS_IXSCAN"
    index = {} if is_clustered else {"keyPattern": "{ _id: 1 }", "indexName": "_id_"}
    counted = {"keysExamined": number(0 if is_clustered else examined), "docsExamined": number(examined)}
    return Stage(name, {}, index, counted, found, 1, is_express=True)


def _text(plan: Plan, condition: Document, examined: int, found: int, is_ended: bool) -> Stage:
    index = next(each for each in plan.collection.indexes.values() if each["key"].get("_fts") == "text")
    fetched = Stage("FETCH", {}, {}, _examined(examined), examined, examined + is_ended, is_ended)
    after = {"indexPrefix": {}, "indexName": index["name"], "textIndexVersion": index.get("textIndexVersion", 3)}
    counted = {"docsRejected": number(examined - found)}
    return Stage("TEXT_MATCH", {}, after, counted, found, fetched.works, is_ended, child=fetched)


def _direction(plan: Plan) -> str:
    is_backward = plan.scan.is_backward if plan.scan is not None else plan.query.id_direction < 0
    return "backward" if is_backward else "forward"


def _index_fields(plan: Plan, filter: Mapping[str, Any]) -> Document:
    """What an index scan says of its index and its bounds."""
    definition: Mapping[str, Any] = plan.collection.indexes["_id_"]
    bounds = {"_id": id_bounds_text(filter.get("_id"), has_condition="_id" in filter)}
    is_multikey = False
    if plan.scan is not None:
        fields = plan.scan.fields
        definition = next(
            (each for each in plan.collection.indexes.values() if tuple(each["key"]) == fields), definition
        )
        is_multikey = plan.scan.index is not None and plan.scan.index.is_multikey
        bounds = {name: [WHOLE] for name in fields}
        low, high = plan.query.low, plan.query.high
        if low or high:
            bounds = {name: [_between(low, high, name)] for name in fields}
    key = dict(definition["key"])
    return {
        "keyPattern": key,
        "indexName": definition["name"],
        "isMultiKey": is_multikey,
        "multiKeyPaths": {name: [] for name in key},
        "isUnique": bool(definition.get("unique")) or definition["name"] == "_id_",
        "isSparse": bool(definition.get("sparse")),
        "isPartial": "partialFilterExpression" in definition,
        "indexVersion": int(definition.get("v", 2)),
        "direction": _direction(plan),
        "indexBounds": bounds,
    }


def _between(low: Document | None, high: Document | None, name: str) -> str:
    """The bounds that `min` and `max` put on one field."""
    first = f"[{shown(low[name])}" if low else "[MinKey"
    last = f"{shown(high[name])})" if high else "MaxKey]"
    return f"{first}, {last}"


def _residual(filter: Mapping[str, Any]) -> Document:
    """What is left to ask of a document that the index on `_id` has given."""
    is_bounded = id_bounds_text(filter.get("_id"), has_condition="_id" in filter) != [WHOLE]
    return normal_form({name: operand for name, operand in filter.items() if name != "_id" or not is_bounded})
