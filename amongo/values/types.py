"""The BSON types: their numbers, their names, and which one a canonical value has.

Dispatch is on the exact Python type: `bool` is an `int`, `Int64` is an `int`, `Binary` is `bytes` and `Code` is a
`str` to Python, and each is another type to BSON. (Source: manual, BSON Types, and $type.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import IntEnum
from typing import Any, Final

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import value as errors
from amongo.values.deprecated import DBPointer, Symbol, Undefined
from amongo.values.missing import Missing


class BsonType(IntEnum):
    """A BSON type; the value is its number in `$type`. MISSING stands for an absent field."""

    MIN_KEY = -1
    MISSING = 0
    DOUBLE = 1
    STRING = 2
    OBJECT = 3
    ARRAY = 4
    BINARY = 5
    UNDEFINED = 6
    OBJECT_ID = 7
    BOOL = 8
    DATE = 9
    NULL = 10
    REGEX = 11
    DB_POINTER = 12
    JAVASCRIPT = 13
    SYMBOL = 14
    JAVASCRIPT_WITH_SCOPE = 15
    INT = 16
    TIMESTAMP = 17
    LONG = 18
    DECIMAL = 19
    MAX_KEY = 127

    @property
    def number(self) -> int:
        """The type's number in `$type` queries."""
        return int(self)

    @property
    def alias(self) -> str:
        """The type's name, as `$type` gives and takes it."""
        return ALIASES[self]


ALIASES: Final[Mapping[BsonType, str]] = {
    BsonType.MIN_KEY: "minKey",
    BsonType.MISSING: "missing",
    BsonType.DOUBLE: "double",
    BsonType.STRING: "string",
    BsonType.OBJECT: "object",
    BsonType.ARRAY: "array",
    BsonType.BINARY: "binData",
    BsonType.UNDEFINED: "undefined",
    BsonType.OBJECT_ID: "objectId",
    BsonType.BOOL: "bool",
    BsonType.DATE: "date",
    BsonType.NULL: "null",
    BsonType.REGEX: "regex",
    BsonType.DB_POINTER: "dbPointer",
    BsonType.JAVASCRIPT: "javascript",
    BsonType.SYMBOL: "symbol",
    BsonType.JAVASCRIPT_WITH_SCOPE: "javascriptWithScope",
    BsonType.INT: "int",
    BsonType.TIMESTAMP: "timestamp",
    BsonType.LONG: "long",
    BsonType.DECIMAL: "decimal",
    BsonType.MAX_KEY: "maxKey",
}

NUMERIC_TYPES: Final = frozenset({BsonType.INT, BsonType.LONG, BsonType.DOUBLE, BsonType.DECIMAL})
NUMERIC_CLASSES: Final = frozenset({int, Int64, float, Decimal128})

_BY_ALIAS: Final = {name: kind for kind, name in ALIASES.items() if kind is not BsonType.MISSING}

_BY_CLASS: Final[Mapping[type, BsonType]] = {
    type(None): BsonType.NULL,
    bool: BsonType.BOOL,
    int: BsonType.INT,
    Int64: BsonType.LONG,
    float: BsonType.DOUBLE,
    Decimal128: BsonType.DECIMAL,
    str: BsonType.STRING,
    bytes: BsonType.BINARY,
    Binary: BsonType.BINARY,
    ObjectId: BsonType.OBJECT_ID,
    DatetimeMS: BsonType.DATE,
    Timestamp: BsonType.TIMESTAMP,
    Regex: BsonType.REGEX,
    MinKey: BsonType.MIN_KEY,
    MaxKey: BsonType.MAX_KEY,
    dict: BsonType.OBJECT,
    list: BsonType.ARRAY,
    Undefined: BsonType.UNDEFINED,
    Symbol: BsonType.SYMBOL,
    DBPointer: BsonType.DB_POINTER,
    Missing: BsonType.MISSING,
}


def bson_type(value: Any) -> BsonType:
    """The BSON type of a canonical value, or `BsonType.MISSING`.

    errors   TypeError for a Python object that is not a canonical value
    """
    kind = _BY_CLASS.get(type(value))
    if kind is not None:
        return kind
    if type(value) is Code:
        return BsonType.JAVASCRIPT if value.scope is None else BsonType.JAVASCRIPT_WITH_SCOPE
    raise TypeError(f"{type(value).__name__} is not a canonical BSON value")


def alias(value: Any) -> str:
    """The name of a value's type ("int", "string", "missing", …), as the `$type` expression gives it.

    errors   TypeError for a Python object that is not a canonical value
    """
    return ALIASES[bson_type(value)]


def type_test(types: frozenset[BsonType]) -> Callable[[Any], bool]:
    """A closure that says whether a canonical value, or MISSING, is of one of these types."""
    classes = frozenset(each for each, kind in _BY_CLASS.items() if kind in types)
    if types.isdisjoint((BsonType.JAVASCRIPT, BsonType.JAVASCRIPT_WITH_SCOPE)):
        return lambda value: type(value) in classes
    return lambda value: type(value) in classes or (type(value) is Code and bson_type(value) in types)


def is_number(value: Any) -> bool:
    """Whether the value is an int, a long, a double or a decimal."""
    return type(value) in NUMERIC_CLASSES


def type_from_alias_or_number(operand: Any) -> frozenset[BsonType]:
    """The types that one operand of a `$type` query names; "number" names four.

    operand  a type's name, or its number as an int, long, double or decimal
    errors   UNKNOWN_TYPE_ALIAS, UNKNOWN_TYPE_NUMBER, TYPE_NUMBER_OF_MISSING, TYPE_IS_NUMBER_OR_STRING
    source   manual, $type
    """
    if type(operand) is str:
        if operand == "number":
            return NUMERIC_TYPES
        named = _BY_ALIAS.get(operand)
        if named is None:
            raise errors.UNKNOWN_TYPE_ALIAS(name=operand)
        return frozenset({named})
    if not is_number(operand):
        raise errors.TYPE_IS_NUMBER_OR_STRING()
    number = _whole(operand)
    if number == 0:
        raise errors.TYPE_NUMBER_OF_MISSING()
    try:
        return frozenset({BsonType(number)})
    except ValueError:
        raise errors.UNKNOWN_TYPE_NUMBER(number=operand) from None


def _whole(operand: Any) -> int:
    """A type number as a Python int; -2, which no type has, for anything that is not a small whole number."""
    number = operand.to_decimal() if type(operand) is Decimal128 else operand
    if type(number) is Decimal and not number.is_finite():
        return -2
    return int(number) if -1 <= number <= 127 and number == int(number) else -2
