"""What an expression gives, in columns: which BSON types it may have, and for each kind of value an SQL expression.

A Value is typed like a column (`engine.columns`): a tag that says the type of each row, and slots of which each is NULL
in the rows of the other slots. What is known of its values before the statement is run (`facts`) decides what may be
done with it: an addition that could pass 64 bits, a comparison that could meet a NaN, an argument that would be an
error is not lowered, and the interpreter does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from amongo.aggregate.relational.sql import FALSE, TRUE, Sql, any_of, case, integer, parameter, sql
from amongo.engine.columns import (
    BOOL,
    DATE,
    DOUBLE,
    OBJECT_ID,
    OTHER,
    STRING,
    WHOLE,
    Facts,
    Path,
    slot_of,
)
from amongo.mql.expressions.registry import ABSENT
from amongo.values.codec import encode
from amongo.values.missing import MISSING
from amongo.values.types import BsonType, bson_type

SQL_TYPES: Final[Mapping[str, str]] = {
    WHOLE: "BIGINT",
    DOUBLE: "DOUBLE",
    STRING: "VARCHAR",
    BOOL: "BOOLEAN",
    DATE: "BIGINT",
    OBJECT_ID: "BLOB",
    OTHER: "BLOB",
}
"""The SQL type of each slot."""

NULLISH: Final = frozenset({int(BsonType.MISSING), int(BsonType.NULL), int(BsonType.UNDEFINED)})
NUMBERS: Final = frozenset({int(BsonType.INT), int(BsonType.LONG), int(BsonType.DOUBLE)})
"""The kinds of numbers that have slots; a decimal is in OTHER."""


class NotLowered(Exception):
    """Something that the relational form cannot be proved to do exactly as the interpreter does.

    reason   for explain: what, and under which facts
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Listing:
    """The elements of arrays as an SQL list.

    items     a LIST, NULL in rows without an array
    element   what is known of the elements; none is ever missing
    is_plain  the list holds the values themselves, all of one slot; otherwise structs {tag, slot, …}, with the names of
              the slots in lower case
    fields    of documents of which all fields are known: name -> its form; the structs then hold f0, f1, … and no OTHER
    most      of the longest array, where that is known
    origin    how more can be had of the elements
    nested    of elements that are arrays at hand: the form of their elements; the structs then hold `list`, not OTHER
    """

    items: Sql
    element: Facts
    is_plain: bool
    fields: Mapping[str, Form] | None = None
    most: int | None = None
    origin: ListOrigin | None = None
    nested: Form | None = None

    def moved(self, items: Sql) -> Listing:
        """The same elements under another name."""
        origin = self.origin
        kept = None if origin is None or origin.items != self.items else replace(origin, items=items)
        return replace(self, items=items, origin=kept)


