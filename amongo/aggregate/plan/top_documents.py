"""$sort that keeps only as many documents as the $limit behind it lets through."""

from __future__ import annotations

from dataclasses import replace

from amongo.aggregate.plan.steps import Step, Steps
from amongo.values.numbers import LONG_MAX


def top_documents(steps: Steps) -> Steps:
    """Tell each $sort how many documents the $skip and $limit stages behind it can let through."""
    return tuple(_kept(step, steps[place + 1 :]) if step.name == "$sort" else step for place, step in enumerate(steps))


def _kept(sort: Step, behind: Steps) -> Step:
    skipped = 0
    for step in behind:
        if step.name == "$skip":
            skipped += int(step.spec)
        elif step.name == "$limit":
            return replace(sort, keep=min(skipped + int(step.spec), LONG_MAX))
        else:
            break
    return sort
