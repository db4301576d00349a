"""Connections: how they come, what they may take, and how they end. On both event loops."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from bson import Int64, encode

from amongo import AsyncMongoClient
from amongo.runtime import sockets
from amongo.server import AsyncWireServer, connection, server, streams
from amongo.server.budget import Budget
from tests.server.hostile import body as section
from tests.server.hostile import flags, message, right_messages, sequence
from tests.server.raw_client import EXHAUST_ALLOWED, MORE_TO_COME, PATIENCE_S, RawClient, connected

pytestmark = pytest.mark.anyio
Document = dict[str, Any]
PING = {"ping": 1, "$db": "admin"}


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTION_LOOK_S", 0.01)


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[tuple[AsyncMongoClient[Document], AsyncWireServer, RawClient]]:
    """(the client of a store in memory, its server, a connection to it)."""
    client: AsyncMongoClient[Document]
    async with (
        AsyncMongoClient("memory://") as client,
        AsyncWireServer(client, port=0, **options) as serving,
        connected(serving.address) as raw,
    ):
        yield client, serving, raw


async def until(is_so: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - of things that tell nobody
            await anyio.sleep(0.001)


async def test_messages_that_come_at_once_and_in_pieces() -> None:
    async with served() as (_, _, raw):
        await raw.stream.send(message(flags(0) + section(PING)) * 3)
        for each in message(flags(0) + section(PING)):
            await raw.stream.send(bytes([each]))
        assert [(await raw.receive())[0]["ok"] for _ in range(4)] == [1.0] * 4


async def test_a_message_that_is_longer_than_the_buffer() -> None:
    async with served() as (_, serving, raw):
        text = "x" * 3_000_000
        assert (await raw.ask({"insert": "c", "documents": [{"_id": 1, "text": text}], "$db": "d"}))["n"] == 1
        reply = await raw.ask({"find": "c", "$db": "d"})
        assert reply["cursor"]["firstBatch"] == [{"_id": 1, "text": text}]
        assert serving._budget.left == server.CONNECTIONS_BYTES


async def test_writes_that_want_no_reply_and_come_without_a_pause() -> None:
    async with served() as (_, _, raw):
        for number in range(500):
            document = {"insert": "c", "documents": [{"_id": number}], "writeConcern": {"w": 0}, "$db": "d"}
            await raw.send(document, MORE_TO_COME)
        assert (await raw.ask({"count": "c", "$db": "d"}))["n"] == 500


async def test_only_so_many_are_let_in(caplog: pytest.LogCaptureFixture) -> None:
    async with AsyncMongoClient("memory://") as client, AsyncWireServer(client, port=0, connections=2) as serving:
        async with connected(serving.address) as first, connected(serving.address) as second:
            assert (await first.ask(PING))["ok"] == (await second.ask(PING))["ok"] == 1.0
            for _ in range(3):
                async with connected(serving.address) as third:
                    assert await third.is_ended()
            assert [each.message for each in caplog.records if "refused" in each.message] == [
                "connections are refused: 2 are open"
            ]
        await until(lambda: not serving.connections)
        async with connected(serving.address) as third:
            assert (await third.ask(PING))["ok"] == 1.0


@pytest.mark.parametrize("sent", [b"", b"\xff\0\0\0", message(flags(0) + section(PING))[:30]])
async def test_a_client_that_is_too_slow(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as (_, serving, patient), connected(serving.address) as slow:
        assert (await patient.ask(PING))["ok"] == 1.0
        (waiting,) = [each for each in serving._connections if each.peer.number == 1]
        await until(lambda: waiting._messages.is_idle)  # by the limits that hold now
        monkeypatch.setattr(streams, "CONNECTION_IDLE_S", 0.0)
        monkeypatch.setattr(streams, "CONNECTION_STALL_S", 0.0)
        await slow.send(PING)
        await slow.receive()
        if sent:
            await slow.stream.send(sent)
        assert await slow.is_ended()
        assert serving.connections == 1


async def test_a_client_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CONNECTION_STALL_S", 0.0)
    monkeypatch.setattr(sockets, "CONNECTION_STALL_S", 0.0)
    async with AsyncMongoClient("memory://") as client, AsyncWireServer(client, port=0) as serving:
        await client.d.c.insert_many([{"text": "x" * 1_000_000} for _ in range(15)])
        async with connected(serving.address) as raw, connected(serving.address) as other:
            for _ in range(4):
                await raw.send({"find": "c", "$db": "d"})
            await until(lambda: serving.connections == 1)
            assert (await other.ask(PING))["ok"] == 1.0


async def test_spoiled_messages_end_their_connection_alone(caplog: pytest.LogCaptureFixture) -> None:
    noises = [b"GET / HTTP/1.1\r\n\r\n", bytes(64), b"\xff" * 64, message(b"", 1), message(flags(0)), message(b"\1")]
    noises.append(message(flags(0) + sequence(b"documents", b"\x05\0\0\0\1")))
    async with served() as (_, serving, other):
        for noise in noises:
            caplog.clear()
            async with connected(serving.address) as raw:
                await raw.stream.send(noise)
                assert await raw.is_ended()
            assert len([each for each in caplog.records if each.levelno == logging.WARNING]) == 1
        assert (await other.ask(PING))["ok"] == 1.0


async def test_messages_of_every_kind_are_answered() -> None:
    async with AsyncMongoClient("memory://") as client, AsyncWireServer(client, port=0) as serving:
        for each in right_messages():
            async with connected(serving.address) as raw:
                await raw.stream.send(each + message(flags(0) + section(PING)))
                with anyio.fail_after(PATIENCE_S):
                    assert await raw.stream.receive()


@pytest.mark.parametrize(
    ("place", "byte"),
    [(b"hello", 0xFF), (b"\x06\0\0\0hello", 0x63), (b"\x10_id", 0x77)],
    ids=["text", "length", "type"],
)
async def test_documents_that_nobody_could_read_are_not_stored(place: bytes, byte: int) -> None:
    document = bytearray(encode({"_id": 1, "text": "hello"}))
    document[document.index(place)] = byte
    async with served() as (_, _, raw):
        insert = section({"insert": "c", "$db": "d"})
        await raw.stream.send(message(flags(0) + insert + sequence(b"documents", bytes(document))))
        assert (await raw.receive())[0]["code"] == 22
        assert (await raw.ask({"count": "c", "$db": "d"}))["n"] == 0


async def test_a_mistake_ends_its_connection_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: object, **__: object) -> bytes:
        raise RuntimeError("a mistake")

    async with served() as (_, serving, other), connected(serving.address) as raw:
        assert (await other.ask(PING))["ok"] == 1.0
        with monkeypatch.context() as patch:
            patch.setattr(connection, "pack_reply", mistaken)
            await raw.send(PING)
            assert await raw.is_ended()
        assert (await other.ask(PING))["ok"] == 1.0


async def test_a_streaming_hello_ends_with_the_server() -> None:
    async with served() as (_, serving, raw):
        known = (await raw.ask({"hello": 1, "$db": "admin"}))["topologyVersion"]
        asked = {"hello": 1, "topologyVersion": known, "maxAwaitTimeMS": Int64(1), "$db": "admin"}
        await raw.send(asked, EXHAUST_ALLOWED)
        told = [await raw.receive() for _ in range(3)]
        assert all(reply["ok"] == 1.0 and goes_on for reply, goes_on in told)
        async with connected(serving.address) as other:
            await other.send(asked | {"maxAwaitTimeMS": 10**7}, EXHAUST_ALLOWED)
            await until(lambda: serving.connections == 2)
            await serving.__aexit__(None, None, None)
            reply, goes_on = await other.receive()
            assert (reply["ok"], goes_on) == (1.0, False)
            assert await other.is_ended()
        await serving.__aenter__()


async def test_the_first_hello_says_who_the_client_is() -> None:
    async with served() as (_, _, raw):
        metadata = {"application": {"name": "abacus"}, "driver": {"name": "raw", "version": "1"}}
        await raw.ask({"hello": 1, "client": metadata, "compression": ["zlib", "lzma"], "$db": "admin"})
        (operation,) = (await raw.ask({"currentOp": 1, "$db": "admin"}))["inprog"]
        assert operation["appName"] == "abacus"


async def test_what_runs_is_answered_before_the_server_is_closed() -> None:
    async with AsyncMongoClient("memory://") as client, AsyncExitStack() as stack:
        async with AsyncWireServer(client, port=0) as serving:
            writer, follower, idle = [await stack.enter_async_context(connected(serving.address)) for _ in range(3)]
            opened = await follower.ask(
                {"aggregate": "c", "pipeline": [{"$changeStream": {}}], "cursor": {}, "$db": "d"}
            )
            cursor = Int64(opened["cursor"]["id"])
            await follower.send({"getMore": cursor, "collection": "c", "maxTimeMS": 10**6, "$db": "d"})
            assert (await idle.ask(PING))["ok"] == 1.0
            documents = [{"_id": each} for each in range(20_000)]
            await writer.send({"insert": "other", "documents": documents, "$db": "d"})
            instance: Any = client._runner.instance  # type: ignore[union-attr]
            await until(lambda: "d.other" in instance.store.catalog.by_namespace)  # it has begun
        assert (await writer.receive())[0]["n"] == 20_000
        assert (await follower.receive())[0]["code"] == 11600
        assert await idle.is_ended()
        assert await writer.is_ended()


async def test_an_exhaust_cursor_whose_client_goes_is_closed() -> None:
    async with AsyncMongoClient("memory://") as client, AsyncWireServer(client, port=0) as serving:
        await client.d.c.insert_many([{"text": "x" * 100_000} for _ in range(300)])
        async with connected(serving.address) as raw:
            cursor = Int64((await raw.ask({"find": "c", "batchSize": 1, "$db": "d"}))["cursor"]["id"])
            await raw.send({"getMore": cursor, "collection": "c", "batchSize": 2, "$db": "d"}, EXHAUST_ALLOWED)
            assert (await raw.receive())[1]
        await until(lambda: not serving.connections)
        instance: Any = client._runner.instance  # type: ignore[union-attr]
        assert instance.cursors.find(cursor) is None


async def test_what_a_client_that_has_gone_wanted_to_know_is_not_looked_for(anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("under trio nobody reads while a command runs")
    async with AsyncMongoClient("memory://") as client, AsyncWireServer(client, port=0) as serving:
        await client.d.c.insert_many([{"_id": each} for each in range(200)])
        endless = {"$reduce": {"input": {"$range": [0, 10**6]}, "initialValue": 0, "in": {"$add": ["$$value", 1]}}}
        instance: Any = client._runner.instance  # type: ignore[union-attr]
        async with connected(serving.address) as raw:
            pipeline = [{"$set": {"n": endless}}, {"$group": {"_id": "$n"}}]
            await raw.send({"aggregate": "c", "pipeline": pipeline, "cursor": {}, "$db": "d"})
            await until(lambda: len(instance.operations.all()) == 1)
        await until(lambda: not instance.operations.all() and not serving.connections)


async def test_a_unix_socket_that_a_dead_server_has_left(tmp_path: Path) -> None:
    path = tmp_path / "amongo.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    async with AsyncMongoClient("memory://") as client:
        async with AsyncWireServer(client, socket_path=path) as serving:
            async with connected(serving.address) as raw:
                assert (await raw.ask(PING))["ok"] == 1.0
            with pytest.raises(OSError, match="in use") as caught:
                await AsyncWireServer(client, socket_path=path).__aenter__()
            assert caught.value.errno == errno.EADDRINUSE
        assert not path.exists()
        path.write_text("a file of somebody's", encoding="utf-8")
        with pytest.raises(OSError, match="in use"):
            await AsyncWireServer(client, socket_path=path).__aenter__()
        assert path.read_text(encoding="utf-8") == "a file of somebody's"


@pytest.fixture
def has_ipv6() -> Iterator[None]:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    yield


async def test_ipv6(has_ipv6: None) -> None:
    async with AsyncMongoClient("memory://") as client, AsyncWireServer(client, host="::1", port=0) as serving:
        assert serving.address.startswith("[::1]:")
        async with connected(serving.address) as raw:
            assert (await raw.ask({"hello": 1, "$db": "admin"}))["me"] == serving.address


async def test_a_budget_is_given_to_who_came_first() -> None:
    budget = Budget(10)
    await budget.take(8)
    order: list[int] = []
    doomed = anyio.CancelScope()

    async def take(size: int, scope: anyio.CancelScope) -> None:
        with scope:
            await budget.take(size)
            order.append(size)

    async with anyio.create_task_group() as group:
        for count, size in enumerate((5, 9, 7, 1), 1):
            group.start_soon(take, size, doomed if size == 7 else anyio.CancelScope())
            await until(lambda count=count: len(budget._waiting) == count)  # type: ignore[misc]
        doomed.cancel()
        await until(lambda: len(budget._waiting) == 3)
        budget.give(8)
        await until(lambda: order == [5])
        budget.give(4)
        await until(lambda: order == [5, 9])
        budget.give(1)
        await until(lambda: order == [5, 9, 1])
    assert budget.left == 0
