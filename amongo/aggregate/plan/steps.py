"""What the passes rewrite: the stages of a pipeline as they were written, and what one may know of its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bson import Int64

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A stage.

    name     with its dollar sign
    spec     its specification, which has been parsed without an error
    keep     of a $sort: the stages behind want the first so many documents alone; None for all
    unwinds  of a $lookup: the specification of the $unwind that it does as well; None for none
    """

    name: str
    spec: Any
    keep: int | None = None
    unwinds: Any = None

    def document(self) -> Document:
        """The stage as explain shows it. Source: manual, Aggregation Pipeline Optimization."""
        if self.keep is not None:
            return {self.name: {"sortKey": self.spec, "limit": Int64(self.keep)}}
        if self.unwinds is not None:
            shown: Document = {"preserveNullAndEmptyArrays": False}
            if type(self.unwinds) is dict:
                shown |= {name: value for name, value in self.unwinds.items() if name != "path"}
            return {self.name: {**self.spec, "unwinding": shown}}
        return {self.name: self.spec}


Steps = tuple[Step, ...]


def steps_of(pipeline: list[Document]) -> Steps:
    """The steps of a pipeline as it was written."""
    return tuple(Step(name, spec) for stage in pipeline for name, spec in stage.items())
