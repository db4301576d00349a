"""Keywords that join schemas: `allOf`, `anyOf`, `oneOf`, `not`; and `enum`, a choice of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amongo.errors import schema as errors
from amongo.mql.schema.parse import parse_schema
from amongo.mql.schema.registry import KeywordClause, keyword
from amongo.mql.schema.rule import Details, Report, Rule, Schema, Test
from amongo.mql.schema.sameness import sameness_key
from amongo.values.missing import MISSING
from amongo.values.types import alias


@dataclass(frozen=True, slots=True)
class AllOf(Rule):
    """Every schema matches."""

    schemas: tuple[Schema, ...]

    @property
    def subschemas(self) -> tuple[Schema, ...]:
        return self.schemas

    def bind(self) -> Test:
        tests = [schema.bind() for schema in self.schemas]
        return lambda value: all(test(value) for test in tests)

    def explain(self, value: Any, report: Report) -> Details:
        return [{"operatorName": self.keyword, "schemasNotSatisfied": _failures(self.schemas, value, report)}]


@dataclass(frozen=True, slots=True)
class AnyOf(AllOf):
    """Some schema matches; a failure is told like that of `allOf`, of all of them."""

    def bind(self) -> Test:
        tests = [schema.bind() for schema in self.schemas]
        return lambda value: any(test(value) for test in tests)


@dataclass(frozen=True, slots=True)
class OneOf(AllOf):
    """Exactly one schema matches."""

    def bind(self) -> Test:
        tests = [schema.bind() for schema in self.schemas]

        def exactly_one(value: Any) -> bool:
            found = False
            for test in tests:
                if test(value):
                    if found:
                        return False
                    found = True
            return found

        return exactly_one

    def explain(self, value: Any, report: Report) -> Details:
        matching = [index for index, schema in enumerate(self.schemas) if schema.bind()(value)]
        if not matching:
            return [{"operatorName": self.keyword, "schemasNotSatisfied": _failures(self.schemas, value, report)}]
        reason = "more than one subschema matched"
        return [{"operatorName": self.keyword, "reason": reason, "matchingSchemaIndexes": matching}]


def _failures(schemas: tuple[Schema, ...], value: Any, report: Report) -> Details:
    return [
        {"index": index, **schema.annotations, "details": schema.explain(value, report)}
        for index, schema in enumerate(schemas)
        if not schema.bind()(value)
    ]


@keyword("allOf")
def all_of(clause: KeywordClause) -> Rule:
    """Every schema of a list matches.

    operand   array of one or more schemas
    errors    NOT_AN_ARRAY, SUBSCHEMAS_EMPTY, SUBSCHEMA_NOT_OBJECT, and those of the schemas
    source    manual, $jsonSchema
    """
    return AllOf("allOf", _schemas(clause))


@keyword("anyOf")
def any_of(clause: KeywordClause) -> Rule:
    """Some schema of a list matches. operand, errors: as for `allOf`. source: manual, $jsonSchema."""
    return AnyOf("anyOf", _schemas(clause))


@keyword("oneOf")
def one_of(clause: KeywordClause) -> Rule:
    """Exactly one schema of a list matches. operand, errors: as for `allOf`. source: manual, $jsonSchema."""
    return OneOf("oneOf", _schemas(clause))


def _schemas(clause: KeywordClause) -> tuple[Schema, ...]:
    if type(clause.operand) is not list:
        raise errors.NOT_AN_ARRAY(name=clause.keyword, actual=alias(clause.operand))
    if not clause.operand:
        raise errors.SUBSCHEMAS_EMPTY(name=clause.keyword)
    schemas = []
    for each in clause.operand:
        if type(each) is not dict:
            raise errors.SUBSCHEMA_NOT_OBJECT(name=clause.keyword, actual=alias(each))
        schemas.append(parse_schema(each, is_root=clause.is_root))
    return tuple(schemas)


@dataclass(frozen=True, slots=True)
class NotSchema(Rule):
    """The schema does not match; an account does not say why it does."""

    schema: Schema

    @property
    def subschemas(self) -> tuple[Schema, ...]:
        return (self.schema,)

    def bind(self) -> Test:
        test = self.schema.bind()
        return lambda value: not test(value)

    def explain(self, value: Any, report: Report) -> Details:
        return [{"operatorName": "not", "reason": "child expression matched"}]


@keyword("not")
def not_(clause: KeywordClause) -> Rule:
    """A schema does not match. operand: a schema. errors: NOT_AN_OBJECT, those of the schema. source: manual."""
    if type(clause.operand) is not dict:
        raise errors.NOT_AN_OBJECT(name="not")
    return NotSchema("not", parse_schema(clause.operand, is_root=clause.is_root))


@dataclass(frozen=True, slots=True)
class Enum(Rule):
    """The value is one of a list; MISSING is none.

    keys       of the values
    can_hold   False where the list describes whole documents and has none
    """

    specified: dict[str, Any]
    keys: frozenset[bytes]
    can_hold: bool

    def bind(self) -> Test:
        keys, texts = self.keys, frozenset(each for each in self.specified["enum"] if type(each) is str)

        def test(value: Any) -> bool:
            if type(value) is str and value in texts:
                return True
            return value is not MISSING and sameness_key(value) in keys

        return test

    def explain(self, value: Any, report: Report) -> Details:
        if value is MISSING:
            return []
        head = {"operatorName": "enum", **report.specified(self.specified)}
        if not self.can_hold:
            return [{**head, "reason": "expression always evaluates to false"}]
        return [{**head, "reason": "value was not found in enum", **report.considered(value)}]


@keyword("enum")
def enum(clause: KeywordClause) -> Rule:
    """The value is one of a list: numbers by value, documents whatever their field order.

    operand   array of one or more different values
    errors    NOT_AN_ARRAY, ARRAY_EMPTY, ARRAY_DUPLICATE
    source    manual, $jsonSchema
    """
    operand = clause.operand
    if type(operand) is not list:
        raise errors.NOT_AN_ARRAY(name="enum", actual=alias(operand))
    if not operand:
        raise errors.ARRAY_EMPTY(name="enum")
    keys = frozenset(map(sameness_key, operand))
    if len(keys) != len(operand):
        raise errors.ARRAY_DUPLICATE(name="enum")
    can_hold = not clause.is_root or any(type(each) is dict for each in operand)
    return Enum("enum", clause.specified, keys, can_hold)
