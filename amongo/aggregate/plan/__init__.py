"""Rewrite passes: an ordered tuple of functions from steps to steps, each in its own file, each provably sound.

A pass can be left out by its name; `rewrite` says which ones changed something, and explain shows that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from amongo.aggregate.plan.effects import fields_read_by, needed_fields
from amongo.aggregate.plan.idle_stages import idle_stages
from amongo.aggregate.plan.limit_first import limit_first
from amongo.aggregate.plan.match_first import match_first
from amongo.aggregate.plan.merged_matches import merged_matches
from amongo.aggregate.plan.merged_windows import merged_windows
from amongo.aggregate.plan.sort_first import sort_first
from amongo.aggregate.plan.steps import Step, Steps, steps_of
from amongo.aggregate.plan.top_documents import top_documents
from amongo.aggregate.plan.unwound_lookups import unwound_lookups

__all__ = ["PASSES", "Step", "Steps", "fields_read_by", "needed_fields", "rewrite", "steps_of"]

Pass = Callable[[Steps], Steps]

PASSES: Final[tuple[Pass, ...]] = (
    idle_stages,
    match_first,
    merged_matches,
    limit_first,
    sort_first,
    merged_windows,
    unwound_lookups,
    top_documents,
)
"""In the order in which they are made."""

_NOT_WRITTEN: Final = frozenset({unwound_lookups.__name__, top_documents.__name__})
"""Passes whose result no stage says as it is written: sub-pipelines see to them once they are parsed."""


def rewrite(steps: Steps, without: Collection[str] = ()) -> tuple[Steps, tuple[str, ...]]:
    """(the rewritten steps, the names of the passes that changed something).

    Sub-pipelines are rewritten first, each for itself.

    without   names of passes that are left out
    """
    changed: list[str] = []
    steps = tuple(_inside(step, without, changed) for step in steps)
    for each in PASSES:
        if each.__name__ not in without:
            rewritten = each(steps)
            if rewritten != steps:
                changed.append(each.__name__)
                steps = rewritten
    return steps, tuple(dict.fromkeys(changed))


def _inside(step: Step, without: Collection[str], changed: list[str]) -> Step:
    """The step with its sub-pipelines rewritten, as far as that can be written."""

    def rewritten(pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
        steps, passes = rewrite(steps_of(pipeline), {*without, *_NOT_WRITTEN})
        changed.extend(passes)
        return [{each.name: each.spec} for each in steps] if passes else pipeline

    spec = step.spec
    if step.name == "$facet":
        spec = {name: rewritten(pipeline) for name, pipeline in spec.items()}
    elif step.name in ("$lookup", "$unionWith") and type(spec) is dict and "pipeline" in spec:
        spec = {**spec, "pipeline": rewritten(spec["pipeline"])}
    return step if spec == step.spec else Step(step.name, spec)
