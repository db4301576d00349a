"""From columns to BSON: all documents of a batch at once, without Python values.

Every field is a piece of each document: type byte, name and value, or nothing where the field is missing. First the
pieces say how long they are, which tells where everything stands; then each is written into one buffer, a fixed number
of NumPy operations a field; and the buffer is cut into documents.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from amongo.aggregate.relational.output import Place, Shape, documents, without_missing
from amongo.aggregate.relational.values import VARYING
from amongo.engine.columns import BOOL, DATE, DOUBLE, OBJECT_ID, STRING, WHOLE, slot_of
from amongo.values.codec import encode, encode_in_order
from amongo.values.missing import MISSING
from amongo.values.types import BsonType

Whole = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

LEAST_ROWS: Final = 64
"""Of fewer rows it is quicker to make documents one by one."""

_WIDTHS: Final[Mapping[int, int]] = {
    BsonType.INT: 4,
    BsonType.LONG: 8,
    BsonType.DOUBLE: 8,
    BsonType.DATE: 8,
    BsonType.BOOL: 1,
    BsonType.OBJECT_ID: 12,
}
_FORMS: Final[Mapping[int, str]] = {
    BsonType.INT: "<i4",
    BsonType.LONG: "<i8",
    BsonType.DOUBLE: "<f8",
    BsonType.DATE: "<i8",
}
_SLOTS: Final[Mapping[int, str]] = {
    BsonType.INT: WHOLE,
    BsonType.LONG: WHOLE,
    BsonType.DOUBLE: DOUBLE,
    BsonType.DATE: DATE,
    BsonType.BOOL: BOOL,
    BsonType.OBJECT_ID: OBJECT_ID,
}


def can_encode(shape: Shape) -> bool:
    """Whether the documents of a shape can be written this way: nothing is done to them afterwards, and no lists."""
    return shape.replay is None and all(map(_is_plain, shape.fields.values()))


def _is_plain(place: Place) -> bool:
    if place.fields is not None:
        return all(map(_is_plain, place.fields.values()))
    return place.items is None


def encoded(batch: pa.RecordBatch, shape: Shape) -> list[bytes]:
    """The BSON bytes of the documents of a batch."""
    rows = batch.num_rows
    if rows < LEAST_ROWS:
        return [encode_in_order(without_missing(each)) for each in documents(batch, shape)]
    body = _Fields([_piece(name, place, batch) for name, place in shape.fields.items()], rows)
    lengths = body.lengths() + 5
    starts = np.zeros(rows + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    buffer = np.zeros(int(starts[-1]) + 16, np.uint8)
    _document(buffer, starts[:-1], lengths, body, np.arange(rows))
    data = buffer.tobytes()
    return [data[start:stop] for start, stop in pairwise(starts.tolist())]


def _document(buffer: Bytes, starts: Whole, lengths: Whole, body: _Fields, rows: Whole) -> None:
    """Write documents: their lengths, their fields; the NUL at the end is there already."""
    _at(buffer, "<i4")[starts] = lengths
    body.write(buffer, starts + 4, rows)


def _at(buffer: Bytes, form: str) -> npt.NDArray[Any]:
    """The buffer as numbers that begin at each of its bytes."""
    kind = np.dtype(form)
    return np.ndarray((len(buffer) - kind.itemsize + 1,), kind, buffer.data, strides=(1,))


class _Piece(ABC):
    """One field of each document."""

    @abstractmethod
    def lengths(self) -> Whole:
        """Its bytes in each document."""

    @abstractmethod
    def write(self, buffer: Bytes, starts: Whole, rows: Whole) -> None:
        """Write it where it begins, in these rows."""


class _Fields:
    """The fields of documents, one behind the other."""

    def __init__(self, pieces: Sequence[_Piece], rows: int) -> None:
        self._pieces = pieces
        self._lengths = [piece.lengths() for piece in pieces]
        self._rows = rows

    def lengths(self) -> Whole:
        """Bytes of all fields in each document."""
        return sum(self._lengths, np.zeros(self._rows, np.int64))

    def write(self, buffer: Bytes, starts: Whole, rows: Whole) -> None:
        """Write them from where they begin, in these rows."""
        for piece, lengths in zip(self._pieces, self._lengths, strict=True):
            piece.write(buffer, starts, rows)
            starts = starts + lengths[rows]


class _Constant(_Piece):
    """The same in every document."""

    def __init__(self, element: bytes, rows: int) -> None:
        self._element = element
        self._rows = rows

    def lengths(self) -> Whole:
        return np.full(self._rows, len(self._element), np.int64)

    def write(self, buffer: Bytes, starts: Whole, rows: Whole) -> None:
        _write_bytes(buffer, starts, self._element)


class _Document(_Piece):
    """A document of known fields, in the rows whose tag says so; missing or null in others."""

    def __init__(self, name: bytes, tags: npt.NDArray[Any], body: _Fields) -> None:
        self._name = name
        self._tags = tags
        self._body = body
        self._inner = body.lengths() + 5

    def lengths(self) -> Whole:
        is_document = self._tags == BsonType.OBJECT
        header = len(self._name) + 2
        return np.where(is_document, header + self._inner, np.where(self._tags == BsonType.NULL, header, 0))

    def write(self, buffer: Bytes, starts: Whole, rows: Whole) -> None:
        tags = self._tags[rows]
        nulls = tags == BsonType.NULL
        _write_bytes(buffer, starts[nulls], _header(BsonType.NULL, self._name))
        mask = tags == BsonType.OBJECT
        starts, rows = starts[mask], rows[mask]
        _write_bytes(buffer, starts, _header(BsonType.OBJECT, self._name))
        _document(buffer, starts + len(self._name) + 2, self._inner[rows], self._body, rows)


class _Values(_Piece):
    """Values of some types."""

    def __init__(self, name: bytes, tags: npt.NDArray[Any], slots: Mapping[str, pa.Array]) -> None:
        self._name = name
        self._tags = tags
        self._kinds = [int(kind) for kind in np.unique(tags)]
        self._slots = {slot: _slot_values(slot, array) for slot, array in slots.items()}

    def lengths(self) -> Whole:
        found = np.zeros(len(self._tags), np.int64)
        for kind in self._kinds:
            if kind != BsonType.MISSING:
                mask = self._tags == kind
                found[mask] = len(self._name) + 2 + self._value_lengths(kind, mask)
        return found

    def _value_lengths(self, kind: int, mask: npt.NDArray[np.bool_]) -> Any:
        slot = slot_of(kind)
        if slot is None:
            return 0
        width = _WIDTHS.get(kind)
        if width is not None:
            return width
        sizes = self._slots[slot][1][mask]
        return sizes + 5 if slot == STRING else sizes

    def write(self, buffer: Bytes, starts: Whole, rows: Whole) -> None:
        tags = self._tags[rows]
        for kind in self._kinds:
            if kind == BsonType.MISSING:
                continue
            mask = tags == kind
            at = starts[mask]
            _write_bytes(buffer, at, _header(kind, self._name))
            self._write_values(buffer, at + len(self._name) + 2, kind, rows[mask])

    def _write_values(self, buffer: Bytes, starts: Whole, kind: int, rows: Whole) -> None:
        slot = slot_of(kind)
        if slot is None:
            return
        form = _FORMS.get(kind)
        if form is not None:
            _at(buffer, form)[starts] = self._slots[slot][0][rows]
            return
        if slot == BOOL:
            buffer[starts] = self._slots[slot][0][rows]
            return
        begins, sizes, data = self._slots[slot]
        begins, sizes = begins[rows], sizes[rows]
        if slot == STRING:
            _at(buffer, "<i4")[starts] = sizes + 1
            starts = starts + 4
        _copy(buffer, starts, data, begins, sizes)


def _piece(name: str, place: Place, batch: pa.RecordBatch) -> _Piece:
    rows = batch.num_rows
    encoded_name = name.encode()
    if place.constant is not VARYING:
        element = b"" if place.constant is MISSING else encode({name: place.constant})[4:-1]
        return _Constant(element, rows)
    if isinstance(place.tag, int):
        tags = np.full(rows, place.tag, np.int8)
    else:
        tags = np.asarray(batch.column(place.tag).cast(pa.int8()))
    if place.fields is not None:
        inner = [_piece(field, each, batch) for field, each in place.fields.items()]
        return _Document(encoded_name, tags, _Fields(inner, rows))
    return _Values(encoded_name, tags, {slot: batch.column(column) for slot, column in place.slots.items()})


def _header(kind: int, name: bytes) -> bytes:
    return bytes([kind & 0xFF]) + name + b"\x00"


def _slot_values(slot: str, array: pa.Array) -> tuple[Any, ...]:
    """(values,) of numbers, (where they begin, how long they are, the bytes) of others; anything at nulls."""
    if slot in (WHOLE, DATE):
        return (_numbers(array, pa.int64()),)
    if slot == DOUBLE:
        return (_numbers(array, pa.float64()),)
    if slot == BOOL:
        return (np.asarray(pc.fill_null(array, False).cast(pa.uint8())),)
    array = array.cast(pa.large_binary())
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    data = array.buffers()[2]
    raw = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    sizes = np.where(np.asarray(array.is_null()), 0, np.diff(offsets))
    return offsets[:-1], sizes, raw


def _numbers(array: pa.Array, kind: pa.DataType) -> npt.NDArray[Any]:
    array = array.cast(kind)
    form = np.int64 if kind == pa.int64() else np.float64
    found: npt.NDArray[Any] = np.frombuffer(array.buffers()[1], form)[array.offset : array.offset + len(array)]
    return found


def _write_bytes(buffer: Bytes, starts: Whole, content: bytes) -> None:
    """The same bytes at all of these places."""
    for place, byte in enumerate(content):
        buffer[starts + place] = byte


def _copy(buffer: Bytes, starts: Whole, data: Bytes, begins: Whole, sizes: Whole) -> None:
    """Copy pieces of `data` to these places."""
    total = int(sizes.sum())
    if not total:
        return
    ends = np.cumsum(sizes)
    within = np.arange(total, dtype=np.int64) - np.repeat(ends - sizes, sizes)
    buffer[np.repeat(starts, sizes) + within] = data[np.repeat(begins, sizes) + within]
