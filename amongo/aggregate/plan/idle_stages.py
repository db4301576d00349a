"""Stages that do nothing go: a $match of everything, a $skip of none."""

from __future__ import annotations

from amongo.aggregate.plan.steps import Steps


def idle_stages(steps: Steps) -> Steps:
    """Leave out $match: {} and $skip: 0."""
    return tuple(
        step
        for step in steps
        if not (step.name == "$match" and not step.spec) and not (step.name == "$skip" and step.spec == 0)
    )
