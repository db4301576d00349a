"""What a column is: the values of one path in some records, each with its BSON type.

A column keeps a tag for every row and, for each slot that occurs, an Arrow array in which the rows of other slots are
null. Nothing is converted: a long stays a long, a missing field stays apart from a null one. What has no slot of its
own (decimals, documents, arrays, …) is in the slot "other" as the bytes of its BSON value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from amongo.values.types import BsonType

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

EACH: Final = None
"""In a path: each element of the array that stands there."""

Path = tuple[str | None, ...]
"""A path: names of fields, `EACH` for the elements of an array. ("a", "b") is `a.b`; ("items", EACH, "price") is the
price of each item."""

CROSSED: Final = 100
"""The tag of a row in which an array stands on the way of a path: the path leads to many values, or to none."""

WHOLE: Final = "whole"
DOUBLE: Final = "double"
STRING: Final = "string"
BOOL: Final = "bool"
DATE: Final = "date"
OBJECT_ID: Final = "objectId"
OTHER: Final = "other"

SLOT_OF: Final[Mapping[int, str]] = {
    BsonType.INT: WHOLE,
    BsonType.LONG: WHOLE,
    BsonType.DOUBLE: DOUBLE,
    BsonType.STRING: STRING,
    BsonType.BOOL: BOOL,
    BsonType.DATE: DATE,
    BsonType.OBJECT_ID: OBJECT_ID,
}
"""The slot of each tag. Missing, null, undefined, minKey, maxKey and CROSSED have no value and so no slot; every tag
that is neither here nor one of those is in OTHER.

whole      int64: ints and longs
double     float64, bits as stored (NaN and -0.0 too)
string     string, or dictionary<int32, string> where few different ones occur, or large_string past 2 GiB
bool       bool
date       int64: milliseconds since 1970 UTC
objectId   fixed_size_binary(12)
other      large_binary: the BSON bytes of the value, without type and name
"""

VALUELESS: Final = frozenset(
    {BsonType.MISSING, BsonType.NULL, BsonType.UNDEFINED, BsonType.MIN_KEY, BsonType.MAX_KEY, CROSSED}
)


def slot_of(tag: int) -> str | None:
    """The slot that the values of a tag are in; None for tags without values."""
    return None if tag in VALUELESS else SLOT_OF.get(tag, OTHER)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of all values of a column, exactly.

    counts             tag -> rows
    least, most        over ints and longs; None where there are none
    first_ms, last_ms  over dates; None where there are none
    low, high          over the doubles that are finite; None where there are none
    low_bit            every finite double is a multiple of 2**low_bit, and some is not of 2**(low_bit + 1); None where
                       all are zero or there are none
    has_nan, has_infinity, has_negative_zero   among the doubles
    is_ascii           whether all strings are ASCII
    is_utf8            whether all strings are valid UTF-8
    string_bytes       of the longest string
    most_elements      of the longest array; known for columns of EACH only
    """

    counts: Mapping[int, int] = field(default_factory=dict)
    least: int | None = None
    most: int | None = None
    first_ms: int | None = None
    last_ms: int | None = None
    low: float | None = None
    high: float | None = None
    low_bit: int | None = None
    has_nan: bool = False
    has_infinity: bool = False
    has_negative_zero: bool = False
    is_ascii: bool = True
    is_utf8: bool = True
    string_bytes: int = 0
    most_elements: int = 0

    @property
    def tags(self) -> frozenset[int]:
        """The tags that occur."""
        return frozenset(tag for tag, count in self.counts.items() if count)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(self.counts.values())

    def and_(self, other: Facts) -> Facts:
        """What is known of the values of both."""
        tags = self.counts.keys() | other.counts.keys()
        return Facts(
            {tag: self.counts.get(tag, 0) + other.counts.get(tag, 0) for tag in tags},
            _least(self.least, other.least),
            _most(self.most, other.most),
            _least(self.first_ms, other.first_ms),
            _most(self.last_ms, other.last_ms),
            _least(self.low, other.low),
            _most(self.high, other.high),
            _least(self.low_bit, other.low_bit),
            self.has_nan or other.has_nan,
            self.has_infinity or other.has_infinity,
            self.has_negative_zero or other.has_negative_zero,
            self.is_ascii and other.is_ascii,
            self.is_utf8 and other.is_utf8,
            max(self.string_bytes, other.string_bytes),
            max(self.most_elements, other.most_elements),
        )


NO_FACTS: Final = Facts()


def _least(left: Any, right: Any) -> Any:
    return right if left is None else left if right is None else min(left, right)


def _most(left: Any, right: Any) -> Any:
    return right if left is None else left if right is None else max(left, right)


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The values of one path in some rows.

    tags      int8 for each row: the number of the BSON type (`BsonType`), 0 where the path leads nowhere, or CROSSED
    slots     for each slot that occurs an Arrow array, null in the rows of other slots
    facts     of these values
    offsets   int64, one more than there are records: where the elements of each record begin, in a column of a path
              with EACH, whose rows are elements; None for others, whose rows are records
    """

    tags: np.ndarray[Any, np.dtype[np.int8]]
    slots: Mapping[str, pa.Array]
    facts: Facts
    offsets: np.ndarray[Any, np.dtype[np.int64]] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory."""
        own = self.tags.nbytes + (0 if self.offsets is None else self.offsets.nbytes)
        return int(own + sum(array.nbytes for array in self.slots.values()))


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Columns of records whose ids are neighbours.

    record_ids   int64, ascending: the records that are there
    columns      path -> column
    """

    record_ids: np.ndarray[Any, np.dtype[np.int64]]
    columns: Mapping[Path, Column]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns of all records of a collection at one moment, in natural order.

    segments   one behind the other; each has the same paths
    built      how many rows had to be shredded for this, the most for any path
    """

    segments: tuple[Segment, ...]
    built: int = 0

    @property
    def count(self) -> int:
        """How many records there are."""
        return sum(len(segment.record_ids) for segment in self.segments)

    def facts(self, path: Path) -> Facts:
        """What is known of the values of a path."""
        return merged(segment.columns[path].facts for segment in self.segments)


def merged(facts: Iterable[Facts]) -> Facts:
    """What is known of the values of several columns."""
    return reduce(Facts.and_, facts, NO_FACTS)
