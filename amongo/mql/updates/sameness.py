"""When a new value is the old one: same BSON type, same bytes. Stricter than equality, where 1 and 1.0 are one."""

from __future__ import annotations

from math import copysign
from typing import Any

from bson import Code


def is_same(one: Any, other: Any) -> bool:
    """Whether two canonical values are the same BSON: type, value and, in documents, field order.

    -0.0 is not 0.0; a NaN is the same as a NaN.
    """
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is dict:
        return len(one) == len(other) and all(
            name == other_name and is_same(value, other_value)
            for (name, value), (other_name, other_value) in zip(one.items(), other.items(), strict=True)
        )
    if kind is list:
        return len(one) == len(other) and all(map(is_same, one, other))
    if kind is float:
        return (one == other and copysign(1.0, one) == copysign(1.0, other)) or (one != one and other != other)
    if kind is Code:
        return str(one) == str(other) and is_same(one.scope, other.scope)
    return bool(one == other)


def nesting(value: Any) -> int:
    """How many levels of documents and arrays a value is: 0 for a scalar, 1 for `{}` and `[1]`."""
    kind = type(value)
    if kind is dict:
        inner = value.values()
    elif kind is list:
        inner = value
    else:
        return 0
    return 1 + max((nesting(item) for item in inner if type(item) in _CONTAINERS), default=0)


_CONTAINERS = (dict, list)
