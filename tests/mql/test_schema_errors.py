"""Schemas that the server refuses, and the code it gives."""

import copy
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, Regex
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.mql.matcher import parse_filter
from amongo.mql.schema import ANNOTATIONS, KEYWORDS, ORDER, UNSUPPORTED
from amongo.mql.schema.registry import keyword
from amongo.mql.validation import failure_account, parse_validator
from amongo.values.codec import encode

# Of a property x.
PROPERTY: list[tuple[str, dict[str, Any], int]] = [
    ("no keyword", {"minimun": 1}, 9),
    ("types exclude each other", {"type": "string", "bsonType": "string"}, 9),
    ("types and encrypt", {"encrypt": {}, "bsonType": "string"}, 9),
    ("title", {"title": 1}, 14),
    ("description", {"description": None}, 14),
    ("type", {"type": 1}, 14),
    ("type of JSON", {"type": "int"}, 2),
    ("type integer", {"type": "integer"}, 9),
    ("bsonType integer", {"bsonType": ["string", "integer"]}, 9),
    ("bsonType", {"bsonType": "text"}, 2),
    ("bsonType by number", {"bsonType": [2]}, 14),
    ("bsonType twice", {"bsonType": ["int", "int"]}, 9),
    ("bsonType of nothing", {"bsonType": []}, 9),
    ("minimum", {"minimum": "1"}, 14),
    ("exclusiveMinimum", {"minimum": 1, "exclusiveMinimum": 1}, 14),
    ("exclusiveMinimum alone", {"exclusiveMinimum": True}, 9),
    ("exclusiveMaximum alone", {"exclusiveMaximum": "x"}, 9),
    ("multipleOf", {"multipleOf": "x"}, 14),
    ("multipleOf 0", {"multipleOf": 0.0}, 9),
    ("multipleOf -1", {"multipleOf": Decimal128("-1")}, 9),
    ("multipleOf NaN", {"multipleOf": Decimal128("NaN")}, 2),
    ("multipleOf infinity", {"multipleOf": float("inf")}, 2),
    ("minLength", {"minLength": "1"}, 9),
    ("minLength negative", {"minLength": -1}, 9),
    ("minLength fraction", {"minLength": 1.5}, 9),
    ("minLength too large", {"minLength": 1e30}, 9),
    ("maxItems", {"maxItems": None}, 9),
    ("pattern", {"pattern": 1}, 14),
    ("pattern invalid", {"pattern": "("}, 51091),
    ("pattern with NUL", {"pattern": "a\0"}, 2),
    ("uniqueItems", {"uniqueItems": 1}, 14),
    ("items", {"items": True}, 14),
    ("items of scalars", {"items": [1]}, 14),
    ("items with a fault inside", {"items": {"minimum": "1"}}, 14),
    ("additionalItems", {"additionalItems": 0}, 14),
    ("additionalItems with a fault, without items", {"additionalItems": {"x": 1}}, 9),
    ("required", {"required": "a"}, 14),
    ("required empty", {"required": []}, 9),
    ("required twice", {"required": ["a", "a"]}, 9),
    ("required of numbers", {"required": [1]}, 14),
    ("required before properties", {"properties": 1, "required": []}, 9),
    ("properties", {"properties": []}, 14),
    ("properties of scalars", {"properties": {"a": 1}}, 14),
    ("patternProperties", {"patternProperties": []}, 14),
    ("patternProperties of scalars", {"patternProperties": {"a": 1}}, 14),
    ("patternProperties invalid", {"patternProperties": {"(": {}}}, 2),
    ("additionalProperties", {"additionalProperties": 1}, 14),
    ("minProperties", {"minProperties": -1}, 9),
    ("dependencies", {"dependencies": []}, 14),
    ("dependencies on a scalar", {"dependencies": {"a": "b"}}, 14),
    ("dependencies on nothing", {"dependencies": {"a": []}}, 9),
    ("dependencies on numbers", {"dependencies": {"a": [1]}}, 14),
    ("dependencies twice", {"dependencies": {"a": ["b", "b"]}}, 9),
    ("allOf", {"allOf": {}}, 14),
    ("anyOf empty", {"anyOf": []}, 2),
    ("oneOf of scalars", {"oneOf": [1]}, 14),
    ("not", {"not": []}, 14),
    ("enum", {"enum": 1}, 14),
    ("enum empty", {"enum": []}, 9),
    ("enum twice", {"enum": [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}]}, 9),
    ("encrypt", {"encrypt": True}, 14),
    ("encrypt and metadata", {"encrypt": {}, "encryptMetadata": {"keyId": "/k"}}, 9),
    ("encrypt with an unknown field", {"encrypt": {"key": 1}}, 40415),
    ("encrypt algorithm", {"encrypt": {"algorithm": "rot13"}}, 2),
    ("encrypt algorithm type", {"encrypt": {"algorithm": 1}}, 14),
    ("encrypt keyId", {"encrypt": {"keyId": 1}}, 51085),
    ("encrypt keyId of strings", {"encrypt": {"keyId": ["k"]}}, 51088),
    ("encrypt keyId of other binary", {"encrypt": {"keyId": [Binary(b"", 0)]}}, 51084),
    ("encrypt keyId relative", {"encrypt": {"keyId": "k"}}, 51065),
    ("encrypt keyId empty", {"encrypt": {"keyId": ""}}, 51064),
    ("encryptMetadata empty", {"encryptMetadata": {}}, 9),
    ("encryptMetadata", {"encryptMetadata": 1}, 14),
]
FILTERS: list[tuple[str, dict[str, Any], int]] = [
    ("no object", {"$jsonSchema": [1]}, 14),
    ("below a field", {"a": {"$jsonSchema": {}}}, 2),
    ("in $elemMatch", {"a": {"$elemMatch": {"$jsonSchema": {}}}}, 2),
    ("unknown name first", {"$jsonSchema": {"title": 1, "x": 1}}, 9),
]


