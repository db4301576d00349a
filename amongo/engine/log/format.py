"""The log's bytes: file header, frame, mark, entry.

A store's log is a row of files `log/0000000001.log`, `log/0000000002.log`, …; each begins with a header, frames follow
back to back, and zeros may follow the last. A *commit* frame holds the entries of one commit. A *mark* frame says up to
where the log had been synced when it was written; recovery needs it to tell a torn tail from damage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from xxhash import xxh3_64_digest

from amongo.engine.log.layout import Field, Layout
from amongo.errors import ServerError, storage
from amongo.runtime.interrupts import Interrupt

FORMAT_VERSION: Final = 1
MAGIC: Final = b"amongoLG"
LOG_DIRECTORY: Final = "log"
COMMIT: Final = 1
MARK: Final = 2
KINDS: Final = {COMMIT: "commit", MARK: "mark"}
SMALLEST_DOCUMENT_BYTES: Final = 5  # an empty BSON document

HEADER_LAYOUT: Final = Layout(
    "File header",
    (
        Field("magic", "8s", f"the bytes `{MAGIC.decode()}`"),
        Field("version", "I", f"format version, now {FORMAT_VERSION}"),
        Field("file_number", "Q", "number of this file, as in its name"),
        Field("store_uuid", "16s", "identity of the store, the same in all its files"),
        Field(
            "first_sequence", "Q", "one more than the sequence of the last commit before this file; 1 in a new store"
        ),
        Field("created_ms", "q", "wall time when the file was begun, milliseconds since 1970 UTC"),
        Field("reserved", "4s", "zeros"),
        Field("xxh3", "8s", "XXH3-64 of the bytes before it"),
    ),
)
FRAME_LAYOUT: Final = Layout(
    "Frame header",
    (
        Field("xxh3", "8s", "XXH3-64 of the rest of the frame: `length` to the end of the payload"),
        Field("length", "I", "bytes of the payload that follows this header"),
        Field(
            "sequence", "Q", "cluster time: seconds since 1970 UTC << 32 | increment; increases from commit to commit"
        ),
        Field("wall_ms", "q", "wall time of the commit, milliseconds since 1970 UTC"),
        Field("kind", "B", "; ".join(f"{number} = {name}" for number, name in KINDS.items())),
    ),
)
MARK_LAYOUT: Final = Layout(
    "Payload of a mark frame",
    (
        Field("store_uuid", "16s", "as in the file header"),
        Field("file_number", "Q", "all earlier files had been synced to their ends"),
        Field("offset", "Q", "and this file up to this offset, when the mark was written"),
    ),
)
ENTRY_LAYOUT: Final = Layout(
    "Entry of a commit frame's payload",
    (
        Field("record_id", "Q", "record id of the first document; the others of an insert follow consecutively"),
        Field("count", "I", "number of documents after the head"),
    ),
)

_HEADER = HEADER_LAYOUT.struct()
_FRAME = FRAME_LAYOUT.struct()
_MARK = MARK_LAYOUT.struct()
_ENTRY = ENTRY_LAYOUT.struct()
_INT32 = Layout("", (Field("length", "i", ""),)).struct()
_ENTRY_START = Layout("", (*ENTRY_LAYOUT.fields, Field("length", "i", ""))).struct()  # and the length of the head
# What the checksum of a frame covers: the header behind it and the payload, which in a commit begins with an entry.
_CHECKED = Layout("", FRAME_LAYOUT.fields[1:]).struct()
_START = Layout("", (*FRAME_LAYOUT.fields[1:], *ENTRY_LAYOUT.fields)).struct()

HEADER_BYTES: Final = _HEADER.size
FRAME_HEADER_BYTES: Final = _FRAME.size
ENTRY_BYTES: Final = _ENTRY.size

pack_entry = _ENTRY.pack
"""(record id, count of documents) -> the beginning of an entry; the head and the documents follow, as in `entry`."""
_ENTRY_START_BYTES: Final = _ENTRY_START.size
MARK_PAYLOAD_BYTES: Final = _MARK.size
MARK_FRAME_BYTES: Final = FRAME_HEADER_BYTES + MARK_PAYLOAD_BYTES
_CHECKSUM_BYTES = FRAME_HEADER_BYTES - _CHECKED.size
_PIECE_COUNT = 2048
_ZERO_CHUNK_BYTES = 1 << 20
_FILE_NAME = re.compile(r"(\d{10})\.log")

pack_checked = _CHECKED.pack
pack_start = _START.pack
"""(length, sequence, wall_ms, kind, record id, count of documents) -> both headers, but for the checksum."""
_unpack_frame_header = _FRAME.unpack_from
_unpack_entry_start = _ENTRY_START.unpack_from
_unpack_int32 = _INT32.unpack_from


class Header(NamedTuple):
    """The header of one log file; fields as in docs/format.md."""

    version: int
    file_number: int
    store_uuid: bytes
    first_sequence: int
    created_ms: int


class Mark(NamedTuple):
    """A place in the log, `offset` bytes into a file; said by a mark frame: everything before it had been synced."""

    file_number: int
    offset: int


class LogFile(NamedTuple):
    """One file of the log.

    number           as in its name; see `file_name`
    first_sequence   one more than the sequence of the last commit before it
    created_ms       wall time when it was begun
    file_bytes       its size; of the file that is being written, so far
    """

    number: int
    first_sequence: int
    created_ms: int
    file_bytes: int


class Entry(NamedTuple):
    """One change of a commit.

    record_id   of the first document
    head        BSON document: op, ns, ui, …
    documents   raw BSON documents
    """

    record_id: int
    head: bytes
    documents: list[bytes]


class Frame(NamedTuple):
    """One frame of the log.

    sequence   cluster time as an unsigned 64-bit number: seconds << 32 | increment
    wall_ms    wall time, milliseconds since 1970 UTC
    kind       COMMIT or MARK
    payload    for a commit, its entries; see `entries`
    """

    sequence: int
    wall_ms: int
    kind: int
    payload: bytes

    def entries(self) -> list[Entry]:
        """The entries of a commit, in order. errors: ENTRY_MALFORMED."""
        return parse_entries(self.payload, self.sequence)


class BadHeader(ValueError):
    """The bytes are no file header; the argument is the reason."""


def file_name(number: int) -> str:
    """Name of a log file within the log directory."""
    return f"{number:010d}.log"


def file_number(name: str) -> int | None:
    """Number of the log file of this name; None if it is no log file's name."""
    match = _FILE_NAME.fullmatch(name)
    return int(match[1]) if match else None


