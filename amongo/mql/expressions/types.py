"""Types: $type, $isNumber, $isArray, $binarySize, $bsonSize, $toHashedIndexKey."""

from __future__ import annotations

from typing import Any

from bson import Binary, Int64

from amongo.errors import expression as errors
from amongo.mql.expressions.registry import operator
from amongo.mql.expressions.truth import is_nullish
from amongo.values.codec import encode
from amongo.values.hashes import hashed_value
from amongo.values.types import alias, is_number


@operator("$type", arity=1)
def type_name(value: Any) -> str:
    """The name of a value's type.

    args     one value of any type
    result   "int", "string", "object", …; "missing" for no value
    source   manual, $type (aggregation)
    """
    return alias(value)


@operator("$isNumber", arity=1)
def is_numeric(value: Any) -> bool:
    """Whether a value is an int, a long, a double or a decimal.

    args     one value of any type
    result   bool
    source   manual, $isNumber
    """
    return is_number(value)


@operator("$isArray", arity=1)
def is_array(value: Any) -> bool:
    """Whether a value is an array.

    args     one value of any type
    result   bool
    source   manual, $isArray
    """
    return type(value) is list


@operator("$binarySize", arity=1)
def binary_size(value: Any) -> int | None:
    """How many bytes a string or binary value has.

    args     a string or binary data
    result   int; null for null or missing
    errors   BINARY_SIZE_TYPE
    source   manual, $binarySize
    """
    if is_nullish(value):
        return None
    if type(value) is str:
        return len(value.encode())
    if type(value) in (bytes, Binary):
        return len(value)
    raise errors.BINARY_SIZE_TYPE(kind=alias(value))


@operator("$bsonSize", arity=1)
def bson_size(value: Any) -> int | None:
    """How many bytes a document has as BSON.

    args     a document
    result   int; null for null or missing
    errors   BSON_SIZE_TYPE
    source   manual, $bsonSize
    """
    if is_nullish(value):
        return None
    if type(value) is not dict:
        raise errors.BSON_SIZE_TYPE(kind=alias(value))
    return len(encode(value))


@operator("$toHashedIndexKey", arity=1)
def to_hashed_index_key(value: Any) -> Int64:
    """The hash of a value in a hashed index.

    args     one value of any type; a missing one counts as null
    result   long
    source   manual, $toHashedIndexKey
    """
    return hashed_value(value)
