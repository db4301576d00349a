"""A stage that is short for several others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.stage import Run, Stage


@dataclass(frozen=True, slots=True)
class Stacked(Stage):
    """Stages that run one after the other as one."""

    stages: tuple[Stage, ...]

    def bind(self) -> Run:
        runs = tuple(stage.bind() for stage in self.stages)

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            for each in runs:
                documents = each(documents, environment)
            return iter(documents)

        return run
