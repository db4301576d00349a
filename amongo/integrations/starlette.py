"""amongo in a Starlette application.

    app = Starlette(
        routes=[Route("/flights/{id}", flight)],
        lifespan=lifespan("local://data/flights", database="nycflights"),
    )

    async def flight(request: Request) -> BsonResponse:
        return BsonResponse(await get_collection(request, "flights").find_one({"_id": ...}))

The lifespan opens one client for the application and closes it at the end; `get_client`, `get_database` and
`get_collection` find it from a request or a websocket; `BsonResponse` writes documents, `sse` streams them as
server-sent events, `live_socket` keeps a web socket up to date; `transaction` puts what a handler does into one. The
same names serve FastAPI, where `amongo.integrations.fastapi` adds dependencies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.background import BackgroundTask
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from amongo.client import AsyncClientSession, AsyncCollection, AsyncDatabase, AsyncMongoClient
from amongo.integrations import event_stream
from amongo.integrations.bson_json import encode_json
from amongo.integrations.delivery import BUFFERED_ITEMS, Source
from amongo.integrations.event_stream import (
    HEARTBEAT_SECONDS,
    EventFormat,
    EventSettings,
    Naming,
    document_id,
)
from amongo.integrations.live_socket import live_socket
from amongo.integrations.transactions import in_transaction

__all__ = [
    "BsonResponse",
    "EventStreamResponse",
    "ExtendedBsonResponse",
    "document_id",
    "get_client",
    "get_collection",
    "get_database",
    "last_event_id",
    "lifespan",
    "live_socket",
    "resume_token",
    "sse",
    "transaction",
]

Client = AsyncMongoClient[dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]
Collection = AsyncCollection[dict[str, Any]]
Lifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any]]]
StatelessLifespan = Callable[[Any], AbstractAsyncContextManager[None]]

_STATE = "amongo"


@dataclass(frozen=True, slots=True)
class _Opened:
    """What the lifespan leaves for the requests: the client, and the name of the database they mean."""

    client: Client
    database: str | None


def lifespan(
    uri: str | Callable[[], Client],
    *,
    database: str | None = None,
    inner: Lifespan | StatelessLifespan | None = None,
    **options: Any,
) -> Lifespan:
    """A lifespan that opens a client when the application starts and closes it when it ends.

    uri        an address of `AsyncMongoClient`, or a function that makes the client
    database   the database that `get_database` gives; without it the address must name one
    inner      the application's own lifespan: it starts after the client is open and ends before it is closed, and
               finds the client with `get_client(app)`; the state that it yields is kept
    options    further options of `AsyncMongoClient`
    errors     at startup, what `AsyncMongoClient` and its first command raise: a bad address, a store that another
               process owns, a server that does not answer
    source     Starlette's documentation, "Lifespan"
    """

    @asynccontextmanager
    async def opened(app: Any) -> AsyncIterator[Mapping[str, Any]]:
        client: Client = uri() if callable(uri) else AsyncMongoClient(uri, **options)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(client.close)
            await client.admin.command("ping")
            found = _Opened(client, database)
            app.state.amongo = found
            stack.callback(delattr, app.state, _STATE)
            state = await stack.enter_async_context(inner(app)) if inner is not None else None
            yield {**(state or {}), _STATE: found}

    return opened


def _opened(source: Any) -> _Opened:
    """What the lifespan of the application of `source` (a request, a websocket or the application) has left."""
    app = source
    if isinstance(source, HTTPConnection):
        found = source.scope.get("state", {}).get(_STATE)
        if isinstance(found, _Opened):
            return found
        app = source.app
    found = getattr(getattr(app, "state", None), _STATE, None)
    if not isinstance(found, _Opened):
        raise RuntimeError(
            "this application has no open amongo client: give it lifespan=lifespan(uri) of amongo.integrations,"
            " and run it in a way that runs its lifespan (httpx.ASGITransport alone does not)"
        )
    return found


def get_client(source: Any) -> Client:
    """The application's client.

    source   a request, a websocket, or the application itself
    errors   RuntimeError when no lifespan of this module has run
    """
    return _opened(source).client


def get_database(source: Any, name: str | None = None) -> Database:
    """A database of the application's client: `name`, or the lifespan's `database`, or the one its address names.

    errors   RuntimeError without a lifespan, ConfigurationError when nothing names a database
    """
    opened = _opened(source)
    name = name or opened.database
    return opened.client[name] if name else opened.client.get_default_database()


def get_collection(source: Any, name: str, *, database: str | None = None) -> Collection:
    """A collection of a database of `get_database`; the same errors."""
    return get_database(source, database)[name]


class BsonResponse(Response):
    """A response whose content is a document, a list of documents or any other BSON value, as plain JSON.

    errors   TypeError for content that is not BSON; the mapping is in docs/guide/web.md
    """

    media_type = "application/json"
    is_extended: ClassVar[bool] = False

    def __init__(
        self,
        content: Any = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: BackgroundTask | None = None,
    ) -> None:
        super().__init__(content, status_code, headers, media_type, background)

    def render(self, content: Any) -> bytes:
        """The content as UTF-8 JSON."""
        return encode_json(content, is_extended=self.is_extended)


class ExtendedBsonResponse(BsonResponse):
    """The same as relaxed Extended JSON, from which every BSON type can be read back."""

    is_extended: ClassVar[bool] = True


_PLAIN_EVENTS = EventFormat(event_id=document_id)
_USUAL_BOUNDS = EventSettings()


class EventStreamResponse(Response):
    """A `text/event-stream` response over an asynchronous source of documents; `sse` makes it."""

    media_type = event_stream.MEDIA_TYPE

    def __init__(
        self,
        content: Source,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: BackgroundTask | None = None,
        *,
        format: EventFormat = _PLAIN_EVENTS,
        settings: EventSettings = _USUAL_BOUNDS,
    ) -> None:
        self.source = content
        self.format = format
        self.settings = settings
        self.status_code = status_code
        self.media_type = media_type or self.media_type
        self.background = background
        self.init_headers({**event_stream.HEADERS, **(headers or {})})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the source ends or the client leaves."""
        head = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await event_stream.send_events(
            self.source, receive, send, head=head, format=self.format, settings=self.settings
        )
        if self.background is not None:
            await self.background()


