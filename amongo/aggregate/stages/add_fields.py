"""$addFields and $set: more fields, or other values in fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.computed_fields import ComputedFields, parse_computed_fields
from amongo.aggregate.stages.registry import Parse, stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.values.types import alias


@dataclass(frozen=True, slots=True)
class AddFields(Stage):
    """Each document with the computed fields."""

    fields: ComputedFields

    def bind(self) -> Run:
        evaluate = self.fields.bind()

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            variables = environment.variables
            return (evaluate(document, variables) for document in documents)

        return run


def _parser(name: str) -> Parse:
    def parse(spec: Any, surroundings: Surroundings) -> AddFields:
        """More fields, or other values in fields.

        spec     {path: expression, …}, at least one
        result   each document with the values set; fields that are there keep their place; a missing value takes
                 the field away; a path through an array sets the field in each element
        errors   ADD_FIELDS_NOT_OBJECT, ADD_FIELDS_EMPTY, PATH_COLLISION, path errors
        order    all expressions see the document as it came in
        source   manual, $addFields
        """
        if type(spec) is not dict:
            raise errors.ADD_FIELDS_NOT_OBJECT(name=name, kind=alias(spec))
        if not spec:
            raise errors.ADD_FIELDS_EMPTY(name=name)
        return AddFields(parse_computed_fields(spec, surroundings))

    return parse


stage("$addFields")(_parser("$addFields"))
stage("$set")(_parser("$set"))
