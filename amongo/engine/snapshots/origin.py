"""What a rows file says of itself in its sidecar: whose documents it holds, should the MANIFEST be lost.

The sidecar of a rows file ends with the origin, a BSON document, and with the checksum of all before it, so that
`amongo repair` can believe it without the MANIFEST.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson.errors import BSONError
from bson.int64 import Int64
from xxhash import xxh3_64_digest, xxh3_64_intdigest

from amongo.engine.snapshots.contents import Document, RowsFile
from amongo.engine.snapshots.format import ROWS, SIDECAR_ENDING
from amongo.engine.snapshots.sidecar import Sidecar, pack_fences
from amongo.errors import storage
from amongo.values.codec import decode_foreign, encode_in_order

if TYPE_CHECKING:
    from amongo.engine.files.interface import Files

_SEAL_BYTES = len(pack_fences([bytes(8)]))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the documents of a rows file come from, as it was when the file was written.

    namespace      of their collection, "database.collection"
    uuid           its 16 bytes
    options        its options
    definitions    of its indexes
    sequence       the commit up to which the file knows of its collection
    first_number   the file takes the place of all of the collection's files from this number up to its own; 0: of none
    """

    namespace: str
    uuid: bytes
    options: Document
    definitions: Sequence[Document]
    sequence: int
    first_number: int


def pack_origin(origin: Origin) -> bytes:
    """Its BSON document."""
    return encode_in_order(
        {
            "namespace": origin.namespace,
            "uuid": origin.uuid,
            "options": dict(origin.options),
            "indexes": [dict(each) for each in origin.definitions],
            "sequence": Int64(origin.sequence),
            "first_number": Int64(origin.first_number),
        }
    )


def origin_of(sidecar: Sidecar) -> Origin | None:
    """What the sidecar of a rows file says; None if it says nothing that can be read."""
    try:
        found: dict[str, Any] = decode_foreign(sidecar.origin())
        return Origin(
            found["namespace"],
            bytes(found["uuid"]),
            found["options"],
            found["indexes"],
            int(found["sequence"]),
            int(found["first_number"]),
        )
    except (BSONError, LookupError, TypeError, ValueError):
        return None


def sealed(sidecar: bytes) -> bytes:
    """A sidecar with its own checksum behind it."""
    return sidecar + _seal(sidecar)


def is_whole(sidecar: bytes) -> bool:
    """Whether a sidecar is as it was sealed."""
    return sidecar[-_SEAL_BYTES:] == _seal(sidecar[:-_SEAL_BYTES])


def _seal(sidecar: bytes) -> bytes:
    return pack_fences([xxh3_64_digest(sidecar)])


def lone_rows_file(files: Files, directory: str, name: str) -> tuple[RowsFile, Origin] | None:
    """What is known of a rows file without the MANIFEST; None where its sidecar is missing, damaged or says nothing.

    directory   of the snapshot files
    errors      STORE_UNREADABLE
    """
    path = os.path.join(directory, name + SIDECAR_ENDING)
    try:
        raw = files.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise storage.STORE_UNREADABLE(path=path, reason=error.strerror or error) from error
    if not is_whole(raw):
        return None
    sidecar = Sidecar(raw)
    facts, origin = sidecar.facts, origin_of(sidecar)
    if facts.kind != ROWS or origin is None:
        return None
    file = RowsFile(
        name,
        facts.file_bytes,
        facts.file_bytes + len(raw),
        xxh3_64_intdigest(raw),
        facts.first_id,
        facts.last_id,
        facts.documents,
        facts.marks,
        facts.contents_bytes,
    )
    return file, origin
