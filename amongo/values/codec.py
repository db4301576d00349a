"""BSON bytes to canonical values and back.

Canonical values are what every room below the client works with (`CODEC` says how BSON types show in Python): every
date is a `DatetimeMS`, so that no date is out of range; int32 is `int` and int64 is `Int64`; a UUID stays the
`Binary` it was written as. The C codec of `bson` does the work. It turns a document shaped like a DBRef into a
`DBRef` and forgets the deprecated types; a document that may hold one of these is walked by `values.exact` instead,
which keeps everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import bson
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion

from amongo.runtime.limits import BSON_DEPTH
from amongo.values.exact import decode_exact, encode_exact

CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    document_class=dict,
    tz_aware=False,
    uuid_representation=UuidRepresentation.UNSPECIFIED,
    datetime_conversion=DatetimeConversion.DATETIME_MS,
)

# An element of a deprecated type (undefined 06, DBPointer 0C, symbol 0E): type byte, name, NUL. The patterns may match
# by chance inside other values; that costs time and never exactness.
_DEPRECATED = re.compile(rb"[\x06\x0c\x0e][^\x00]*\x00")
# In a short document more is known. Behind undefined comes another element, or the end of its document; that one may be
# the last of another, and then no letter follows, as it does where 06 00 00 00 is the length of a string. The others
# begin with a length, of which the upper half is zeros and the lower is not.
_UNDEFINED_IN_SHORT = re.compile(rb"\x06(?!\x00\x00\x00[ -~])[^\x00]*\x00[\x00-\x13\x7f\xff]")
_OTHERS_IN_SHORT = re.compile(rb"[\x0c\x0e][^\x00]*\x00(?!\x00\x00)..\x00\x00", re.DOTALL)
_SHORT_BYTES = 1 << 16
_NAMED_DEPRECATED = re.compile(rb"[\x06\x0c\x0e][^\x00]+\x00")


# The C functions behind `bson.decode` and `bson.encode`, without the checks of arguments that are known to be right: a
# quarter of a microsecond less each, on every hot path. A `bson` that hides them serves as well, more slowly.
decode_raw: Callable[[bytes, CodecOptions[Any]], Any] = getattr(bson, "_bson_to_dict", bson.decode)
encode_raw: Callable[[Mapping[str, Any], bool, CodecOptions[Any]], bytes] = getattr(bson, "_dict_to_bson", bson.encode)

_encode_in_order: Callable[..., bytes] | None = getattr(bson, "_dict_to_bson", None)

_DOLLAR = ord("$")
_REFERENCE = b"$ref\x00"  # a DBRef's first key

# Shorter documents are not nested too deep: each level takes seven bytes, but the innermost.
_DEEP_BYTES = 7 * BSON_DEPTH


def decode(raw: bytes) -> dict[str, Any]:
    """The document of `raw` as canonical values.

    errors   InvalidBSON of `bson.errors` for bytes that are not one whole BSON document
    """
    if _DOLLAR in raw and _REFERENCE in raw:
        return decode_exact(raw)
    return decode_raw(raw, CODEC)  # type: ignore[no-any-return]


def decode_foreign(raw: bytes) -> dict[str, Any]:
    """Like `decode`, for bytes that another program encoded: they may hold deprecated types."""
    if _DOLLAR in raw and _REFERENCE in raw:
        return decode_exact(raw)
    if _may_be_deprecated(raw):
        return _decode_doubtful(raw)
    return decode_raw(raw, CODEC)  # type: ignore[no-any-return]


def _decode_doubtful(raw: bytes) -> dict[str, Any]:
    """The document of bytes that may hold deprecated types; most do not, and are the same when they are encoded."""
    if _encode_in_order is not None and len(raw) < _DEEP_BYTES:
        try:
            document: dict[str, Any] = decode_raw(raw, CODEC)
            if _encode_in_order(document, False, CODEC, False) == raw:
                return document
        except (bson.errors.BSONError, RecursionError, ValueError):
            pass  # said by who decodes exactly
    return decode_exact(raw)


def _may_be_deprecated(raw: bytes) -> bool:
    """Whether bytes may hold an element of a deprecated type; to look for a byte takes a tenth of a pattern's time."""
    if len(raw) >= _SHORT_BYTES:
        return (0x06 in raw or 0x0C in raw or 0x0E in raw) and _DEPRECATED.search(raw) is not None
    if 0x06 in raw and _UNDEFINED_IN_SHORT.search(raw):
        return True
    return (0x0C in raw or 0x0E in raw) and _OTHERS_IN_SHORT.search(raw) is not None


def kept_whole(document: dict[str, Any], raw: bytes) -> dict[str, Any]:
    """What `decode` made of a document's bytes, or the same made anew where it lost a deprecated type.

    Few documents hold one, and to walk every document that is read would cost more than reading it. A document that is
    about to be written again, and whose bytes may hold one, is encoded once more: other bytes show the loss. (A value
    of a deprecated type whose field has the empty name goes unseen.)

    errors   InvalidBSON of `bson.errors`
    """
    if not _NAMED_DEPRECATED.search(raw):
        return document
    try:
        return document if encode_raw(document, False, CODEC) == raw else decode_exact(raw)
    except bson.errors.InvalidDocument:  # it was decoded exactly at once
        return document


def encode(document: Mapping[str, Any]) -> bytes:
    """The BSON bytes of a document of canonical values: `_id` first, the other fields in their order."""
    try:
        return encode_raw(document, False, CODEC)
    except bson.errors.InvalidDocument:
        return encode_exact(document)


def encode_in_order(document: Mapping[str, Any]) -> bytes:
    """Like `encode`, with `_id` where it stands: `encode` puts it first, as stored documents have it."""
    if _encode_in_order is None:
        return encode_exact(document)
    try:
        return _encode_in_order(document, False, CODEC, False)
    except bson.errors.InvalidDocument:
        return encode_exact(document)