def pack_header(header: Header) -> bytes:
    """The bytes of a file header."""
    body = _HEADER.pack(
        MAGIC,
        header.version,
        header.file_number,
        header.store_uuid,
        header.first_sequence,
        header.created_ms,
        bytes(4),
        b"",
    )[:-_CHECKSUM_BYTES]
    return body + xxh3_64_digest(body)


def parse_header(block: bytes, path: str) -> Header:
    """The header at the start of a file.

    Size, magic, version and checksum stand where they stand in every format version.

    errors   STORE_FORMAT_NEWER; BadHeader with the reason
    """
    if len(block) < HEADER_BYTES:
        raise BadHeader(f"the file header is cut off at {len(block)} of {HEADER_BYTES} bytes")
    magic, version, number, uuid, first_sequence, created_ms, _, checksum = _HEADER.unpack_from(block)
    if magic != MAGIC:
        raise BadHeader("the file does not begin like a log file of amongo")
    if xxh3_64_digest(block[: HEADER_BYTES - _CHECKSUM_BYTES]) != checksum:
        raise BadHeader("the checksum of the file header does not match")
    if version > FORMAT_VERSION:
        raise storage.STORE_FORMAT_NEWER(found=version, supported=FORMAT_VERSION, file=path)
    return Header(version, number, uuid, first_sequence, created_ms)


def pack_frame(sequence: int, wall_ms: int, kind: int, payload: bytes) -> bytes:
    """The bytes of a frame."""
    checked = _CHECKED.pack(len(payload), sequence, wall_ms, kind) + payload
    return xxh3_64_digest(checked) + checked


def parse_frame(content: bytes, offset: int, frame_limit_bytes: int) -> Frame | str:
    """The frame that begins at `offset`, or the reason why there is none."""
    remaining = len(content) - offset
    if remaining < FRAME_HEADER_BYTES:
        return f"the file ends {remaining} bytes into a frame header"
    checksum, length, sequence, wall_ms, kind = _unpack_frame_header(content, offset)
    if length > frame_limit_bytes:
        return f"the frame's length of {length} bytes is over the limit"
    start = offset + FRAME_HEADER_BYTES
    if length > len(content) - start:
        return f"the file ends {remaining} bytes into a frame of {FRAME_HEADER_BYTES + length} bytes"
    checked = content[offset + _CHECKSUM_BYTES : start + length]
    if xxh3_64_digest(checked) != checksum:
        return "the checksum of the frame does not match"
    if kind not in KINDS:
        return f"the frame is of unknown kind {kind}"
    return Frame(sequence, wall_ms, kind, checked[FRAME_HEADER_BYTES - _CHECKSUM_BYTES :])


