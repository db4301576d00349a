"""What the passes rewrite: the stages of a pipeline as they were written, and what one may know of its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A stage.

    name   with its dollar sign
    spec   its specification, which has been parsed without an error
    keep   of a $sort: the stages behind want the first so many documents alone; None for all
    """

    name: str
    spec: Any
    keep: int | None = None

    def document(self) -> Document:
        """The stage as explain shows it."""
        if self.keep is None:
            return {self.name: self.spec}
        return {self.name: {"sortKey": self.spec, "limit": self.keep}}


Steps = tuple[Step, ...]


def steps_of(pipeline: list[Document]) -> Steps:
    """The steps of a pipeline as it was written."""
    return tuple(Step(name, spec) for stage in pipeline for name, spec in stage.items())
