"""A live query on a web socket: the result first, then what changes in it, each as one JSON message.

A client keeps the list that the query describes by doing what the messages say; `examples/fastapi_app` has a page that
does. `delivery` says how a client that is slow, or gone, is treated.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import anyio
from pymongo.errors import PyMongoError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

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

GOODBYE_SECONDS: Final = 1.0  # for the closing handshake's first half
_NORMAL: Final = 1000  # source: RFC 6455, 7.4.1
_INTERNAL_ERROR: Final = 1011
_TRY_AGAIN_LATER: Final = 1013


async def live_socket(
    websocket: WebSocket,
    source: Source,
    *,
    buffered_messages: int = BUFFERED_ITEMS,
    send_seconds: float = SEND_SECONDS,
    is_extended: bool = False,
) -> None:
    """Serve one client of a live query until it leaves or the query ends; accepts the socket if that is still to do.

    source              `collection.live(...)`, or any asynchronous iterable of documents or diffs, or an awaitable that
                        gives one; it is closed at the end
    buffered_messages   diffs made ahead for a slow client; when they are that many the query waits and catches up later
                        from the history: the client misses nothing
    send_seconds        a client that takes nothing for this long is closed with 1013, "try again later"
    is_extended         messages as relaxed Extended JSON
    errors              what is not the database's word, after the socket was closed with 1011. What the database
                        refuses is the last message, `{"kind": "error", "code": 286, "codeName": …}`, before 1011

    What the client sends is read and passed over. The server's own pings find a connection that has broken.
    """
    has_failed = False

    def encode_failure(failure: PyMongoError) -> str:
        nonlocal has_failed
        has_failed = True
        return _text({"kind": "error"} | failure_document(failure), is_extended)

    async def begin(_: object) -> None:
        """Nothing comes before the result."""

    async def send(message: str) -> None:
        try:
            await websocket.send_text(message)
        except WebSocketDisconnect as gone:
            raise ConnectionResetError(str(gone)) from gone

    async def until_gone() -> None:
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass

    delivery = Delivery(
        begin=begin,
        encode=lambda item: _text(as_document(item), is_extended),
        encode_failure=encode_failure,
        send=send,
        until_gone=until_gone,
        buffered=buffered_messages,
        send_s=send_seconds,
    )
    if websocket.application_state is WebSocketState.CONNECTING:
        try:
            await websocket.accept()
        except (OSError, WebSocketDisconnect):
            return
    try:
        has_ended = await deliver(source, delivery)
    except Exception:
        await _close(websocket, _INTERNAL_ERROR)
        raise
    await _close(websocket, _INTERNAL_ERROR if has_failed else _NORMAL if has_ended else _TRY_AGAIN_LATER)


def _text(document: Any, is_extended: bool) -> str:
    return encode_json(document, is_extended=is_extended).decode()


async def _close(websocket: WebSocket, code: int) -> None:
    """Say goodbye to a client that is there."""
    if WebSocketState.DISCONNECTED in (websocket.client_state, websocket.application_state):
        return
    with anyio.move_on_after(GOODBYE_SECONDS), suppress(OSError, RuntimeError, WebSocketDisconnect):
        await websocket.close(code)
