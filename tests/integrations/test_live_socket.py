"""A live query on a web socket, on asyncio and trio: the messages, and how the socket ends.

The connection is played by the test; `test_web_streams` has a real server and a real client.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from bson import ObjectId, Timestamp
from pymongo.errors import OperationFailure
from starlette.websockets import WebSocket

from amongo.client.live import Diff
from amongo.integrations.starlette import live_socket

pytestmark = pytest.mark.anyio

ID = ObjectId("65f0c0ffee0ddf00d0000001")
PATIENCE_S = 60  # how long a test waits for what has to happen


class Peer:
    """The client's end: keeps the messages and the code of the end, leaves when told, and may take nothing more."""

    def __init__(self, *, leaves_after: int | None = None, takes: int | None = None) -> None:
        self.messages: list[dict[str, Any]] = []
        self.code: int | None = None
        self.is_accepted = False
        self.says: list[str] = ["hello", "anybody?"]
        self._takes = takes
        self._leaves_after = leaves_after
        self._left = anyio.Event()
        self._is_connecting = True

    def websocket(self) -> WebSocket:
        return WebSocket({"type": "websocket", "headers": []}, self.receive, self.send)

    async def receive(self) -> dict[str, Any]:
        await anyio.lowlevel.checkpoint()
        if self._is_connecting:
            self._is_connecting = False
            return {"type": "websocket.connect"}
        if self.says:
            return {"type": "websocket.receive", "text": self.says.pop()}
        await self._left.wait()
        return {"type": "websocket.disconnect", "code": 1001}

    async def send(self, message: Any) -> None:
        await anyio.lowlevel.checkpoint()
        if message["type"] == "websocket.accept":
            self.is_accepted = True
        elif message["type"] == "websocket.close":
            self.code = message["code"]
        else:
            if self._takes is not None and len(self.messages) >= self._takes:
                await anyio.sleep_forever()
            self.messages.append(json.loads(message["text"]))
            if self._leaves_after is not None and len(self.messages) >= self._leaves_after:
                self._left.set()


class Live:
    """Gives numbered diffs, then ends, raises, or waits for ever; notes what was taken and whether it was closed."""

    def __init__(self, diffs: float, *, then: Exception | None = None, waits: bool = False) -> None:
        self.taken = 0
        self.is_closed = False
        self._diffs = diffs
        self._then = then
        self._waits = waits

    async def __aenter__(self) -> "Live":
        return self

    async def __aexit__(self, *_: object) -> None:
        await anyio.lowlevel.checkpoint()
        self.is_closed = True

    def __aiter__(self) -> AsyncIterator[Diff[Any]]:
        return self  # type: ignore[return-value]

    async def __anext__(self) -> Diff[Any]:
        await anyio.lowlevel.checkpoint()
        if self.taken >= self._diffs:
            if self._waits:
                await anyio.sleep_forever()
            if self._then is not None:
                raise self._then
            raise StopAsyncIteration
        self.taken += 1
        if self.taken == 1:
            return Diff("result", Timestamp(1, 1), documents=[{"_id": ID, "n": 0}])
        return Diff("added", Timestamp(1, self.taken), ID, {"_id": ID, "n": self.taken}, None, 0)


async def serve(peer: Peer, live: Live, **options: Any) -> None:
    with anyio.fail_after(PATIENCE_S):
        await live_socket(peer.websocket(), live, **options)


async def test_the_result_then_diffs_then_the_end() -> None:
    peer, live = Peer(), Live(200)
    await serve(peer, live)
    assert peer.is_accepted
    assert peer.messages[:2] == [
        {
            "kind": "result",
            "documents": [{"_id": str(ID), "n": 0}],
            "cluster_time": {"t": 1, "i": 1},
            "is_last": True,
        },
        {
            "kind": "added",
            "_id": str(ID),
            "index": 0,
            "document": {"_id": str(ID), "n": 2},
            "cluster_time": {"t": 1, "i": 2},
            "is_last": True,
        },
    ]
    assert [message["document"]["n"] for message in peer.messages[1:]] == list(range(2, 201))
    assert peer.code == 1000
    assert live.is_closed


async def test_extended_json() -> None:
    peer = Peer()
    await serve(peer, Live(1), is_extended=True)
    assert peer.messages[0]["documents"] == [{"_id": {"$oid": str(ID)}, "n": 0}]


async def test_a_client_that_leaves_closes_the_query() -> None:
    peer, live = Peer(leaves_after=2), Live(2, waits=True)
    await serve(peer, live)
    assert live.is_closed
    assert peer.code is None  # there is nobody to say goodbye to


async def test_a_slow_client_makes_the_query_wait_and_is_asked_to_come_back() -> None:
    peer, live = Peer(takes=3), Live(float("inf"))
    await serve(peer, live, buffered_messages=5, send_seconds=0.02)
    assert len(peer.messages) == 3
    assert live.taken <= 3 + 5 + 2  # sent, buffered, and in the hands of the two tasks
    assert live.is_closed
    assert peer.code == 1013


async def test_what_the_database_refuses_is_the_last_message() -> None:
    lost = OperationFailure("gone", 286, {"codeName": "ChangeStreamHistoryLost"})
    peer, live = Peer(), Live(70, then=lost)
    await serve(peer, live)
    assert len(peer.messages) == 71
    assert peer.messages[-1] == {"kind": "error", "code": 286, "codeName": "ChangeStreamHistoryLost"}
    assert peer.code == 1011
    assert live.is_closed


async def test_a_mistake_ends_the_socket_and_is_raised() -> None:
    peer, live = Peer(), Live(1, then=LookupError("mistake"))
    with pytest.raises(LookupError, match="mistake"):
        await serve(peer, live)
    assert peer.code == 1011
    assert live.is_closed


async def test_a_connection_that_breaks_ends_quietly() -> None:
    class Broken(Peer):
        async def send(self, message: Any) -> None:
            if message["type"] == "websocket.send":
                raise OSError
            await super().send(message)

    live = Live(3)
    await serve(Broken(), live)
    assert live.is_closed


async def test_a_socket_that_was_accepted_is_not_accepted_again() -> None:
    peer = Peer()
    websocket = peer.websocket()
    await websocket.accept()
    peer.is_accepted = False
    with anyio.fail_after(PATIENCE_S):
        await live_socket(websocket, Live(1))
    assert not peer.is_accepted
    assert len(peer.messages) == 1


async def test_a_client_that_leaves_while_the_query_is_read_stops_it() -> None:
    stopped = anyio.Event()

    async def opening() -> Live:
        peer._left.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()
        return Live(1)

    peer = Peer()
    with anyio.fail_after(PATIENCE_S):
        await live_socket(peer.websocket(), opening())
    assert stopped.is_set()
    assert peer.messages == []


async def test_a_client_that_left_before_it_was_accepted() -> None:
    class Gone(Peer):
        async def send(self, message: Any) -> None:
            raise OSError

    live = Live(1)
    await serve(Gone(), live)
    assert live.taken == 0


async def test_cancelling_closes_the_query() -> None:
    live = Live(2, waits=True)
    async with anyio.create_task_group() as tasks:

        async def cancel_when_served(peer: Peer) -> None:
            while len(peer.messages) < 2:
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()

        peer = Peer()
        tasks.start_soon(serve, peer, live)
        tasks.start_soon(cancel_when_served, peer)
    assert live.is_closed
