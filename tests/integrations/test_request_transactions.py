"""A transaction for a request: how it ends, with FastAPI's dependency and with Starlette alone.

The database's side is a session that notes what it is told; `test_web_streams` has the real one.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.write_concern import WriteConcern

from amongo import AsyncClientSession
from amongo.integrations.fastapi import Transaction, get_session, transaction
from amongo.integrations.transactions import COMMIT_TRIES, in_transaction

pytestmark = pytest.mark.anyio

CONFLICT = OperationFailure("write conflict", 112, {"errorLabels": ["TransientTransactionError"]})
UNKNOWN = OperationFailure("no majority yet", 64, {"errorLabels": ["UnknownTransactionCommitResult"]})
REFUSED = OperationFailure("too late", 225)


class NotingSession:
    """Stands for a session; `commits` are the failures of the first commits, None for one that succeeds."""

    def __init__(self, *commits: PyMongoError | None) -> None:
        self.notes: list[Any] = []
        self.in_transaction = False
        self._commits = list(commits)

    async def start_transaction(self, **options: Any) -> None:
        self.in_transaction = True
        self.notes += [options] if options else []

    async def commit_transaction(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.in_transaction = False
        failure = self._commits.pop(0) if self._commits else None
        self.notes.append("committed" if failure is None else "commit failed")
        if failure is not None:
            raise failure

    async def abort_transaction(self) -> None:
        await anyio.lowlevel.checkpoint()  # where an abort that is not shielded would be cancelled
        self.in_transaction = False
        self.notes.append("aborted")


@asynccontextmanager
async def noting(session: NotingSession) -> AsyncIterator[AsyncClientSession]:
    async with in_transaction(session, write_concern=WriteConcern(1)) as given:  # type: ignore[arg-type]
        yield given


Act = Callable[[NotingSession], Any]


async def nothing(session: NotingSession) -> str:
    return "done"


async def not_found(session: NotingSession) -> str:
    raise HTTPException(404)


async def meets_another(session: NotingSession) -> str:
    raise CONFLICT


async def gives_up(session: NotingSession) -> str:
    await session.abort_transaction()
    return "not today"


START, BODY = "http.response.start", "http.response.body"
ENDS: list[tuple[str, Act, tuple[PyMongoError | None, ...], int, list[str]]] = [
    ("it returns", nothing, (), 200, ["committed"]),
    ("it raises an HTTPException", not_found, (), 404, ["aborted"]),
    ("it has aborted by itself", gives_up, (), 200, ["aborted"]),
    ("it meets another", meets_another, (), 503, ["aborted"]),
    ("its commit meets another", nothing, (CONFLICT,), 503, ["commit failed"]),
    ("its commit is unclear at first", nothing, (UNKNOWN, UNKNOWN), 200, ["commit failed"] * 2 + ["committed"]),
]


@pytest.mark.parametrize(("name", "act", "commits", "status", "expected"), ENDS, ids=[case[0] for case in ENDS])
async def test_ends(
    name: str, act: Act, commits: tuple[PyMongoError | None, ...], status: int, expected: list[str]
) -> None:
    session = NotingSession(*commits)
    app = FastAPI()
    app.dependency_overrides[get_session] = lambda: session

    @app.get("/")
    async def endpoint(given: Transaction) -> str:
        assert given is session and session.in_transaction
        answer: str = await act(session)
        return answer

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def noted(message: Any) -> None:
            session.notes.append(message["type"])
            await send(message)

        await app(scope, receive, noted)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(watched), base_url="http://test") as http:
        answer = await http.get("/")
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == ("1" if status == 503 else None)
    assert session.notes == [*expected, START, BODY]  # whatever became of it, before the answer


RAISES: list[tuple[str, tuple[PyMongoError | None, ...], PyMongoError]] = [
    ("a commit that is refused", (REFUSED,), REFUSED),
    ("a commit that stays unclear", (UNKNOWN,) * COMMIT_TRIES, UNKNOWN),
]


@pytest.mark.parametrize(("name", "commits", "expected"), RAISES, ids=[case[0] for case in RAISES])
async def test_failed_commits(name: str, commits: tuple[PyMongoError | None, ...], expected: PyMongoError) -> None:
    session = NotingSession(*commits)
    with pytest.raises(OperationFailure) as raised:
        async with noting(session):
            pass
    assert raised.value is expected
    assert "aborted" not in session.notes  # there is nothing to abort after a commit


async def test_a_mistake_aborts_and_is_raised() -> None:
    session = NotingSession()
    with pytest.raises(LookupError):
        async with noting(session):
            raise LookupError
    assert session.notes == [{"write_concern": WriteConcern(1)}, "aborted"]


async def test_cancelling_aborts() -> None:
    session = NotingSession()
    async with anyio.create_task_group() as tasks:

        async def handle() -> None:
            async with noting(session):
                tasks.cancel_scope.cancel()
                await anyio.sleep_forever()

        tasks.start_soon(handle)
    assert session.notes[1:] == ["aborted"]


async def test_a_transaction_with_options_has_the_scope_of_the_endpoint() -> None:
    session = NotingSession()
    app = FastAPI()
    app.dependency_overrides[get_session] = lambda: session

    @app.get("/")
    async def endpoint(given: Annotated[AsyncClientSession, transaction(max_commit_time_ms=5)]) -> str:
        return "done"

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        await http.get("/")
    assert session.notes == [{"max_commit_time_ms": 5}, "committed"]
    marker = transaction()
    assert isinstance(marker, type(Depends())) and marker.scope == "function"
