"""One $limit instead of several in a row, and one $skip."""

from __future__ import annotations

from bson import Int64

from amongo.aggregate.plan.steps import Step, Steps
from amongo.values.numbers import LONG_MAX


def merged_windows(steps: Steps) -> Steps:
    """The smallest of neighbouring limits, the sum of neighbouring skips."""
    result: list[Step] = []
    for step in steps:
        if result and step.name in ("$limit", "$skip") and result[-1].name == step.name:
            before, after = int(result[-1].spec), int(step.spec)
            count = min(before, after) if step.name == "$limit" else before + after
            if count <= LONG_MAX:
                result[-1] = Step(step.name, Int64(count))
                continue
        result.append(step)
    return tuple(result)
