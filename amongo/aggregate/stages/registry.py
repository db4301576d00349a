"""Every stage, registered in the file where it is defined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amongo.aggregate.stages.stage import Stage, Surroundings

Parse = Callable[[Any, Surroundings], Stage]

STAGES: dict[str, Parse] = {}
"""Name -> how to parse its specification. Filled by the decorator below."""

DOCUMENTATION: dict[str, str] = {}
"""Name -> docstring of the parse function: the reference pages are made from it."""


def stage(*names: str) -> Callable[[Parse], Parse]:
    """Register `(specification, surroundings) -> Stage` under one name, or under aliases of one stage."""

    def enter(parse: Parse) -> Parse:
        for name in names:
            if name in STAGES:
                raise RuntimeError(f"{name} is defined twice")
            STAGES[name] = parse
            DOCUMENTATION[name] = parse.__doc__ or ""
        return parse

    return enter
