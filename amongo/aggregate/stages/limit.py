"""$limit: at most so many documents."""

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
class Limit(Stage):
    """Let `count` documents through, then stop asking for more."""

    count: int

    def bind(self) -> Run:
        count = self.count

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            return islice(documents, count)

        return run


@stage("$limit")
def parse_limit(spec: Any, surroundings: Surroundings) -> Limit:
    """At most so many documents.

    spec     a positive whole number of any numeric type
    result   the first documents, unchanged
    errors   LIMIT_NOT_INTEGER (also below zero), LIMIT_NOT_POSITIVE for zero
    source   manual, $limit
    """
    count = exact_integer(spec)
    if count is None or count < 0:
        raise errors.LIMIT_NOT_INTEGER(value=spec)
    if count == 0:
        raise errors.LIMIT_NOT_POSITIVE()
    return Limit(count)
