"""Documents at the door: encoded once on entry, decoded from raw bytes on the way out.

In: a document becomes BSON bytes with the caller's codec options; a filter or an update becomes canonical values
(see `amongo.values`). Out: a batch of raw documents is decoded slice by slice, so that no decoding holds the event
loop for long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.errors import InvalidBSON
from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.errors import DocumentTooLarge

from amongo.client.failures import to_pymongo
from amongo.commands.malformed import unreadable
from amongo.runtime.limits import CODEC_SLICE_BYTES, CODEC_SLICE_COUNT, COMMAND_BYTES, DOCUMENT_BYTES
from amongo.values import codec
from amongo.values.codec import encode_raw
from amongo.values.key_bytes import OBJECT_ID_PREFIX, id_key

_INT32_MIN, _INT32_MAX = -(2**31), 2**31 - 1
_PLAIN_COUNT, _PLAIN_LENGTH = 8, 1024  # a filter with more values, or with a longer string, is encoded


def encode_document(document: Any, codec_options: CodecOptions[Any]) -> bytes:
    """The bytes of a document to insert.

    errors   bson's InvalidDocument and InvalidStringData, PyMongo's DocumentTooLarge; those of `check_raw`
    """
    raw = encode_raw(document, False, codec_options)
    if len(raw) > DOCUMENT_BYTES:
        raise document_too_large(len(raw))
    if type(document) is not dict and isinstance(document, RawBSONDocument):
        check_raw(raw)
    return raw


def check_raw(raw: bytes) -> None:
    """Refuse bytes that are not one whole document of valid UTF-8: they come from a RawBSONDocument, unread.

    errors   OperationFailure with the server's code 22 (InvalidBSON) or 15 (Overflow)
    """
    try:
        codec.decode_foreign(raw)
    except (InvalidBSON, RecursionError) as error:
        raise to_pymongo(unreadable(error)) from None


def document_too_large(size_bytes: int) -> DocumentTooLarge:
    """PyMongo's error for a document that no server takes."""
    return DocumentTooLarge(
        f"BSON document too large ({size_bytes} bytes) - the connected server supports "
        f"BSON document sizes up to {DOCUMENT_BYTES} bytes."
    )


def canonical_filter(filter: Any, codec_options: CodecOptions[Any]) -> dict[str, Any]:
    """A filter as canonical values; `{"_id": x}` of a type that is canonical already goes as it is, and comparisons
    with such values need not be encoded."""
    if type(filter) is dict and len(filter) == 1 and "_id" in filter:
        value = filter["_id"]
        kind = type(value)
        if kind is ObjectId or (kind is str and value.isascii()) or (kind is int and _INT32_MIN <= value <= _INT32_MAX):
            return filter
    elif not filter:
        return {}
    plain = _plain_copy(filter, is_nested=False) if type(filter) is dict else None
    return canonical({"v": filter}, codec_options)["v"] if plain is None else plain


def _plain_copy(document: dict[Any, Any], *, is_nested: bool) -> dict[str, Any] | None:
    """A copy of a document of few values whose types are canonical already, in documents or not; None for another."""
    if len(document) > _PLAIN_COUNT:
        return None
    copy: dict[str, Any] = {}
    for name, value in document.items():
        if type(name) is not str or not name.isascii() or "\0" in name:
            return None
        kind = type(value)
        if kind is int:
            if not _INT32_MIN <= value <= _INT32_MAX:
                return None
        elif kind is str:
            if len(value) > _PLAIN_LENGTH or not value.isascii():
                return None
        elif kind is dict and not is_nested:
            value = _plain_copy(value, is_nested=True)
            if value is None:
                return None
        elif kind is not ObjectId and kind is not bool:
            return None
        copy[name] = value
    return copy


