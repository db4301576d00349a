"""What explain says of an access by indexes: FETCH above IXSCAN, OR, SORT_MERGE or AND_SORTED.

Source: manual, Explain Results, "IXSCAN Explain Output Fields".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amongo.engine.indexes import ID_INDEX_NAME
from amongo.mql.matcher import MatchExpression
from amongo.planner.access import IndexedAccess
from amongo.planner.bounds import IndexShape, conditions
from amongo.planner.explain_stage import Stage
from amongo.planner.probe import Counts, Probe
from amongo.planner.residual_form import branch_forms, residual_form
from amongo.planner.stages import AnyStage, BranchFetch, IndexScanStage, Intersection, Merge, Union
from amongo.values.numbers import number
from amongo.values.order import Collator

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as explain needs it.

    expression   the filter's tree
    form         its normal form
    sort         the sort pattern as the command gave it
    collator     of the query
    """

    expression: MatchExpression | None
    form: Document
    sort: Document | None
    collator: Collator | None


def access_tree(access: IndexedAccess, asked: Asked, found: int, probe: Probe | None) -> Stage:
    """The stages of an access.

    found   documents that the filter let through
    probe   of an execution; None for a plan alone
    """
    below = stage_tree(access.stage, asked, probe)
    if access.is_fetched and not access.residual:
        return below
    filter = {}
    if access.residual:
        proved = [each for each in conditions(asked.expression) if not any(each is left for left in access.residual)]
        filter = {"filter": residual_form(asked.form, proved, asked.collator)}
    already = 0
    if probe is not None:
        fetched = [each for each in branches_of(access.stage) if isinstance(each, BranchFetch)]
        already = sum(probe.of(each).given for each in fetched)
    counted = {"docsExamined": number((below.returned or 0) - already), "alreadyHasObj": number(already)}
    return Stage("FETCH", filter, {}, counted, found, below.works, below.is_ended, child=below)


def branches_of(stage: AnyStage) -> Sequence[IndexScanStage | BranchFetch]:
    """The branches of a stage that has some."""
    return () if isinstance(stage, IndexScanStage) else stage.branches


def stage_tree(stage: AnyStage, asked: Asked, probe: Probe | None) -> Stage:
    """A stage and those below it; parameters as for `access_tree`."""
    counts = Counts() if probe is None else probe.of(stage)
    if isinstance(stage, IndexScanStage):
        return index_scan_tree(stage, counts)
    if isinstance(stage, Union):
        children = _branch_trees(stage, asked, probe)
    else:
        children = tuple(stage_tree(branch, asked, probe) for branch in stage.branches)
    works = sum(child.works for child in children) + counts.is_ended
    counted: Document = {"dupsTested": number(counts.tested), "dupsDropped": number(counts.dropped)}
    name, after = "OR", {}
    if isinstance(stage, Merge):
        name, after = "SORT_MERGE", {"sortPattern": dict(asked.sort or {})}
    elif isinstance(stage, Intersection):
        name, counted = "AND_SORTED", {}
    return Stage(name, {}, after, counted, counts.given, works, counts.is_ended, children=children)


def _branch_trees(stage: Union, asked: Asked, probe: Probe | None) -> tuple[Stage, ...]:
    """The branches of an OR."""
    forms = branch_forms(asked.form, stage.root, asked.collator)
    found = []
    for branch, form, node in zip(stage.branches, forms, stage.root.children, strict=True):
        if isinstance(branch, IndexScanStage):
            found.append(stage_tree(branch, asked, probe))
            continue
        below = stage_tree(branch.child, asked, probe)
        counts = Counts() if probe is None else probe.of(branch)
        proved = [each for each in conditions(node) if not any(each is left for left in branch.residual)]
        filter = {"filter": residual_form(form, proved, asked.collator)}
        examined = {"docsExamined": number(counts.docs), "alreadyHasObj": 0}
        found.append(Stage("FETCH", filter, {}, examined, counts.given, below.works, counts.is_ended, child=below))
    return tuple(found)


