"""Which values a schema lets pass, by tables and against a small model that is written another way."""

import math
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.mql.matcher import parse_filter
from amongo.mql.schema import Report, parse_schema

ENCRYPTED_INT = Binary(b"\x01" + bytes(16) + b"\x10", 6)

# What a property x of this schema may be, and what it may not.
PROPERTY: list[tuple[str, dict[str, Any], list[Any], list[Any]]] = [
    ("bsonType int", {"bsonType": "int"}, [1], [Int64(1), 1.0, True, "1", None, [1]]),
    ("bsonType number", {"bsonType": "number"}, [1, Int64(1), 1.5, Decimal128("1")], [True, "1", [1]]),
    ("bsonType list", {"bsonType": ["string", "null"]}, ["", None], [1, ["x"]]),
    ("bsonType binData", {"bsonType": "binData"}, [b"x", Binary(b"x", 5)], ["x"]),
    ("bsonType date", {"bsonType": "date"}, [DatetimeMS(1)], [Timestamp(1, 1)]),
    ("bsonType javascript", {"bsonType": "javascript"}, [Code("f()")], [Code("f()", {"a": 1}), "f()"]),
    ("bsonType code with scope", {"bsonType": "javascriptWithScope"}, [Code("f()", {"a": 1})], [Code("f()")]),
    ("bsonType objectId", {"bsonType": "objectId"}, [ObjectId()], ["000000000000000000000001"]),
    ("type number", {"type": "number"}, [1, Decimal128("1")], [False]),
    ("type boolean", {"type": "boolean"}, [False], [0]),
    ("type object or array", {"type": ["object", "array"]}, [{}, []], ["{}"]),
    ("minimum", {"minimum": 2}, [2, 2.0, Int64(3), Decimal128("2.1"), math.inf, "a", None, [1]], [1, 1.9, math.nan]),
    ("minimum decimal", {"minimum": Decimal128("0.1")}, [0.2, Decimal128("0.1"), 1], [0.05, Decimal128("NaN")]),
    ("minimum beyond doubles", {"minimum": Int64(2**53 + 1)}, [Int64(2**53 + 1)], [float(2**53), Int64(2**53)]),
    ("minimum excluded", {"minimum": 2, "exclusiveMinimum": True}, [3, 2.1], [2, 2.0, Decimal128("2")]),
    ("minimum not excluded", {"minimum": 2, "exclusiveMinimum": False}, [2], [1]),
    ("minimum NaN", {"minimum": math.nan}, [math.nan, Decimal128("NaN")], [1, math.inf]),
    ("maximum", {"maximum": 0}, [-1, -0.0, -math.inf, "z"], [1, 0.1, math.nan]),
    ("maximum excluded", {"maximum": 2, "exclusiveMaximum": True}, [1], [2, Int64(2)]),
    ("multipleOf", {"multipleOf": 3}, [9, 9.0, Int64(-6), Decimal128("3E2"), 0, "x"], [10, 9.5, math.nan, math.inf]),
    ("multipleOf of a double", {"multipleOf": 0.1}, [0.3, Decimal128("0.7")], [0.25, Decimal128("0.05")]),
    ("minLength counts code points", {"minLength": 2}, ["ab", "日本", "😀😀", 1], ["a", "😀"]),
    ("maxLength counts code points", {"maxLength": 1}, ["", "😀", ["abc"]], ["ab"]),
    ("pattern", {"pattern": "^a.c"}, ["abcd", 1, None], ["xabc", ""]),
    ("pattern is PCRE", {"pattern": r"(?i)^A\d+$"}, ["a1"], ["b1"]),
    ("minItems", {"minItems": 1}, [[None], "", {}], [[]]),
    ("maxItems", {"maxItems": 1}, [[], [1]], [[1, 2]]),
    ("uniqueItems", {"uniqueItems": True}, [[1, 2, "1"], [], 1], [[1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]]),
    ("uniqueItems false", {"uniqueItems": False}, [[1, 1]], []),
    ("items", {"items": {"bsonType": "int"}}, [[1, 2], [], "x"], [[1, "2"], [[1]]]),
    ("items by position", {"items": [{"type": "string"}, {"type": "number"}]}, [["a", 1, None], ["a"]], [[1, "a"]]),
    ("no additionalItems", {"items": [{}], "additionalItems": False}, [[], [1]], [[1, 2]]),
    ("additionalItems", {"items": [{}], "additionalItems": {"type": "string"}}, [[1, "a"]], [["a", 1]]),
    ("additionalItems of one schema", {"items": {}, "additionalItems": False}, [[1, 2]], []),
    ("required", {"required": ["a"]}, [{"a": None}, "x", [{}]], [{}, {"b": 1}]),
    ("nested properties", {"properties": {"a": {"minimum": 1}}}, [{}, {"a": 1}, [], 0], [{"a": 0}]),
    ("minProperties", {"minProperties": 1}, [{"a": 1}, [], ""], [{}]),
    ("maxProperties", {"maxProperties": 1}, [{}, {"a": 1}], [{"a": 1, "b": 2}]),
    ("patternProperties", {"patternProperties": {"^s": {"type": "string"}}}, [{"s": "", "t": 1}], [{"s1": 1}]),
    ("additionalProperties", {"properties": {"a": {}}, "additionalProperties": False}, [{"a": 1}, {}], [{"b": 1}]),
    ("additionalProperties schema", {"additionalProperties": {"type": "number"}}, [{"a": 1}], [{"a": ""}]),
    ("dependencies on names", {"dependencies": {"a": ["b", "c"]}}, [{}, {"a": 1, "b": 1, "c": 1}], [{"a": 1, "b": 1}]),
    ("dependencies on a schema", {"dependencies": {"a": {"minProperties": 2}}}, [{"a": 1, "b": 1}, {}], [{"a": 1}]),
    ("allOf", {"allOf": [{"minimum": 1}, {"maximum": 3}]}, [1, 3, "x"], [0, 4]),
    ("anyOf", {"anyOf": [{"type": "string"}, {"minimum": 3}]}, ["", 3, None], [2]),
    ("oneOf", {"oneOf": [{"minimum": 1}, {"maximum": 3}]}, [0, 4], [2, "x"]),
    ("not", {"not": {"type": "number"}}, ["x", None], [1]),
    ("not nothing", {"not": {}}, [], [1, "x"]),
    ("enum", {"enum": [1, "a", None, {"b": 1, "c": 2}]}, [1.0, "a", None, {"c": 2, "b": 1}], [2, "A", {"b": 1}, [1]]),
    ("enum of arrays", {"enum": [[1, 2]]}, [[1, 2.0]], [[2, 1], 1, []]),
    ("encrypt", {"encrypt": {}}, [Binary(b"", 6)], [b"", "x", [Binary(b"", 6)]]),
    ("encrypt of a type", {"encrypt": {"bsonType": "int"}}, [ENCRYPTED_INT], [Binary(b"\x01", 6), b"x"]),
    ("regex value is no string", {"pattern": "z"}, [Regex("a")], []),
    ("titles say nothing", {"title": "t", "description": "d"}, [1], []),
]
CASES = [
    pytest.param(schema, value, passes, id=f"{name}: {value!r}")
    for name, schema, good, bad in PROPERTY
    for passes, values in ((True, good), (False, bad))
    for value in values
]


