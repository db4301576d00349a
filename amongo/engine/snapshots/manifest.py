"""The MANIFEST: the bytes of one checkpoint, read and written whole.

It is written under another name, synced, and renamed, so that a stop leaves the old or the new one. The directory is
synced last: when `write_manifest` returns, the new one survives a power loss, and what only the old one needed may go.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bson.errors import BSONError
from bson.int64 import Int64
from xxhash import xxh3_64_intdigest

from amongo.engine.files.interface import Files
from amongo.engine.snapshots.contents import (
    CollectionContents,
    ColumnsFile,
    IndexContents,
    Manifest,
    RowsFile,
    RunFile,
)
from amongo.engine.snapshots.format import (
    DIRECTORY,
    FORMAT_VERSION,
    MANIFEST_HEADER,
    MANIFEST_LAYOUT,
    MANIFEST_MAGIC,
    MANIFEST_NAME,
    NEW_MANIFEST_NAME,
    snapshot_file_number,
)
from amongo.errors import storage
from amongo.values.codec import decode_foreign, encode_in_order

_CHECKSUM_AT = MANIFEST_LAYOUT.offset("xxh3")
_UNSIGNED = 1 << 64
_SIGNED = 1 << 63


def has_snapshot_files(files: Files, directory: str) -> bool:
    """Whether there is any snapshot file in the store in `directory`, named by a MANIFEST or not."""
    path = os.path.join(directory, DIRECTORY)
    return files.exists(path) and any(snapshot_file_number(name) is not None for name in files.list(path))


def read_manifest(files: Files, directory: str) -> Manifest | None:
    """The current checkpoint of the store in `directory`; None if it has never had one.

    errors   MANIFEST_CORRUPT, STORE_FORMAT_NEWER, STORE_UNREADABLE
    """
    path = os.path.join(directory, MANIFEST_NAME)
    if not files.exists(path):
        return None
    try:
        raw = files.read(path)
    except OSError as error:
        raise storage.STORE_UNREADABLE(path=path, reason=error.strerror or error) from error
    return parse_manifest(raw, path)


def write_manifest(files: Files, directory: str, manifest: Manifest) -> None:
    """Make a checkpoint the current one; its files are durable, their names included. It is durable on return.

    errors   OSError; the old one is then still there, or, past the renaming, the new one
    """
    new = os.path.join(directory, NEW_MANIFEST_NAME)
    if files.exists(new):  # left by a stop
        files.remove(new)
    file = files.open_append(new, create=True)
    try:
        file.write(pack_manifest(manifest))
        file.sync()
    finally:
        file.close()
    files.rename(new, os.path.join(directory, MANIFEST_NAME))
    files.sync_directory(directory)


def pack_manifest(manifest: Manifest) -> bytes:
    """The bytes of a MANIFEST."""
    body = encode_in_order(_document(manifest))
    start = MANIFEST_HEADER.pack(MANIFEST_MAGIC, FORMAT_VERSION, len(body), 0)[:_CHECKSUM_AT]
    return start + xxh3_64_intdigest(start + body).to_bytes(8, "little") + body


def parse_manifest(raw: bytes, path: str) -> Manifest:
    """The checkpoint that the bytes of a MANIFEST hold. errors: MANIFEST_CORRUPT, STORE_FORMAT_NEWER."""
    if len(raw) < MANIFEST_HEADER.size:
        reason = f"it ends after {len(raw)} bytes, in the middle of its header"
        raise storage.MANIFEST_CORRUPT(file=path, reason=reason)
    magic, version, length, checksum = MANIFEST_HEADER.unpack_from(raw)
    body = raw[MANIFEST_HEADER.size :]
    if magic != MANIFEST_MAGIC:
        raise storage.MANIFEST_CORRUPT(file=path, reason="it does not begin like a MANIFEST of amongo")
    if len(body) != length:
        reason = f"its {len(body)} bytes behind the header should be {length}"
        raise storage.MANIFEST_CORRUPT(file=path, reason=reason)
    if xxh3_64_intdigest(raw[:_CHECKSUM_AT] + body) != checksum:
        raise storage.MANIFEST_CORRUPT(file=path, reason="its checksum does not match")
    if version > FORMAT_VERSION:
        raise storage.STORE_FORMAT_NEWER(found=version, supported=FORMAT_VERSION, file=path)
    try:
        return _manifest(decode_foreign(body))
    except (BSONError, KeyError, TypeError, ValueError) as error:
        reason = f"its checksum matches, but its contents do not parse: {error!r}"
        raise storage.MANIFEST_CORRUPT(file=path, reason=reason) from error


# To and from BSON, which has no unsigned numbers.


def _document(manifest: Manifest) -> dict[str, Any]:
    return {
        "store_uuid": manifest.store_uuid,
        "sequence": _signed(manifest.sequence),
        "next_file_number": Int64(manifest.next_file_number),
        "collections": [_collection_document(each) for each in manifest.collections],
        "more": dict(manifest.more),
    }


def _collection_document(collection: CollectionContents) -> dict[str, Any]:
    return {
        "namespace": collection.namespace,
        "uuid": collection.uuid,
        "options": dict(collection.options),
        "next_record_id": Int64(collection.next_record_id),
        "count": Int64(collection.count),
        "data_bytes": Int64(collection.data_bytes),
        "rows": [_file_document(each) for each in collection.rows],
        "ids": [_file_document(each) for each in collection.ids],
        "indexes": [
            {
                "definition": dict(index.definition),
                "runs": [_file_document(each) for each in index.runs],
                "more": dict(index.more),
            }
            for index in collection.indexes
        ],
        "more": dict(collection.more),
        "columns": [_columns_document(each) for each in collection.columns],
    }


def _columns_document(file: ColumnsFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "size": Int64(file.size),
        "xxh3": _signed(file.xxh3),
        "first_id": Int64(file.first_id),
        "end_id": Int64(file.end_id),
        "bound": Int64(file.bound),
        "rows": Int64(file.rows),
        "paths": [list(path) for path in file.paths],
        "stale": file.stale,
    }


def _file_document(file: RowsFile | RunFile) -> dict[str, Any]:
    fields = asdict(file)
    numbers = {name: Int64(value) for name, value in fields.items() if type(value) is int}
    return {**fields, **numbers, "sidecar_xxh3": _signed(file.sidecar_xxh3)}


def _manifest(document: Mapping[str, Any]) -> Manifest:
    return Manifest(
        bytes(document["store_uuid"]),
        _unsigned(document["sequence"]),
        int(document["next_file_number"]),
        tuple(map(_collection, document["collections"])),
        document["more"],
    )


def _collection(document: Mapping[str, Any]) -> CollectionContents:
    return CollectionContents(
        document["namespace"],
        bytes(document["uuid"]),
        document["options"],
        int(document["next_record_id"]),
        int(document["count"]),
        int(document["data_bytes"]),
        tuple(RowsFile(**_fields(each)) for each in document["rows"]),
        tuple(RunFile(**_fields(each)) for each in document["ids"]),
        tuple(_index(each) for each in document["indexes"]),
        document["more"],
        tuple(_columns(each) for each in document.get("columns", ())),
    )


def _columns(document: Mapping[str, Any]) -> ColumnsFile:
    return ColumnsFile(
        document["name"],
        int(document["size"]),
        _unsigned(document["xxh3"]),
        int(document["first_id"]),
        int(document["end_id"]),
        int(document["bound"]),
        int(document["rows"]),
        tuple(tuple(path) for path in document["paths"]),
        bytes(document["stale"]),
    )


def _index(document: Mapping[str, Any]) -> IndexContents:
    runs = tuple(RunFile(**_fields(each)) for each in document["runs"])
    return IndexContents(document["definition"], runs, document["more"])


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {name: int(value) for name, value in document.items() if isinstance(value, Int64)}
    return {**document, **numbers, "sidecar_xxh3": _unsigned(document["sidecar_xxh3"])}


def _signed(number: int) -> Int64:
    return Int64(number - _UNSIGNED if number >= _SIGNED else number)


def _unsigned(number: int) -> int:
    return int(number) % _UNSIGNED