@pytest.mark.parametrize(("schema", "code"), [case[1:] for case in PROPERTY], ids=[case[0] for case in PROPERTY])
def test_refused(schema: dict[str, Any], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        parse_filter({"$jsonSchema": {"properties": {"x": schema}}})
    assert caught.value.code == code


@pytest.mark.parametrize(("filter", "code"), [case[1:] for case in FILTERS], ids=[case[0] for case in FILTERS])
def test_refused_filter(filter: dict[str, Any], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        parse_filter(filter)
    assert caught.value.code == code


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_keywords_that_the_server_does_not_take(name: str) -> None:
    with pytest.raises(ServerError, match="not currently supported") as caught:
        parse_filter({"$jsonSchema": {name: {}}})
    assert caught.value.code == 9


# The manual's page of $jsonSchema, "Available Keywords", and the keywords for encryption.
MANUAL = """additionalItems additionalProperties allOf anyOf bsonType dependencies description enum exclusiveMaximum
exclusiveMinimum items maximum maxItems maxLength maxProperties minimum minItems minLength minProperties multipleOf not
oneOf pattern patternProperties properties required title type uniqueItems encrypt encryptMetadata"""


def test_every_keyword_of_the_manual_is_there() -> None:
    assert set(ORDER) == set(KEYWORDS)
    assert {*KEYWORDS, *ANNOTATIONS, "type", "bsonType"} == set(MANUAL.split())


def test_a_keyword_is_defined_once() -> None:
    with pytest.raises(RuntimeError, match="twice"):
        keyword("minimum")(lambda clause: None)


OPERANDS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.floats()
    | st.sampled_from(
        ["", "a", "(", "^a", "int", "object", "number", "/a", Int64(2), Decimal128("1.5"), b"x", Regex("a")]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*MANUAL.split(), "a", "b.c", "$ref"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(MANUAL.split()), OPERANDS, max_size=4), OPERANDS)
def test_whatever_the_schema_only_errors_of_the_server_come_out(schema: dict[str, Any], value: Any) -> None:
    before = copy.deepcopy(schema)
    try:
        match = parse_filter({"$jsonSchema": schema}).bind()
    except ServerError:
        return
    document = {"_id": 1, "a": value, "b": {"c": value}}
    if not match(document):
        encode(failure_account(parse_validator({"$jsonSchema": schema}, variables={}), document))
    assert repr(schema) == repr(before)


def test_deep_schemas() -> None:
    schema: dict[str, Any] = {}
    for _ in range(190):
        schema = {"not": schema}
    assert parse_filter({"$jsonSchema": schema}).bind()({})
    for _ in range(95):
        schema = {"properties": {"a": schema}}
    assert parse_filter({"$jsonSchema": schema}).bind()({"a": {"a": 1}})
