"""$limit and $skip before stages that give one document for each: what is not wanted is not computed.

These stages are lazy, so a $limit in front of one stops it where it would have stopped anyway. A $skip passes only
stages that cannot fail: for the documents that are left out nothing is computed any more.
"""

from __future__ import annotations

from amongo.aggregate.plan.effects import effect
from amongo.aggregate.plan.steps import Step, Steps


def limit_first(steps: Steps) -> Steps:
    """Move each $limit and $skip as far to the front as it can go."""
    result: list[Step] = []
    for step in steps:
        place = len(result)
        if step.name in ("$limit", "$skip"):
            while place and _may_pass(result[place - 1], step):
                place -= 1
        result.insert(place, step)
    return tuple(result)


def _may_pass(before: Step, window: Step) -> bool:
    done = effect(before)
    return done.is_for_each and (window.name == "$limit" or done.is_total)
