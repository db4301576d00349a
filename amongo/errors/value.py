"""Errors about single values: types, numbers, paths. Numbers and messages are the server's."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# $type and its relatives (source: manual, $type)
UNKNOWN_TYPE_ALIAS = condition(ErrorCode.BadValue, "Unknown type name alias: {name}")
UNKNOWN_TYPE_NUMBER = condition(ErrorCode.BadValue, "Invalid numerical type code: {number}")
TYPE_NUMBER_OF_MISSING = condition(ErrorCode.BadValue, "Invalid numerical type code: 0. Instead use {{$exists:false}}.")
TYPE_IS_NUMBER_OR_STRING = condition(ErrorCode.TypeMismatch, "type must be represented as a number or a string")

# Arithmetic on the four number types
LONG_OVERFLOW = condition(ErrorCode.Overflow, "the result does not fit a 64-bit integer")
DIVISION_BY_ZERO = condition(ErrorCode.BadValue, "can't divide by zero")
NOT_A_NUMBER = condition(ErrorCode.TypeMismatch, "expected a number, not {alias}")

# Field paths (source: manual, Field Names and Dot Notation)
PATH_EMPTY = condition(40352, "FieldPath cannot be constructed with empty string")
PATH_ENDS_WITH_DOT = condition(40353, "FieldPath must not end with a '.'.")
PATH_FIELD_EMPTY = condition(15998, "FieldPath field names may not be empty strings.")
PATH_FIELD_DOLLAR = condition(
    16410,
    "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
)
PATH_FIELD_NUL = condition(16411, "FieldPath field names may not contain '\\0'.")
PATH_TOO_LONG = condition(ErrorCode.Overflow, "FieldPath is too long")
