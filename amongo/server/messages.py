"""The messages of the wire protocol as they come: what a client sends is taken apart here.

Whatever comes from a socket is hostile until it has been looked at: every length is checked against the bytes that are
there, before anything is made of it. Documents are told apart by their lengths alone; what they hold is decoded, and
refused, by who runs the command. Source: manual, MongoDB Wire Protocol; the specifications of OP_MSG and OP_COMPRESSED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct
from typing import Any, Final, NamedTuple

import google_crc32c
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument

from amongo.errors import server as errors
from amongo.runtime.limits import LOOP_COMMAND_BYTES, MESSAGE_BYTES
from amongo.server.compression import Compressor, compressor_of
from amongo.values.codec import CODEC, decode_foreign

OP_REPLY: Final = 1
OP_QUERY: Final = 2004
OP_COMPRESSED: Final = 2012
OP_MSG: Final = 2013

CHECKSUM_PRESENT: Final = 1
MORE_TO_COME: Final = 1 << 1
EXHAUST_ALLOWED: Final = 1 << 16
_REQUIRED_FLAGS: Final = 0xFFFF  # a receiver has to know all of these bits

_HEADER: Final = Struct("<iiii")
_INT32: Final = Struct("<i")
_UINT32: Final = Struct("<I")
_COMPRESSED: Final = Struct("<iiB")
HEADER_BYTES: Final = _HEADER.size
_CHECKSUM_BYTES: Final = 4
_SMALLEST_DOCUMENT_BYTES: Final = 5
_BODY, _SEQUENCE = 0, 1
_NAME_BYTES: Final = 1024  # of a sequence or a namespace; all that mean something are shorter
_RAW_CODEC: Final = CODEC.with_options(document_class=RawBSONDocument)


Payload = bytes | memoryview
"""Bytes of a message."""


class Malformed(Exception):
    """Bytes that are no message: the connection they came by cannot go on."""


class Header(NamedTuple):
    """The header of a message.

    length        of the whole message, in bytes
    request_id    the sender's number of it
    response_to   the number of the message it answers
    opcode        what follows
    """

    length: int
    request_id: int
    response_to: int
    opcode: int


class Request(NamedTuple):
    """A command that a client has sent.

    request_id      the client's number of it
    database        where it is to run
    command         its document, BSON bytes
    sequences       array fields that came beside it, BSON bytes of each document
    wants_reply     False for `moreToCome`: an unacknowledged write
    allows_exhaust  further replies may follow the first without being asked for
    has_checksum    it came with a checksum, and the reply has one
    is_query        it came as OP_QUERY, and is answered by OP_REPLY
    compressor      what the message was compressed with; the reply is too. None for nothing
    document        the command decoded, if that has been done
    """

    request_id: int
    database: str
    command: bytes
    sequences: Mapping[str, Sequence[bytes]]
    wants_reply: bool = True
    allows_exhaust: bool = False
    has_checksum: bool = False
    is_query: bool = False
    compressor: Compressor | None = None
    document: dict[str, Any] | None = None


def parse_header(head: bytes | bytearray, start: int = 0) -> Header:
    """The header of a message, the 16 bytes from `start` on. errors: Malformed for a length that no message has."""
    header = Header._make(_HEADER.unpack_from(head, start))
    if not HEADER_BYTES <= header.length <= MESSAGE_BYTES:
        raise Malformed(f"a message of {header.length} bytes")
    return header


def check_length(length: int, most: int) -> None:
    """errors: Malformed for a message that is longer than its sender may send."""
    if length > most:
        raise Malformed(f"a message of {length} bytes, where {most} are allowed")


def parse_request(header: Header, payload: Payload) -> Request:
    """The command in a message.

    payload   what follows the header, `header.length` less 16 bytes
    errors    Malformed; ServerError for what can be answered: NO_DATABASE, UNKNOWN_FLAGS, WRONG_CHECKSUM
    """
    compressor = None
    if header.opcode == OP_COMPRESSED:
        header, payload, compressor = _decompressed(header, payload)
    if header.opcode == OP_MSG:
        return _parse_msg(header, payload, compressor)
    if header.opcode == OP_QUERY:
        return _parse_query(header, payload, compressor)
    raise Malformed(f"a message of kind {header.opcode}")


def inner_length(header: Header, payload: Payload) -> int:
    """How long a message is, in bytes, when it is decompressed; its own length if it is not compressed."""
    if header.opcode == OP_COMPRESSED and len(payload) >= _COMPRESSED.size:
        return max(header.length, HEADER_BYTES + int(_COMPRESSED.unpack_from(payload)[1]))
    return header.length


def _decompressed(header: Header, payload: Payload) -> tuple[Header, bytes, Compressor]:
    """(header, payload, compressor) of the message inside. errors: Malformed."""
    if len(payload) < _COMPRESSED.size:
        raise Malformed("a compressed message that is cut off")
    opcode, size, number = _COMPRESSED.unpack_from(payload)
    compressor = compressor_of(number)
    if compressor is None:
        raise Malformed(f"a message compressed in way {number}, which was not agreed on")
    if opcode == OP_COMPRESSED or not 0 <= size <= MESSAGE_BYTES - HEADER_BYTES:
        raise Malformed(f"a compressed message of kind {opcode} and {size} bytes")
    try:
        inside = compressor.decompress(bytes(payload[_COMPRESSED.size :]), size)
    except ValueError as error:
        raise Malformed(f"a compressed message that cannot be read: {error}") from None
    return header._replace(length=HEADER_BYTES + size, opcode=opcode), inside, compressor


# OP_MSG


def _parse_msg(header: Header, payload: Payload, compressor: Compressor | None) -> Request:
    if len(payload) < _UINT32.size:
        raise Malformed("an OP_MSG without flags")
    (flags,) = _UINT32.unpack_from(payload)
    if flags & _REQUIRED_FLAGS & ~(CHECKSUM_PRESENT | MORE_TO_COME):
        raise errors.UNKNOWN_FLAGS(flags=flags)
    end = len(payload)
    if flags & CHECKSUM_PRESENT:
        end -= _CHECKSUM_BYTES
        if compressor is None:
            _check_sum(header, payload, end)
    body, sequences = _sections(payload, _UINT32.size, end)
    document = _decoded(body)
    database = _database_of(body) if document is None else document.get("$db")
    if type(database) is not str:
        raise errors.NO_DATABASE()
    if not flags and compressor is None:
        return Request(header.request_id, database, body, sequences, document=document)
    return Request(
        header.request_id,
        database,
        body,
        sequences,
        wants_reply=not flags & MORE_TO_COME,
        allows_exhaust=bool(flags & EXHAUST_ALLOWED),
        has_checksum=bool(flags & CHECKSUM_PRESENT),
        compressor=compressor,
        document=document,
    )


def _check_sum(header: Header, payload: Payload, end: int) -> None:
    """errors: Malformed without room for a checksum, WRONG_CHECKSUM."""
    if end < _UINT32.size:
        raise Malformed("an OP_MSG without its checksum")
    found = google_crc32c.extend(google_crc32c.value(_HEADER.pack(*header)), bytes(payload[:end]))
    (told,) = _UINT32.unpack_from(payload, end)
    if found != told:
        raise errors.WRONG_CHECKSUM()


def _sections(payload: Payload, start: int, end: int) -> tuple[bytes, dict[str, list[bytes]]]:
    """(body, document sequences) of an OP_MSG. errors: Malformed."""
    if start < end and payload[start] == _BODY and _document_end(payload, start + 1, end) == end:
        return bytes(payload[start + 1 : end]), {}  # a body and nothing else, as of most commands
    body: bytes | None = None
    sequences: dict[str, list[bytes]] = {}
    place = start
    while place < end:
        kind = payload[place]
        place += 1
        if kind == _BODY:
            if body is not None:
                raise Malformed("an OP_MSG with two bodies")
            behind = _document_end(payload, place, end)
            body = bytes(payload[place:behind])
        elif kind == _SEQUENCE:
            behind = place + _length(payload, place, end)
            name, documents = _sequence(payload, place + _INT32.size, behind)
            if name in sequences:
                raise Malformed("an OP_MSG with two sequences of one name")
            sequences[name] = documents
        else:
            raise Malformed(f"a section of kind {kind}")
        place = behind
    if body is None:
        raise Malformed("an OP_MSG without a body")
    return body, sequences


def _sequence(payload: Payload, start: int, end: int) -> tuple[str, list[bytes]]:
    """(name, documents) of a document sequence."""
    name, place = _name(payload, start, end)
    documents = []
    while place < end:
        behind = _document_end(payload, place, end)
        documents.append(bytes(payload[place:behind]))
        place = behind
    return name, documents


def _name(payload: Payload, start: int, end: int) -> tuple[str, int]:
    """(the name that begins at a place, where it ends). errors: Malformed."""
    head = bytes(payload[start : min(end, start + _NAME_BYTES)])
    length = head.find(b"\0")
    if length < 0:
        raise Malformed("a name that does not end")
    try:
        return head[:length].decode(), start + length + 1
    except UnicodeDecodeError:
        raise Malformed("a name that is no text") from None


def _length(payload: Payload, place: int, end: int) -> int:
    """The length that stands at a place: of a section or document that begins there. errors: Malformed."""
    if end - place < _INT32.size:
        raise Malformed("a length that is cut off")
    length: int = _INT32.unpack_from(payload, place)[0]
    if not _SMALLEST_DOCUMENT_BYTES <= length <= end - place:
        raise Malformed(f"a length of {length} where {end - place} bytes are left")
    return length


def _document_end(payload: Payload, place: int, end: int) -> int:
    """Where the document that begins at a place ends. errors: Malformed."""
    behind = place + _length(payload, place, end)
    if payload[behind - 1]:
        raise Malformed("a document that does not end")
    return behind


def _decoded(body: bytes) -> dict[str, Any] | None:
    """A command decoded; None for a long one, and for one that cannot be: that is said where it is to run."""
    if len(body) > LOOP_COMMAND_BYTES:
        return None
    try:
        return decode_foreign(body)
    except (InvalidBSON, RecursionError):
        return None


def _database_of(body: bytes) -> object:
    """`$db` of a command, of which no more is decoded.

    errors   BODY_UNREADABLE
    """
    try:
        return RawBSONDocument(body, _RAW_CODEC).get("$db")
    except InvalidBSON as error:
        raise errors.BODY_UNREADABLE(reason=str(error)) from None


# OP_QUERY: only for handshakes, as old drivers begin


def _parse_query(header: Header, payload: Payload, compressor: Compressor | None) -> Request:
    """A command as an old driver sends it: a query of the collection `$cmd`. errors: Malformed."""
    namespace, place = _name(payload, _INT32.size, len(payload))
    database, _, collection = namespace.partition(".")
    if collection != "$cmd":
        raise Malformed("an OP_QUERY that is no command")
    start = place + 2 * _INT32.size
    behind = _document_end(payload, start, len(payload))
    body = bytes(payload[start:behind])
    return Request(header.request_id, database, body, {}, is_query=True, compressor=compressor, document=_decoded(body))
