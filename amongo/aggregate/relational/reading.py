"""Which paths a pipeline reads, found out before its columns are there, so that all are made in one go.

It need not be complete: a path that a lowering asks for all the same is made then, and the lowering begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from amongo.aggregate.relational.registry import READS, STAGES
from amongo.aggregate.stages.stage import Stage
from amongo.engine.columns import EACH, Path
from amongo.mql.expressions import Expression
from amongo.mql.expressions.nodes import FieldPath, Variable
from amongo.mql.matcher import MatchExpression


class Reading:
    """What has been found so far.

    paths      of the stored documents
    is_open    whether the documents still are those of the collection, but for `set_names`
    set_names  top-level fields that the pipeline has given other values
    unwound    paths of arrays that it has taken apart
    """

    def __init__(self) -> None:
        self.paths: dict[Path, None] = {}
        self.is_open = True
        self.set_names: set[str] = set()
        self.unwound: set[Path] = set()

    def path(self, path: Path) -> None:
        """A path is read."""
        if not self.is_open or path[0] in self.set_names:
            return
        for end in range(1, len(path) + 1):
            if path[:end] in self.unwound:
                path = (*path[:end], EACH, *path[end:])
                break
        if path.count(EACH) < 2:
            self.paths[path] = None

    def copy(self) -> Reading:
        """The same, for what is read beside it."""
        found = Reading()
        found.paths, found.is_open = dict(self.paths), self.is_open
        found.set_names, found.unwound = set(self.set_names), set(self.unwound)
        return found

    def stages(self, stages: Iterable[Stage]) -> None:
        """What stages read, up to one that is not lowered."""
        for stage in stages:
            if type(stage) not in STAGES or not self.is_open:
                return
            tell = READS.get(type(stage))
            if tell is not None:
                tell(stage, self)

    def expression(self, expression: Expression) -> None:
        """What an expression reads."""
        tell = READS.get(type(expression))
        if tell is not None:
            tell(expression, self)
        elif isinstance(expression, FieldPath):
            self.path(tuple(expression.path.parts))
        elif isinstance(expression, Variable):
            if expression.name in ("ROOT", "CURRENT") and expression.path is not None:
                self.path(tuple(expression.path.parts))
        else:
            for child in expression.children():
                self.expression(child)

    def match(self, expression: MatchExpression) -> None:
        """What a match expression reads."""
        tell = READS.get(type(expression))
        if tell is not None:
            tell(expression, self)
            return
        if expression.path is not None:
            self.path(tuple(expression.path.split(".")))
        for child in expression.children:
            self.match(child)


def paths_read(stages: Iterable[Stage]) -> tuple[Path, ...]:
    """The paths that the stages read which may be lowered."""
    reading = Reading()
    reading.stages(stages)
    return tuple(reading.paths)
