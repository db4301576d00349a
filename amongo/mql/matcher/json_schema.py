"""`$jsonSchema`: the document matches a schema. What schemas say is written in `amongo.mql.schema`."""

from __future__ import annotations

from dataclasses import dataclass

from amongo.errors import query as errors
from amongo.errors.schema import SCHEMA_NOT_OBJECT
from amongo.mql.matcher.registry import Clause, top_level_operator
from amongo.mql.matcher.tree import Document, Located, Match, MatchExpression, Test
from amongo.mql.schema import Schema, parse_schema


@dataclass(frozen=True, slots=True)
class JsonSchema(MatchExpression):
    """The document matches a schema, the operand."""

    operand: Schema

    def bind(self) -> Match:
        return self.operand.bind()

    def value_test(self) -> Test:
        raise AssertionError("$jsonSchema is refused below $elemMatch")

    def locate(self, document: Document) -> Located:
        return self.bind()(document), None


@top_level_operator("$jsonSchema")
def json_schema(clause: Clause) -> MatchExpression:
    """The document matches a schema. A collation is not asked.

    operand   a schema
    errors    EXPR_NOT_TOP_LEVEL, SCHEMA_NOT_OBJECT, and those of `amongo.errors.schema`
    source    manual, $jsonSchema
    """
    if not clause.scope.is_top_level:
        raise errors.EXPR_NOT_TOP_LEVEL(name="$jsonSchema")
    if type(clause.operand) is not dict:
        raise SCHEMA_NOT_OBJECT()
    return JsonSchema("$jsonSchema", None, parse_schema(clause.operand))
