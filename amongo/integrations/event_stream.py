"""Documents as server-sent events, for any ASGI framework.

`send_events` is an ASGI application's second half: it reads documents from an asynchronous source and writes them to
one client until the source ends, the client leaves or the server stops. Two tasks share a bounded buffer: one reads
the source, the other sends; a client that reads slowly fills the buffer, and then the source waits. Nothing is
dropped here, and nothing grows.

On the wire, one event (source: HTML Standard, "Server-sent events"):

    id: 65f0c0ffee0ddf00d0000001
    event: update
    data: {"_id":"65f0c0ffee0ddf00d0000001","dep_delay":12}
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from bson.objectid import ObjectId

from amongo.integrations.bson_json import encode_json

HEARTBEAT_SECONDS: Final = 15.0  # a comment this often, so that proxies keep the connection
BUFFERED_EVENTS: Final = 64  # events read from the source before the client has taken them
SEND_SECONDS: Final = 30.0  # a client that takes nothing for this long is gone
CLOSE_SECONDS: Final = 5.0  # for the source to close

HEADERS: Final = {
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # nginx would hold events back
}
MEDIA_TYPE: Final = "text/event-stream"

_HEARTBEAT: Final = b": heartbeat\n\n"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Document = Mapping[str, Any]
Naming = Callable[[Document], str | None]


@dataclass(frozen=True, slots=True)
class EventFormat:
    """How a document becomes an event.

    event         its name, the same for all or found by a function; None for an event without one
    event_id      a function that finds its id; None for events without ids
    is_extended   data as relaxed Extended JSON instead of plain JSON
    """

    event: str | Naming | None = None
    event_id: Naming | None = None
    is_extended: bool = False

    def encode(self, document: Document) -> bytes:
        """The event's bytes, with the empty line that ends it.

        errors   ValueError for an id or a name with a line break
        """
        identifier = self.event_id(document) if self.event_id is not None else None
        name = self.event(document) if callable(self.event) else self.event
        lines = [
            *([_field("id", identifier)] if identifier is not None else []),
            *([_field("event", name)] if name is not None else []),
            b"data: " + encode_json(document, is_extended=self.is_extended),
        ]
        return b"\n".join(lines) + b"\n\n"


def _field(name: str, value: str) -> bytes:
    if not value.isprintable():
        raise ValueError(f"the {name} of a server-sent event must be one printable line: {value!r}")
    return f"{name}: {value}".encode()


def document_id(document: Document) -> str | None:
    """The id of an event by default: the resume token of a change event, or a document's `_id` where it is text."""
    value = document.get("_id")
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
    buffered_events: int = BUFFERED_EVENTS
    retry_ms: int | None = None
    send_s: float = SEND_SECONDS

    def __post_init__(self) -> None:
        if self.heartbeat_s <= 0 or self.send_s <= 0 or self.buffered_events < 1:
            raise ValueError("heartbeat and send seconds must be positive, and at least one event is buffered")


async def send_events(
    source: AsyncIterable[Document],
    receive: Receive,
    send: Send,
    *,
    format: EventFormat,
    settings: EventSettings,
) -> None:
    """Write the source's documents to one client, whose response has been started.

    It returns when the source has ended, the client has left, or the client has taken nothing for `settings.send_s`;
    the source is closed then, whatever happened.

    errors   what the source raises: the connection breaks, and the client connects again
    """
    writing, reading = anyio.create_memory_object_stream[bytes](settings.buffered_events)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read_source, source, format, writing)
            tasks.start_soon(_cancel_on_disconnect, receive, tasks.cancel_scope)
            await _send_buffered(reading, send, settings)
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise _only(group) from None
    finally:
        writing.close()
        reading.close()
        await _close(source)


async def _read_source(
    source: AsyncIterable[Document], format: EventFormat, buffer: MemoryObjectSendStream[bytes]
) -> None:
    async with buffer:
        async for document in source:
            await buffer.send(format.encode(document))


async def _cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _send_buffered(buffer: MemoryObjectReceiveStream[bytes], send: Send, settings: EventSettings) -> None:
    """Send what the buffer gives, or else heartbeats, until the source ends or the client is gone."""
    chunk = b": connected\n" if settings.retry_ms is None else b"retry: %d\n" % settings.retry_ms
    chunk += b"\n"
    try:
        while True:
            with anyio.fail_after(settings.send_s):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = _HEARTBEAT
            with anyio.move_on_after(settings.heartbeat_s):
                chunk = await buffer.receive()
    except anyio.EndOfStream:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except OSError:  # the server says in this way that the client has left; TimeoutError is one, too
        pass


async def _close(source: Any) -> None:
    """Close an asynchronous generator, a cursor or a change stream, even while being cancelled."""
    close = getattr(source, "aclose", None) or getattr(source, "close", None)
    if close is not None:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            closing = close()
            if isinstance(closing, Awaitable):
                await closing


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception of a group of one, at any depth; otherwise the group."""
    inner: BaseException = group
    while isinstance(inner, BaseExceptionGroup) and len(inner.exceptions) == 1:
        inner = inner.exceptions[0]
    return inner
