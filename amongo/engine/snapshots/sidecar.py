"""The sidecar of a snapshot file: what must be known of the file without reading it.

    header · checksums of the file's pages · checksums of the hash table's pages · record batches · fences

The fences of an index run say where its batches begin: fence i is not greater than any entry of batch i and greater
than every entry of batch i - 1 (of the same kind), and as short as that allows; of the first batch it is the first
entry. The last added entry stands before them. Rows need none: in their place stands the file's origin, and the
checksum of the sidecar itself; see `origin`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from xxhash import xxh3_64_intdigest

from amongo.engine.snapshots.format import (
    BATCH,
    FORMAT_VERSION,
    SIDECAR_ENDING,
    SIDECAR_HEADER,
    SIDECAR_MAGIC,
    page_count,
)
from amongo.errors import storage

if TYPE_CHECKING:
    from amongo.engine.files.interface import Files

_SUM_BYTES = 8
_LENGTH_BYTES = 4


class Facts(NamedTuple):
    """The fields of a sidecar's header behind its version, as in `format.SIDECAR_LAYOUT`."""

    kind: int
    file_bytes: int
    hash_bytes: int
    first_id: int
    last_id: int
    documents: int
    marks: int
    contents_bytes: int
    batches: int
    mark_batches: int
    longest: int
    buckets: int
    number_bits: int


class BatchPlace(NamedTuple):
    """One record batch; the fields of `format.BATCH_LAYOUT`."""

    at: int
    first: int
    last: int
    length: int
    rows: int
    marks: int
    ids: int
    validity: int
    offsets: int
    values: int


class Sidecar:
    """A sidecar that has been read.

    facts        its header
    sums         checksums of the file's pages
    hash_sums    checksums of the hash table's pages
    directory    the record batches, `format.BATCH` back to back
    """

    __slots__ = ("_fences", "_fences_view", "directory", "facts", "hash_sums", "sums")

    def __init__(self, raw: bytes) -> None:
        """errors: ValueError for a block that is too short or too long for what its header says."""
        view = memoryview(raw)
        self.facts = facts = Facts(*SIDECAR_HEADER.unpack_from(raw)[2:])
        first_sum = SIDECAR_HEADER.size
        first_hash_sum = first_sum + _SUM_BYTES * page_count(facts.file_bytes)
        directory = first_hash_sum + _SUM_BYTES * page_count(facts.hash_bytes)
        fences = directory + BATCH.size * facts.batches
        if fences > len(raw):
            raise ValueError(f"it has {len(raw)} bytes and should have {fences} or more")
        self.sums = view[first_sum:first_hash_sum].cast("Q")
        self.hash_sums = view[first_hash_sum:directory].cast("Q")
        self.directory = view[directory:fences]
        self._fences_view = view[fences:]
        self._fences: list[bytes] | None = None

    def batch(self, index: int) -> BatchPlace:
        """A record batch."""
        return BatchPlace._make(BATCH.unpack_from(self.directory, index * BATCH.size))

    def last_entry(self) -> bytes:
        """The last added entry of an index run; empty if there is none."""
        return self._string(0)

    def origin(self) -> bytes:
        """Of a rows file, its origin, packed."""
        return self._string(0)

    def first_entry(self) -> bytes:
        """The first added entry of an index run that has any."""
        return self._string(_LENGTH_BYTES + self._length(0))

    def fences(self) -> list[bytes]:
        """The fences of all batches, in their order; made when they are first asked for."""
        fences = self._fences
        if fences is None:
            fences, at = [], _LENGTH_BYTES + self._length(0)
            while at < len(self._fences_view):
                fences.append(self._string(at))
                at += _LENGTH_BYTES + len(fences[-1])
            self._fences = fences
        return fences

    def _string(self, at: int) -> bytes:
        start = at + _LENGTH_BYTES
        return bytes(self._fences_view[start : start + self._length(at)])

    def _length(self, at: int) -> int:
        return int.from_bytes(self._fences_view[at : at + _LENGTH_BYTES], "little")


def pack_sidecar(
    facts: Facts,
    sums: Iterable[int],
    hash_sums: Iterable[int],
    batches: Sequence[BatchPlace],
    fences: Iterable[bytes] = (),
) -> bytes:
    """The bytes of a sidecar."""
    pieces = [SIDECAR_HEADER.pack(SIDECAR_MAGIC, FORMAT_VERSION, *facts)]
    pieces += [_pack_sums(list(sums)), _pack_sums(list(hash_sums))]
    pieces += [BATCH.pack(*each) for each in batches]
    pieces.append(pack_fences(fences))
    return b"".join(pieces)


def _pack_sums(sums: list[int]) -> bytes:
    return struct.pack(f"<{len(sums)}Q", *sums)


def pack_fences(fences: Iterable[bytes]) -> bytes:
    """The bytes of fences."""
    return b"".join(len(fence).to_bytes(_LENGTH_BYTES, "little") + fence for fence in fences)


def write_sidecar(files: Files, path: str, raw: bytes) -> int:
    """Write the sidecar of the snapshot file `path`, durably; its checksum. errors: OSError."""
    file = files.open_append(path + SIDECAR_ENDING, create=True)
    try:
        file.write(raw)
        file.sync()
    finally:
        file.close()
    return xxh3_64_intdigest(raw)


def read_sidecar(files: Files, path: str, checksum: int, kind: int) -> Sidecar:
    """The sidecar of the snapshot file `path`.

    checksum   as the MANIFEST has it
    errors     SNAPSHOT_MISSING, SNAPSHOT_CORRUPT, STORE_FORMAT_NEWER, STORE_UNREADABLE
    """
    path += SIDECAR_ENDING
    try:
        raw = files.read(path)
    except FileNotFoundError:
        raise storage.SNAPSHOT_MISSING(file=path) from None
    except OSError as error:
        raise storage.STORE_UNREADABLE(path=path, reason=error.strerror or error) from error
    if xxh3_64_intdigest(raw) != checksum:
        raise storage.SNAPSHOT_CORRUPT(file=path, offset=0, reason="the checksum of the file does not match")
    magic, version, found = SIDECAR_HEADER.unpack_from(raw)[:3]
    if magic != SIDECAR_MAGIC or found != kind:
        raise storage.SNAPSHOT_CORRUPT(file=path, offset=0, reason="it is not the sidecar of such a file")
    if version > FORMAT_VERSION:
        raise storage.STORE_FORMAT_NEWER(found=version, supported=FORMAT_VERSION, file=path)
    return Sidecar(raw)
