"""Type numbers and names."""

from typing import Any

import canonical_values as canonical
import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given

from amongo.errors import ServerError
from amongo.values.deprecated import UNDEFINED, DBPointer, Symbol
from amongo.values.exact import encode_exact
from amongo.values.missing import MISSING
from amongo.values.types import ALIASES, NUMERIC_TYPES, BsonType, alias, bson_type, is_number, type_from_alias_or_number

TYPES: list[tuple[Any, int, str]] = [
    (1.0, 1, "double"),
    ("x", 2, "string"),
    ({}, 3, "object"),
    ([], 4, "array"),
    (b"", 5, "binData"),
    (Binary(b"", 4), 5, "binData"),
    (UNDEFINED, 6, "undefined"),
    (ObjectId(), 7, "objectId"),
    (True, 8, "bool"),
    (DatetimeMS(0), 9, "date"),
    (None, 10, "null"),
    (Regex("a"), 11, "regex"),
    (DBPointer("a", ObjectId()), 12, "dbPointer"),
    (Code("a"), 13, "javascript"),
    (Symbol("a"), 14, "symbol"),
    (Code("a", {}), 15, "javascriptWithScope"),
    (1, 16, "int"),
    (Timestamp(1, 1), 17, "timestamp"),
    (Int64(1), 18, "long"),
    (Decimal128("1"), 19, "decimal"),
    (MinKey(), -1, "minKey"),
    (MaxKey(), 127, "maxKey"),
]


@pytest.mark.parametrize(("value", "number", "name"), TYPES, ids=[each[2] for each in TYPES])
def test_type_of_value(value: Any, number: int, name: str) -> None:
    kind = bson_type(value)
    assert (kind.number, kind.alias, alias(value)) == (number, name, name)
    for operand in (number, Int64(number), float(number), Decimal128(str(number)), name):
        assert type_from_alias_or_number(operand) == {kind}
    assert is_number(value) == (kind in NUMERIC_TYPES)


@given(canonical.stored_values)
def test_type_number_is_the_byte_on_the_wire(value: Any) -> None:
    assert bson_type(value).number % 256 == encode_exact({"": value})[4]


def test_missing_is_no_type_to_ask_for() -> None:
    assert alias(MISSING) == "missing"
    assert set(ALIASES) == set(BsonType)
    with pytest.raises(ServerError):
        type_from_alias_or_number("missing")


def test_number_names_four_types() -> None:
    assert {kind.alias for kind in type_from_alias_or_number("number")} == {"int", "long", "double", "decimal"}


UNKNOWN: list[tuple[Any, int, str]] = [
    ("Double", 2, "Unknown type name alias: Double"),
    ("", 2, "Unknown type name alias: "),
    (99, 2, "Invalid numerical type code: 99"),
    (-2, 2, "Invalid numerical type code: -2"),
    (1.5, 2, "Invalid numerical type code: 1.5"),
    (float("nan"), 2, "Invalid numerical type code: nan"),
    (Decimal128("NaN"), 2, "Invalid numerical type code: NaN"),
    (Decimal128("1E+6000"), 2, "Invalid numerical type code: 1E+6000"),
    (0, 2, "Invalid numerical type code: 0. Instead use {$exists:false}."),
    (True, 14, "type must be represented as a number or a string"),
    (None, 14, "type must be represented as a number or a string"),
]


@pytest.mark.parametrize(("operand", "code", "message"), UNKNOWN)
def test_unknown_types_are_refused(operand: Any, code: int, message: str) -> None:
    with pytest.raises(ServerError) as raised:
        type_from_alias_or_number(operand)
    assert (raised.value.code, raised.value.message) == (code, message)


def test_what_is_no_bson_value_has_no_type() -> None:
    with pytest.raises(TypeError, match="set is not a canonical BSON value"):
        bson_type(set())