@pytest.mark.parametrize(("schema", "value", "passes"), CASES)
def test_property(schema: dict[str, Any], value: Any, passes: bool) -> None:
    match = parse_filter({"$jsonSchema": {"properties": {"x": schema}}}).bind()
    assert match({"x": value}) is passes
    assert match({"y": value})  # a property that is not there passes


ROOT: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("empty", {}, {"a": 1}, True),
    ("object", {"bsonType": "object"}, {}, True),
    ("type of a document is object", {"bsonType": ["array", "object"]}, {}, True),
    ("no document is an array", {"type": "array"}, {}, False),
    ("minimum says nothing of documents", {"minimum": 5, "minLength": 9, "minItems": 9, "pattern": "("}, {}, True),
    ("required", {"required": ["a", "b"]}, {"a": None, "b": 1}, True),
    ("required lacks one", {"required": ["a", "b"]}, {"a": 1}, False),
    ("required with its schema", {"required": ["a"], "properties": {"a": {"type": "string"}}}, {"a": 1}, False),
    ("required path", {"required": ["a.b"]}, {"a": {"b": 1}}, True),
    ("required path through an array", {"required": ["a.b"]}, {"a": [{"b": 1}]}, True),
    ("required path leads nowhere", {"required": ["a.b"]}, {"a.c": 1, "a": {}}, False),
    ("property path", {"properties": {"a.b": {"type": "string"}}}, {"a": {"b": 1}}, False),
    ("property path that leads nowhere", {"properties": {"a.b": {"type": "string"}}}, {"a": 1}, True),
    ("enum of documents", {"enum": [{"a": 1, "b": 2}, 3]}, {"b": 2, "a": 1.0}, True),
    ("enum of no documents", {"enum": [1, "a"]}, {"a": 1}, False),
    ("not", {"not": {"required": ["a"]}}, {"b": 1}, True),
    ("encrypt is no document", {"encrypt": {}}, {}, False),
    ("encryptMetadata tests nothing", {"encryptMetadata": {"keyId": "/k"}}, {}, True),
    ("dependencies with a title", {"dependencies": {"title": "t", "a": ["b"]}}, {"title": 1}, True),
]


