"""One $match instead of several in a row."""

from __future__ import annotations

from amongo.aggregate.plan.reading import conjuncts, is_steady, joined
from amongo.aggregate.plan.steps import Step, Steps


def merged_matches(steps: Steps) -> Steps:
    """Join neighbouring $match stages; a document has to pass all of them.

    The parts are asked in their order, so that an expression that may fail is asked of no more documents than before.
    """
    result: list[Step] = []
    for step in steps:
        if step.name == "$match" and result and result[-1].name == "$match" and step.spec and is_steady(step.spec):
            before = result[-1].spec
            if before and is_steady(before):
                result[-1] = Step("$match", joined([*conjuncts(before), *conjuncts(step.spec)]))
                continue
        result.append(step)
    return tuple(result)
