"""Change streams, live queries and transactions behind Starlette, on asyncio and trio.

The application runs in this process, without a server: so it shows what a stream leaves behind when its client goes.
`tests/examples` has the same over real connections.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from bson import Binary, Decimal128
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from amongo import AsyncMongoClient
from amongo.integrations.starlette import (
    BsonResponse,
    get_client,
    get_collection,
    lifespan,
    resume_token,
    sse,
    transaction,
)

pytestmark = pytest.mark.anyio

PATIENCE_S = 60  # how long a test waits for what has to happen
HEARTBEAT_S = 0.02
AWAIT_MS = 10  # how long the stream waits before it says how far it has come


async def changes(request: Request) -> Response:
    """All changes, or those of documents with `n`; in Extended JSON if that is asked for."""
    stream = get_collection(request, "things").watch(
        [{"$match": {"fullDocument.n": {"$exists": True}}}] if "numbered" in request.query_params else [],
        start_after=resume_token(request),
        max_await_time_ms=AWAIT_MS,
    )
    return sse(
        stream,
        event=lambda change: change["operationType"],
        heartbeat_seconds=HEARTBEAT_S,
        is_extended="extended" in request.query_params,
    )


async def live(request: Request) -> Response:
    """The two greatest `n`, kept up to date."""
    return sse(get_collection(request, "things").live({}, sort={"n": -1}, limit=2), event=lambda diff: diff.kind)


async def move(request: Request) -> Response:
    """Take from one account and give to the other; what is not there cannot be taken."""
    accounts = get_collection(request, "accounts")
    async with transaction(request) as session:
        moved = await request.json()
        await accounts.update_one({"_id": moved["to"]}, {"$inc": {"n": moved["n"]}}, session=session)
        await getattr(request.app.state, "barrier", anyio.lowlevel.checkpoint)()
        taken = await accounts.find_one_and_update(
            {"_id": moved["from"], "n": {"$gte": moved["n"]}}, {"$inc": {"n": -moved["n"]}}, session=session
        )
        if taken is None:
            raise HTTPException(409, "not enough")
    return BsonResponse({"moved": moved["n"]})


ROUTES = [Route("/changes", changes), Route("/live", live), Route("/move", move, methods=["POST"])]


@pytest.fixture
async def app(anyio_backend: str) -> AsyncIterator[Starlette]:
    app = Starlette(routes=ROUTES, lifespan=lifespan("memory://", database="web"))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def things(app: Starlette) -> Any:
    return get_collection(app, "things")


async def open_cursors(app: Starlette) -> int:
    status = await get_client(app).admin.command("serverStatus")
    number: int = status["metrics"]["cursor"]["open"]["total"]
    return number


class Listener:
    """A client of an endpoint with server-sent events, which reads them one by one and leaves at the end."""

    def __init__(self, app: Starlette, path: str, last: str | None = None) -> None:
        self._app = app
        path, _, query = path.partition("?")
        self._scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "headers": [] if last is None else [(b"last-event-id", last.encode())],
            "app": app,
        }
        self._sending, self._chunks = anyio.create_memory_object_stream[bytes](0)
        self._left = anyio.Event()
        self.last_id = last or ""

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200
        elif message["body"]:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                await self._sending.send(message["body"])
        elif not message["more_body"]:
            self._sending.close()

    async def block(self) -> dict[str, str]:
        """The next block of lines, heartbeats too; anyio.EndOfStream when the response has ended."""
        with anyio.fail_after(PATIENCE_S):
            lines = (await self._chunks.receive()).decode().splitlines()
        fields = {name: value.removeprefix(" ") for name, _, value in (line.partition(":") for line in lines if line)}
        self.last_id = fields.get("id", self.last_id)
        return fields

    async def event(self) -> tuple[str, Any]:
        """The next event's name and data."""
        while "data" not in (fields := await self.block()):
            pass
        return fields.get("event", "message"), json.loads(fields["data"])

    async def listen(self) -> None:
        """The application's side of the connection."""
        await self._app(self._scope, self._receive, self._send)

    def leave(self) -> None:
        """Close the connection."""
        self._left.set()
        self._chunks.close()
        self._sending.close()


@asynccontextmanager
async def listening(app: Starlette, path: str, last: str | None = None) -> AsyncIterator[Listener]:
    """A client for which the stream is open; at the end it leaves, and the application has noticed."""
    listener = Listener(app, path, last)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listener.listen)
        try:
            assert "" in await listener.block()  # the comment that comes first
            yield listener
        finally:
            listener.leave()


async def test_a_client_that_leaves_leaves_nothing_open(app: Starlette, things: Any) -> None:
    async with listening(app, "/changes") as one, listening(app, "/changes") as two:
        await things.insert_one({"_id": 1})
        assert (await one.event())[1]["documentKey"] == (await two.event())[1]["documentKey"] == {"_id": 1}
        assert await open_cursors(app) == 2
    assert await open_cursors(app) == 0
    for _ in range(20):
        async with listening(app, "/changes"):
            pass
    assert await open_cursors(app) == 0


