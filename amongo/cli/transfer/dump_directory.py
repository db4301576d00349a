"""Dump directories as mongodump writes them and mongorestore reads them.

    dump/<database>/<collection>.bson            the documents, one behind the other
    dump/<database>/<collection>.metadata.json   options, indexes, UUID
    both with .gz behind it where they are compressed

A view has no `.bson`. Source: manual, mongodump. A time-series collection of amongo is dumped as its measurements, in
the collection's own file; the buckets that a server before 8.3 dumps (`system.buckets.…`) are not read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from amongo.cli.transfer.dump_metadata import Metadata, collection_of, file_stem, metadata_of
from amongo.cli.transfer.files import reading, writing
from amongo.runtime.limits import DUMPED_DOCUMENT_BYTES

OPLOG: Final = "oplog.bson"  # beside the databases, where mongodump was told `--oplog`
_BSON, _METADATA, _GZIP = ".bson", ".metadata.json", ".gz"
_METADATA_BYTES: Final = 4 * DUMPED_DOCUMENT_BYTES  # a definition may be a document; as text it is longer


@dataclass(frozen=True, slots=True)
class Dumped:
    """The files of one collection.

    metadata    what it is
    bson_path   where its documents are; None for a view
    """

    metadata: Metadata
    bson_path: str | None


def bson_path(directory: str, metadata: Metadata, *, is_compressed: bool) -> str:
    """Where the documents of a collection are written; the database's directory is made."""
    return os.path.join(
        _made(directory, metadata), file_stem(metadata.collection) + _BSON + (_GZIP if is_compressed else "")
    )


def write_metadata(directory: str, metadata: Metadata, *, is_compressed: bool) -> None:
    """Write the metadata of a collection.

    errors   OSError, Unwritable
    """
    name = file_stem(metadata.collection) + _METADATA + (_GZIP if is_compressed else "")
    with writing(os.path.join(_made(directory, metadata), name), is_compressed=is_compressed) as file:
        file.write(metadata.text())


def _made(directory: str, metadata: Metadata) -> str:
    inner = os.path.join(directory, metadata.database)
    os.makedirs(inner, exist_ok=True)
    return inner


def dumped_in(directory: str, database: str | None) -> Iterator[Dumped]:
    """The collections of a dump: of all its databases, or of one.

    database   read this one alone. Where the directory holds BSON files itself, it is one of a database, with this name
               or its own
    errors     OSError, MalformedInput
    """
    entries = sorted(os.listdir(directory))
    plain = [each.removesuffix(_GZIP) for each in entries]
    if any(each.endswith((_BSON, _METADATA)) and each != OPLOG for each in plain):
        yield from _of_database(directory, database or os.path.basename(os.path.abspath(directory)))
        return
    for entry in entries:
        inner = os.path.join(directory, entry)
        if os.path.isdir(inner) and database in (None, entry):
            yield from _of_database(inner, entry)


def _of_database(directory: str, database: str) -> Iterator[Dumped]:
    stems: dict[str, dict[str, str]] = {}
    for entry in sorted(os.listdir(directory)):
        plain = entry.removesuffix(_GZIP)
        for suffix in (_BSON, _METADATA):
            if plain.endswith(suffix):
                stems.setdefault(plain.removesuffix(suffix), {})[suffix] = os.path.join(directory, entry)
    for stem, paths in stems.items():
        text, name = b"", stem
        if _METADATA in paths:
            name = paths[_METADATA]
            with reading(name) as file:
                text = file.read(_METADATA_BYTES)
        yield Dumped(metadata_of(text, database, collection_of(stem), name), paths.get(_BSON))
