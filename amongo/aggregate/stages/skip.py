"""$skip: leave out the first so many documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.values.numbers import exact_integer


@dataclass(frozen=True, slots=True)
class Skip(Stage):
    """Leave out the first `count` documents."""

    count: int

    def bind(self) -> Run:
        count = self.count

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            return islice(documents, count, None)

        return run


@stage("$skip")
def parse_skip(spec: Any, surroundings: Surroundings) -> Skip:
    """Leave out the first so many documents.

    spec     a whole number of any numeric type, not below zero
    result   the documents behind them, unchanged
    errors   SKIP_NOT_INTEGER (also below zero)
    source   manual, $skip
    """
    count = exact_integer(spec)
    if count is None or count < 0:
        raise errors.SKIP_NOT_INTEGER(value=spec)
    return Skip(count)