def index_scan_tree(stage: IndexScanStage, counts: Counts) -> Stage:
    """An IXSCAN."""
    counted = {
        "keysExamined": number(counts.keys),
        "seeks": number(counts.seeks),
        "dupsTested": number(counts.tested),
        "dupsDropped": number(counts.dropped),
    }
    works = counts.keys + counts.is_ended
    return Stage("IXSCAN", {}, index_fields(stage), counted, counts.given, works, counts.is_ended)


def count_scan_tree(stage: IndexScanStage, scanned: Stage) -> Stage:
    """A COUNT_SCAN, in the place of an IXSCAN: the entries from one key to another are counted.

    scanned   the IXSCAN
    """
    names = list(_pattern(stage))
    edges = [each.intervals.intervals[0] for each in stage.bounds.fields]
    turned = [each.direction < 0 for each in stage.bounds.fields]
    starts = [edge.high if is_turned else edge.low for edge, is_turned in zip(edges, turned, strict=True)]
    ends = [edge.low if is_turned else edge.high for edge, is_turned in zip(edges, turned, strict=True)]
    bounds = {
        "startKey": {name: edge.value for name, edge in zip(names, starts, strict=True)},
        "startKeyInclusive": all(edge.is_inclusive for edge in starts),
        "endKey": {name: edge.value for name, edge in zip(names, ends, strict=True)},
        "endKeyInclusive": all(edge.is_inclusive for edge in ends),
    }
    counted = {"keysExamined": scanned.counted.get("keysExamined", 0)}
    after = {**described(stage), "indexBounds": bounds}
    return Stage("COUNT_SCAN", {}, after, counted, scanned.returned, scanned.works, scanned.is_ended)


def distinct_scan_tree(stage: IndexScanStage, counts: Counts) -> Stage:
    """A DISTINCT_SCAN."""
    counted = {"keysExamined": number(counts.keys)}
    works = counts.keys + counts.is_ended
    return Stage("DISTINCT_SCAN", {}, index_fields(stage), counted, counts.given, works, counts.is_ended)


def index_fields(stage: IndexScanStage) -> Document:
    """What an IXSCAN says of its index and of its bounds."""
    bounds = {
        each.name: each.intervals.texts(each.collator, -each.direction if stage.is_backward else each.direction)
        for each in stage.bounds.fields
    }
    direction = {"direction": "backward" if stage.is_backward else "forward"}
    return {**described(stage), **direction, "indexBounds": bounds}


def described(stage: IndexScanStage) -> Document:
    """What stages say of the index that they read."""
    facts = stage.facts
    definition: Mapping[str, Any] = facts.definition
    collation = definition.get("collation")
    return {
        "keyPattern": _pattern(stage),
        "indexName": facts.name,
        **({"collation": collation} if collation else {}),
        "isMultiKey": facts.is_multikey,
        "multiKeyPaths": _multikey_paths(stage, facts.shape),
        "isUnique": bool(definition.get("unique")) or facts.name == ID_INDEX_NAME,
        "isSparse": facts.is_sparse,
        "isPartial": facts.partial is not None,
        "indexVersion": int(definition.get("v", 2)),
    }


def _pattern(stage: IndexScanStage) -> Document:
    """The key pattern; of a wildcard index with the path that the scan goes by."""
    pattern = dict(stage.facts.definition["key"])
    if stage.facts.shape.wildcard is None:
        return pattern
    place = stage.facts.shape.wildcard
    order = list(pattern.values())
    values = [*order[:place], 1, *order[place:]]
    return {field.name: value for field, value in zip(stage.bounds.fields, values, strict=True)}


def _multikey_paths(stage: IndexScanStage, shape: IndexShape) -> dict[str, list[str]]:
    """For each field the beginnings of its path at which there are arrays."""
    if shape.wildcard is not None:
        return {field.name: [field.name] if field.is_multikey else [] for field in stage.bounds.fields}
    found = {}
    for field in shape.fields:
        parts = field.path.split(".")
        found[field.path] = [".".join(parts[: place + 1]) for place in sorted(field.arrays)]
    return found
