"""Documents as server-sent events, for any ASGI framework.

`send_events` is an ASGI application's second half: it opens an asynchronous source, starts the response, and writes
the source's items to one client until the source ends, the client leaves or the server stops. A client that has the
response's head misses nothing: the source is open by then. `delivery` says how the parts work together and what bounds
them; here is the wire format, one event (source: HTML Standard, "Server-sent events"):

    id: 65f0c0ffee0ddf00d0000001
    event: update
    data: {"_id":"65f0c0ffee0ddf00d0000001","dep_delay":12}

A change event's id is its resume token, and heartbeats bring the token of a stream that had nothing to tell. A browser
that connects again sends the last one it has seen, and the stream goes on behind it. When that is no longer possible
(286, the history is gone), or the database refuses for another reason, the last event is named `error`; it also takes
the id away, so that a client that connects once more begins anew instead of meeting the same error for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from bson.objectid import ObjectId
from pymongo.errors import OperationFailure, PyMongoError

from amongo.integrations.bson_json import encode_json
from amongo.integrations.delivery import (
    BUFFERED_ITEMS,
    SEND_SECONDS,
    Delivery,
    Source,
    as_document,
    deliver,
    failure_document,
)

HEARTBEAT_SECONDS: Final = 15.0  # a comment this often, so that proxies keep the connection

HEADERS: Final = {
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # nginx would hold events back
}
MEDIA_TYPE: Final = "text/event-stream"

_CAN_RESUME: Final = "ResumableChangeStreamError"  # the label of failures that have nothing to do with the position

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Naming = Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class EventFormat:
    """How an item becomes an event.

    event         its name, the same for all or found by a function; None for an event without one
    event_id      a function that finds its id; None for events without ids
    is_extended   data as relaxed Extended JSON instead of plain JSON
    """

    event: str | Naming | None = None
    event_id: Naming | None = None
    is_extended: bool = False

    def encode(self, item: Any) -> bytes:
        """The event's bytes, with the empty line that ends it.

        errors   ValueError for an id or a name with a line break
        """
        identifier = self.event_id(item) if self.event_id is not None else None
        name = self.event(item) if callable(self.event) else self.event
        lines = [
            *([_field("id", identifier)] if identifier is not None else []),
            *([_field("event", name)] if name is not None else []),
            b"data: " + encode_json(as_document(item), is_extended=self.is_extended),
        ]
        return b"\n".join(lines) + b"\n\n"

    def encode_failure(self, failure: PyMongoError) -> bytes:
        """The event `error`, the last of its stream.

        What the database itself refuses it would refuse again from the same position, so the client loses its last id
        (an empty one, says the standard); after a broken connection to a cluster it keeps it and resumes.
        """
        resets = isinstance(failure, OperationFailure) and not failure.has_error_label(_CAN_RESUME)
        reset = b"id:\n" if resets else b""
        return reset + b"event: error\ndata: " + encode_json(failure_document(failure)) + b"\n\n"


def _field(name: str, value: str) -> bytes:
    if not value.isprintable():
        raise ValueError(f"the {name} of a server-sent event must be one printable line: {value!r}")
    return f"{name}: {value}".encode()


def document_id(document: Any) -> str | None:
    """The id of an event by default: the resume token of a change event, or a document's `_id` where it is text."""
    value = document.get("_id") if isinstance(document, Mapping) else None
    if isinstance(value, Mapping) and isinstance(value.get("_data"), str):
        token: str = value["_data"]
        return token
    return str(value) if isinstance(value, (ObjectId, str, int)) else None


@dataclass(frozen=True, slots=True)
class EventSettings:
    """The bounds of one stream, in seconds, milliseconds and events.

    retry_ms   what the client is told to wait before it connects again; None leaves it to the client
    """

    heartbeat_s: float = HEARTBEAT_SECONDS
    buffered_events: int = BUFFERED_ITEMS
    retry_ms: int | None = None
    send_s: float = SEND_SECONDS

    def __post_init__(self) -> None:
        if self.heartbeat_s <= 0 or self.send_s <= 0 or self.buffered_events < 1:
            raise ValueError("heartbeat and send seconds must be positive, and at least one event is buffered")


class _Position:
    """How far a change stream has read, as an id of its own: it comes with the heartbeats, and without an event.

    A browser takes it for its last id. So who was connected and heard nothing, because nothing happened or only what
    the pipeline leaves out, goes on from there, and not from an event that the history has long forgotten.
    """

    def __init__(self, is_wanted: bool) -> None:
        self._is_wanted = is_wanted
        self._token: str | None = None
        self._told: str | None = None

    def note(self, token: Any) -> None:
        """All events before `token` have been read; None: this no longer holds."""
        self._token = document_id({"_id": token}) if self._is_wanted and token is not None else None

    def take(self) -> bytes:
        """The line with the id; nothing if there is none, or if it has been told."""
        if self._token is None or self._token == self._told:
            return b""
        self._told = self._token
        return _field("id", self._token) + b"\n"


async def send_events(
    source: Source,
    receive: Receive,
    send: Send,
    *,
    head: Message,
    format: EventFormat,
    settings: EventSettings,
) -> None:
    """Open the source, start the response with `head`, and write the source's items to the client.

    It returns when the source has ended, the client has left, or the client has taken nothing for `settings.send_s`;
    the source is closed then, whatever happened.

    errors   what the source raises, except for the database's failures, which become the event `error`: the connection
             breaks, and the client connects again
    """
    position = _Position(format.event_id is document_id)

    async def write(chunk: bytes, more: bool = True) -> None:
        await send({"type": "http.response.body", "body": chunk, "more_body": more})

    async def begin(items: Any) -> None:
        position.note(getattr(items, "resume_token", None))
        first = b": connected\n" if settings.retry_ms is None else b"retry: %d\n" % settings.retry_ms
        await send(head)
        await write(first + position.take() + b"\n")

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    delivery = Delivery(
        begin=begin,
        encode=format.encode,
        encode_failure=format.encode_failure,
        send=write,
        until_gone=until_gone,
        buffered=settings.buffered_events,
        send_s=settings.send_s,
        silence=lambda: b": heartbeat\n" + position.take() + b"\n",
        note_token=position.note,
        silence_s=settings.heartbeat_s,
    )
    if await deliver(source, delivery):
        with suppress(OSError):
            await write(b"", more=False)