@dataclass(frozen=True, slots=True, eq=False)
class ListOrigin:
    """How more can be had of the elements of arrays than a list of them.

    items    the SQL of that list; for a listing that has another one by now, the origin does not count
    within   gives the listing of what is at a path in each element, one for one: also of those that are no documents,
             and missing ones stay
    length   gives how many elements there are, in a cheaper way than by the list
    """

    items: Sql
    within: Callable[[Path], Listing] | None = None
    length: Callable[[], Sql] | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """How a value stands in a struct or in a list: as `Listing` has it for the elements."""

    element: Facts
    is_plain: bool
    fields: Mapping[str, Form] | None = None
    nested: Form | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """How more can be had of the arrays and documents in the slot OTHER of a value than their bytes.

    other     the SQL of that slot; for a value that has another one by now, the origin does not count
    elements  gives the listing of its arrays
    within    gives the value of a path inside its documents, CROSSED where an array stands on the way
    """

    other: Sql
    elements: Callable[[], Listing] | None = None
    within: Callable[[Path], Value] | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression gives.

    facts     what holds of all values that it may give; `counts` has the tags that may come
    tag       SQL, TINYINT: the tag of each row, never NULL
    slots     SQL for each slot that may come, of the type in `SQL_TYPES`; NULL in the rows of other slots
    fields    of documents of which all fields are known (then OBJECT is the only kind): name -> value, in order
    listing   the elements of the arrays, where they are at hand; then OTHER need not have the arrays
    constant  the value, where it is the same in every row; `VARYING` otherwise
    origin    how more can be had of what is in OTHER
    has_zero  whether a number among them may be zero; False where a condition around it says that none is
    """

    facts: Facts
    tag: Sql
    slots: Mapping[str, Sql] = field(default_factory=dict)
    fields: Mapping[str, Value] | None = None
    listing: Listing | None = None
    constant: Any = ...
    origin: Origin | None = None
    has_zero: bool = True

    @property
    def kinds(self) -> frozenset[int]:
        """The tags that may come."""
        return self.facts.tags

    @property
    def is_constant(self) -> bool:
        """Whether it is the same in every row."""
        return self.constant is not VARYING

    def only(self, *kinds: int) -> bool:
        """Whether no other kinds may come."""
        return self.kinds <= frozenset(kinds)

    def is_kind(self, *kinds: int) -> Sql:
        """Whether the value is of one of these kinds; never NULL."""
        wanted = self.kinds & frozenset(kinds)
        if not wanted:
            return FALSE
        if wanted == self.kinds:
            return TRUE
        slot = self._slot_of_just(wanted)
        if slot is not None:
            return sql("({} IS NOT NULL)", self.slots[slot])
        slot = self._slot_of_just(self.kinds - wanted)
        if slot is not None:
            return sql("({} IS NULL)", self.slots[slot])
        if len(wanted) == 1:
            return sql("({} = {})", self.tag, integer(min(wanted)))
        return any_of(sql("({} = {})", self.tag, integer(kind)) for kind in sorted(wanted))

    def _slot_of_just(self, kinds: frozenset[int]) -> str | None:
        """The slot that is there in the rows of these kinds and no others, if one is."""
        slots = {slot_of(kind) for kind in kinds}
        slot = slots.pop()
        if slots or slot is None or slot not in self.slots or (slot == OTHER and self.listing is not None):
            return None
        return None if any(slot_of(kind) == slot for kind in self.kinds - kinds) else slot

    @property
    def is_nullish(self) -> Sql:
        """Whether it is missing, null or undefined; never NULL."""
        return self.is_kind(*NULLISH)


VARYING: Final = ...
"""In the place of a constant: there is none."""


def facts_of(kinds: Iterable[int], **known: Any) -> Facts:
    """Facts of values of which only this is known."""
    return Facts(dict.fromkeys(map(int, kinds), 1), **known)


def tag_of(kind: int) -> Sql:
    """The tag of a value whose kind is known."""
    return integer(kind)


def of_kind(kind: int, expression: Sql, **known: Any) -> Value:
    """A value of one kind, never NULL.

    known   more facts of it
    """
    slot = slot_of(kind)
    return Value(facts_of((kind,), **known), tag_of(kind), {} if slot is None else {slot: expression})


def or_null(kind: int, expression: Sql, **known: Any) -> Value:
    """A value of one kind, or null where the expression is NULL."""
    slot = slot_of(kind)
    assert slot is not None
    tag = case([(sql("({} IS NULL)", expression), tag_of(BsonType.NULL))], tag_of(kind))
    return Value(facts_of((kind, BsonType.NULL), **known), tag, {slot: expression})


def boolean(condition: Sql) -> Value:
    """A bool of a condition that is never NULL."""
    return of_kind(BsonType.BOOL, condition)


NOTHING: Final = Value(facts_of((BsonType.MISSING,)), tag_of(BsonType.MISSING), constant=MISSING)
NOT_WRITTEN: Final = Value(facts_of((BsonType.MISSING,)), tag_of(BsonType.MISSING), constant=ABSENT)
"""An argument that the user did not write."""
NULL_VALUE: Final = Value(facts_of((BsonType.NULL,)), tag_of(BsonType.NULL), constant=None)


def literal(value: Any) -> Value:
    """A constant."""
    if value is MISSING:
        return NOTHING
    if value is ABSENT:
        return NOT_WRITTEN
    if value is None:
        return NULL_VALUE
    kind = int(bson_type(value))
    slot = slot_of(kind)
    if slot is None:
        return Value(facts_of((kind,)), tag_of(kind), constant=value)
    known, bound = _bound(value, slot)
    found = replace(of_kind(kind, bound, **known), constant=value)
    if type(value) is dict:
        return replace(found, fields={name: literal(each) for name, each in value.items()})
    return found


def _bound(value: Any, slot: str) -> tuple[dict[str, Any], Sql]:
    """(facts, the parameter) of a constant that has a slot."""
    kind = SQL_TYPES[slot]
    if slot == WHOLE:
        return {"least": int(value), "most": int(value)}, parameter(int(value), kind)
    if slot == DOUBLE:
        return double_facts(value), parameter(float(value), kind)
    if slot == STRING:
        if not _is_utf8(value):
            raise NotLowered("a string that is no valid Unicode")
        encoded = value.encode()
        return {"is_ascii": value.isascii(), "string_bytes": len(encoded)}, parameter(str(value), kind)
    if slot == DATE:
        ms = int(value)
        assert type(value) is DatetimeMS
        return {"first_ms": ms, "last_ms": ms}, parameter(ms, kind)
    if slot == BOOL:
        return {}, parameter(bool(value), kind)
    if slot == OBJECT_ID:
        assert type(value) is ObjectId
        return {}, parameter(value.binary, kind)
    return {}, parameter(value_bytes(value), kind)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def value_bytes(value: Any) -> bytes:
    """The BSON bytes of a value, without type and name."""
    return encode({"": value})[6:-1]


def double_facts(value: float) -> dict[str, Any]:
    """What is known of one double."""
    if value != value:
        return {"has_nan": True}
    if value in (float("inf"), float("-inf")):
        return {"has_infinity": True}
    known: dict[str, Any] = {"low": value, "high": value}
    if value == 0:
        known["has_negative_zero"] = str(value).startswith("-")
    else:
        numerator, denominator = abs(value).as_integer_ratio()
        trailing = (numerator & -numerator).bit_length() - 1
        known["low_bit"] = trailing - (denominator.bit_length() - 1)
    return known


def without(value: Value, *kinds: int) -> Value:
    """The same value where it is known that these kinds do not come in the rows that count."""
    counts = {kind: count for kind, count in value.facts.counts.items() if kind not in kinds}
    facts = replace(value.facts, counts=counts)
    needed = {slot_of(kind) for kind in facts.tags}
    return replace(value, facts=facts, slots={slot: each for slot, each in value.slots.items() if slot in needed})
