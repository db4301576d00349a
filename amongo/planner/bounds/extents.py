"""Where the values of each type begin and end in an index. Source: manual, Comparison/Sort Order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from bson import Code, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.planner.bounds.intervals import Interval, high_edge, low_edge, point
from amongo.values import order
from amongo.values.deprecated import UNDEFINED, DBPointer
from amongo.values.numbers import LONG_MAX, LONG_MIN
from amongo.values.types import BsonType

_ZERO_ID: Final = ObjectId("0" * 24)
_LAST_ID: Final = ObjectId("f" * 24)
_UINT_MAX: Final = 2**32 - 1
_FIRST_POINTER: Final = DBPointer("", _ZERO_ID)
_FIRST_SCOPED: Final = Code("", {})


def _closed(first: Any, last: Any) -> Interval:
    return Interval(low_edge(first), high_edge(last))


def _before(first: Any, next_type: Any) -> Interval:
    return Interval(low_edge(first), high_edge(next_type, is_inclusive=False))


EXTENTS: Final[Mapping[int, Interval]] = {
    order.NUMBER: _closed(-math.inf, math.inf),
    order.STRING: _before("", {}),
    order.OBJECT: _before({}, []),
    order.ARRAY: _before([], b""),
    order.BINARY: _before(b"", _ZERO_ID),
    order.OBJECT_ID: _closed(_ZERO_ID, _LAST_ID),
    order.BOOL: _closed(False, True),
    order.DATE: _closed(DatetimeMS(LONG_MIN), DatetimeMS(LONG_MAX)),
    order.TIMESTAMP: _closed(Timestamp(0, 0), Timestamp(_UINT_MAX, _UINT_MAX)),
    order.REGEX: _before(Regex(""), _FIRST_POINTER),
    order.DB_POINTER: _before(_FIRST_POINTER, Code("")),
    order.CODE: _before(Code(""), _FIRST_SCOPED),
    order.CODE_WITH_SCOPE: _before(_FIRST_SCOPED, MaxKey()),
}
"""The values that a comparison with a value of a bracket can find; NaN compares with itself alone."""

NUMBERS_AND_NAN: Final = _closed(math.nan, math.inf)
NULL_POINT: Final = point(None)
UNDEFINED_POINT: Final = point(UNDEFINED)

OF_TYPES: Final[Mapping[BsonType, Interval]] = {
    BsonType.MIN_KEY: point(MinKey()),
    BsonType.DOUBLE: NUMBERS_AND_NAN,
    BsonType.INT: NUMBERS_AND_NAN,
    BsonType.LONG: NUMBERS_AND_NAN,
    BsonType.DECIMAL: NUMBERS_AND_NAN,
    BsonType.STRING: EXTENTS[order.STRING],
    BsonType.SYMBOL: EXTENTS[order.STRING],
    BsonType.OBJECT: EXTENTS[order.OBJECT],
    BsonType.BINARY: EXTENTS[order.BINARY],
    BsonType.UNDEFINED: UNDEFINED_POINT,
    BsonType.OBJECT_ID: EXTENTS[order.OBJECT_ID],
    BsonType.BOOL: EXTENTS[order.BOOL],
    BsonType.DATE: EXTENTS[order.DATE],
    BsonType.NULL: NULL_POINT,
    BsonType.REGEX: EXTENTS[order.REGEX],
    BsonType.DB_POINTER: EXTENTS[order.DB_POINTER],
    BsonType.JAVASCRIPT: EXTENTS[order.CODE],
    BsonType.JAVASCRIPT_WITH_SCOPE: EXTENTS[order.CODE_WITH_SCOPE],
    BsonType.TIMESTAMP: EXTENTS[order.TIMESTAMP],
    BsonType.MAX_KEY: point(MaxKey()),
}
"""What `$type` finds; of arrays nothing, since an index has their elements."""
