"""One stage of a plan in the words of explain. Source: manual, Explain Results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from amongo.values.numbers import number

Document = dict[str, Any]


@dataclass(slots=True)
class Stage:
    """One stage of the tree.

    name      as explain calls it
    before    fields that stand before what it has counted: the filter
    after     fields that stand behind: what it does
    counted   fields of an execution alone
    returned  what went on to the stage above; None where nothing was executed
    works     units of work
    is_ended  it has no more to give
    """

    name: str
    before: Document = field(default_factory=dict)
    after: Document = field(default_factory=dict)
    counted: Document = field(default_factory=dict)
    returned: int | None = None
    works: int = 0
    is_ended: bool = True
    is_express: bool = False
    child: Stage | None = None
    children: tuple[Stage, ...] = ()

    def planned(self) -> Document:
        """The stage and those below, without counts."""
        inner: Document = {} if self.child is None else {"inputStage": self.child.planned()}
        if self.children:
            inner = {"inputStages": [each.planned() for each in self.children]}
        return {"stage": self.name, **self.before, **self.after, **inner}

    def executed(self) -> Document:
        """The stage and those below, with counts."""
        returned = self.returned or 0
        if self.is_express:
            return {"stage": self.name, **self.after, **self.counted, "nReturned": number(returned)}
        stats = {
            "nReturned": number(returned),
            "executionTimeMillisEstimate": 0,
            "works": number(self.works),
            "advanced": number(returned),
            "needTime": number(max(self.works - returned - self.is_ended, 0)),
            "needYield": 0,
            "saveState": 0,
            "restoreState": 0,
            "isEOF": int(self.is_ended),
        }
        inner: Document = {} if self.child is None else {"inputStage": self.child.executed()}
        if self.children:
            inner = {"inputStages": [each.executed() for each in self.children]}
        return {"stage": self.name, **self.before, **stats, **self.after, **self.counted, **inner}

    def above(self) -> Iterator[Stage]:
        """The stage and those below it."""
        yield self
        for below in self.children if self.child is None else (self.child,):
            yield from below.above()

    def total(self, name: str) -> int:
        """The sum of a count over the stages."""
        return sum(int(stage.counted.get(name, 0)) for stage in self.above())
