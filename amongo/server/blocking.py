"""The server beside a blocking client: the same, on an event loop of its own in a thread of its own.

with MongoClient("local://data") as client, WireServer(client, port=27017) as server:
    server.wait_closed()
"""

from __future__ import annotations

from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio

from amongo.client.runner import Runner
from amongo.runtime.loops import Loop, current_loop
from amongo.runtime.workers import Completion, start_service
from amongo.server.server import AsyncWireServer

if TYPE_CHECKING:
    from amongo.client.sync import MongoClient


def loop_options() -> dict[str, Any]:
    """For `anyio.run`: the quickest event loop that is installed (uvloop comes with the extra `server`)."""
    return {"use_uvloop": find_spec("uvloop") is not None}


class WireServer:
    """Serves the store of a blocking client while its `with` block runs.

    address   host and port, or the path of the socket; once it serves
    """

    def __init__(self, client: MongoClient[Any], **options: Any) -> None:
        """
        options   those of `AsyncWireServer`
        errors    those of `AsyncWireServer`
        """
        self._client = client
        self._server = _Hosted(client, **options)
        self._begun = Completion()
        self._closed = Completion()
        self._loop: Loop | None = None
        self._ending: anyio.Event | None = None
        self._thread: Any = None

    @property
    def address(self) -> str:
        """Host and port, or the path of the socket; once it serves."""
        return self._server.address

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return self._server.connections

    def __enter__(self) -> Self:
        self._client.admin.command("ping")  # opens the store
        self._thread = start_service("server", self._host)
        try:
            self._begun.wait_blocking()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the server, as that of the async client is closed."""
        self._end()

    def wait_closed(self) -> None:
        """Wait until the server is closed."""
        self._closed.wait_blocking()

    def _end(self) -> None:
        if self._loop is not None and self._ending is not None:
            self._loop.post(self._ending.set)
        self._thread.join()

    def _host(self) -> None:
        """Run the event loop; in the thread."""
        try:
            anyio.run(self._serve, backend_options=loop_options())
        except BaseException as error:
            self._begun.set_exception(error)
        finally:
            self._closed.set_result()

    async def _serve(self) -> None:
        self._loop, self._ending = current_loop(), anyio.Event()
        async with self._server:
            self._begun.set_result()
            await self._ending.wait()


class _Hosted(AsyncWireServer):
    """A server whose store a blocking client has opened."""

    async def _opened(self) -> Any:
        return Runner(self._client._runner.instance) if isinstance(self._client._runner, Runner) else None
