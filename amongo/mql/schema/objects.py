"""Keywords for the fields of a document: `properties`, `required`, `minProperties`, `maxProperties`.

A name with dots is a path, as the server has it: `properties: {"a.b": …}` speaks of the field b of the document a, and
`required: ["a.b"]` asks what `$exists` asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from amongo.errors import schema as errors
from amongo.mql.schema.parse import parse_schema
from amongo.mql.schema.registry import KeywordClause, keyword
from amongo.mql.schema.rule import Details, Report, Restriction, Rule, Schema, Test
from amongo.mql.schema.scalars import length
from amongo.values.missing import MISSING
from amongo.values.paths import bind_any, get, query_path
from amongo.values.types import alias

OBJECTS: Final = frozenset({dict})
_COUNT: Final = "specified number of properties was not satisfied"


@keyword("minProperties")
def min_properties(clause: KeywordClause) -> Rule:
    """A document has at least so many fields. operand: a length. errors: NOT_A_LENGTH. source: manual, $jsonSchema."""
    least = length(clause)
    return Restriction("minProperties", OBJECTS, lambda value: len(value) >= least, clause.specified, _COUNT, _counted)


@keyword("maxProperties")
def max_properties(clause: KeywordClause) -> Rule:
    """A document has at most so many fields. operand: a length. errors: NOT_A_LENGTH. source: manual, $jsonSchema."""
    most = length(clause)
    return Restriction("maxProperties", OBJECTS, lambda value: len(value) <= most, clause.specified, _COUNT, _counted)


def _counted(document: dict[str, Any]) -> dict[str, Any]:
    return {"numberOfProperties": len(document)}


def bind_lookup(name: str) -> Callable[[dict[str, Any]], Any]:
    """A closure that gives a property's value, or MISSING."""
    if "." not in name:
        return lambda document: document.get(name, MISSING)
    path = query_path(name)
    return lambda document: get(document, path)


def bind_exists(name: str) -> Test:
    """A closure that says whether a document has a property."""
    if "." not in name:
        return lambda document: name in document
    return bind_any(query_path(name), lambda value: value is not MISSING, leaf_arrays=False)


@dataclass(frozen=True, slots=True)
class Required(Rule):
    """A document has all of these fields."""

    specified: dict[str, Any]
    names: tuple[str, ...]

    def bind(self) -> Test:
        names = self.names
        if any("." in name for name in names):
            tests = list(map(bind_exists, names))
            return lambda value: type(value) is not dict or all(test(value) for test in tests)
        needed = frozenset(names)
        return lambda value: type(value) is not dict or needed <= value.keys()

    def explain(self, value: Any, report: Report) -> Details:
        missing = [name for name in sorted(self.names) if not bind_exists(name)(value)]
        return [{"operatorName": "required", **report.specified(self.specified), "missingProperties": missing}]


@keyword("required")
def required(clause: KeywordClause) -> Rule:
    """A document has all fields of a list.

    operand   array of one or more different names
    errors    NOT_AN_ARRAY, REQUIRED_NOT_STRINGS, ARRAY_EMPTY, ARRAY_DUPLICATE
    source    manual, $jsonSchema
    """
    return Required("required", clause.specified, required_names(clause.siblings))


def required_names(schema: dict[str, Any]) -> tuple[str, ...]:
    """The names that `required` lists in this schema; the server reads them before any other keyword for documents.

    errors   as for `required`
    """
    if "required" not in schema:
        return ()
    operand = schema["required"]
    if type(operand) is not list:
        raise errors.NOT_AN_ARRAY(name="required", actual=alias(operand))
    for position, each in enumerate(operand):
        if type(each) is not str:
            raise errors.REQUIRED_NOT_STRINGS(actual=alias(each))
        if each in operand[:position]:
            raise errors.ARRAY_DUPLICATE(name="required")
    if not operand:
        raise errors.ARRAY_EMPTY(name="required")
    return tuple(operand)


@dataclass(frozen=True, slots=True)
class Property:
    """One field of `properties`.

    is_required   whether `required` names it too
    """

    name: str
    schema: Schema
    is_required: bool

    def bind(self) -> Test:
        """Compile to a test of the document. A field that is not there passes: `required` sees to that."""
        lookup, test, exists = bind_lookup(self.name), self.schema.bind(), bind_exists(self.name)
        if "." in self.name:
            return lambda document: test(lookup(document)) or not exists(document)
        return lambda document: (value := lookup(document)) is MISSING or test(value)

    def explain(self, document: dict[str, Any], report: Report) -> Details:
        """Why the field fails; empty where only its absence is to blame."""
        value = bind_lookup(self.name)(document)
        if self.schema.bind()(value) or not (self.is_required or bind_exists(self.name)(document)):
            return []
        details = self.schema.explain(value, report)
        return [{"propertyName": self.name, **self.schema.annotations, "details": details}] if details else []


@dataclass(frozen=True, slots=True)
class Properties(Rule):
    """The fields of a document match their schemas, as far as they are there."""

    properties: tuple[Property, ...]

    @property
    def subschemas(self) -> tuple[Schema, ...]:
        return tuple(each.schema for each in self.properties)

    def bind(self) -> Test:
        if any("." in each.name for each in self.properties):
            tests = [each.bind() for each in self.properties]
            return lambda value: type(value) is not dict or all(test(value) for test in tests)
        fields = [(each.name, each.schema.bind()) for each in self.properties if each.schema.rules]

        def every(value: Any) -> bool:
            if type(value) is dict:
                for name, test in fields:
                    if name in value and not test(value[name]):
                        return False
            return True

        return every

    def explain(self, value: Any, report: Report) -> Details:
        failures = [detail for each in self.properties for detail in each.explain(value, report)]
        return [{"operatorName": "properties", "propertiesNotSatisfied": failures}] if failures else []


@keyword("properties")
def properties(clause: KeywordClause) -> Rule:
    """The fields of a document match the schemas under their names.

    operand   document of schemas by name
    errors    NOT_AN_OBJECT, PROPERTY_NOT_OBJECT, those of `required` and of the schemas
    source    manual, $jsonSchema
    """
    needed = frozenset(required_names(clause.siblings))
    if type(clause.operand) is not dict:
        raise errors.NOT_AN_OBJECT(name="properties")
    fields = []
    for name, schema in clause.operand.items():
        if type(schema) is not dict:
            raise errors.PROPERTY_NOT_OBJECT(name=name)
        fields.append(Property(name, parse_schema(schema, is_root=False), name in needed))
    return Properties("properties", tuple(fields))
