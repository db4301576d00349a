"""The bytes of a file of columns: an Arrow IPC file of one record batch, with a row for each record.

The record ids are a column; every path has its tags, and one column for each slot; a path with EACH has one column of
lists, of structs of tags and slots. What the columns are, and their facts, stands in the schema's metadata, as BSON.

Such a file is verified as a whole before the first byte of it is believed, and then used as it lies there, mapped. One
that is missing or does not verify is no damage to a store, since columns can be made anew: it is not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from bson.int64 import Int64

from amongo.engine.columns.array_views import Values, fixed_values
from amongo.engine.columns.arrays import TYPE_OF_SLOT
from amongo.engine.columns.column import Column, Facts, Path
from amongo.engine.snapshots.checked import CheckedFile
from amongo.engine.snapshots.column_files import checksum_of, damage_of_columns
from amongo.engine.snapshots.contents import ColumnsFile
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode_foreign, encode_in_order

if TYPE_CHECKING:
    from amongo.engine.files.interface import Files

METADATA_KEY: Final = b"amongo"
RECORD_ID: Final = "record_id"
TAGS: Final = "tags"

_OPTIONS: Final = pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V5)
_FACTS: Final = tuple(field.name for field in fields(Facts) if field.name != "counts")


class ColumnsDamaged(Exception):
    """A file of columns is missing, or is not what was written; it says why."""


def write_columns(
    files: Files, path: str, ids: Values, columns: Mapping[Path, Column], interrupt: Interrupt
) -> tuple[int, int]:
    """(bytes of the file, its checksum) of a new file of columns, which is durable on return, but for its name.

    path     of the file; if it comes to nothing, what there is of it stays
    errors   OSError; whatever the interrupt raises
    """
    arrays: dict[str, pa.Array] = {RECORD_ID: _array(pa.int64(), ids)}
    described: list[dict[str, Any]] = []
    for number, (each, column) in enumerate(columns.items()):
        interrupt.check()
        parts = {TAGS: _array(pa.int8(), column.tags), **column.slots}
        if column.offsets is None:
            arrays |= {f"{number}.{name}": array for name, array in parts.items()}
        else:
            elements = pa.StructArray.from_arrays(list(parts.values()), list(parts))
            lists = pa.LargeListArray.from_arrays(_array(pa.int64(), column.offsets), elements)
            arrays[str(number)] = lists
        is_each = column.offsets is not None
        described.append({"path": list(each), "is_each": is_each, "facts": _facts_document(column.facts)})
    metadata = {METADATA_KEY: encode_in_order({"columns": described})}
    batch = pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays)).replace_schema_metadata(metadata)
    if files.exists(path):  # left by a stop
        files.remove(path)
    file = CheckedFile(files.open_append(path, create=True))
    try:
        with pa.ipc.new_file(pa.PythonFile(file, "w"), batch.schema, options=_OPTIONS) as writer:
            interrupt.check()
            writer.write_batch(batch)
        interrupt.check()
        file.finish()
    except BaseException:
        file.abandon()
        raise
    return file.size, checksum_of(file.sums)


def read_columns(files: Files, path: str, file: ColumnsFile, interrupt: Interrupt) -> tuple[Values, dict[Path, Column]]:
    """(record ids, columns by their paths) of a file of columns, which lie in its mapped bytes.

    errors   ColumnsDamaged; whatever the interrupt raises
    """
    damage = damage_of_columns(files, path, file, interrupt)
    if damage is not None:
        raise ColumnsDamaged(damage)
    try:
        raw = pa.py_buffer(files.map(path, 0, file.size))
        batch = pa.ipc.open_file(pa.BufferReader(raw)).get_batch(0)
        described = decode_foreign(batch.schema.metadata[METADATA_KEY])["columns"]
        by_name = dict(zip(batch.schema.names, batch.columns, strict=True))
        columns: dict[Path, Column] = {}
        for number, each in enumerate(described):
            columns[tuple(each["path"])] = _column(number, each, by_name)
        return fixed_values(by_name[RECORD_ID]), columns
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise ColumnsDamaged(f"{path} cannot be read: {error!r}") from error


def _array(kind: pa.DataType, values: Values) -> pa.Array:
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def _column(number: int, described: Mapping[str, Any], by_name: Mapping[str, pa.Array]) -> Column:
    facts = _facts(described["facts"])
    if not described["is_each"]:
        prefix = f"{number}."
        found = {name.removeprefix(prefix): array for name, array in by_name.items() if name.startswith(prefix)}
        return Column(fixed_values(found[TAGS]), _slots(found), facts)
    lists = by_name[str(number)]
    elements = lists.values
    found = {field.name: elements.field(position) for position, field in enumerate(elements.type)}
    return Column(fixed_values(found[TAGS]), _slots(found), facts, fixed_values(lists.offsets))


def _slots(found: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    return {name: array for name, array in found.items() if name in TYPE_OF_SLOT}


def _facts_document(facts: Facts) -> dict[str, Any]:
    counts: Sequence[list[Int64]] = [[Int64(tag), Int64(count)] for tag, count in facts.counts.items()]
    return {"counts": counts, **{name: _packed(getattr(facts, name)) for name in _FACTS}}


def _packed(value: Any) -> Any:
    return Int64(value) if type(value) is int else value


def _facts(document: Mapping[str, Any]) -> Facts:
    known = {name: _unpacked(document[name]) for name in _FACTS}
    return Facts(counts={int(tag): int(count) for tag, count in document["counts"]}, **known)


def _unpacked(value: Any) -> Any:
    return int(value) if isinstance(value, Int64) else value
