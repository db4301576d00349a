"""The runner of a client whose store another process owns: each operation is asked of the owner.

When the owner is gone meanwhile, an operation waits for the next one and is asked again, where that is safe: reads, and
writes with a number, by which the store knows what was done already (`commands.retryable`); every write that may be
numbered is. Others fail with PyMongo's AutoReconnect. The cursors of the old owner are gone with it, and so are the
transactions that were open; a commit is asked again.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NoReturn

import bson
from pymongo import _csot
from pymongo.errors import AutoReconnect, ConnectionFailure, PyMongoError

from amongo.client.failures import from_reply, to_pymongo, use_after_close
from amongo.client.runner import Runner, command_name
from amongo.client.sharing.following import begun
from amongo.client.sharing.forms import to_form
from amongo.client.sharing.frames import ARROW, Broken, Message
from amongo.client.sharing.links import OwnerLost
from amongo.client.sharing.membership import Membership
from amongo.client.sharing.repeating import is_read, is_repeatable_write, numbered, whole_reply
from amongo.client.sharing.serving import perform
from amongo.commands.abort_transaction import AbortRequest
from amongo.commands.commit_transaction import CommitRequest
from amongo.commands.context import NO_CONTEXT, NO_SEQUENCES, Context, Sequences
from amongo.commands.delete import DeleteRequest
from amongo.commands.find import FindRequest
from amongo.commands.get_more import GetMoreRequest
from amongo.commands.insert import InsertRequest
from amongo.commands.instance import Instance
from amongo.commands.live import LiveRequest
from amongo.commands.update import UpdateRequest
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.errors import sharing as sharing_errors
from amongo.errors import transactions as transaction_errors
from amongo.runtime.limits import SHARING_WORKER_ATTACHMENTS
from amongo.runtime.turns import take_turn, turn
from amongo.runtime.workers import run

if TYPE_CHECKING:
    from amongo.client.address import Address
    from amongo.client.client import AsyncMongoClient
    from amongo.client.transaction import SessionTransactions

_RETRYABLE: Final = "RetryableWriteError"
_READS: Final = frozenset({FindRequest, GetMoreRequest})
_WRITES: Final = frozenset({InsertRequest, UpdateRequest, DeleteRequest})
_FAILURES: Final[dict[str, type[Exception]]] = {
    each.__name__: each for each in (TypeError, ValueError, OverflowError, ImportError, ModuleNotFoundError)
}


class _Numbers:
    """Sessions whose numbers make writes repeatable, for one write at a time each."""

    def __init__(self) -> None:
        self._free: deque[tuple[bytes, int]] = deque()

    def take(self) -> tuple[bytes, int]:
        """(session, number) of the next write."""
        try:
            session_id, number = self._free.pop()
        except IndexError:
            return uuid.uuid4().bytes, 1
        return session_id, number + 1

    def give_back(self, used: tuple[bytes, int]) -> None:
        """The write is done, one way or the other."""
        self._free.append(used)


class AttachedRunner:
    """Asks the owner of a store. The interface is that of `Runner`.

    fork      the number of the fork that it is about; None for the store itself
    address   of the store, which the client of a fork shares as well
    """

    instance: Final = None
    is_open: Final = True

    def __init__(
        self, client: AsyncMongoClient[Any], membership: Membership, address: Address, fork: int | None = None
    ) -> None:
        self.membership = membership
        self.address = address
        self.is_closed = False
        self.fork = fork
        self._client = client
        self._numbers = _Numbers()
        self._fork_time = 0

    def stand_by(self) -> None:
        """Run the client's operations here as soon as this process owns the store."""
        self.membership.call_when_owner(self._take_over)

    def belongs_to(self, client: AsyncMongoClient[Any]) -> None:
        """Be the runner of another client."""
        self._client = client

    def _take_over(self, instance: Instance) -> None:
        """This process owns the store now: its client's operations run here."""
        with self._client._lock:
            if self._client._runner is self:
                self._client._runner = Runner(instance)

    @property
    def last_time(self) -> int:
        """The operation time of the last operation, as a sequence."""
        return self.membership.links.last_time if self.fork is None else self._fork_time

    @property
    def numbers_writes(self) -> bool:
        """Whether a write that may be numbered should be: it may have to be asked for again."""
        return self._client.options.retry_writes

    # What a client asks

    async def execute(self, request: Any, *, durable: bool = False, session: SessionTransactions | None = None) -> Any:
        """Have the owner run a request of a hot command; its reply object.

        errors   PyMongo's, as `failures.to_pymongo` makes them; AutoReconnect and its kinds when the owner is gone
        """
        kind = type(request)
        if session is not None:
            try:
                context = session._operation_context(is_read=kind in _READS)
                return await self._in_transaction(request, context, durable)
            finally:
                session._learn()
        if kind is LiveRequest:
            return await self._begin_live(request)
        if kind is GetMoreRequest:
            try:
                return await self._asked(request, NO_CONTEXT, durable)
            except OwnerLost:
                if self.is_closed:
                    raise use_after_close() from None
                raise to_pymongo(errors.CURSOR_NOT_FOUND(cursor_id=request.cursor_id)) from None
        if kind not in _WRITES:
            asked = self._asked_surely if self._client.options.retry_reads else self._asked_plainly
            return await asked(request, NO_CONTEXT, durable)
        if not (self.numbers_writes and _may_be_numbered(request)):
            return await self._asked_plainly(request, NO_CONTEXT, durable)
        used = self._numbers.take()
        context = Context(session_id=used[0], number=used[1])
        try:
            reply = await self._asked_surely(request, context, durable)
        except AutoReconnect as failure:
            failure._add_error_label(_RETRYABLE)
            raise
        self._numbers.give_back(used)
        return reply

    async def command(
        self,
        database: str,
        command: bytes,
        *,
        session_id: bytes | None = None,
        sequences: Sequences = NO_SEQUENCES,
    ) -> dict[str, Any]:
        """Have the owner run a command document; the reply document, as of `Runner.command`.

        errors   as of `execute`
        """
        name = command_name(command)
        used: tuple[bytes, int] | None = None
        is_safe = b"\x12txnNumber\0" in command and b"\x08autocommit\0" not in command
        is_free = session_id is None and b"\x03lsid\0" not in command
        if not is_safe and is_free and self.numbers_writes and await _is_repeatable(name, command, sequences):
            used = self._numbers.take()
            command, is_safe = numbered(command, used), True
        counts = [(field, len(documents)) for field, documents in sequences.items()]
        attachments = [command, *(raw for documents in sequences.values() for raw in documents)]
        head = self._head({"m": database, "q": [list(each) for each in counts]})
        if session_id is not None:
            head["i"] = session_id
        ends = self._ends()
        is_safe = is_safe or (is_read(name, command) and self._client.options.retry_reads)
        while True:
            epoch = self.membership.epoch
            try:
                answer = await self._ask(head, attachments)
                break
            except OwnerLost as lost:
                if lost.was_asked and not is_safe:
                    self._fail(lost, command)
                await self._renewed(epoch, ends, command)
            if self.membership.instance is not None:
                return await Runner(self.membership.instance).command(
                    database, command, session_id=session_id, sequences=sequences
                )
        if used is not None:
            self._numbers.give_back(used)
        return whole_reply(answer.attachments[0])

    async def journaled(self, sequence: int) -> None:
        """The owner has waited for it already."""

    async def breathe(self, *, is_patient: bool = False) -> None:
        """Between two pieces of work on the loop: give other tasks their turn when it is time."""
        if time.monotonic() >= turn.ends:
            await take_turn(is_patient=is_patient)

    # Asking

    async def _asked(self, request: Any, context: Context, durable: bool, *, is_again: bool = False) -> Any:
        """The reply of the owner. errors: OwnerLost; PyMongo's."""
        attachments: list[Any] = []
        if len(getattr(request, "updates", getattr(request, "deletes", ()))) > SHARING_WORKER_ATTACHMENTS:
            form = await run(to_form, request, attachments)
        else:
            form = to_form(request, attachments)
        head = self._head({"x": form})
        if context is not NO_CONTEXT:
            head["c"] = to_form(context, attachments)
        if durable:
            head["j"] = True
        if is_again:
            head["again"] = True
        answer = await self._ask(head, attachments)
        if ARROW in answer.head:
            return await run(_table, answer.attachments[0])
        return from_answer(answer)

    async def _asked_surely(self, request: Any, context: Context, durable: bool) -> Any:
        """The reply of the owner, or of the next one: to ask again does no harm. errors: PyMongo's."""
        ends, is_again = self._ends(), False
        while True:
            epoch = self.membership.epoch
            try:
                return await self._asked(request, context, durable, is_again=is_again)
            except OwnerLost as lost:
                is_again = is_again or lost.was_asked
                await self._renewed(epoch, ends)
            if self.membership.instance is not None:
                return await self._here(request, context, durable)

    async def _asked_plainly(self, request: Any, context: Context, durable: bool) -> Any:
        """The reply of the owner, or of the next one if the first has not heard of it. errors: PyMongo's."""
        ends = self._ends()
        while True:
            epoch = self.membership.epoch
            try:
                return await self._asked(request, context, durable)
            except OwnerLost as lost:
                if lost.was_asked:
                    self._fail(lost)
                await self._renewed(epoch, ends)
            if self.membership.instance is not None:
                return await self._here(request, context, durable)

    async def _here(self, request: Any, context: Context, durable: bool) -> Any:
        """Run a request on the store that this process has taken over. errors: PyMongo's."""
        instance = self.membership.instance
        assert instance is not None
        try:
            return await perform(instance, request, context, durable=durable, is_again=context.number is not None)
        except ServerError as error:
            raise to_pymongo(error) from None

    async def _in_transaction(self, request: Any, context: Context, durable: bool) -> Any:
        """Run a request in a transaction: it is gone with its owner, unless it was committed."""
        try:
            if type(request) is CommitRequest:
                return await self._asked_surely(request, context, durable)
            return await self._asked(request, context, durable)
        except OwnerLost as lost:
            if self.is_closed:
                raise use_after_close() from None
            failure = AutoReconnect(str(lost))
            failure._add_error_label(transaction_errors.TRANSIENT)
            raise failure from None

    async def _begin_live(self, request: LiveRequest) -> Any:
        """A live query of the owner. errors: PyMongo's."""
        self._refuse_fork("a live query")
        ends = self._ends()
        while True:
            epoch = self.membership.epoch
            try:
                link = await self.membership.links.link()
                self.membership.links.lend(link)
                try:
                    live, first = await begun(link, request)
                except BaseException:
                    link.close()
                    raise
                return live if live is not None else from_answer(first)
            except (OwnerLost, Broken):
                await self._renewed(epoch, ends)
            if self.membership.instance is not None:
                return await self._client._runner.execute(request)

    async def _ask(self, head: dict[str, Any], attachments: list[Any]) -> Message:
        """The owner's answer. errors: OwnerLost; PyMongo's for an answer that is a failure."""
        if self.is_closed:
            raise use_after_close()
        answer = await self.membership.links.ask(head, attachments)
        if self.fork is not None:
            self._fork_time = answer.head.get("t", 0) or self._fork_time
        if self.is_closed:
            raise use_after_close()
        if "e" in answer.head or "p" in answer.head:
            from_answer(answer)
        return answer

    def _head(self, head: dict[str, Any]) -> dict[str, Any]:
        if self.fork is not None:
            head["s"] = self.fork
        return head

    # When the owner is gone

    def _ends(self) -> float:
        """Until when an operation waits for the next owner, on the monotonic clock."""
        patience_s = self._client.options.server_selection_timeout
        left_s = _csot.remaining()
        return time.monotonic() + (patience_s if left_s is None else min(patience_s, left_s))

    async def _renewed(self, epoch: int, ends: float, command: bytes = b"") -> None:
        """Wait for the next owner. errors: ServerSelectionTimeoutError; InvalidOperation after close."""
        if self.is_closed:
            raise use_after_close()
        if self.fork is not None:
            raise to_pymongo(sharing_errors.FORK_GONE())
        try:
            await self.membership.renewed(epoch, ends)
        except AutoReconnect as failure:
            if b"\x12txnNumber\0" in command:
                failure._add_error_label(_RETRYABLE)
            raise
        if self.is_closed:
            raise use_after_close()

    def _fail(self, lost: OwnerLost, command: bytes = b"") -> NoReturn:
        """Raise what PyMongo raises for an operation whose answer never came."""
        if self.is_closed:
            raise use_after_close()
        failure = AutoReconnect(str(lost))
        if b"\x08autocommit\0" in command:
            failure._add_error_label(transaction_errors.TRANSIENT)
        raise failure

    def _refuse_fork(self, what: str) -> None:
        if self.fork is not None:
            raise ConnectionFailure(f"{what} on a fork that another process keeps is not supported")

    # Forks, and the end

    async def forked(self) -> AttachedRunner:
        """The runner of a fork, for another client, which it has to be given. errors: PyMongo's."""
        ends = self._ends()
        while True:
            epoch = self.membership.epoch
            try:
                answer = await self._ask(self._head({"fork": True}), [])
                return AttachedRunner(self._client, self.membership, self.address, answer.head["fork"])
            except OwnerLost:
                await self._renewed(epoch, ends)

    def abort_at_once(self, context: Context) -> None:
        """Have the owner abort a transaction, without a wait."""
        attachments: list[Any] = []
        self.membership.links.tell({"abort": to_form(context, attachments)}, attachments)

    async def abort(self, context: Context) -> None:
        """Have the owner abort a transaction; if the owner is gone, so is the transaction. errors: PyMongo's."""
        try:
            await self._asked(AbortRequest(), context, False)
        except OwnerLost:
            pass

    def let_go(self, cursor_ids: list[int]) -> None:
        """Have the owner close the cursors that a client has left open, and its fork."""
        self.membership.forget_call(self._take_over)
        if self.membership.instance is not None:
            self.membership.instance.cursors.kill(cursor_ids)
            return
        if self.fork is not None:
            self.membership.links.tell({"drop": self.fork}, [])
        elif cursor_ids:
            self.membership.links.tell({"kill": cursor_ids}, [])


def from_answer(answer: Message) -> Any:
    """The reply object in an answer. errors: PyMongo's, and Python's, for a failure."""
    if "e" in answer.head:
        raise failure_of(answer)
    if "p" in answer.head:
        name, text = answer.head["p"]
        raise _FAILURES.get(name, ValueError)(text)
    from amongo.client.sharing.forms import from_form

    return from_form(answer.head["r"], answer.attachments)


def failure_of(answer: Message) -> PyMongoError:
    """The exception of an answer that is a failure."""
    return from_reply(bson.decode(answer.attachments[0]))


def _may_be_numbered(request: Any) -> bool:
    """Whether each statement of a write changes one document at most."""
    statements = getattr(request, "updates", getattr(request, "deletes", ()))
    return not any(statement.multi for statement in statements)


async def _is_repeatable(name: str, command: bytes, sequences: Sequences) -> bool:
    if sum(map(len, sequences.values())) > SHARING_WORKER_ATTACHMENTS:
        return await run(is_repeatable_write, name, command, sequences)
    return is_repeatable_write(name, command, sequences)


def _table(stream: Any) -> Any:
    from amongo.aggregate.relational.table_bytes import table_of  # late: Arrow is loaded with the first table

    return table_of(stream)
