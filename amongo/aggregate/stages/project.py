"""$project: the fields that stay, the fields that go, and computed ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.running import RunningVariables
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.mql.projections import Projection, parse_projection


@dataclass(frozen=True, slots=True)
class Project(Stage):
    """Each document through one projection."""

    projection: Projection
    variables: RunningVariables

    def bind(self) -> Run:
        apply, variables = self.projection.apply, self.variables

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            variables.values_now = environment.variables
            return map(apply, documents)

        return run


@stage("$project")
def parse_project(spec: Any, surroundings: Surroundings) -> Project:
    """The fields that stay, the fields that go, and computed ones.

    spec     {path: 1 | true | 0 | false | expression, …}
    result   the projected documents
    errors   PROJECT_NOT_OBJECT, those of the projection
    source   manual, $project
    """
    if type(spec) is not dict:
        raise errors.PROJECT_NOT_OBJECT()
    return project(spec, surroundings)


def project(spec: Document, surroundings: Surroundings) -> Project:
    """The stage of a projection document; $unset is one too."""
    scope = surroundings.scope
    variables = RunningVariables(scope.names)
    return Project(parse_projection(spec, variables=variables, collator=scope.collator, is_stage=True), variables)