async def test_values_in_extended_json(app: Starlette, things: Any) -> None:
    async with listening(app, "/changes?extended=1") as listener:
        await things.insert_one({"_id": 1, "price": Decimal128("1.10"), "raw": Binary(b"\0\xff")})
        name, change = await listener.event()
    assert name == "insert"
    assert change["fullDocument"] == {
        "_id": 1,
        "price": {"$numberDecimal": "1.10"},
        "raw": {"$binary": {"base64": "AP8=", "subType": "00"}},
    }


async def test_heartbeats_tell_how_far_the_stream_has_come(app: Starlette, things: Any) -> None:
    """What the pipeline leaves out is behind a client that has heard nothing of it."""
    async with listening(app, "/changes?numbered=1") as listener:
        first = listener.last_id
        await things.insert_many([{"_id": number} for number in range(10)])
        while listener.last_id == first:
            assert "data" not in await listener.block()
    assert listener.last_id > first
    await things.insert_one({"_id": 100, "n": 1})
    async with listening(app, "/changes", listener.last_id) as again:  # where nothing is left out
        assert (await again.event())[1]["documentKey"] == {"_id": 100}


async def test_a_stream_goes_on_behind_an_invalidate(app: Starlette, things: Any) -> None:
    async with listening(app, "/changes") as listener:
        await things.insert_one({"_id": 1})
        await things.drop()
        assert [(await listener.event())[0] for _ in range(3)] == ["insert", "drop", "invalidate"]
        with pytest.raises(anyio.EndOfStream):
            await listener.block()
    await things.insert_one({"_id": 2})
    async with listening(app, "/changes", listener.last_id) as again:
        name, change = await again.event()
    assert (name, change["documentKey"]) == ("insert", {"_id": 2})


async def test_history_that_is_gone_is_an_error_event_and_the_next_try_begins_anew(app: Starlette, things: Any) -> None:
    async with listening(app, "/changes") as listener:
        await things.insert_one({"_id": 1})
        await listener.event()
    filler = get_collection(app, "filler")
    for _ in range(5):
        await filler.insert_many([{"filling": bytes(1 << 20)} for _ in range(8)])  # more than a store in memory keeps
    async with listening(app, "/changes", listener.last_id) as late:
        assert await late.event() == ("error", {"code": 286, "codeName": "ChangeStreamHistoryLost"})
        assert late.last_id == ""
        with pytest.raises(anyio.EndOfStream):
            await late.block()
    async with listening(app, "/changes") as anew:
        await things.insert_one({"_id": 2})
        assert (await anew.event())[1]["documentKey"] == {"_id": 2}


async def test_a_live_query_as_events(app: Starlette, things: Any) -> None:
    await things.insert_many([{"_id": number, "n": number} for number in range(3)])
    async with listening(app, "/live") as listener:
        name, result = await listener.event()
        assert (name, [thing["n"] for thing in result["documents"]]) == ("result", [2, 1])
        await things.update_one({"_id": 0}, {"$set": {"n": 7}})
        told = [await listener.event() for _ in range(2)]
    assert [(name, diff["_id"], diff.get("from_index"), diff.get("index")) for name, diff in told] == [
        ("removed", 1, 1, None),
        ("added", 0, None, 0),
    ]
    assert listener.last_id == ""  # it cannot be resumed: each connection begins with the result


@asynccontextmanager
async def requests(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        with anyio.fail_after(PATIENCE_S):
            yield http


async def balances(client: AsyncMongoClient) -> list[int]:
    return [account["n"] async for account in client.web.accounts.find().sort("_id")]


async def test_a_transaction_commits_or_leaves_nothing(app: Starlette) -> None:
    client = get_client(app)
    await client.web.accounts.insert_many([{"_id": "a", "n": 10}, {"_id": "b", "n": 0}])
    async with requests(app) as http:
        assert (await http.post("/move", json={"from": "a", "to": "b", "n": 7})).json() == {"moved": 7}
        assert await balances(client) == [3, 7]
        refused = await http.post("/move", json={"from": "a", "to": "b", "n": 7})
        assert (refused.status_code, refused.text) == (409, "not enough")
        assert await balances(client) == [3, 7]


async def test_transactions_that_meet_are_503_for_one_of_them(app: Starlette) -> None:
    """Both requests have written their first account before either goes on to the one that the other has."""
    client = get_client(app)
    await client.web.accounts.insert_many([{"_id": "a", "n": 10}, {"_id": "b", "n": 10}])
    arrived, both = [], anyio.Event()

    async def barrier() -> None:
        arrived.append(1)
        if len(arrived) == 2:
            both.set()
        await both.wait()

    app.state.barrier = barrier
    answers: list[httpx.Response] = []

    async def post(moved: dict[str, Any]) -> None:
        answers.append(await http.post("/move", json=moved))

    async with requests(app) as http, anyio.create_task_group() as tasks:
        tasks.start_soon(post, {"from": "a", "to": "b", "n": 1})
        tasks.start_soon(post, {"from": "b", "to": "a", "n": 2})
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([200, 503], [503, 503])
    (refused, *_) = [answer for answer in answers if answer.status_code == 503]
    assert refused.headers["retry-after"] == "1"
    moved = sum(answer.json()["moved"] for answer in answers if answer.status_code == 200)
    assert await balances(client) in ([10, 10], [9, 11], [12, 8])
    assert sum(await balances(client)) == 20 and abs((await balances(client))[0] - 10) == moved
