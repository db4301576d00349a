"""How a client comes to its store, and parts from it.

A client's operations are done by a `Runner`. Before the first one its place is taken by `Unopened`, which opens the
store and puts the runner there; so no operation has to ask whether the store is open.

Clients of this process with the same `local://` directory or the same `memory://` name share one open `Instance`,
counted here; or, where another process owns the store, one `Membership`, by which they reach the owner.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakValueDictionary

from pymongo.errors import ConfigurationError, ConnectionFailure, PyMongoError

from amongo.client.failures import to_pymongo, use_after_close
from amongo.client.runner import Runner
from amongo.client.sharing.attached import AttachedRunner
from amongo.client.sharing.membership import Membership
from amongo.client.sharing.places import CAN_SHARE
from amongo.commands.context import NO_SEQUENCES, Sequences
from amongo.commands.instance import Instance
from amongo.errors import ErrorCode, ServerError
from amongo.runtime import workers

if TYPE_CHECKING:
    from amongo.client.address import Address
    from amongo.client.client import AsyncMongoClient
    from amongo.client.transaction import SessionTransactions

_UNUSABLE_PATHS = {ErrorCode.InvalidPath, ErrorCode.NonExistentPath, ErrorCode.UnsupportedFormat}


class Operations(Protocol):
    """What a client asks of its runner; see `Runner`, and `AttachedRunner` for a store that another process owns."""

    @property
    def instance(self) -> Instance | None:
        """The open store; None before the first operation and after the last, and where another process owns it."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether the store has been opened and not yet closed."""
        ...

    @property
    def last_time(self) -> int:
        """The operation time of the last operation, as a sequence; 0 for none."""
        ...

    @property
    def numbers_writes(self) -> bool:
        """Whether a write that may be numbered has to be: its reply may be lost on the way."""
        ...

    async def journaled(self, sequence: int) -> None:
        """Wait until a commit is safe against power loss."""
        ...

    async def execute(self, request: Any, *, durable: bool = False, session: SessionTransactions | None = None) -> Any:
        """Run a request object of `amongo.commands`."""
        ...

    async def command(
        self,
        database: str,
        command: bytes,
        *,
        session_id: bytes | None = None,
        sequences: Sequences = NO_SEQUENCES,
    ) -> dict[str, Any]:
        """Run a command document."""
        ...

    async def breathe(self, *, is_patient: bool = False) -> None:
        """Give the event loop its turn when it is time."""
        ...


class Unopened:
    """Stands for the runner until the first operation, which opens the store."""

    instance: Final = None
    is_open: Final = False
    last_time: Final = 0
    numbers_writes: Final = False

    def __init__(self, client: AsyncMongoClient[Any], address: Address) -> None:
        self._client = client
        self._address = address

    async def open(self) -> Operations:
        """Open the store, on a worker if it is on disk, and give the runner.

        errors   ConfigurationError for a path that cannot be a store of this version, and for an owner of another
                 version; ConnectionFailure for a store that another process owns and does not share, OperationFailure
                 for a damaged one; InvalidOperation after close
        """
        if self._client._runner is not self:
            return self._client._runner
        try:
            if self._address.path is None:
                self._open_now()
            else:
                await workers.run(self._open_now)
        except ServerError as error:
            raise _opening_failure(error) from error
        except OSError as error:
            raise ConfigurationError(f"cannot open the store '{self._address.path}': {error}") from error
        return self._client._runner

    def _open_now(self) -> None:
        store = acquire(self._address)
        with self._client._lock:
            is_first = self._client._runner is self
            if is_first:
                runner = _runner(self._client, store)
                self._client._runner = runner
                _clients[id(self._client)] = self._client
        if is_first:
            if isinstance(runner, AttachedRunner):
                runner.stand_by()
            return
        release(self._address, store)  # another task was faster, or the client was closed meanwhile

    async def execute(self, request: Any, *, durable: bool = False, session: SessionTransactions | None = None) -> Any:
        """Open the store, then run the request."""
        return await (await self.open()).execute(request, durable=durable, session=session)

    async def command(
        self,
        database: str,
        command: bytes,
        *,
        session_id: bytes | None = None,
        sequences: Sequences = NO_SEQUENCES,
    ) -> dict[str, Any]:
        """Open the store, then run the command."""
        return await (await self.open()).command(database, command, session_id=session_id, sequences=sequences)

    async def journaled(self, sequence: int) -> None:
        """Wait for a commit, which only an open store can have made."""
        await (await self.open()).journaled(sequence)

    async def breathe(self, *, is_patient: bool = False) -> None:
        """Open the store, then give the event loop its turn."""
        await (await self.open()).breathe()


def _runner(client: AsyncMongoClient[Any], store: Instance | Membership) -> Runner | AttachedRunner:
    if isinstance(store, Instance):
        return Runner(store)
    return AttachedRunner(client, store, client._address) if store.instance is None else Runner(store.instance)