@pytest.mark.parametrize(("schema", "document", "passes"), [case[1:] for case in ROOT], ids=[case[0] for case in ROOT])
def test_document(schema: dict[str, Any], document: dict[str, Any], passes: bool) -> None:
    assert parse_filter({"$jsonSchema": schema}).bind()(document) is passes


def test_places_of_a_schema() -> None:
    schema = {"$jsonSchema": {"required": ["a"]}}
    for filter in ({"$and": [schema]}, {"$or": [schema, {"b": 1}]}, {"$nor": [{"$nor": [schema]}]}):
        match = parse_filter(filter).bind()
        assert match({"a": 1})
        assert not match({"c": 1})


def test_collation_is_not_asked() -> None:
    schema = {"$jsonSchema": {"properties": {"x": {"enum": ["a"], "uniqueItems": True}}}}
    match = parse_filter(schema, collator=lambda text: text.lower().encode()).bind()
    assert match({"x": "a"})
    assert not match({"x": "A"})


# A model: draft 4, as one reads it.

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([-1.5, 0.5, 2.5, "", "a", "bb"]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
TYPES = {"string": str, "null": type(None), "boolean": bool, "array": list, "object": dict}


def schemas(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    names = st.lists(st.sampled_from("abc"), min_size=1, max_size=2, unique=True)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from([*TYPES, "number"]),
            "minimum": st.integers(-2, 2),
            "maxLength": st.integers(0, 2),
            "minItems": st.integers(0, 2),
            "items": inner | several,
            "required": names,
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "additionalProperties": st.booleans() | inner,
            "maxProperties": st.integers(0, 2),
            "dependencies": st.dictionaries(st.sampled_from("abc"), names | inner, max_size=2),
            "allOf": several,
            "anyOf": several,
            "oneOf": several,
            "not": inner,
            "enum": st.lists(SCALARS, min_size=1, max_size=2, unique_by=repr),
        },
    )


SCHEMAS = st.recursive(st.just({}), schemas, max_leaves=5)


def model(schema: dict[str, Any], value: Any) -> bool:  # a list of rules, one a line
    is_number = type(value) in (int, float)
    fields = value if type(value) is dict else {}
    is_object, is_array = type(value) is dict, type(value) is list
    for keyword, operand in schema.items():
        match keyword:
            case "type" if operand == "number":
                passes = is_number
            case "type":
                passes = type(value) is TYPES[operand]
            case "minimum":
                passes = not is_number or value >= operand
            case "maxLength":
                passes = type(value) is not str or len(value) <= operand
            case "minItems":
                passes = not is_array or len(value) >= operand
            case "items" if type(operand) is dict:
                passes = not is_array or all(model(operand, each) for each in value)
            case "items":
                passes = not is_array or all(map(model, operand, value))
            case "required":
                passes = not is_object or set(operand) <= set(value)
            case "properties":
                passes = all(model(operand[name], each) for name, each in fields.items() if name in operand)
            case "additionalProperties":
                rest = [each for name, each in fields.items() if name not in schema.get("properties", {})]
                passes = operand is True or all(operand is not False and model(operand, each) for each in rest)
            case "maxProperties":
                passes = len(fields) <= operand
            case "dependencies":
                passes = all(
                    model(needs, value) if type(needs) is dict else set(needs) <= set(fields)
                    for name, needs in operand.items()
                    if name in fields
                )
            case "allOf":
                passes = all(model(each, value) for each in operand)
            case "anyOf":
                passes = any(model(each, value) for each in operand)
            case "oneOf":
                passes = sum(model(each, value) for each in operand) == 1
            case "not":
                passes = not model(operand, value)
            case "enum":
                passes = any(type(each) is type(value) and each == value for each in operand) or (
                    is_number and any(type(each) in (int, float) and each == value for each in operand)
                )
        if not passes:
            return False
    return True


@settings(max_examples=400, deadline=None)
@given(SCHEMAS, VALUES)
def test_schema_agrees_with_the_model(schema: dict[str, Any], value: Any) -> None:
    parsed = parse_schema(schema, is_root=False)
    passes = parsed.bind()(value)
    assert passes is model(schema, value)
    for is_short in (False, True):
        assert bool(parsed.explain(value, Report(is_short))) is not passes  # every failure has an account
