"""From the rows of a statement to documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Final

import pyarrow as pa
from bson import Int64, MaxKey, MinKey, ObjectId
from bson.datetime_ms import DatetimeMS

from amongo.aggregate.relational.frame import RECORD_ID, Frame
from amongo.aggregate.relational.listing import form_of
from amongo.aggregate.relational.replaying import Partners, Read, Replay, replayed, selected
from amongo.aggregate.relational.sql import Sql, column, sql, word
from amongo.aggregate.relational.values import VARYING, Form, Value
from amongo.engine.columns import BOOL, DATE, DOUBLE, OBJECT_ID, STRING, WHOLE, slot_of
from amongo.values.codec import decode
from amongo.values.missing import MISSING
from amongo.values.types import BsonType

Document = dict[str, Any]

_SLOT_OF_FIELD: Final = {OBJECT_ID.lower(): OBJECT_ID}  # fields of structs come back in lower case


@dataclass(frozen=True, slots=True)
class Shape:
    """What the columns of a result mean.

    fields   name -> where its values are; of stored documents none
    replay   what is done to the documents then; None for nothing
    """

    fields: Mapping[str, Place]
    replay: Replay | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the values of a field are.

    tag       the column of tags, or the one tag that there is
    slots     slot -> its column
    fields    of documents whose fields are known: name -> where its values are
    constant  the value, where it is the same in every row; `VARYING` otherwise
    items     the column of lists of elements, where there is one
    form      how the elements stand in it
    """

    tag: str | int
    slots: Mapping[str, str]
    fields: Mapping[str, Place] | None = None
    constant: Any = VARYING
    items: str | None = None
    form: Form | None = None


class Selection:
    """The columns that a statement has to give for the fields of a frame."""

    def __init__(self) -> None:
        self.columns: list[Sql] = []

    def place(self, value: Value) -> Place:
        """Select what a value needs."""
        if value.is_constant:
            return Place(0, {}, constant=value.constant)
        tag: str | int = min(value.kinds) if len(value.kinds) == 1 else self.add(value.tag)
        if value.fields is not None:
            return Place(tag, {}, {name: self.place(each) for name, each in value.fields.items()})
        slots = {slot: self.add(each) for slot, each in value.slots.items()}
        if value.listing is None:
            return Place(tag, slots)
        return Place(tag, slots, None, VARYING, self.add(value.listing.items), form_of(value.listing))

    def add(self, expression: Sql) -> str:
        """Select an expression; the name of its column."""
        name = f"o{len(self.columns)}"
        self.columns.append(sql("{} AS {}", expression, word(name)))
        return name


def statement_of(frame: Frame) -> tuple[Sql, Shape]:
    """The statement that gives the documents of a frame, and what its columns mean.

    Stored documents come as record ids, with what the steps need that are done again to them.
    """
    selection = Selection()
    base: Mapping[str, Value] = {}
    if frame.is_stored:
        selection.columns.append(column(RECORD_ID))
    else:
        base = frame.fields if frame.base is None else frame.base
    fields = {name: selection.place(value) for name, value in base.items()}
    replay = selected(frame.steps, selection.place, selection.add) if frame.steps else None
    columns = selection.columns or [sql("1 AS o0")]
    return frame.relation.statement(columns, frame.order_by()), Shape(fields, replay)


def whole_documents(
    batches: Iterable[pa.RecordBatch],
    frame: Frame,
    shape: Shape,
    raws_of: Callable[[list[int]], Iterable[bytes]],
    partners: Partners | None = None,
) -> Iterator[Document]:
    """The documents of a frame.

    batches    the rows of its statement
    raws_of    gives the stored documents of record ids, in their order
    partners   gives documents of other collections; None where none are joined
    errors     LOOKUP_TOO_LARGE
    """
    for batch in batches:
        if frame.is_stored:
            found = _decoded(batch.column(RECORD_ID).to_pylist(), raws_of)
        else:
            found = map(without_missing, documents(batch, shape))
        if shape.replay is not None:
            yield from replayed(found, shape.replay, batch, _reader(batch), partners)
        else:
            yield from found


def _decoded(record_ids: list[int], raws_of: Callable[[list[int]], Iterable[bytes]]) -> Iterator[Document]:
    """The documents of record ids; one that comes several times in a row is decoded once."""
    rows = [(record_id, len(list(same))) for record_id, same in groupby(record_ids)]
    for raw, (_, count) in zip(raws_of([record_id for record_id, _ in rows]), rows, strict=True):
        document = decode(raw)
        for _ in range(count):
            yield document


def _reader(batch: pa.RecordBatch) -> Callable[[Place], Read]:
    values = {name: batch.column(name).to_pylist() for name in batch.schema.names}
    return lambda place: lambda row: _value(place, values, row)


def documents(batch: pa.RecordBatch, shape: Shape) -> Iterator[Document]:
    """The fields of each row; MISSING for a field that is not there (any more)."""
    values = {name: batch.column(name).to_pylist() for name in batch.schema.names}
    for row in range(batch.num_rows):
        yield {name: _value(place, values, row) for name, place in shape.fields.items()}


def without_missing(document: Document) -> Document:
    """The document without the fields that are not there."""
    return {name: value for name, value in document.items() if value is not MISSING}


def _value(place: Place, values: Mapping[str, list[Any]], row: int) -> Any:
    if place.constant is not VARYING:
        return place.constant
    tag = place.tag if type(place.tag) is int else values[str(place.tag)][row]
    if place.fields is not None and tag == BsonType.OBJECT:
        return without_missing({name: _value(each, values, row) for name, each in place.fields.items()})
    if place.items is not None and place.form is not None and tag == BsonType.ARRAY:
        return list(map(partial(_element, place.form), values[place.items][row]))
    return of_slots(tag, {slot: values[name][row] for slot, name in place.slots.items()})


def _element(form: Form, item: Any) -> Any:
    """The value of an element of a list."""
    if form.fields is not None:
        fields = enumerate(form.fields.items())
        return without_missing({name: _element(each, item[f"f{place}"]) for place, (name, each) in fields})
    if form.is_plain:
        (tag,) = form.element.tags
        return of_slots(tag, {slot_of(tag) or "": item})
    if form.nested is not None and item["tag"] == BsonType.ARRAY:
        return list(map(partial(_element, form.nested), item["list"]))
    slots = {_SLOT_OF_FIELD.get(name, name): each for name, each in item.items() if name != "tag"}
    return of_slots(item["tag"], slots)


def of_slots(tag: int, slots: Mapping[str, Any]) -> Any:
    """The value of a tag and its slots."""
    match tag:
        case BsonType.MISSING:
            return MISSING
        case BsonType.NULL:
            return None
        case BsonType.INT:
            return slots[WHOLE]
        case BsonType.LONG:
            return Int64(slots[WHOLE])
        case BsonType.DOUBLE:
            return slots[DOUBLE]
        case BsonType.STRING:
            return slots[STRING]
        case BsonType.BOOL:
            return slots[BOOL]
        case BsonType.DATE:
            return DatetimeMS(slots[DATE])
        case BsonType.OBJECT_ID:
            return ObjectId(slots[OBJECT_ID])
        case BsonType.MIN_KEY:
            return MinKey()
        case BsonType.MAX_KEY:
            return MaxKey()
    body = bytes([tag]) + b"\x00" + slots["other"]  # of the other types, tag and type byte are one
    return decode((len(body) + 5).to_bytes(4, "little") + body + b"\x00")[""]
