"""$match: the documents that a filter accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.plan.reading import filter_fields, is_steady
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.running import RunningVariables
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.mql.matcher import MatchExpression, parse_filter


@dataclass(frozen=True, slots=True)
class Match(Stage):
    """A filter; `spec` is the filter document as it was written."""

    spec: Document
    filter: MatchExpression
    variables: RunningVariables

    @property
    def is_steady(self) -> bool:
        """Whether it says the same of a document wherever it is asked, and never fails."""
        return is_steady(self.spec)

    @property
    def fields(self) -> frozenset[str] | None:
        """The top-level fields that it looks at; None for all."""
        return filter_fields(self.spec)

    def opened(self, environment: Environment) -> Callable[[Document], bool]:
        """The filter for one run."""
        self.variables.values_now = environment.variables
        return self.filter.bind()

    def bind(self) -> Run:
        accepts = self.filter.bind()
        variables = self.variables

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            variables.values_now = environment.variables
            return filter(accepts, documents)

        return run


@stage("$match")
def parse_match(spec: Any, surroundings: Surroundings) -> Match:
    """The documents that a filter accepts.

    spec     a query document; `$expr` sees the variables of the pipeline
    result   the accepted documents, unchanged, in their order
    errors   MATCH_NOT_OBJECT, those of the filter
    source   manual, $match
    """
    if type(spec) is not dict:
        raise errors.MATCH_NOT_OBJECT()
    variables = RunningVariables(surroundings.scope.names)
    collator = surroundings.scope.collator
    return Match(spec, parse_filter(spec, variables=variables, collator=collator, may_search=True), variables)
