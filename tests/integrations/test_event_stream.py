"""Server-sent events, on asyncio and trio: what is sent, and how a stream ends."""

from collections.abc import AsyncIterator
from typing import Any, Self

import anyio
import anyio.lowlevel
import pytest
from bson import ObjectId, Timestamp
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from amongo.client.live import Diff
from amongo.integrations.delivery import BUFFERED_BYTES
from amongo.integrations.event_stream import EventFormat, EventSettings, document_id, send_events

ID = ObjectId("65f0c0ffee0ddf00d0000001")
QUIET = EventSettings()
HEAD: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}
PATIENCE_S = 60  # how long a test waits for what has to happen

FORMATS: list[tuple[str, EventFormat, Any, bytes]] = [
    ("data alone", EventFormat(), {"n": 1}, b'data: {"n":1}\n\n'),
    (
        "id and name",
        EventFormat(event="update", event_id=document_id),
        {"_id": ID},
        b'id: 65f0c0ffee0ddf00d0000001\nevent: update\ndata: {"_id":"65f0c0ffee0ddf00d0000001"}\n\n',
    ),
    (
        "a change event's resume token",
        EventFormat(event=lambda event: event["operationType"], event_id=document_id),
        {"_id": {"_data": "826"}, "operationType": "insert"},
        b'id: 826\nevent: insert\ndata: {"_id":{"_data":"826"},"operationType":"insert"}\n\n',
    ),
    ("no id in the document", EventFormat(event_id=document_id), {"_id": 1.5}, b'data: {"_id":1.5}\n\n'),
    ("line breaks stay inside", EventFormat(), {"a": "x\n\ny"}, b'data: {"a":"x\\n\\ny"}\n\n'),
    (
        "the result of a live query",
        EventFormat(event=lambda diff: diff.kind, event_id=document_id),
        Diff("result", Timestamp(5, 6), documents=[{"_id": 1}]),
        b'event: result\ndata: {"kind":"result","documents":[{"_id":1}],'
        b'"cluster_time":{"t":5,"i":6},"is_last":true}\n\n',
    ),
    (
        "a document that moves in it, whose id is null",
        EventFormat(),
        Diff("moved", Timestamp(5, 6), None, {"_id": None}, {"_id": None}, 0, 2),
        b'data: {"kind":"moved","_id":null,"from_index":2,"index":0,"document":{"_id":null},'
        b'"cluster_time":{"t":5,"i":6},"is_last":true}\n\n',
    ),
    ("extended", EventFormat(is_extended=True), {"_id": ID}, b'data: {"_id":{"$oid":"65f0c0ffee0ddf00d0000001"}}\n\n'),
]


@pytest.mark.parametrize(("name", "format", "document", "expected"), FORMATS, ids=[case[0] for case in FORMATS])
def test_formats(name: str, format: EventFormat, document: Any, expected: bytes) -> None:
    assert format.encode(document) == expected


LOST = OperationFailure("the history of before is gone", 286, {"codeName": "ChangeStreamHistoryLost"})
RESUMABLE = OperationFailure("no primary", 10107, {"errorLabels": ["ResumableChangeStreamError"]})

FAILURES: list[tuple[str, PyMongoError, bytes]] = [
    (
        "what the database refuses takes the id away",
        LOST,
        b'id:\nevent: error\ndata: {"code":286,"codeName":"ChangeStreamHistoryLost"}\n\n',
    ),
    ("a cluster in between keeps it", RESUMABLE, b'event: error\ndata: {"code":10107}\n\n'),
    ("a broken connection keeps it", AutoReconnect("gone"), b'event: error\ndata: {"codeName":"AutoReconnect"}\n\n'),
]


@pytest.mark.parametrize(("name", "failure", "expected"), FAILURES, ids=[case[0] for case in FAILURES])
def test_failures(name: str, failure: PyMongoError, expected: bytes) -> None:
    assert EventFormat().encode_failure(failure) == expected


@pytest.mark.parametrize("identifier", ["a\nb", "a\rb", "\0"])
def test_an_id_cannot_break_the_stream(identifier: str) -> None:
    with pytest.raises(ValueError, match="one printable line"):
        EventFormat(event_id=lambda _: identifier).encode({})


