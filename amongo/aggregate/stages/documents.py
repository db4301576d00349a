"""$documents: literal documents in place of a collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.mql.expressions import Expression
from amongo.values.types import alias


@dataclass(frozen=True, slots=True)
class Documents(Stage):
    """The documents of an expression that is evaluated once, without a document of its own."""

    expression: Expression

    def bind(self) -> Run:
        evaluate = self.expression.bind()

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            values = evaluate({}, environment.variables)
            if type(values) is not list:
                raise errors.DOCUMENTS_NOT_ARRAY(kind=alias(values))
            for value in values:
                if type(value) is not dict:
                    raise errors.NEW_ROOT_NOT_OBJECT(value=value, kind=alias(value), document={})
                yield value

        return run


@stage("$documents")
def parse_documents(spec: Any, surroundings: Surroundings) -> Documents:
    """Literal documents in place of a collection.

    spec     an expression that gives an array of documents
    result   these documents
    errors   DOCUMENTS_NOT_ARRAY, NEW_ROOT_NOT_OBJECT when run
    source   manual, $documents
    """
    return Documents(surroundings.parse(spec))
