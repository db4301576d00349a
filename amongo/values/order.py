"""MongoDB's total order over all values, and the equality that goes with it.

First the type brackets in a fixed order (`canonical_class`), then the values of one bracket: numbers by exact value
whatever their type, strings by their UTF-8 bytes, documents field by field, arrays element by element. (Source:
manual, Comparison/Sort Order.) `values.key_bytes` writes the same order down as bytes; a property test holds the two
together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.values.deprecated import DBPointer, Symbol, Undefined
from amongo.values.missing import Missing
from amongo.values.numbers import unpack_decimal

Collator = Callable[[str], bytes]

# Bracket numbers; the gaps are the server's.
MIN_KEY: Final = -1
MISSING_CLASS: Final = 0
NULL: Final = 5
NUMBER: Final = 10
STRING: Final = 15
OBJECT: Final = 20
ARRAY: Final = 25
BINARY: Final = 30
OBJECT_ID: Final = 35
BOOL: Final = 40
DATE: Final = 45
TIMESTAMP: Final = 47
REGEX: Final = 50
DB_POINTER: Final = 55
CODE: Final = 60
CODE_WITH_SCOPE: Final = 65
MAX_KEY: Final = 127

CLASSES: Final[Mapping[type, int]] = {
    MinKey: MIN_KEY,
    Missing: MISSING_CLASS,
    Undefined: MISSING_CLASS,
    type(None): NULL,
    int: NUMBER,
    Int64: NUMBER,
    float: NUMBER,
    Decimal128: NUMBER,
    str: STRING,
    Symbol: STRING,
    dict: OBJECT,
    list: ARRAY,
    bytes: BINARY,
    Binary: BINARY,
    ObjectId: OBJECT_ID,
    bool: BOOL,
    DatetimeMS: DATE,
    Timestamp: TIMESTAMP,
    Regex: REGEX,
    DBPointer: DB_POINTER,
    MaxKey: MAX_KEY,
}

_COMPARED_BY_PYTHON: Final = frozenset({int, Int64, bool, ObjectId})


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def canonical_class(value: Any) -> int:
    """The value's type bracket: values of different brackets never equal and sort by bracket number.

    MISSING shares the bracket of undefined, below null; a caller for whom missing is null maps it first.
    errors   TypeError for a Python object that is not a canonical value
    """
    bracket = CLASSES.get(type(value))
    if bracket is not None:
        return bracket
    if type(value) is Code:
        return CODE if value.scope is None else CODE_WITH_SCOPE
    raise TypeError(f"{type(value).__name__} is not a canonical BSON value")


def compare(left: Any, right: Any, collator: Collator | None = None) -> int:
    """-1, 0 or 1 as `left` sorts before, with or after `right`.

    collator   gives a string's sort key under a collation; it applies to string values at every depth
    errors     TypeError for a Python object that is not a canonical value
    source     manual, Comparison/Sort Order
    """
    kind = type(left)
    if kind is type(right) and (kind in _COMPARED_BY_PYTHON or (kind is str and collator is None)):
        return int(left > right) - int(left < right)
    bracket = canonical_class(left)
    other = canonical_class(right)
    if bracket != other:
        return -1 if bracket < other else 1
    return _WITHIN[bracket](left, right, collator)


def equal(left: Any, right: Any, collator: Collator | None = None) -> bool:
    """Whether two values are the same to a query: 1 == 1.0 == Int64(1); in documents the field order matters."""
    kind = type(left)
    if kind is type(right) and (kind in _COMPARED_BY_PYTHON or (kind is str and collator is None)):
        return bool(left == right)
    return compare(left, right, collator) == 0


# Within one bracket


def _same(left: Any, right: Any, collator: Collator | None) -> int:
    return 0


def _plain(left: Any, right: Any, collator: Collator | None) -> int:
    return int(left > right) - int(left < right)


def _numbers(left: Any, right: Any, collator: Collator | None) -> int:
    """By exact value: Python compares an int with a float, and a Decimal with an int, without rounding."""
    if type(left) is Decimal128 or type(right) is Decimal128:
        left, right = _exact(left), _exact(right)
        left_nan, right_nan = left.is_nan(), right.is_nan()
    else:
        left_nan, right_nan = left != left, right != right
    if left_nan or right_nan:
        return int(right_nan) - int(left_nan)
    return _sign(left, right)


def _exact(value: Any) -> Decimal:
    return unpack_decimal(value) if type(value) is Decimal128 else Decimal.from_float(value)


def _strings(left: Any, right: Any, collator: Collator | None) -> int:
    """Order by code point is order by UTF-8 byte."""
    left = left if type(left) is str else left.text
    right = right if type(right) is str else right.text
    if collator is not None:
        left, right = collator(left), collator(right)
    return _sign(left, right)


def _objects(left: dict[str, Any], right: dict[str, Any], collator: Collator | None) -> int:
    """Field by field: type bracket, then name, then value; a document that ends first is the smaller."""
    for (left_name, left_value), (right_name, right_value) in zip(left.items(), right.items(), strict=False):
        bracket, other = canonical_class(left_value), canonical_class(right_value)
        if bracket != other:
            return -1 if bracket < other else 1
        if left_name != right_name:
            return -1 if left_name < right_name else 1
        result = compare(left_value, right_value, collator)
        if result:
            return result
    return _sign(len(left), len(right))


def _arrays(left: list[Any], right: list[Any], collator: Collator | None) -> int:
    for left_value, right_value in zip(left, right, strict=False):
        result = compare(left_value, right_value, collator)
        if result:
            return result
    return _sign(len(left), len(right))


def binary_parts(value: bytes) -> tuple[int, int, bytes]:
    """What binary data sorts by: stored length, subtype, bytes. Subtype 2 stores four bytes more (its inner length)."""
    subtype = value.subtype if type(value) is Binary else 0
    return len(value) + 4 if subtype == 2 else len(value), subtype, bytes(value)


def _binaries(left: bytes, right: bytes, collator: Collator | None) -> int:
    left_parts, right_parts = binary_parts(left), binary_parts(right)
    return _sign(left_parts, right_parts)


def _dates(left: Any, right: Any, collator: Collator | None) -> int:
    left, right = int(left), int(right)
    return _sign(left, right)


def _timestamps(left: Timestamp, right: Timestamp, collator: Collator | None) -> int:
    left_parts, right_parts = (left.time, left.inc), (right.time, right.inc)
    return _sign(left_parts, right_parts)


_FLAG_LETTERS: Final = ((2, "i"), (4, "l"), (8, "m"), (16, "s"), (32, "u"), (64, "x"))


def regex_parts(value: Regex[Any]) -> tuple[bytes, bytes]:
    """Pattern and flag letters (alphabetical, as BSON stores them), both as bytes."""
    pattern = value.pattern.encode() if isinstance(value.pattern, str) else value.pattern
    return pattern, "".join(letter for bit, letter in _FLAG_LETTERS if value.flags & bit).encode()


def _regexes(left: Regex[Any], right: Regex[Any], collator: Collator | None) -> int:
    left_parts, right_parts = regex_parts(left), regex_parts(right)
    return _sign(left_parts, right_parts)


def pointer_parts(value: DBPointer) -> tuple[int, bytes, bytes]:
    """What a DBPointer sorts by: the namespace's length, the namespace, the id."""
    namespace = value.namespace.encode()
    return len(namespace), namespace, value.id.binary


def _pointers(left: DBPointer, right: DBPointer, collator: Collator | None) -> int:
    left_parts, right_parts = pointer_parts(left), pointer_parts(right)
    return _sign(left_parts, right_parts)


def _codes(left: Code, right: Code, collator: Collator | None) -> int:
    left_text, right_text = str(left), str(right)
    return _sign(left_text, right_text)


def _codes_with_scope(left: Code, right: Code, collator: Collator | None) -> int:
    return _codes(left, right, collator) or _objects(dict(left.scope or {}), dict(right.scope or {}), None)


_WITHIN: Final[Mapping[int, Callable[[Any, Any, Collator | None], int]]] = {
    MIN_KEY: _same,
    MISSING_CLASS: _same,
    NULL: _same,
    NUMBER: _numbers,
    STRING: _strings,
    OBJECT: _objects,
    ARRAY: _arrays,
    BINARY: _binaries,
    OBJECT_ID: _plain,
    BOOL: _plain,
    DATE: _dates,
    TIMESTAMP: _timestamps,
    REGEX: _regexes,
    DB_POINTER: _pointers,
    CODE: _codes,
    CODE_WITH_SCOPE: _codes_with_scope,
    MAX_KEY: _same,
}
