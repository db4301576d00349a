"""Variables that get their values when a run begins, for filters and projections that are parsed before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class RunningVariables(Mapping[str, Any]):
    """The variables of the run that is under way.

    A stage that holds one can be in one run at a time; a pipeline is parsed anew for every command.
    """

    __slots__ = ("values_now",)

    def __init__(self, names: frozenset[str]) -> None:
        self.values_now: Mapping[str, Any] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Any:
        return self.values_now[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_now)

    def __len__(self) -> int:
        return len(self.values_now)