class _Closed:
    """Stands for the runner after the client was closed: every operation is refused with InvalidOperation."""

    instance: Final = None
    is_open: Final = False
    last_time: Final = 0
    numbers_writes: Final = False

    async def journaled(self, sequence: int) -> None:
        """Wait for what a point operation has committed: closing waited for it as well."""

    async def execute(self, request: Any, *, durable: bool = False, session: SessionTransactions | None = None) -> Any:
        """Refuse.

        errors   InvalidOperation
        """
        raise use_after_close()

    async def command(
        self,
        database: str,
        command: bytes,
        *,
        session_id: bytes | None = None,
        sequences: Sequences = NO_SEQUENCES,
    ) -> dict[str, Any]:
        """Refuse.

        errors   InvalidOperation
        """
        raise use_after_close()

    async def breathe(self, *, is_patient: bool = False) -> None:
        """Refuse.

        errors   InvalidOperation
        """
        raise use_after_close()


CLOSED: Operations = _Closed()


def adopt(client: AsyncMongoClient[Any], runner: Runner | AttachedRunner) -> None:
    """Make `client` the one client of an open instance, or of a fork that another process keeps."""
    client._runner = runner
    _clients[id(client)] = client


async def part(client: AsyncMongoClient[Any], address: Address) -> None:
    """Close `client`: refuse operations from now on, and give its store back; the last client closes it."""
    with client._lock:
        runner, client._runner = client._runner, CLOSED
        open_ids = [cursor._id for cursor in client._open_cursors if cursor._id and not cursor._killed]
        live_queries = list(client._live_queries)
    if isinstance(runner, Runner | AttachedRunner):
        runner.is_closed = True
        for live_query in live_queries:
            live_query._end()
        while client._forgotten_feeds:
            client._forgotten_feeds.popleft().end()
        cursor_ids = open_ids + [cursor_id for _, cursor_id in client._dead_cursors]
        await workers.run_surely(_let_go, address, runner, cursor_ids)


def _let_go(address: Address, runner: Runner | AttachedRunner, cursor_ids: list[int]) -> None:
    """Close what a client has left open in a store that others may go on with, and give the store back."""
    if isinstance(runner, AttachedRunner):
        runner.let_go(cursor_ids)
        release(runner.address, runner.membership)
    else:
        runner.instance.cursors.kill(cursor_ids)
        release(address, runner.instance)


def _opening_failure(error: ServerError) -> PyMongoError:
    if error.code in _UNUSABLE_PATHS:
        return ConfigurationError(error.message)
    if error.code == ErrorCode.DBPathInUse:
        return ConnectionFailure(error.message)
    return to_pymongo(error)


# The clients that have opened a store, by identity: those of one store are equal.
_clients: WeakValueDictionary[int, AsyncMongoClient[Any]] = WeakValueDictionary()


def _forget_after_fork() -> None:
    """In a forked child: a store on disk is the parent's alone. A client of one opens it anew when it is used.

    Stores in memory were copied with the process.
    """
    global _shares_lock
    _shares_lock = workers.Lock()
    for key, share in list(_shares.items()):
        share.lock = workers.Lock()
        if isinstance(share.store, Membership):
            share.store.forget()
        if not isinstance(share.store, Instance) or share.store.store.directory is not None:
            del _shares[key]
    for client in list(_clients.values()):
        client._lock = workers.Lock()
        if client._address.path is not None and isinstance(client._runner, Runner | AttachedRunner):
            client._runner = Unopened(client, client._address)
            client._dead_cursors.clear()
            client._open_cursors.clear()
            client._live_queries.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


class _Share:
    """One open store and how many clients use it. `lock` is held while it opens or closes."""

    def __init__(self) -> None:
        self.lock = workers.Lock()
        self.store: Instance | Membership | None = None
        self.users = 0


_shares: dict[tuple[str, str], _Share] = {}
_shares_lock = workers.Lock()


def acquire(address: Address) -> Instance | Membership:
    """The open store of `address`, opened if no client of this process has it open; blocks meanwhile.

    result   the instance; for a store that processes may share, this process's part in it
    errors   those of `Instance.open` and `Membership.join`
    """
    key = address.sharing_key
    if key is None:
        return Instance.open(None)
    with _shares_lock:
        share = _shares.setdefault(key, _Share())
        share.users += 1
    with share.lock:
        try:
            if share.store is None:
                share.store = _opened(address)
        except BaseException:
            _leave(key, share)
            raise
        return share.store


def _opened(address: Address) -> Instance | Membership:
    if address.path is None or not address.is_shared or not CAN_SHARE:
        return Instance.open(address.path)
    membership = Membership(address.path)
    membership.join()
    return membership


def release(address: Address, store: Instance | Membership) -> None:
    """Give back what `acquire` gave; the last user's release closes the store, and blocks meanwhile.

    store   or the instance of it, which one that this process has taken over has by now
    """
    key = address.sharing_key
    if key is None:
        store.close()
        return
    share = _shares[key]
    with share.lock:
        if _leave(key, share):
            last, share.store = share.store, None
            if last is not None:
                last.close()


def _leave(key: tuple[str, str], share: _Share) -> bool:
    """Count one user less; True if it was the last."""
    with _shares_lock:
        share.users -= 1
        return share.users == 0
