"""A server for one store: any MongoDB driver or tool connects to it.

    async with AsyncMongoClient("local://data") as client, AsyncWireServer(client, port=27017) as server:
        await server.wait_closed()

One task serves a connection. With `auth=True` nothing is allowed but to those who have said who they are; without it,
others than this very machine are not served unless that is said aloud.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import AsyncExitStack
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import anyio
from anyio.abc import TaskGroup
from pymongo.errors import ConfigurationError, ConnectionFailure

from amongo.client.runner import Runner
from amongo.commands.peer import Peer
from amongo.errors.administration import CERTIFICATES_UNREADABLE
from amongo.runtime.journal import Journal
from amongo.runtime.limits import CONNECTION_LOOK_S, CONNECTIONS, CONNECTIONS_BYTES, CONNECTIONS_DRAIN_S
from amongo.server.admission import Admission
from amongo.server.answering import Answering
from amongo.server.budget import Budget
from amongo.server.connection import Connection
from amongo.server.exposure import EVERY_ADDRESS, check_exposure, peer_of
from amongo.server.hello import Hello
from amongo.server.listening import Listener, listen_tcp, listen_unix
from amongo.server.streams import MessageStream
from amongo.server.tls import Secured, TlsOptions

if TYPE_CHECKING:
    from amongo.client import AsyncMongoClient
    from amongo.commands.instance import Instance

_LOG: Final = logging.getLogger("amongo.server")
DEFAULT_PORT: Final = 27017
LOOPBACK: Final = "127.0.0.1"
_UNRESTRICTED: Final = (
    "Access control is not enabled for the database. Read and write access to data and configuration is unrestricted"
)


class AsyncWireServer:
    """Serves the store of a client while its `async with` block runs.

    address            host and port, or the path of the socket; once it serves
    most_connections   how many clients at one time
    accepted, refused  connections since it serves
    """

    def __init__(
        self,
        client: AsyncMongoClient[Any] | Any,
        *,
        host: str = LOOPBACK,
        port: int = DEFAULT_PORT,
        socket_path: str | os.PathLike[str] | None = None,
        standalone: bool = False,
        test_commands: bool = False,
        connections: int = CONNECTIONS,
        auth: bool = False,
        bind_without_auth: bool = False,
        tls: TlsOptions | None = None,
        advertised: str | None = None,
    ) -> None:
        """
        host          an address of this machine
        port          0 for any that is free
        socket_path   serve a Unix socket instead, which only the user of this process can open
        standalone    say that it is a standalone server, not a replica set of one node
        test_commands allow failpoints to be set (`configureFailPoint`): for tests, never for data
        connections   how many clients at one time; more are not let in
        auth          let nobody do anything who has not said who they are, but make the first user from this machine
        bind_without_auth   serve a host that others reach though everybody may do everything
        tls           how connections are secured; None for not at all
        advertised    host and port by which clients are told to reach it; None for its address, or, where it serves all
                      addresses of the machine, the one that each client has reached
        errors        ConfigurationError for a host that others reach, without `auth`; for TLS that cannot be had
        """
        if socket_path is None:
            check_exposure(host, auth=auth, bind_without_auth=bind_without_auth)
        self.address = ""
        self._client = client
        self._host, self._port, self._socket_path = host, port, socket_path
        self._is_standalone = standalone
        self._test_commands = test_commands
        self._requires_auth = auth
        self._advertised = advertised
        self._secure = None if tls is None else Secured(tls.context())
        self.most_connections = connections
        self.accepted = self.refused = 0
        self._numbers = count(1)
        self._budget = Budget(CONNECTIONS_BYTES)
        self._connections: set[Connection] = set()
        self._is_full = self._is_closing = False
        self._ended = anyio.Event()  # set when a connection ends
        self._stack = AsyncExitStack()
        self._group: TaskGroup | None = None
        self._listener: Listener | None = None
        self._answering: Answering | None = None
        self._hello: Hello | None = None
        self._closed = anyio.Event()
        self._instance: Instance | None = None
        self._admission: Admission | None = None
        self._tls = tls

    async def __aenter__(self) -> Self:
        runner = await self._opened()
        if not isinstance(runner, Runner):
            raise ConnectionFailure("another process owns the store: serve it there, or end that process first")
        if self._test_commands:
            runner.instance.allow_test_commands()
        if self._socket_path is not None:
            self._listener = await listen_unix(self._socket_path)
        else:
            self._listener = await listen_tcp(self._host, self._port)
        self.address = self._listener.address
        self._answering = Answering(runner, is_standalone=self._is_standalone)
        shown = self._advertised or ("" if self._host in EVERY_ADDRESS else self.address)
        self._hello = Hello(shown, is_standalone=self._is_standalone)
        self._admission = Admission(runner.instance.parameters, runner.instance.clock.monotonic)
        self._group = await self._stack.enter_async_context(anyio.create_task_group())
        self._listener.begin(self._group, self._budget, self._serve, self._secure)
        self._group.start_soon(self._look_after)
        self._instance = runner.instance
        self._instance.services.append(self)
        self._note_beginning(self._instance.journal)
        return self

    async def _opened(self) -> Any:
        """What runs operations on the store of the client, which is open then."""
        await self._client.admin.command("ping")
        return self._client._runner

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Close the server: no more connections are accepted, those without a command end at once, the commands that
        run are answered, for `CONNECTIONS_DRAIN_S` seconds at most.
        """
        assert self._group is not None and self._listener is not None and self._instance is not None
        self._instance.services.remove(self)
        try:
            await self._listener.aclose()
            await self._drain()
        finally:
            self._group.cancel_scope.cancel()
            self._closed.set()
        return await self._stack.__aexit__(kind, error, trace)

    async def _drain(self) -> None:
        assert self._hello is not None
        self._is_closing = True
        self._hello.end()
        for connection in list(self._connections):
            connection.leave()
        with anyio.move_on_after(CONNECTIONS_DRAIN_S):
            while self._connections:
                self._ended = anyio.Event()
                await self._ended.wait()
        if self._connections:
            _LOG.warning("%d connections are closed with commands that run", len(self._connections))

    async def _serve(self, messages: MessageStream, addresses: Any, known: Any) -> None:
        """Serve one connection, if there is room for it."""
        if len(self._connections) >= self.most_connections:
            self.refused += 1
            if not self._is_full:
                self._is_full = True
                _LOG.warning("connections are refused: %d are open", len(self._connections))
            return
        assert self._answering is not None and self._hello is not None and self._admission is not None
        delay_s = self._admission.delay_s()
        if delay_s is None:
            self.refused += 1
            return
        if delay_s:
            await anyio.sleep(delay_s)
        connection = Connection(messages, self._peer(addresses, known), self._answering, self._hello)
        self._connections.add(connection)
        self.accepted += 1
        if self._is_closing:
            connection.leave()
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
            self._is_full = False
            self._ended.set()

    async def _look_after(self) -> None:
        """End the connections whose clients are too slow."""
        while True:
            await anyio.sleep(CONNECTION_LOOK_S)
            now_s = time.monotonic()
            for connection in list(self._connections):
                if connection.deadline_s < now_s:
                    connection.end("its client has sent or read nothing for too long")

    def _peer(self, addresses: Any, subject: str | None) -> Peer:
        remote, local = addresses
        return peer_of(
            next(self._numbers),
            remote,
            local,
            self.address,
            requires_auth=self._requires_auth,
            subject=subject,
            is_secure=self._secure is not None,
            is_standalone=self._is_standalone,
        )

    @property
    def options(self) -> dict[str, Any]:
        """How it was set up, as `getCmdLineOpts` shows it."""
        host, _, port = self.address.rpartition(":")
        net: dict[str, Any] = {"bindIp": host, "port": int(port)} if self._socket_path is None else {}
        if self._socket_path is not None:
            net["unixDomainSocket"] = {"enabled": True, "pathPrefix": os.path.dirname(self.address)}
        if self._tls is not None:
            net["tls"] = {"mode": "requireTLS", "certificateKeyFile": os.fspath(self._tls.certificate_key_file)}
        shown: dict[str, Any] = {"net": net}
        if self._requires_auth:
            shown["security"] = {"authorization": "enabled"}
        if self._test_commands:
            shown["setParameter"] = {"enableTestCommands": 1}
        return shown

    def rotate_certificates(self) -> None:
        """Read the certificates of TLS anew; connections that are open stay as they are.

        errors   CERTIFICATES_UNREADABLE, with which the old ones stay
        """
        if self._tls is not None and self._secure is not None:
            try:
                self._secure.context = self._tls.context()
            except ConfigurationError as error:
                raise CERTIFICATES_UNREADABLE(reason=error) from None

    def request_shutdown(self) -> None:
        """Close, as a client has asked; whoever waits in `wait_closed` goes on then. On the server's own loop."""
        assert self._group is not None
        self._group.start_soon(self._shut_down)

    def _note_beginning(self, journal: Journal) -> None:
        """Say in the log where it serves, and what everybody may do."""
        if not self._requires_auth:
            journal.note("CONTROL", _UNRESTRICTED, number=22120, level=logging.INFO, is_startup_warning=True)
        journal.note("NETWORK", "Waiting for connections", {"address": self.address}, number=23016)

    async def _shut_down(self) -> None:
        assert self._listener is not None
        await self._listener.aclose()
        await self._drain()
        self._closed.set()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def wait_closed(self) -> None:
        """Wait until the server is closed."""
        await self._closed.wait()
