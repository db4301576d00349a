"""$sort with a $limit behind it before stages that compute fields it does not sort by: they then compute for the few
documents that are left. Only stages that cannot fail are passed."""

from __future__ import annotations

from amongo.aggregate.plan.effects import effect
from amongo.aggregate.plan.reading import first_part
from amongo.aggregate.plan.steps import Step, Steps


def sort_first(steps: Steps) -> Steps:
    """Move each $sort that a $limit follows to the front, and what follows it with it."""
    result: list[Step] = []
    rest = list(steps)
    while rest:
        step = rest.pop(0)
        if step.name != "$sort" or not _limited(rest):
            result.append(step)
            continue
        moved = [step]
        while rest and rest[0].name in ("$limit", "$skip"):
            moved.append(rest.pop(0))
        place = len(result)
        while place and (sort := _before(result[place - 1], moved[0])) is not None:
            place, moved[0] = place - 1, sort
        result[place:place] = moved
    return tuple(result)


def _limited(rest: list[Step]) -> bool:
    for step in rest:
        if step.name != "$skip":
            return step.name == "$limit"
    return False


def _before(step: Step, sort: Step) -> Step | None:
    """The sort as it has to be asked before a stage; None if it cannot be."""
    done = effect(step)
    if not (done.is_for_each and done.is_total):
        return None
    spec, origins = {}, {}
    for path, order in sort.spec.items():
        first = first_part(path)
        origin = done.origin(first)
        if origin is None or type(order) is dict:
            return None
        origins[first] = origin
        spec[origin + path[len(first) :]] = order
    return Step("$sort", spec) if len(set(origins.values())) == len(origins) else None
