"""Where an operation runs: at once on the event loop when it is small, on a worker when it is not.

A thread hop costs more than a point read, and a long operation must not hold the loop. The planner says beforehand how
many documents a request looks at; up to `LOOP_DOCUMENTS` it runs on the loop, unless a worker holds the store's lock
just then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pymongo.errors import PyMongoError

from amongo.client.awaiting import awaited_reply
from amongo.client.failures import to_pymongo, use_after_close
from amongo.client.holding import admit_command, admit_request
from amongo.commands.context import NO_CONTEXT, NO_SEQUENCES, Context, Sequences
from amongo.commands.find import FindRequest
from amongo.commands.get_more import GetMoreRequest
from amongo.commands.instance import Instance
from amongo.commands.live import LiveQuery
from amongo.commands.parsed_command import ParsedCommand
from amongo.commands.peer import Peer
from amongo.commands.replies import Answer, CursorReply, document_of
from amongo.commands.tailing import Awaiting
from amongo.errors import ErrorCode, ServerError
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import LOOP_COMMAND_BYTES, LOOP_DOCUMENTS
from amongo.runtime.turns import take_turn, turn
from amongo.runtime.workers import run

if TYPE_CHECKING:
    from amongo.client.transaction import SessionTransactions

_CODES_OF_CLOSING = frozenset(
    {ErrorCode.Interrupted, ErrorCode.CursorNotFound, ErrorCode.CursorKilled, ErrorCode.FileNotOpen}
)
_READS = frozenset({FindRequest, GetMoreRequest})
_LET = b"\x03let\x00"  # expressions that are evaluated where the command is parsed, and may take long


class Runner:
    """Runs the operations of one client of an open store.

    is_closed   the client was closed; what still runs for it leaves no cursor behind
    """

    __slots__ = ("instance", "is_closed")

    is_open: Final = True
    numbers_writes: Final = False  # nothing between it and the store loses a reply

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.is_closed = False

    @property
    def last_time(self) -> int:
        """The operation time of the last operation, as a sequence."""
        return self.instance.times.last

    async def execute(self, request: Any, *, durable: bool = False, session: SessionTransactions | None = None) -> Any:
        """Run a request of a hot command and give its reply object.

        durable   wait until the write is safe against power loss (`j: true`)
        session   in whose transaction it runs; None outside of one
        errors    PyMongo's, as `failures.to_pymongo` makes them
        """
        if time.monotonic() >= turn.ends:
            await self._take_turn(is_patient=type(request) is GetMoreRequest and self._awaits_data(request))
        instance = self.instance
        try:
            if instance.attention.is_on:
                await admit_request(instance, request)
            if session is not None:
                try:
                    context = session._operation_context(is_read=type(request) in _READS)
                    reply = await self._execute_inside(request, context)
                finally:
                    session._learn()
            elif instance.examines(request) <= LOOP_DOCUMENTS and not instance.store.is_busy:
                reply = instance.execute(request)
            else:
                interrupt = Interrupt()
                reply = await self._on_worker(interrupt, instance.execute, request, Context(interrupt))
        except Awaiting as awaiting:
            reply = await self._awaited(awaiting)
        except ServerError as error:
            raise self._failure(error) from None
        if durable and reply.sequence:
            await self.journaled(reply.sequence)
        return reply

    async def _execute_inside(self, request: Any, context: Context) -> Any:
        """Run a request in a transaction."""
        instance = self.instance
        transactions = instance.transactions
        asked = transactions.inside(context) or instance
        is_quick = asked.examines(request) <= LOOP_DOCUMENTS and not instance.store.is_busy
        if is_quick and not transactions.is_running(context):
            return instance.execute(request, context)
        interrupt = Interrupt()
        context = context._replace(interrupt=interrupt)
        return await self._on_worker(interrupt, instance.execute, request, context)

    async def journaled(self, sequence: int) -> None:
        """Wait until the commit `sequence` is safe against power loss.

        errors   PyMongo's OperationFailure when the fsync failed
        """
        completion = self.instance.durable(sequence)
        await completion.happening()
        try:
            completion.check()
        except ServerError as error:
            raise to_pymongo(error) from None

    async def command(
        self,
        database: str,
        command: bytes,
        *,
        session_id: bytes | None = None,
        sequences: Sequences = NO_SEQUENCES,
    ) -> dict[str, Any]:
        """Run a command document and give the reply document, of canonical values and RawBSONDocuments.

        command   BSON bytes of the command document
        errors    PyMongo's, as `failures.to_pymongo` makes them
        """
        try:
            return await self.answer(database, command, session_id=session_id, sequences=sequences)
        except ServerError as error:
            raise self._failure(error) from None

    async def answer(
        self,
        database: str,
        command: bytes,
        *,
        session_id: bytes | None = None,
        sequences: Sequences = NO_SEQUENCES,
        peer: Peer | None = None,
    ) -> dict[str, Any]:
        """`command`, with the errors of the server.

        peer     who asks, over a socket
        errors   ServerError; InvalidOperation if the client was closed meanwhile
        """
        return document_of(await self.reply(database, command, sequences, peer, session_id=session_id))

    async def reply(
        self,
        database: str,
        command: bytes,
        sequences: Sequences = NO_SEQUENCES,
        peer: Peer | None = None,
        document: dict[str, Any] | None = None,
        session_id: bytes | None = None,
    ) -> Answer:
        """`answer`, with the replies of cursors and writes as they are.

        document   the command decoded, if that has been done
        """
        if time.monotonic() >= turn.ends:
            await self._take_turn()
        context = NO_CONTEXT if session_id is None and peer is None else Context(session_id=session_id, peer=peer)
        try:
            if len(command) + _length(sequences) > LOOP_COMMAND_BYTES or _LET in command:
                return await self._run_large(database, command, context, sequences)
            return await self._run_parsed(self.instance.parse_command(database, command, context, sequences, document))
        except Awaiting as awaiting:
            return await awaited_reply(self.instance, awaiting)

    async def _run_parsed(self, parsed: ParsedCommand) -> Answer:
        """Run a command on the loop if it is small, else on a worker.

        errors   those of `Instance.answer_command`
        """
        instance = self.instance
        if instance.attention.is_on:
            await admit_command(instance, parsed)
        if instance.is_small(parsed) and not instance.store.is_busy:
            reply, sequence = instance.answer_command(parsed, parsed.context)
        else:
            interrupt = Interrupt()
            context = parsed.context._replace(interrupt=interrupt)
            reply, sequence = await self._on_worker(interrupt, instance.answer_command, parsed, context)
        if sequence:
            completion = instance.durable(sequence)
            await completion.happening()
            completion.check()
        return reply

    async def _run_large(self, database: str, command: bytes, context: Context, sequences: Sequences) -> Answer:
        """Parse a command on a worker, for it is long, and run it there.

        errors   those of `Instance.run_command`
        """
        interrupt = Interrupt()
        if self.instance.attention.is_on:  # it may have to wait before it is run
            parse = self.instance.parse_command
            return await self._run_parsed(await run(parse, database, command, context, sequences, interrupt=interrupt))
        context = context._replace(interrupt=interrupt)
        reply: dict[str, Any] = await self._on_worker(
            interrupt, self.instance.run_command, database, command, context, sequences
        )
        return reply

    async def _awaited(self, awaiting: Awaiting) -> CursorReply:
        """The reply of a getMore that has to wait.

        errors   PyMongo's, as `failures.to_pymongo` makes them
        """
        try:
            return await awaited_reply(self.instance, awaiting)
        except ServerError as error:
            raise self._failure(error) from None

    def _failure(self, error: ServerError) -> PyMongoError:
        """PyMongo's exception; for what failed because the client was closed meanwhile, that of use after close."""
        if self.is_closed and error.code in _CODES_OF_CLOSING:
            return use_after_close()
        return to_pymongo(error)

    def _awaits_data(self, request: GetMoreRequest) -> bool:
        """Whether a getMore is one of a cursor that follows what others do."""
        cursor = self.instance.cursors.find(request.cursor_id)
        return cursor is not None and cursor.awaits_data

    async def _take_turn(self, *, is_patient: bool = False) -> None:
        """Wait for this operation's turn.

        is_patient   let others go first
        errors       InvalidOperation if the client was closed meanwhile
        """
        await take_turn(is_patient=is_patient)
        if self.is_closed:
            raise use_after_close()

    async def _on_worker(self, interrupt: Interrupt, call: Callable[..., Any], *arguments: Any) -> Any:
        reply = await run(call, *arguments, interrupt=interrupt, discard=self._discard)
        if self.is_closed:
            self._discard(reply)
        return reply

    def _discard(self, reply: Any) -> None:
        """Close the cursor that a reply has opened for a task that was cancelled, or a client that was closed."""
        if isinstance(reply, LiveQuery):
            reply.feed.end()
            return
        if type(reply) is tuple:  # of `Instance.answer_command`
            reply = reply[0]
        cursor = reply.get("cursor") if isinstance(reply, dict) else None
        cursor_id = cursor.get("id", 0) if isinstance(cursor, dict) else getattr(reply, "cursor_id", 0)
        if cursor_id:
            self.instance.cursors.kill([int(cursor_id)])

    async def breathe(self, *, is_patient: bool = False) -> None:
        """Between two pieces of work on the loop: give other tasks their turn when it is time.

        is_patient   let others go first
        """
        if time.monotonic() >= turn.ends:
            await self._take_turn(is_patient=is_patient)


def _length(sequences: Sequences) -> int:
    """Of all documents that come beside a command, in bytes."""
    return sum(sum(map(len, documents)) for documents in sequences.values()) if sequences else 0


def command_name(command: bytes) -> str:
    """The name of a command: that of the first field of its document; "" if there is none."""
    end = command.find(b"\0", 5)
    return command[5:end].decode(errors="replace") if end > 0 else ""