def point_key(filter: dict[str, Any]) -> bytes | None:
    """The key of x in `{"_id": x}`, for an x of the usual types; None for any other filter."""
    if len(filter) != 1 or "_id" not in filter:
        return None
    value = filter["_id"]
    kind = type(value)
    if kind is ObjectId:
        return OBJECT_ID_PREFIX + value.binary  # type: ignore[no-any-return]
    if (kind is str and value.isascii()) or (kind is int and _INT32_MIN <= value <= _INT32_MAX):
        return id_key(value)
    return None


def canonical(document: Mapping[str, Any], codec_options: CodecOptions[Any]) -> dict[str, Any]:
    """A document as canonical values, its types as the codec options write them.

    Wrap what has to keep its order in another document: encoding puts the `_id` of the outermost one first.

    errors   bson's; PyMongo's DocumentTooLarge for what no command has room for
    """
    raw = encode_raw(document, False, codec_options)
    if len(raw) > COMMAND_BYTES:
        raise DocumentTooLarge("command document too large")
    return codec.decode(raw)


def decode_reply(reply: Mapping[str, Any], codec_options: CodecOptions[Any]) -> Any:
    """A reply of the waist as the caller sees it: its canonical values and raw documents decoded."""
    return bson.decode(codec.encode(reply), codec_options)


def raw_of(document: Any) -> bytes:
    """The bytes of one document of a cursor's batch."""
    if type(document) is RawBSONDocument:
        return bytes(document.raw)
    return codec.encode(document)


class DocumentBuffer:
    """One batch of raw documents on its way to the caller.

    Holds bytes, and at most one decoded slice of `CODEC_SLICE_COUNT` documents and `CODEC_SLICE_BYTES` (or of one
    larger document).
    """

    __slots__ = ("_codec_options", "_position", "_raws", "ready")

    def __init__(self, codec_options: CodecOptions[Any]) -> None:
        self._codec_options = codec_options
        self._raws: list[bytes] = []
        self._position = 0
        self.ready: deque[Any] = deque()

    def __len__(self) -> int:
        """How many documents are left."""
        return len(self.ready) + len(self._raws) - self._position

    def fill(self, raws: list[bytes]) -> None:
        """Take over the next batch; the one before has to be used up."""
        self._raws = raws
        self._position = 0

    def clear(self) -> None:
        """Forget what is left."""
        self.ready.clear()
        self.fill([])

    def take(self) -> Any:
        """The next document.

        errors   IndexError when nothing is left
        """
        if not self.ready:
            self.ready.extend(self._decode_slice(None))
        return self.ready.popleft()

    def take_slice(self, limit: int | None) -> list[Any]:
        """The next documents, at most one slice and at most `limit`; empty when nothing is left."""
        if not self.ready:
            return self._decode_slice(limit)
        if limit is None or limit >= len(self.ready):
            taken = list(self.ready)
            self.ready.clear()
            return taken
        return [self.ready.popleft() for _ in range(limit)]

    def _decode_slice(self, limit: int | None) -> list[Any]:
        raws, start = self._raws, self._position
        count = CODEC_SLICE_COUNT if limit is None else min(limit, CODEC_SLICE_COUNT)
        end = min(len(raws), start + count)
        stop = start
        size_bytes = 0
        while stop < end and size_bytes < CODEC_SLICE_BYTES:
            size_bytes += len(raws[stop])
            stop += 1
        if stop == start:
            return []
        self._position = stop
        return self._decode(raws[start:stop] if stop - start < len(raws) else raws)

    def _decode(self, raws: list[bytes]) -> list[Any]:
        return bson.decode_all(b"".join(raws), self._codec_options)


class RawBatchBuffer(DocumentBuffer):
    """A batch that the caller gets as bytes: all its documents, one behind the other."""

    __slots__ = ()

    def fill(self, raws: list[bytes]) -> None:
        """Take over the next batch; an empty one gives nothing."""
        super().fill([b"".join(raws)] if raws else [])

    def _decode(self, raws: list[bytes]) -> list[Any]:
        return list(raws)


def raw_batch(documents: Iterable[Any]) -> list[bytes]:
    """The bytes of a batch in a command's reply."""
    return [raw_of(document) for document in documents]
