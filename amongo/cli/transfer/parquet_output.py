"""Documents as a Parquet file: a column a field, in row groups. `parquet_shapes` says which column holds what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from bson import Binary

from amongo.cli.transfer.extended_json import text_of
from amongo.cli.transfer.malformed import Unwritable
from amongo.cli.transfer.parquet_shapes import ARRAY, BINARY, MISSING, OBJECT, TEXT, Node, Shape, fields_of, kind_of
from amongo.runtime.limits import PARQUET_GROUP_BYTES, PARQUET_GROUP_COUNT
from amongo.values.codec import decode_foreign

METADATA_KEY: Final = b"amongo.bson"
_CHANGED: Final = "the collection has changed since its fields were looked at; export it again"
_ABSENT: Final = object()


class ParquetWriter:
    """Writes documents whose shape is known.

    notices   what the file will not tell as it was
    """

    def __init__(self, file: IO[bytes], shape: Shape) -> None:
        """Begin the file. errors: Unwritable for documents without any field."""
        self.notices: list[str] = []
        self._nodes = fields_of(shape, "", self.notices)
        if shape.documents and not self._nodes:
            raise Unwritable("Parquet cannot hold documents without fields")
        if not shape.is_ordered:
            self.notices.append("fields come back in the order of the columns, which is not that of every document")
        told = {name: node.told() for name, node in self._nodes.items()}
        self._schema = pa.schema(
            [pa.field(name, node.arrow_type()) for name, node in self._nodes.items()],
            metadata={METADATA_KEY: json.dumps(told).encode()},
        )
        self._parquet = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._documents: list[dict[str, Any]] = []
        self._held_bytes = 0

    def add(self, raw: bytes) -> None:
        """Write a document, with others.

        errors   Unwritable, OSError
        """
        document = decode_foreign(raw)
        if not document.keys() <= self._nodes.keys():
            raise Unwritable(_CHANGED)
        self._documents.append(document)
        self._held_bytes += len(raw)
        if len(self._documents) >= PARQUET_GROUP_COUNT or self._held_bytes >= PARQUET_GROUP_BYTES:
            self._flush()

    def end(self) -> None:
        """Write what is held, and what a Parquet file ends with."""
        self._flush()
        self._parquet.close()

    def give_up(self) -> None:
        """Let go of the file, which will not be whole."""
        self._documents = []
        with suppress(OSError, ValueError, pa.ArrowException):
            self._parquet.close()

    def _flush(self) -> None:
        documents, self._documents, self._held_bytes = self._documents, [], 0
        if not documents:
            return
        arrays = []
        for name, node in self._nodes.items():
            values = [_cell(each.get(name, _ABSENT), node) for each in documents]
            try:
                arrays.append(pa.array(values, type=node.arrow_type()))
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
                raise Unwritable(f"field {name!r}: {error}; {_CHANGED}") from None
        self._parquet.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))


def _cell(value: Any, node: Node) -> Any:
    """A value as pyarrow takes it.

    errors   Unwritable
    """
    if node.kind == TEXT:
        if value is _ABSENT or (value is None and node.absent != MISSING):
            return None
        return text_of(value, is_canonical=True).decode()
    if value is _ABSENT or value is None:
        if (value is _ABSENT) != (node.absent == MISSING):
            raise Unwritable(_CHANGED)
        return None
    kind = type(value)
    if node.kind == OBJECT:
        if kind is not dict or not value.keys() <= node.fields.keys():
            raise Unwritable(_CHANGED)
        return {name: _cell(value.get(name, _ABSENT), inner) for name, inner in node.fields.items()}
    if node.kind == ARRAY:
        assert node.element is not None
        if kind is not list:
            raise Unwritable(_CHANGED)
        return [_cell(each, node.element) for each in value]
    return _scalar(value, node)


def _scalar(value: Any, node: Node) -> Any:
    kind = node.kind
    found = kind_of(value)
    if found != kind and not (found == "int" and kind in ("long", "double")):
        raise Unwritable(_CHANGED)
    if kind == "date":
        return int(value)
    if kind == "objectId":
        return value.binary
    if kind == "decimal":
        return str(value)
    if kind == "timestamp":
        return value.time << 32 | value.inc
    if kind == BINARY:
        if (value.subtype if isinstance(value, Binary) else 0) != node.subtype:
            raise Unwritable(_CHANGED)
        return bytes(value)
    if kind == "double":
        return float(value)
    return int(value) if kind in ("int", "long") else value


def shape_of(documents: Sequence[dict[str, Any]]) -> Shape:
    """The shape of some documents."""
    shape = Shape()
    for document in documents:
        shape.see(document)
    return shape
