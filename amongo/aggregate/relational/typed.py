"""Columns as plain Arrow arrays with the types that an analyst expects.

    int                     int32
    int and long            int64
    double, and mixed with  double: a whole number past 2**53 is rounded
      ints and longs
    string                  string (dictionary-encoded where few different ones occur)
    bool, date              bool, timestamp in milliseconds, UTC
    objectId                fixed_size_binary of 12 bytes
    decimal                 decimal128 where all fit into one; otherwise text
    documents, arrays       struct and list where all are alike; otherwise text
    anything else, and      text: relaxed Extended JSON
      types mixed

Null and missing are both null. The metadata of each field says under "bson" which types it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from bson import Decimal128, json_util
from bson.datetime_ms import DatetimeMS

from amongo.aggregate.relational.output import of_slots
from amongo.engine.columns import BOOL, DATE, DOUBLE, NO_FACTS, OBJECT_ID, STRING, WHOLE, Column, Facts, merged
from amongo.values.missing import MISSING
from amongo.values.types import BsonType

_EMPTY: Final = frozenset({BsonType.MISSING, BsonType.NULL, BsonType.UNDEFINED})
_JSON: Final = json_util.RELAXED_JSON_OPTIONS
_DATE: Final = pa.timestamp("ms", tz="UTC")


def typed(columns: Sequence[Column]) -> tuple[pa.ChunkedArray, Facts]:
    """The values of one path, of all its segments; and what is known of them."""
    facts = merged(each.facts for each in columns) if columns else NO_FACTS
    make, kind = _maker(facts.tags - _EMPTY)
    arrays = [make(each) for each in columns]
    if kind is None:
        return _nested(arrays), facts
    return pa.chunked_array([_as(each, kind) for each in arrays], kind), facts


def typed_field(name: str, kind: pa.DataType, facts: Facts) -> pa.Field:
    """The field of a table, with the BSON types that it has."""
    names = ",".join(BsonType(tag).alias for tag in sorted(facts.tags) if tag != BsonType.MISSING)
    return pa.field(name, kind, metadata={"bson": names})


def _maker(tags: frozenset[int]) -> tuple[Callable[[Column], pa.Array], pa.DataType | None]:
    """(what makes the array of a segment, its type; None where it shows when all are made) for values of these tags."""
    if not tags:
        return lambda column: pa.nulls(len(column.tags)), pa.null()
    if tags == {BsonType.INT}:
        return _slot(WHOLE), pa.int32()
    if tags <= {BsonType.INT, BsonType.LONG}:
        return _slot(WHOLE), pa.int64()
    if tags <= {BsonType.INT, BsonType.LONG, BsonType.DOUBLE}:
        return _numbers, pa.float64()
    if tags == {BsonType.STRING}:
        return _slot(STRING), pa.string()
    if tags == {BsonType.BOOL}:
        return _slot(BOOL), pa.bool_()
    if tags == {BsonType.DATE}:
        return _slot(DATE), _DATE
    if tags == {BsonType.OBJECT_ID}:
        return _slot(OBJECT_ID), pa.binary(12)
    return _values, None


def _slot(slot: str) -> Callable[[Column], pa.Array]:
    def make(column: Column) -> pa.Array:
        found = column.slots.get(slot)
        return pa.nulls(len(column.tags)) if found is None else found

    return make


def _numbers(column: Column) -> pa.Array:
    """Ints, longs and doubles as doubles."""
    found = np.full(len(column.tags), np.nan)
    for slot in (WHOLE, DOUBLE):
        array = column.slots.get(slot)
        if array is not None:
            present = np.asarray(array.is_valid())
            found[present] = np.asarray(array.drop_null())
    is_number = np.isin(column.tags, [int(BsonType.INT), int(BsonType.LONG), int(BsonType.DOUBLE)])
    return pa.array(found, mask=~is_number)


def _values(column: Column) -> list[Any]:
    """The values themselves."""
    slots = {slot: array.to_pylist() for slot, array in column.slots.items()}
    found = []
    for row, tag in enumerate(column.tags.tolist()):
        value = of_slots(tag, {slot: values[row] for slot, values in slots.items()})
        found.append(None if value is MISSING else value)
    return found


def typed_table(names: Sequence[str], columns: Callable[[str], Sequence[Column]]) -> pa.Table:
    """A table of fields.

    columns   name -> its values, of all segments
    """
    fields, arrays = [], []
    for name in names:
        array, facts = typed(columns(name))
        fields.append(typed_field(name, array.type, facts))
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _nested(parts: Sequence[list[Any]]) -> pa.ChunkedArray:
    """Values as structs, lists and decimals where all are alike; as text otherwise."""
    values = [value for part in parts for value in part]
    try:
        return pa.chunked_array([pa.array([_plain(value) for value in values])])
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, _NotPlain):
        return pa.chunked_array([pa.array([None if value is None else _text(value) for value in values], pa.string())])


class _NotPlain(Exception):
    """A value of a type that Arrow has none for."""


def _plain(value: Any) -> Any:
    """A value as Arrow infers its type from.

    errors   _NotPlain
    """
    kind = type(value)
    if kind is dict:
        return {name: _plain(each) for name, each in value.items()}
    if kind is list:
        return [_plain(each) for each in value]
    if kind is Decimal128:
        return value.to_decimal()
    if kind is DatetimeMS:
        return value.as_datetime()
    if value is None or kind in (str, bool, float) or isinstance(value, int):
        return value
    raise _NotPlain


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is Decimal128:
        return str(value)
    return json_util.dumps(value, json_options=_JSON, ensure_ascii=False)


def _as(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.type == kind:
        return array
    if kind == _DATE and array.type == pa.int64():
        return array.cast(pa.timestamp("ms")).cast(kind)
    return array.cast(kind)
