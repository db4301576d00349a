"""What an account says of a document that fails a schema."""

from typing import Any

import pytest
from bson import Binary, Int64

from amongo.mql.validation import failure_account, parse_validator


def account(validator: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    return failure_account(parse_validator(validator, variables={}), {"_id": 7, **document})


def rules(schema: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    told = account({"$jsonSchema": schema}, document)
    assert list(told) == ["failingDocumentId", "details"]
    assert list(told["details"]) == ["operatorName", "schemaRulesNotSatisfied"]
    return told["details"]["schemaRulesNotSatisfied"]


def failure(keyword: str, operand: Any, reason: str, **shown: Any) -> dict[str, Any]:
    return {"operatorName": keyword, "specifiedAs": {keyword: operand}, "reason": reason, **shown}


def wrong_type(operand: Any, value: Any, kind: str, keyword: str = "bsonType") -> dict[str, Any]:
    return failure(keyword, operand, "type did not match", consideredValue=value, consideredType=kind)


# A property x, and the accounts of its value.
PROPERTY: list[tuple[str, dict[str, Any], Any, list[dict[str, Any]]]] = [
    ("bsonType", {"bsonType": "int"}, "a", [wrong_type("int", "a", "string")]),
    ("type", {"type": ["string", "null"]}, [1], [wrong_type(["string", "null"], [1], "array", "type")]),
    ("minimum", {"minimum": 3}, 1, [failure("minimum", 3, "comparison failed", consideredValue=1)]),
    (
        "exclusive bound",
        {"maximum": 3, "exclusiveMaximum": True},
        3,
        [
            {
                "operatorName": "maximum",
                "specifiedAs": {"maximum": 3, "exclusiveMaximum": True},
                "reason": "comparison failed",
                "consideredValue": 3,
            }
        ],
    ),
    (
        "rules in the server's order, the type last",
        {"bsonType": "int", "minimum": 3, "multipleOf": 2, "maximum": 0},
        1.5,
        [
            failure(
                "multipleOf",
                2,
                "considered value is not a multiple of the specified value",
                consideredValue=1.5,
            ),
            failure("maximum", 0, "comparison failed", consideredValue=1.5),
            failure("minimum", 3, "comparison failed", consideredValue=1.5),
            wrong_type("int", 1.5, "double"),
        ],
    ),
    ("only the type", {"bsonType": "string", "minLength": 3}, 1, [wrong_type("string", 1, "int")]),
    (
        "lengths",
        {"minLength": 3, "maxLength": 1},
        "ab",
        [
            failure("maxLength", 1, "specified string length was not satisfied", consideredValue="ab"),
            failure("minLength", 3, "specified string length was not satisfied", consideredValue="ab"),
        ],
    ),
    (
        "pattern",
        {"pattern": "^z"},
        "a",
        [failure("pattern", "^z", "regular expression did not match", consideredValue="a")],
    ),
    (
        "array lengths",
        {"minItems": 3},
        [1, 2],
        [failure("minItems", 3, "array did not match specified length", consideredValue=[1, 2], numberOfItems=2)],
    ),
    (
        "uniqueItems",
        {"uniqueItems": True},
        [1, 2, 2.0, 1],
        [failure("uniqueItems", True, "found a duplicate item", consideredValue=[1, 2, 2.0, 1], duplicatedValue=2.0)],
    ),
    (
        "items tells of the first",
        {"items": {"type": "string", "title": "T", "description": "D"}},
        ["a", 1, 2],
        [
            {
                "operatorName": "items",
                "title": "T",
                "description": "D",
                "reason": "At least one item did not match the sub-schema",
                "itemIndex": 1,
                "details": [wrong_type("string", 1, "int", "type")],
            }
        ],
    ),
    (
        "items by position tell of all",
        {"items": [{"type": "string"}, {}, {"type": "string"}, {}], "additionalItems": {"type": "string"}},
        [1, 2, 3, 4, 5],
        [
            {
                "operatorName": "items",
                "details": [
                    {"itemIndex": Int64(0), "details": [wrong_type("string", 1, "int", "type")]},
                    {"itemIndex": Int64(2), "details": [wrong_type("string", 3, "int", "type")]},
                ],
            },
            {
                "operatorName": "additionalItems",
                "reason": "At least one additional item did not match the sub-schema",
                "itemIndex": 4,
                "details": [wrong_type("string", 5, "int", "type")],
            },
        ],
    ),
    (
        "no additionalItems",
        {"items": [{}], "additionalItems": False},
        [1, 2, 3],
        [failure("additionalItems", False, "found additional items", additionalItems=[2, 3])],
    ),
    (
        "counts of properties",
        {"minProperties": 2},
        {"a": 1},
        [failure("minProperties", 2, "specified number of properties was not satisfied", numberOfProperties=1)],
    ),
    (
        "enum",
        {"enum": [1, "b"]},
        "a",
        [failure("enum", [1, "b"], "value was not found in enum", consideredValue="a")],
    ),
    ("not", {"not": {"type": "string"}}, "a", [{"operatorName": "not", "reason": "child expression matched"}]),
    (
        "anyOf tells of all",
        {"anyOf": [{"type": "string", "description": "text"}, {"minimum": 3}]},
        1,
        [
            {
                "operatorName": "anyOf",
                "schemasNotSatisfied": [
                    {"index": 0, "description": "text", "details": [wrong_type("string", 1, "int", "type")]},
                    {"index": 1, "details": [failure("minimum", 3, "comparison failed", consideredValue=1)]},
                ],
            }
        ],
    ),
    (
        "allOf tells of those that fail",
        {"allOf": [{"type": "number"}, {"minimum": 3}]},
        1,
        [
            {
                "operatorName": "allOf",
                "schemasNotSatisfied": [
                    {"index": 1, "details": [failure("minimum", 3, "comparison failed", consideredValue=1)]}
                ],
            }
        ],
    ),
    (
        "oneOf of which several match",
        {"oneOf": [{"type": "string"}, {"minimum": 1}, {"maximum": 9}]},
        5,
        [
            {
                "operatorName": "oneOf",
                "reason": "more than one subschema matched",
                "matchingSchemaIndexes": [1, 2],
            }
        ],
    ),
    (
        "oneOf of which none matches",
        {"oneOf": [{"type": "string"}]},
        5,
        [
            {
                "operatorName": "oneOf",
                "schemasNotSatisfied": [{"index": 0, "details": [wrong_type("string", 5, "int", "type")]}],
            }
        ],
    ),
    ("encrypt", {"encrypt": {}}, b"x", [{"operatorName": "encrypt", "reason": "value was not encrypted"}]),
    (
        "encrypt of another type",
        {"encrypt": {"bsonType": "string"}},
        Binary(b"\x01" + bytes(16) + b"\x10", 6),
        [{"operatorName": "encrypt", "reason": "encrypted value has wrong type"}],
    ),
]


@pytest.mark.parametrize(
    ("schema", "value", "details"), [case[1:] for case in PROPERTY], ids=[case[0] for case in PROPERTY]
)
def test_property(schema: dict[str, Any], value: Any, details: list[dict[str, Any]]) -> None:
    expected = [{"operatorName": "properties", "propertiesNotSatisfied": [{"propertyName": "x", "details": details}]}]
    assert repr(rules({"properties": {"x": schema}}, {"x": value})) == repr(expected)  # types and order of fields too


ROOT: list[tuple[str, dict[str, Any], dict[str, Any], list[dict[str, Any]]]] = [
    (
        "required, sorted",
        {"required": ["c", "b", "a"]},
        {"b": 1},
        [{"operatorName": "required", "specifiedAs": {"required": ["c", "b", "a"]}, "missingProperties": ["a", "c"]}],
    ),
    (
        "a missing property is told once",
        {"required": ["a"], "properties": {"a": {"type": "string", "minLength": 1, "enum": ["x"]}}},
        {},
        [{"operatorName": "required", "specifiedAs": {"required": ["a"]}, "missingProperties": ["a"]}],
    ),
    (
        "additionalProperties",
        {"properties": {"a": {}}, "additionalProperties": False},
        {"z": 1, "a": 2},
        [
            {
                "operatorName": "additionalProperties",
                "specifiedAs": {"additionalProperties": False},
                "additionalProperties": ["_id", "z"],
            }
        ],
    ),
    (
        "additional and pattern properties",
        {
            "properties": {"_id": {}},
            "patternProperties": {"^s": {"type": "string", "title": "S"}, "z$": {}},
            "additionalProperties": {"type": "number", "description": "numbers"},
        },
        {"s1": "", "s2": 2, "b": "x", "z": "x"},
        [
            {
                "operatorName": "additionalProperties",
                "description": "numbers",
                "reason": "at least one additional property did not match the subschema",
                "failingProperty": "b",
                "details": [wrong_type("number", "x", "string", "type")],
            },
            {
                "operatorName": "patternProperties",
                "details": [
                    {
                        "propertyName": "s2",
                        "title": "S",
                        "regexMatched": "^s",
                        "details": [wrong_type("string", 2, "int", "type")],
                    }
                ],
            },
        ],
    ),
    (
        "dependencies",
        {"dependencies": {"title": "T", "a": ["z", "b", "y"], "b": {"required": ["c"]}}},
        {"a": 1, "b": 1},
        [
            {
                "operatorName": "dependencies",
                "title": "T",
                "failingDependencies": [
                    {"conditionalProperty": "a", "missingProperties": ["z", "y"]},
                    {
                        "conditionalProperty": "b",
                        "details": [
                            {
                                "operatorName": "required",
                                "specifiedAs": {"required": ["c"]},
                                "missingProperties": ["c"],
                            }
                        ],
                    },
                ],
            }
        ],
    ),
    (
        "enum of documents",
        {"enum": [{"a": 1}]},
        {"a": 2},
        [failure("enum", [{"a": 1}], "value was not found in enum", consideredValue={"_id": 7, "a": 2})],
    ),
    ("enum of no documents", {"enum": [1]}, {}, [failure("enum", [1], "expression always evaluates to false")]),
    (
        "a subschema that no document matches",
        {"anyOf": [{"type": "string"}]},
        {},
        [
            {
                "operatorName": "anyOf",
                "schemasNotSatisfied": [
                    {
                        "index": 0,
                        "details": {
                            "operatorName": "$jsonSchema",
                            "specifiedAs": {"$jsonSchema": {"type": "string"}},
                            "reason": "expression always evaluates to false",
                        },
                    }
                ],
            }
        ],
    ),
]


@pytest.mark.parametrize(("schema", "document", "details"), [case[1:] for case in ROOT], ids=[case[0] for case in ROOT])
def test_document(schema: dict[str, Any], document: dict[str, Any], details: list[dict[str, Any]]) -> None:
    assert repr(rules(schema, document)) == repr(details)


def test_title_and_description_stand_first() -> None:
    schema = {"description": "D", "title": "T", "minProperties": 5, "properties": {"a": {"description": "A"}}}
    details = account({"$jsonSchema": schema}, {})["details"]
    assert list(details) == ["operatorName", "title", "description", "schemaRulesNotSatisfied"]


def test_schema_that_no_document_matches() -> None:
    validator = {"$jsonSchema": {"bsonType": "array", "title": "T"}}
    assert account(validator, {"a": 1}) == {
        "failingDocumentId": 7,
        "details": {
            "operatorName": "$jsonSchema",
            "specifiedAs": validator,
            "reason": "expression always evaluates to false",
        },
    }