@pytest.mark.parametrize("bounds", [{"heartbeat_s": 0}, {"buffered_events": 0}, {"send_s": -1}])
def test_bounds_are_positive(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        EventSettings(**bounds)  # type: ignore[arg-type]


class Client:
    """The other end of the connection: keeps what it is sent, leaves when told, and may be slow."""

    def __init__(self, *, takes_s: float = 0, leaves_after: int | None = None) -> None:
        self.chunks: list[bytes] = []
        self.has_ended = self.has_head = False
        self.left = anyio.Event()
        self._takes_s = takes_s
        self._leaves_after = leaves_after

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message is HEAD:
            self.has_head = True
            return
        await anyio.sleep(self._takes_s)
        if message["body"]:
            self.chunks.append(message["body"])
        self.has_ended = not message["more_body"]
        if self._leaves_after is not None and len(self.chunks) >= self._leaves_after:
            self.left.set()


class Source:
    """Gives numbered documents, notes how many were taken and whether it was closed."""

    def __init__(self, documents: float, *, then: BaseException | None = None) -> None:
        self.taken = 0
        self.is_closed = False
        self._documents = documents
        self._then = then

    def __aiter__(self) -> AsyncIterator[dict[str, int]]:
        return self

    async def __anext__(self) -> dict[str, int]:
        await anyio.lowlevel.checkpoint()
        if self.taken >= self._documents:
            if self._then is not None:
                raise self._then
            raise StopAsyncIteration
        self.taken += 1
        return {"n": self.taken}

    async def close(self) -> None:
        await anyio.sleep(0.001)
        self.is_closed = True


async def stream(source: Any, client: Client, settings: EventSettings = QUIET) -> None:
    with anyio.fail_after(PATIENCE_S):
        await send_events(
            source, client.receive, client.send, head=HEAD, format=EventFormat(event_id=document_id), settings=settings
        )


@pytest.mark.anyio
async def test_all_documents_in_order_then_the_end() -> None:
    source, client = Source(200), Client()
    await stream(source, client)
    assert client.chunks == [b": connected\n\n", *(b'data: {"n":%d}\n\n' % n for n in range(1, 201))]
    assert client.has_ended
    assert source.is_closed


@pytest.mark.anyio
async def test_retry_comes_first() -> None:
    client = Client()
    await stream(Source(0), client, EventSettings(retry_ms=1500))
    assert client.chunks == [b"retry: 1500\n\n"]


async def awaited(source: Any) -> Any:
    """What `watch()` is without `await`."""
    await anyio.lowlevel.checkpoint()
    if isinstance(source, Exception):
        raise source
    return source


@pytest.mark.anyio
async def test_the_source_is_open_when_the_response_starts() -> None:
    class Entered(Source):
        async def __aenter__(self) -> Self:
            assert not client.has_head
            return self

        async def __aexit__(self, *_: object) -> None:
            await self.close()

    source, client = Entered(1), Client()
    await stream(awaited(source), client)
    assert client.has_head
    assert client.chunks == [b": connected\n\n", b'data: {"n":1}\n\n']
    assert source.is_closed


@pytest.mark.anyio
async def test_a_source_that_cannot_open_is_an_event() -> None:
    client = Client()
    await stream(awaited(LOST), client)
    assert client.has_head
    assert client.chunks == [b": connected\n\n", EventFormat().encode_failure(LOST)]
    assert client.has_ended


@pytest.mark.anyio
async def test_a_client_that_leaves_before_the_source_is_open_stops_it() -> None:
    stopped = anyio.Event()

    async def opening() -> Any:
        client.left.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()

    client = Client()
    await stream(opening(), client)
    assert stopped.is_set()
    assert not client.has_head


@pytest.mark.anyio
async def test_a_source_that_is_a_mistake_is_raised_before_the_response_starts() -> None:
    client = Client()
    with pytest.raises(TypeError, match="mistake"):
        await stream(awaited(TypeError("mistake")), client)
    assert not client.has_head


@pytest.mark.anyio
async def test_what_the_database_refuses_comes_after_all_that_it_gave() -> None:
    source, client = Source(70, then=LOST), Client()
    await stream(source, client)
    assert client.chunks[70:] == [b'data: {"n":70}\n\n', EventFormat().encode_failure(LOST)]
    assert client.has_ended
    assert source.is_closed


@pytest.mark.anyio
async def test_heartbeats_while_nothing_happens() -> None:
    class Silent(Source):
        async def __anext__(self) -> dict[str, int]:
            await anyio.sleep_forever()
            raise AssertionError

    source, client = Silent(0), Client(leaves_after=4)
    await stream(source, client, EventSettings(heartbeat_s=0.01))
    assert client.chunks[1:4] == [b": heartbeat\n\n"] * 3
    assert source.is_closed


class Changes(Source):
    """Stands for a change stream: what it gives between silences, and how far it has come."""

    alive = True

    def __init__(self, pauses: dict[int, int]) -> None:
        super().__init__(max(pauses))
        self.resume_token = {"_data": "0+"}
        self._pauses = dict(pauses)

    async def try_next(self) -> dict[str, Any] | None:
        await anyio.sleep(0.001)
        if self._pauses.get(self.taken, 0):
            self._pauses[self.taken] -= 1
            self.resume_token = {"_data": f"{self.taken}+"}
            return None
        if self.taken == self._documents:
            await anyio.sleep_forever()
        self.taken += 1
        self.resume_token = {"_data": f"{self.taken}"}
        return {"_id": self.resume_token}


@pytest.mark.anyio
async def test_no_position_is_ahead_of_or_behind_the_events_that_were_sent() -> None:
    """Wherever the connection breaks, the last id is that of the last event, or of a silence right behind it."""

    class Attentive(Client):
        async def send(self, message: Any) -> None:
            await super().send(message)
            if self.chunks and b"id: 40+" in self.chunks[-1]:
                self.left.set()

    source, client = Changes({0: 3, 7: 8, 8: 2, 20: 9, 40: 20}), Attentive(takes_s=0.001)
    await stream(source, client, EventSettings(heartbeat_s=0.002, buffered_events=3))
    sent, positions = 0, 0
    for chunk in client.chunks:
        (identifier,) = [line[4:] for line in chunk.decode().splitlines() if line.startswith("id: ")] or [None]
        sent += b"data: " in chunk
        assert identifier in (None, f"{sent}", f"{sent}+")
        positions += identifier is not None and identifier.endswith("+")
    assert sent == 40
    assert positions >= 2  # the first and the last at least


@pytest.mark.anyio
async def test_ids_of_ones_own_are_not_mixed_with_positions() -> None:
    client = Client(leaves_after=6)
    with anyio.fail_after(PATIENCE_S):
        await send_events(
            Changes({0: 2, 1: 5}),
            client.receive,
            client.send,
            head=HEAD,
            format=EventFormat(event_id=lambda _: "mine"),
            settings=EventSettings(heartbeat_s=0.005),
        )
    assert {line for chunk in client.chunks for line in chunk.splitlines() if line.startswith(b"id")} == {b"id: mine"}


@pytest.mark.anyio
async def test_a_client_that_leaves_closes_a_generator() -> None:
    closed = anyio.Event()

    async def forever() -> AsyncIterator[dict[str, int]]:
        try:
            while True:
                yield {"n": 0}
                await anyio.lowlevel.checkpoint()
        finally:
            closed.set()

    client = Client(leaves_after=10)
    await stream(forever(), client)
    assert closed.is_set()
    assert not client.has_ended


@pytest.mark.anyio
async def test_a_slow_client_makes_the_source_wait() -> None:
    source, client = Source(float("inf")), Client(takes_s=0.02, leaves_after=4)
    await stream(source, client, EventSettings(buffered_events=5))
    assert source.taken <= 4 + 5 + 2  # sent, buffered, and in the hands of the two tasks
    assert source.is_closed


@pytest.mark.anyio
async def test_large_documents_are_not_read_far_ahead() -> None:
    class Large(Source):
        async def __anext__(self) -> Any:
            return await super().__anext__() | {"filling": "x" * (BUFFERED_BYTES // 3)}

    source, client = Large(float("inf")), Client(takes_s=0.001, leaves_after=6)
    await stream(source, client)
    assert source.taken <= 6 + 4 + 1  # sent, more than room enough, and on its way
    source, client = Large(30), Client()
    await stream(source, client)
    assert len(client.chunks) == 31


@pytest.mark.anyio
async def test_a_client_that_takes_nothing_is_left() -> None:
    source, client = Source(float("inf")), Client(takes_s=60)
    await stream(source, client, EventSettings(send_s=0.02))
    assert client.chunks == []
    assert source.is_closed


@pytest.mark.anyio
async def test_a_connection_that_is_gone_ends_quietly() -> None:
    class Gone(Client):
        async def send(self, message: Any) -> None:
            raise OSError

    source = Source(3)
    await stream(source, Gone())
    assert source.is_closed


@pytest.mark.anyio
async def test_what_the_source_raises_is_raised_and_the_stream_does_not_end_well() -> None:
    source, client = Source(2, then=LookupError("history lost")), Client()
    with pytest.raises(LookupError, match="history lost"):
        await stream(source, client)
    assert not client.has_ended
    assert source.is_closed


@pytest.mark.anyio
async def test_cancelling_closes_the_source() -> None:
    source, client = Source(float("inf")), Client(takes_s=0.01)
    with anyio.move_on_after(0.05) as scope:
        await stream(source, client)
    assert scope.cancelled_caught
    assert source.is_closed
