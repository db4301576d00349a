"""$count: one document with the number of documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.values.numbers import number


@dataclass(frozen=True, slots=True)
class Count(Stage):
    """Count what comes in; nothing comes out where nothing came in."""

    name: str

    def bind(self) -> Run:
        name = self.name

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            count = sum(1 for _ in environment.interrupt.watch(documents))
            if count:
                yield {name: number(count)}

        return run


@stage("$count")
def parse_count(spec: Any, surroundings: Surroundings) -> Count:
    """One document with the number of documents.

    spec     the name of the field that holds the count
    result   {name: int}, or nothing at all for no documents
    errors   COUNT_NOT_STRING, COUNT_EMPTY, COUNT_DOLLAR, COUNT_NUL, COUNT_DOT, COUNT_ID
    source   manual, $count
    """
    if type(spec) is not str:
        raise errors.COUNT_NOT_STRING()
    if not spec:
        raise errors.COUNT_EMPTY()
    if spec.startswith("$"):
        raise errors.COUNT_DOLLAR()
    if "\0" in spec:
        raise errors.COUNT_NUL()
    if "." in spec:
        raise errors.COUNT_DOT()
    if spec == "_id":
        raise errors.COUNT_ID()
    return Count(spec)
