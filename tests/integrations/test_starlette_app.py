"""Starlette without FastAPI: over HTTP against a uvicorn process, and in this process where more is to be seen."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pymongo.errors import ConfigurationError, InvalidOperation
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.websockets import WebSocket
from starlette_service import NOTE_ID, create_app

from amongo import AsyncMongoClient
from amongo.integrations.starlette import get_client, get_database, lifespan

HERE = Path(__file__).parent
PATIENCE_S = 120  # how long a test waits for what has to happen


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The service in a process of its own. It is handed a socket that listens already: requests wait until it is up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        command = [sys.executable, "-m", "uvicorn", "starlette_service:app", "--fd", str(listening.fileno())]
        command += ["--log-level", "warning", "--app-dir", str(HERE)]
        process = subprocess.Popen(command, cwd=HERE.parents[1], pass_fds=[listening.fileno()])
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        yield address
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) in (0, -15)


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=PATIENCE_S, trust_env=False) as client:
        yield client


def test_plain_and_extended_json_over_http(http: httpx.Client) -> None:
    plain = http.get(f"/notes/{NOTE_ID}")
    assert plain.json() == {"_id": str(NOTE_ID), "text": "first"}
    assert plain.headers["content-type"] == "application/json"
    extended = http.get(f"/notes/{NOTE_ID}", params={"extended": 1})
    assert extended.json() == {"_id": {"$oid": str(NOTE_ID)}, "text": "first"}


def test_status_and_headers(http: httpx.Client) -> None:
    missing = http.get(f"/notes/{'0' * 24}")
    assert (missing.status_code, missing.content) == (404, b"null")
    added = http.post("/notes", json={"text": "second"})
    assert (added.status_code, added.headers["x-added"]) == (201, "yes")
    assert http.get(f"/notes/{added.json()['id']}").json()["text"] == "second"


def test_inner_lifespan_state_and_database_name(http: httpx.Client) -> None:
    assert http.get("/greeting").text == "hello from notebook"


def test_a_mounted_application_finds_the_client(http: httpx.Client) -> None:
    assert http.get(f"/mounted/notes/{NOTE_ID}").json()["text"] == "first"


def test_a_cursor_as_server_sent_events(http: httpx.Client) -> None:
    http.post("/notes", json={"text": "third"})
    feed = http.get("/feed")
    assert feed.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert feed.headers["cache-control"] == "no-cache"
    events = feed.text.split("\n\n")
    assert events[0] == "retry: 10"
    first = dict(line.split(": ", 1) for line in events[1].splitlines())
    assert (first["id"], first["event"]) == (str(NOTE_ID), "note")
    assert json.loads(first["data"]) == {"_id": str(NOTE_ID), "text": "first"}
    resumed = http.get("/feed", headers={"last-event-id": str(NOTE_ID)})
    assert resumed.text == feed.text.replace(events[1] + "\n\n", "")


async def unused(*_: object) -> None:
    raise AssertionError("nothing is sent or received")


@pytest.mark.anyio
async def test_a_websocket_finds_the_client() -> None:
    app = create_app()
    async with app.router.lifespan_context(app):
        websocket = WebSocket({"type": "websocket", "app": app, "headers": []}, unused, unused)
        assert get_client(websocket) is get_client(app)


@pytest.mark.anyio
async def test_the_client_is_closed_after_the_inner_lifespan() -> None:
    app = create_app()
    async with app.router.lifespan_context(app):
        client = get_client(app)
        await client.admin.command("ping")
    assert app.state.has_ended_well
    with pytest.raises(InvalidOperation):
        await client.admin.command("ping")
    with pytest.raises(RuntimeError, match="no open amongo client"):
        get_client(app)


@pytest.mark.anyio
async def test_the_client_is_closed_when_the_inner_lifespan_fails() -> None:
    clients: list[AsyncMongoClient] = []

    def make() -> AsyncMongoClient:
        clients.append(AsyncMongoClient("memory://"))
        return clients[0]

    def failing(app: Starlette) -> None:
        raise LookupError("no configuration")

    opening = lifespan(make, inner=failing)  # type: ignore[arg-type]
    with pytest.raises(LookupError):
        async with opening(Starlette()):
            raise AssertionError("it started")
    with pytest.raises(InvalidOperation):
        await clients[0].admin.command("ping")


@pytest.mark.anyio
async def test_a_bad_store_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a store")
    with pytest.raises(ConfigurationError):
        async with lifespan(f"local://{tmp_path}/file")(Starlette()):
            raise AssertionError("it started")


@pytest.mark.anyio
async def test_the_address_names_the_database_when_the_lifespan_does_not() -> None:
    app = Starlette()
    async with lifespan("memory://shared_in_this_test/shop")(app):
        assert get_database(app).name == "shop"
        assert get_database(app, "other").name == "other"
    async with lifespan("memory://")(app):
        with pytest.raises(ConfigurationError):
            get_database(app)


def test_without_a_lifespan_the_error_says_what_to_do() -> None:
    app = Starlette()
    request = Request({"type": "http", "app": app, "headers": []})
    with pytest.raises(RuntimeError, match="lifespan=lifespan"):
        get_client(request)
