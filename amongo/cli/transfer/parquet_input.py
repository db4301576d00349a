"""Documents of a Parquet file: a row each.

A file of amongo tells what its columns were (`parquet_shapes`). In others a null is a null in the document, and

    bool, string                       bool, string
    int8 to int32, uint8, uint16       int
    int64, uint32, uint64              long; a uint64 past it is refused
    float16 to double                  double
    decimal                            decimal; with more than 34 digits it is refused
    date32, date64, timestamp          date; digits below a millisecond are cut off, and `notices` count them
    binary                             binData, subtype 0; the UUID type subtype 4
    struct, map with string keys       object
    list                               array
    dictionary                         what it holds

Other types (time of day, duration, …) are refused by name.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import DecimalException
from typing import Any, ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from bson import Binary, Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.errors import InvalidDocument

from amongo.cli.transfer.extended_json import DECODER, NoExtendedJson
from amongo.cli.transfer.malformed import MalformedInput
from amongo.cli.transfer.parquet_output import METADATA_KEY
from amongo.cli.transfer.parquet_shapes import ARRAY, BINARY, MISSING, NOTHING, OBJECT, TEXT, Node, node_of_told
from amongo.runtime.limits import LOAD_BATCH_COUNT
from amongo.values.codec import encode

_PER_MILLISECOND: Final = {"us": 1000, "ns": 1_000_000}
_MILLISECONDS: Final = {"s": 1000, "ms": 1}
_DAY_MS: Final = 86_400_000


class ParquetReader:
    """The documents of a Parquet file.

    notices   values that lost something, by what they lost
    """

    unit: ClassVar[str] = "row"

    def __init__(self, path: str, *, ignores_nulls: bool = False) -> None:
        """Open the file. errors: OSError, MalformedInput."""
        self.notices: Counter[str] = Counter()
        self._path = path
        self._ignores_nulls = ignores_nulls
        try:
            self._parquet = pq.ParquetFile(path)
            told = (self._parquet.schema_arrow.metadata or {}).get(METADATA_KEY)
            self._nodes = (
                None if told is None else {name: node_of_told(each) for name, each in json.loads(told).items()}
            )
        except (pa.ArrowException, ValueError, AttributeError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # the disk's, and not Arrow's
                raise
            raise MalformedInput(f"{path}: no whole Parquet file: {error}") from None
        self.count = self._parquet.metadata.num_rows

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(a row's number, from 1; its document as BSON).

        errors   MalformedInput
        """
        number = 0
        try:
            for batch in self._parquet.iter_batches(batch_size=LOAD_BATCH_COUNT):
                for document in self._documents(batch):
                    number += 1
                    yield number, encode(document)
        except (pa.ArrowException, OSError, ValueError, OverflowError, InvalidDocument, DecimalException) as error:
            raise MalformedInput(f"{self._path}, behind row {number}: {error}") from None
        finally:
            self._parquet.close()

    def _documents(self, batch: pa.RecordBatch) -> list[dict[str, Any]]:
        documents: list[dict[str, Any]] = [{} for _ in range(batch.num_rows)]
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            node = None if self._nodes is None else self._nodes.get(name)
            omits = self._ignores_nulls if node is None else node.absent == MISSING
            for document, value in zip(documents, self._values(column, node, name), strict=True):
                if value is not _NULL:
                    document[name] = value
                elif not omits:
                    document[name] = None
        return documents

    def _values(self, array: pa.Array, node: Node | None, path: str) -> list[Any]:
        """The values of a column; `_NULL` where Parquet has none.

        errors   ValueError
        """
        if node is not None and node.kind not in (OBJECT, ARRAY):
            return self._told_values(array, node, path)
        kind = array.type
        if pa.types.is_dictionary(kind):
            return self._values(array.dictionary_decode(), node, path)
        if isinstance(kind, pa.BaseExtensionType):
            values = self._values(array.storage, node, path)
            if kind.extension_name != "arrow.uuid":
                return values
            return [each if each is _NULL else Binary(bytes(each), 4) for each in values]
        if pa.types.is_struct(kind):
            return self._structs(array, node, path)
        if pa.types.is_map(kind):
            return self._maps(array, path)
        if _is_list(kind):
            return self._lists(array, node, path)
        if node is not None:
            raise ValueError(f"column {path!r} is {kind}, and the metadata tells of {node.kind}")
        return self._scalars(array, path)

    def _structs(self, array: pa.Array, node: Node | None, path: str) -> list[Any]:
        valid = array.is_valid().to_pylist()
        documents: list[Any] = [{} if each else _NULL for each in valid]
        for at, inner in enumerate(array.flatten()):
            name = array.type.field(at).name
            if node is not None and name not in node.fields:
                raise ValueError(f"the metadata does not tell of column {path}.{name}")
            told = None if node is None else node.fields[name]
            omits = self._ignores_nulls if told is None else told.absent == MISSING
            for document, value in zip(documents, self._values(inner, told, f"{path}.{name}"), strict=True):
                if document is not _NULL and not (value is _NULL and omits):
                    document[name] = None if value is _NULL else value
        return documents

    def _lists(self, array: pa.Array, node: Node | None, path: str) -> list[Any]:
        lengths = pc.list_value_length(array).to_pylist()
        flat = self._values(array.flatten(), None if node is None else node.element, f"{path}[]")
        values, at = [], 0
        for length in lengths:
            if length is None:
                values.append(_NULL)
                continue
            values.append([None if each is _NULL else each for each in flat[at : at + length]])
            at += length
        return values

    def _maps(self, array: pa.Array, path: str) -> list[Any]:
        if not pa.types.is_string(array.type.key_type):
            raise ValueError(f"column {path!r}: a map with keys of type {array.type.key_type} is no document")
        offsets, valid = array.offsets.to_pylist(), array.is_valid().to_pylist()
        keys, items = array.keys.to_pylist(), self._values(array.items, None, f"{path}{{}}")
        return [
            {key: None if item is _NULL else item for key, item in zip(keys[begin:end], items[begin:end], strict=True)}
            if is_valid
            else _NULL
            for begin, end, is_valid in zip(offsets, offsets[1:], valid, strict=False)
        ]

    def _told_values(self, array: pa.Array, node: Node, path: str) -> list[Any]:
        if array.type != node.arrow_type():
            raise ValueError(f"column {path!r} is {array.type}, and the metadata tells of {node.kind}")
        if node.kind == "date":
            array = array.cast(pa.int64())
        make = _TOLD[node.kind] if node.kind != BINARY else lambda value: Binary(value, node.subtype)
        return [_NULL if each is None else make(each) for each in array.to_pylist()]

    def _scalars(self, array: pa.Array, path: str) -> list[Any]:
        kind = array.type
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            return self._dates(array, path)
        make = next((make for accepts, make in _FOREIGN if accepts(kind)), None)
        if make is None:
            raise ValueError(f"column {path!r}: there is no BSON type for {kind}")
        try:
            return [_NULL if each is None else make(each) for each in array.to_pylist()]
        except (ValueError, OverflowError, DecimalException) as error:
            raise ValueError(f"column {path!r} of type {kind}: {error or type(error).__name__}") from None

    def _dates(self, array: pa.Array, path: str) -> list[Any]:
        kind = array.type
        if pa.types.is_date32(kind):
            return [
                _NULL if each is None else DatetimeMS(each * _DAY_MS) for each in array.cast(pa.int32()).to_pylist()
            ]
        numbers = array.cast(pa.int64()).to_pylist()
        unit = "ms" if pa.types.is_date64(kind) else kind.unit
        if unit in _MILLISECONDS:
            return [_NULL if each is None else DatetimeMS(each * _MILLISECONDS[unit]) for each in numbers]
        divisor = _PER_MILLISECOND[unit]
        cut = sum(1 for each in numbers if each is not None and each % divisor)
        if cut:
            self.notices[f"column {path}: dates cut off below a millisecond"] += cut
        return [_NULL if each is None else DatetimeMS(each // divisor) for each in numbers]


_NULL: Final = object()


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _long(value: int) -> Int64:
    if value >= 1 << 63:
        raise ValueError(f"{value} is no int64")
    return Int64(value)


def _text_value(text: str) -> Any:
    try:
        value, end = DECODER.raw_decode(text)
    except (NoExtendedJson, RecursionError) as error:
        raise ValueError(f"no Extended JSON: {error}") from None
    if end != len(text):
        raise ValueError("no Extended JSON")
    return value


# By the name of a type in the metadata: what makes the value.
_TOLD: Final[dict[str, Callable[[Any], Any]]] = {
    "int": int,
    "long": Int64,
    "double": float,
    "bool": bool,
    "string": str,
    "date": DatetimeMS,
    "objectId": ObjectId,
    "decimal": Decimal128,
    "timestamp": lambda value: Timestamp(value >> 32, value & 0xFFFFFFFF),
    NOTHING: lambda value: None,
    TEXT: _text_value,
}
_SMALL_INTEGERS: Final = (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16())
_STRINGS: Final = (pa.types.is_string, pa.types.is_large_string)
_BINARIES: Final = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)

# (whether a type is meant, what makes the value), for files that tell nothing.
_FOREIGN: Final[tuple[tuple[Callable[[pa.DataType], bool], Callable[[Any], Any]], ...]] = (
    (lambda kind: kind in _SMALL_INTEGERS, int),
    (pa.types.is_integer, _long),
    (pa.types.is_floating, float),
    (pa.types.is_boolean, bool),
    (lambda kind: any(accepts(kind) for accepts in _STRINGS), str),
    (lambda kind: any(accepts(kind) for accepts in _BINARIES), lambda value: Binary(value, 0)),
    (pa.types.is_decimal, Decimal128),
    (pa.types.is_null, lambda value: None),
)