def sse(
    source: Source,
    *,
    event: str | Naming | None = None,
    event_id: Naming | None = document_id,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    buffered_events: int = BUFFERED_ITEMS,
    retry_ms: int | None = None,
    is_extended: bool = False,
    headers: Mapping[str, str] | None = None,
) -> EventStreamResponse:
    """Answer with server-sent events, one for each item of `source`.

    source              any asynchronous iterable of documents, such as a change stream, a cursor or a live query, or
                        an awaitable that gives one, such as `watch()` without `await`: it is opened before the
                        response starts, and closed when the client leaves
    event               the events' name, or a function that finds it in the document
    event_id            a function that finds the id; by default a change event's resume token or a document's `_id`
    heartbeat_seconds   a comment is sent after this long without an event; nothing is asked of the database
    buffered_events     events read ahead for a slow client; when they are that many the source waits
    retry_ms            how long the client is to wait before it connects again
    is_extended         data as relaxed Extended JSON
    errors              ValueError for bounds that are not positive. What the database refuses, now or later, is an
                        event named `error`, the last one: `{"code": 286, "codeName": "ChangeStreamHistoryLost"}`
    source              HTML Standard, "Server-sent events"
    """
    settings = EventSettings(heartbeat_s=heartbeat_seconds, buffered_events=buffered_events, retry_ms=retry_ms)
    return EventStreamResponse(
        source, headers=headers, format=EventFormat(event, event_id, is_extended), settings=settings
    )


def last_event_id(connection: HTTPConnection) -> str | None:
    """The id of the last event that a client which connects again has seen, or None."""
    return connection.headers.get("last-event-id") or None


def resume_token(connection: HTTPConnection) -> dict[str, str] | None:
    """The last event's id as a change stream's resume token, or None; for `watch(start_after=...)`.

    `start_after` rather than `resume_after`: it also goes on behind an `invalidate`, with which a stream ends when its
    collection is dropped.
    """
    last = last_event_id(connection)
    return {"_data": last} if last is not None else None


@asynccontextmanager
async def transaction(connection: HTTPConnection, **options: Any) -> AsyncIterator[AsyncClientSession]:
    """A session of the application's client in a transaction: committed at the block's end, aborted when it raises.

        async def swap(request: Request) -> BsonResponse:
            async with transaction(request) as session:
                ...
            return BsonResponse(...)

    options   of `AsyncClientSession.start_transaction`
    errors    HTTPException 503 with `Retry-After` when it met another transaction, in the block or at the commit
    """
    async with get_client(connection).start_session() as session, in_transaction(session, **options):
        yield session
