"""Plans in the words of explain: a tree of stages, each with what it does and, once executed, with what it has counted.

The stages are those that `Plan` runs, under the server's names. What the server counts in works (a unit of its own) is
derived from what went through. Source: manual, Explain Results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from amongo.mql.matcher import parse_filter
from amongo.mql.matcher.normal_form import normal_form
from amongo.planner.bounds import IndexBounds, id_bounds
from amongo.planner.distinct_scan import DistinctScan
from amongo.planner.explain_access import Asked, access_tree, count_scan_tree, distinct_scan_tree
from amongo.planner.explain_stage import Stage
from amongo.planner.plan import Plan
from amongo.planner.probe import Counts, Probe
from amongo.planner.residual_form import residual_form
from amongo.runtime.limits import BLOCKING_STAGE_BYTES
from amongo.values.numbers import number
from amongo.values.wording import shown

Document = dict[str, Any]

WHOLE: Final = "[MinKey, MaxKey]"

_SIMPLE: Final = (bool, int, float)


EOF: Final = "EOF"


def plan_tree(
    plan: Plan, filter: Mapping[str, Any], projection: Document | None, sort: Document | None, probe: Probe | None
) -> Stage:
    """The stages of a plan, the last one first.

    filter, projection, sort   as the command gave them
    probe                      of an execution that came to its end, or to its limit; None for a plan alone
    """
    if plan.is_empty:
        return end_of_nothing()
    counts = probe.counts if probe is not None else {}
    found, given = counts.get("found", 0), counts.get("given", 0)
    stage = _access(plan, filter, probe, is_simple=not sort and (projection is None or _is_simple(projection)))
    if stage.is_express:
        stage.returned = given
        return stage
    query = plan.query
    if plan.covered_fields is not None and stage.child is not None and projection:
        stage = _covered(stage.child, plan, projection, given, probe)
        projection = None
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
    return _subplanned(stage, plan)


def _covered(scan: Stage, plan: Plan, projection: Document, given: int, probe: Probe | None) -> Stage:
    """A projection of what the entries of an index hold."""
    through = min(given + plan.query.skip, scan.returned or 0)
    stage = _on_top(scan, "PROJECTION_COVERED", {"transformBy": projection}, through)
    fetched = 0 if probe is None or plan.access is None else probe.of(plan.access.single).docs
    if fetched:  # of documents without one of the fields: see `covered`
        stage.counted = {"docsExamined": number(fetched)}
    return stage


def _subplanned(stage: Stage, plan: Plan) -> Stage:
    """The plan of a filter that is one `$or` of several fields: its branches are planned each by itself."""
    expression = plan.query.expression
    if expression is None or plan.query.hint or plan.query.is_natural or expression.operator != "$or":
        return stage
    children = expression.children
    is_in = len({child.path for child in children}) == 1 and all(each.operator in ("$eq", "$in") for each in children)
    if len(children) < 2 or is_in:
        return stage
    return Stage("SUBPLAN", returned=stage.returned, works=stage.works, is_ended=stage.is_ended, child=stage)


def count_tree(plan: Plan, filter: Mapping[str, Any], probe: Probe | None) -> Stage:
    """The stages below a COUNT: no document is fetched where the entries of the indexes are all that is counted."""
    tree = plan_tree(plan, filter, None, None, probe)
    access = plan.access
    if tree.name == "SUBPLAN" and tree.child is not None:
        below = _counted(tree.child, plan)
        return replace(tree, child=below)
    return tree if access is None else _counted(tree, plan)


def distinct_tree(scan: DistinctScan, counts: Counts) -> Stage:
    """The stages of a DISTINCT_SCAN; of a multikey index its values are not those of documents, and not projected."""
    below = distinct_scan_tree(scan.stage, counts)
    if scan.stage.facts.is_multikey or scan.path.parts[1:]:
        return below
    shown = {"_id": 0, scan.path.text: 1}
    return _on_top(below, "PROJECTION_COVERED", {"transformBy": shown}, counts.given)


def _counted(tree: Stage, plan: Plan) -> Stage:
    access = plan.access
    if access is None or access.residual or tree.name != "FETCH" or tree.child is None:
        return tree
    scan = access.single
    if scan is None or scan.bounds.route.count != 1:
        return tree.child
    return count_scan_tree(scan, tree.child)


def end_of_nothing() -> Stage:
    """The plan for a collection that does not exist, and for a filter that finds nothing in any."""
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
        near = Counts() if probe is None else probe.of(plan.near)
        looked = {"keysExamined": number(near.keys), "docsExamined": number(near.docs)}
        return Stage(plan.stage, {}, {}, looked, found, near.docs + is_ended, is_ended)
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
    asked = _residual(plan, condition) if plan.scan is None else condition
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
    by_id = _by_id(plan, filter)
    bounds = {"_id": [WHOLE] if by_id is None else by_id.bounds.fields[0].texts()}
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


def _by_id(plan: Plan, filter: Mapping[str, Any]) -> IndexBounds | None:
    """The bounds on `_id`; None for a filter that does not bound it."""
    query = plan.query
    if query.expression is not None or not filter:
        return query.id_bounds
    return id_bounds(parse_filter(dict(filter)), None, None)  # an `_id` alone, which was looked up unparsed


def _residual(plan: Plan, condition: Document) -> Document:
    """What is left to ask of a document that the index on `_id` has given."""
    query = plan.query
    if query.expression is None:
        return {}
    return residual_form(condition, query.id_bounds.proved if query.id_bounds is not None else (), query.collator)
