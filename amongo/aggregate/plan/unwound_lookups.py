"""$lookup with the $unwind of its array behind it: each partner comes out in a document of its own, and the array is
never built. What a $match behind them asks of the partners is asked of the other collection. Source: manual,
Aggregation Pipeline Optimization, $lookup, $unwind, and $match Coalescence.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amongo.aggregate.plan.reading import conjuncts, is_steady, joined
from amongo.aggregate.plan.steps import Step, Steps

Filter = dict[str, Any]


def unwound_lookups(steps: Steps) -> Steps:
    """Join each $unwind, and what can be joined of the $match behind it, into the $lookup that makes the array."""
    result: list[Step] = []
    for step in steps:
        before = result[-1] if result else None
        if before is None or before.name != "$lookup" or before.keep is not None:
            result.append(step)
        elif step.name == "$unwind" and before.unwinds is None and _path(step.spec) == "$" + before.spec["as"]:
            result[-1] = replace(before, unwinds=step.spec)
        elif step.name == "$match" and before.unwinds is not None and _takes_matches(before.unwinds):
            result[-1:] = _with_match(before, step)
        else:
            result.append(step)
    return tuple(result)


def _path(unwind: Any) -> Any:
    return unwind["path"] if type(unwind) is dict else unwind


def _takes_matches(unwind: Any) -> bool:
    """Whether documents without a partner are left out, and partners not counted."""
    return type(unwind) is not dict or (
        unwind.get("preserveNullAndEmptyArrays") is not True and "includeArrayIndex" not in unwind
    )


def _with_match(lookup: Step, match: Step) -> list[Step]:
    """The stages with the parts of the filter that ask for the partner alone asked of it."""
    inside: list[Filter] = []
    staying: list[Filter] = []
    for part in conjuncts(match.spec):
        below = _below(part, lookup.spec["as"] + ".") if is_steady(part) else None
        if below is None:
            staying.append(part)
        else:
            inside.append(below)
    if not inside:
        return [lookup, match]
    pipeline = [*lookup.spec.get("pipeline", ()), {"$match": joined(inside)}]
    let = lookup.spec.get("let")
    lookup = replace(lookup, spec={**lookup.spec, "let": {} if let is None else let, "pipeline": pipeline})
    return [lookup, Step("$match", joined(staying))] if staying else [lookup]


def _below(filter: Filter, prefix: str) -> Filter | None:
    """What a filter asks of the document at a path; None if it asks for anything else."""
    result: Filter = {}
    for name, value in filter.items():
        if name in ("$and", "$or", "$nor"):
            inner = [_below(each, prefix) for each in value]
            if None in inner:
                return None
            result[name] = inner
        elif name.startswith(prefix):
            result[name[len(prefix) :]] = value
        else:
            return None
    return result
