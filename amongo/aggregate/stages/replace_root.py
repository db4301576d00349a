"""$replaceRoot and $replaceWith: another document in place of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.mql.expressions import Expression
from amongo.values.missing import MISSING
from amongo.values.types import alias


@dataclass(frozen=True, slots=True)
class ReplaceRoot(Stage):
    """The value of `new_root` for each document; it has to be a document."""

    new_root: Expression

    def bind(self) -> Run:
        evaluate = self.new_root.bind()

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            variables = environment.variables
            for document in documents:
                root = evaluate(document, variables)
                if type(root) is not dict:
                    value = "MISSING" if root is MISSING else root
                    raise errors.NEW_ROOT_NOT_OBJECT(value=value, kind=alias(root), document=document)
                yield root

        return run


@stage("$replaceRoot")
def parse_replace_root(spec: Any, surroundings: Surroundings) -> ReplaceRoot:
    """Another document in place of each.

    spec     {newRoot: expression}
    result   the expression's documents
    errors   REPLACE_ROOT_NOT_OBJECT, REPLACE_ROOT_UNKNOWN_FIELD, REPLACE_ROOT_WITHOUT_NEW_ROOT; for a document
             NEW_ROOT_NOT_OBJECT
    source   manual, $replaceRoot
    """
    if type(spec) is not dict:
        raise errors.REPLACE_ROOT_NOT_OBJECT(kind=alias(spec))
    for field in spec:
        if field != "newRoot":
            raise errors.REPLACE_ROOT_UNKNOWN_FIELD(field=field)
    if "newRoot" not in spec:
        raise errors.REPLACE_ROOT_WITHOUT_NEW_ROOT()
    return ReplaceRoot(surroundings.parse(spec["newRoot"]))


@stage("$replaceWith")
def parse_replace_with(spec: Any, surroundings: Surroundings) -> ReplaceRoot:
    """Another document in place of each; short for $replaceRoot.

    spec     an expression
    result   the expression's documents
    errors   for a document NEW_ROOT_NOT_OBJECT
    source   manual, $replaceWith
    """
    return ReplaceRoot(surroundings.parse(spec))