def frame_start(header: bytes) -> tuple[int, int, int]:
    """(sequence, kind, bytes of the payload) of the frame with this header, which nobody has verified."""
    _, length, sequence, _, kind = _unpack_frame_header(header)
    return sequence, kind, length


def written_end(content: bytes) -> int:
    """Where the zeros at the end of a file begin: nothing was ever written there, the space was only reserved.

    The last zeros of the last frame, which may end in some, count as such.
    """
    end = len(content)
    while end:
        start = max(0, end - _ZERO_CHUNK_BYTES)
        chunk = content[start:end].rstrip(b"\0")
        if chunk:
            return start + len(chunk)
        end = start
    return 0


def looks_like_commit(content: bytes, offset: int, after_sequence: int) -> bool:
    """Whether a commit may begin at `offset`: a cheap test before the checksum, for a search through a whole file."""
    if len(content) - offset < FRAME_HEADER_BYTES + _ENTRY.size + SMALLEST_DOCUMENT_BYTES:
        return False
    _, length, sequence, wall_ms, _ = _FRAME.unpack_from(content, offset)
    if sequence <= after_sequence or sequence >> 32 < wall_ms // 1000 or length > len(content) - offset:
        return False
    head_bytes: int = _INT32.unpack_from(content, offset + FRAME_HEADER_BYTES + _ENTRY.size)[0]
    return bool(SMALLEST_DOCUMENT_BYTES <= head_bytes <= length - _ENTRY.size)


def pack_mark(store_uuid: bytes, number: int, offset: int) -> bytes:
    """The payload of a mark frame."""
    return _MARK.pack(store_uuid, number, offset)


def parse_mark(payload: bytes) -> Mark:
    """What a mark frame's payload says. errors: struct.error if it has not the length of one."""
    _, number, offset = _MARK.unpack(payload)
    return Mark(number, offset)


def entry(record_id: int, head: bytes, documents: Sequence[bytes]) -> bytes:
    """The bytes of one entry.

    record_id   of the first document
    head        a BSON document
    documents   raw BSON documents
    """
    return b"".join((_ENTRY.pack(record_id, len(documents)), head, *documents))


def entry_head(piece: bytes) -> bytes:
    """The head of the entry that begins with these bytes."""
    (length,) = _unpack_int32(piece, ENTRY_BYTES)
    return piece[ENTRY_BYTES : ENTRY_BYTES + length]


def entry_pieces(record_id: int, head: bytes, documents: Sequence[bytes], interrupt: Interrupt) -> list[bytes]:
    """The bytes of one entry of many documents, in pieces of a moderate number of documents each; see `entry`."""
    pieces = [_ENTRY.pack(record_id, len(documents)) + head]
    for start in range(0, len(documents), _PIECE_COUNT):
        pieces.append(b"".join(documents[start : start + _PIECE_COUNT]))
        interrupt.check()
    return pieces


def parse_entries(payload: bytes, sequence: int = 0, offset: int = 0) -> list[Entry]:
    """The entries of a commit's payload, in order.

    sequence   of the frame, for the message
    offset     where the payload begins in `payload`
    errors     ENTRY_MALFORMED: a document's length leads out of the payload
    """
    entries = []
    size = len(payload)
    while offset < size:
        if size - offset < _ENTRY_START_BYTES:
            raise storage.ENTRY_MALFORMED(sequence=sequence, offset=offset, reason="it ends within an entry")
        record_id, count, length = _unpack_entry_start(payload, offset)
        offset += ENTRY_BYTES
        end = offset + length
        if end > size or length < SMALLEST_DOCUMENT_BYTES:
            raise _no_document(sequence, offset)
        documents = documents_in(payload, count, sequence, end)
        entries.append(Entry(record_id, payload[offset:end], documents))
        offset = end + sum(map(len, documents))
    return entries


def documents_in(payload: bytes, count: int, sequence: int = 0, offset: int = 0) -> list[bytes]:
    """So many BSON documents that stand back to back from `offset` on.

    sequence   of the frame, for the message
    errors     ENTRY_MALFORMED
    """
    size, documents = len(payload), []
    for _ in range(count):
        if size - offset < SMALLEST_DOCUMENT_BYTES:
            raise _no_document(sequence, offset)
        (length,) = _unpack_int32(payload, offset)
        end = offset + length
        if end > size or length < SMALLEST_DOCUMENT_BYTES:
            raise _no_document(sequence, offset)
        documents.append(payload[offset:end])
        offset = end
    return documents


def _no_document(sequence: int, offset: int) -> ServerError:
    return storage.ENTRY_MALFORMED(sequence=sequence, offset=offset, reason="no document fits there")
