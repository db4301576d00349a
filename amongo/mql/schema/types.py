"""`type` and `bsonType`: what a value is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from amongo.errors import schema as errors
from amongo.errors.value import UNKNOWN_TYPE_ALIAS
from amongo.mql.schema.rule import Details, Report, Rule, Test
from amongo.values.missing import MISSING
from amongo.values.types import NUMERIC_TYPES, BsonType, alias, type_from_alias_or_number, type_test

TYPE_KEYWORDS: Final = ("type", "bsonType")

_JSON_TYPES: Final = {
    "array": frozenset({BsonType.ARRAY}),
    "boolean": frozenset({BsonType.BOOL}),
    "null": frozenset({BsonType.NULL}),
    "number": NUMERIC_TYPES,
    "object": frozenset({BsonType.OBJECT}),
    "string": frozenset({BsonType.STRING}),
}
"""The types of JSON; its `integer` is refused, since a double may be whole too."""


@dataclass(frozen=True, slots=True)
class TypeRule(Rule):
    """The value is of one of some BSON types; MISSING is of none."""

    specified: dict[str, Any]
    types: frozenset[BsonType]

    def bind(self) -> Test:
        return type_test(self.types)

    def explain(self, value: Any, report: Report) -> Details:
        if value is MISSING:
            return []
        detail = {"operatorName": self.keyword, **report.specified(self.specified), "reason": "type did not match"}
        return [{**detail, **report.considered(value), "consideredType": alias(value)}]


def parse_types(schema: dict[str, Any]) -> TypeRule | None:
    """The rule of `type` or `bsonType`; None for a schema that has neither.

    errors   TYPE_NOT_STRINGS, TYPE_ELEMENT_NOT_STRING, TYPE_INTEGER, TYPE_TWICE, TYPE_NONE, UNKNOWN_TYPE_ALIAS
    source   manual, $jsonSchema, "Available Keywords": `type`, `bsonType`
    """
    name = next((name for name in TYPE_KEYWORDS if name in schema), None)
    if name is None:
        return None
    return TypeRule(name, {name: schema[name]}, named_types(name, schema[name]))


def named_types(name: str, operand: Any) -> frozenset[BsonType]:
    """The types that the operand of a keyword names.

    name      `type` takes the names of JSON, any other keyword those of BSON
    operand   a type's name, or an array of different ones
    errors    as for `parse_types`
    """
    if type(operand) is not str and type(operand) is not list:
        raise errors.TYPE_NOT_STRINGS(name=name)
    names: set[str] = set()
    for each in operand if type(operand) is list else [operand]:
        if type(each) is not str:
            raise errors.TYPE_ELEMENT_NOT_STRING(name=name)
        if each == "integer":
            raise errors.TYPE_INTEGER()
        if each in names:
            raise errors.TYPE_TWICE(name=name, value=each)
        names.add(each)
    types = [_json_types(each) if name == "type" else type_from_alias_or_number(each) for each in sorted(names)]
    if not types:
        raise errors.TYPE_NONE(name=name)
    return frozenset[BsonType]().union(*types)


def _json_types(name: str) -> frozenset[BsonType]:
    if name not in _JSON_TYPES:
        raise UNKNOWN_TYPE_ALIAS(name=name)
    return _JSON_TYPES[name]
