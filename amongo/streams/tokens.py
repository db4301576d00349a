"""Resume tokens: where an event stands in the log.

A token is `{"_data": hexadecimal text}`, and the order of the texts is the order of the events. Like the server's it
begins with the type byte of a timestamp and the cluster time; what follows is amongo's own: the number of the entry in
its commit, the number of the document in its entry. A *high water mark* stands before all events of its cluster time:
a stream that has seen everything up to a commit has the mark behind that, without an event of its own.
Source: manual, Change Streams, Resume Tokens.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final, NamedTuple

from bson import Timestamp

from amongo.errors import streams as errors
from amongo.values.types import alias
from amongo.values.wording import shown

HIGH_WATER_MARK: Final = 0
EVENT: Final = 128
NO_FRAGMENT: Final = -1

_TIMESTAMP: Final = 0x82  # the type byte of a timestamp in the server's order of values
_VERSION: Final = 1
_START: Final = Struct(">BQBB")  # type byte, sequence, version, kind
_PLACE: Final = Struct(">IIBi")  # entry, document, whether it is an invalidate, fragment + 1
_EVENT: Final = Struct(">BQBBIIBi")  # both
_TIME_BYTES: Final = 9
_EVENT_BYTES: Final = _EVENT.size


class ResumeToken(NamedTuple):
    """A place in the log. Tokens compare like their texts.

    sequence        of the commit, that is the cluster time
    kind            EVENT or HIGH_WATER_MARK
    entry           number of the entry in its commit
    document        number of the document, or of the event, in its entry
    is_invalidate   the place behind that event, where its stream has ended
    fragment        number of a fragment of a split event, from 0; NO_FRAGMENT for whole ones
    """

    sequence: int
    kind: int = EVENT
    entry: int = 0
    document: int = 0
    is_invalidate: bool = False
    fragment: int = NO_FRAGMENT

    @property
    def data(self) -> str:
        """The text."""
        sequence, kind, entry, document, is_invalidate, fragment = self
        if kind == HIGH_WATER_MARK:
            return _START.pack(_TIMESTAMP, sequence, _VERSION, kind).hex().upper()
        raw = _EVENT.pack(_TIMESTAMP, sequence, _VERSION, kind, entry, document, is_invalidate, fragment + 1)
        return raw.hex().upper()

    def as_document(self) -> dict[str, Any]:
        """The token as a document: `{"_data": text}`."""
        return {"_data": self.data}

    @property
    def cluster_time(self) -> Timestamp:
        """The cluster time."""
        return timestamp_of(self.sequence)

    @property
    def whole(self) -> ResumeToken:
        """The token of the whole event, for that of a fragment."""
        return self if self.fragment == NO_FRAGMENT else self._replace(fragment=NO_FRAGMENT)


def high_water_mark(sequence: int) -> ResumeToken:
    """The mark before all events of a sequence; behind a commit it is `high_water_mark(commit.sequence + 1)`."""
    return ResumeToken(sequence, HIGH_WATER_MARK)


def timestamp_of(sequence: int) -> Timestamp:
    """A sequence as cluster time."""
    return Timestamp(sequence >> 32, sequence & 0xFFFFFFFF)


def sequence_of(timestamp: Timestamp) -> int:
    """A cluster time as sequence."""
    return timestamp.time << 32 | timestamp.inc


def check_token(token: dict[str, Any]) -> None:
    """Refuse a document that does not look like a resume token.

    errors   TOKEN_DATA, TOKEN_TYPE_BITS
    """
    if type(token.get("_data")) is not str:
        raise errors.TOKEN_DATA(token=shown(token))
    if "_typeBits" in token and alias(token["_typeBits"]) != "binData":
        raise errors.TOKEN_TYPE_BITS(token=shown(token))


def parse_token(token: dict[str, Any]) -> ResumeToken:
    """The token of a document.

    errors   those of `check_token`; TOKEN_EMPTY, TOKEN_NOT_HEX, TOKEN_CORRUPT, TOKEN_WITHOUT_VERSION, TOKEN_VERSION,
             TOKEN_KIND, TOKEN_LENGTH
    """
    check_token(token)
    data: str = token["_data"]
    if not data:
        raise errors.TOKEN_EMPTY()
    try:
        raw = bytes.fromhex(data) if data.isalnum() else None
    except ValueError:
        raw = None
    if raw is None:
        raise errors.TOKEN_NOT_HEX()
    if raw[0] != _TIMESTAMP or len(raw) < _TIME_BYTES:
        raise errors.TOKEN_CORRUPT()
    if len(raw) == _TIME_BYTES:
        raise errors.TOKEN_WITHOUT_VERSION()
    if raw[_TIME_BYTES] != _VERSION:
        raise errors.TOKEN_VERSION(supported=_VERSION)
    if len(raw) < _START.size:
        raise errors.TOKEN_LENGTH(actual=len(raw), expected=_EVENT_BYTES)
    _, sequence, _, kind = _START.unpack_from(raw)
    if kind not in (HIGH_WATER_MARK, EVENT):
        raise errors.TOKEN_KIND(kind=kind)
    expected = _START.size if kind == HIGH_WATER_MARK else _EVENT_BYTES
    if len(raw) != expected:
        raise errors.TOKEN_LENGTH(actual=len(raw), expected=expected)
    if kind == HIGH_WATER_MARK:
        return high_water_mark(sequence)
    entry, document, is_invalidate, fragment = _PLACE.unpack_from(raw, _START.size)
    return ResumeToken(sequence, EVENT, entry, document, bool(is_invalidate), fragment - 1)
