"""Server-sent events, on asyncio and trio: what is sent, and how a stream ends."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from bson import ObjectId

from amongo.integrations.event_stream import EventFormat, EventSettings, document_id, send_events

ID = ObjectId("65f0c0ffee0ddf00d0000001")
QUIET = EventSettings()
PATIENCE_S = 60  # how long a test waits for what has to happen

FORMATS: list[tuple[str, EventFormat, dict[str, Any], bytes]] = [
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
    ("extended", EventFormat(is_extended=True), {"_id": ID}, b'data: {"_id":{"$oid":"65f0c0ffee0ddf00d0000001"}}\n\n'),
]


@pytest.mark.parametrize(("name", "format", "document", "expected"), FORMATS, ids=[case[0] for case in FORMATS])
def test_formats(name: str, format: EventFormat, document: dict[str, Any], expected: bytes) -> None:
    assert format.encode(document) == expected


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
        self.has_ended = False
        self.left = anyio.Event()
        self._takes_s = takes_s
        self._leaves_after = leaves_after

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
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
        await send_events(source, client.receive, client.send, format=EventFormat(), settings=settings)


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
