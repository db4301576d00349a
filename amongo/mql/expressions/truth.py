"""Two questions every family asks: is this value nothing, and does it count as true?"""

from typing import Any

from bson import Decimal128, Int64

from amongo.values.deprecated import Undefined
from amongo.values.missing import MISSING


def is_nullish(value: Any) -> bool:
    """True for null, a missing field and the deprecated undefined."""
    return value is None or value is MISSING or type(value) is Undefined


def is_true(value: Any) -> bool:
    """Truth of a value: false, zero of any numeric type, null, undefined and missing are false, all others true.

    source   manual, Boolean Expression Operators
    """
    kind = type(value)
    if kind is bool:
        return bool(value)
    if kind is int or kind is float or kind is Int64:
        return bool(value != 0)
    if kind is Decimal128:
        number = value.to_decimal()
        return bool(number.is_nan() or number != 0)
    return not is_nullish(value)
