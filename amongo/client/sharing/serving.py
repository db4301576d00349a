"""The owner's side: answers the other processes of its store.

A thread waits for them; nothing else happens there until the first one comes, and then an event loop of its own runs in
it. So the owner serves though its own event loop is busy, has ended, or never was (under the blocking client). An
operation runs here as it does for the owner's own clients: small ones on this loop, large ones on workers. When the
process that asked is gone, or has closed the connection because its task was cancelled, its operation is stopped.
"""

from __future__ import annotations

import logging
import os
import select
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import anyio
from anyio.abc import TaskGroup

from amongo.client.awaiting import awaited_reply
from amongo.client.holding import admit_request
from amongo.client.runner import Runner
from amongo.client.sharing.following import follow
from amongo.client.sharing.forms import FINGERPRINT, from_form, to_form
from amongo.client.sharing.frames import ARROW, Broken, Link, Message
from amongo.client.sharing.places import Meeting, connect
from amongo.commands.abort_transaction import AbortRequest
from amongo.commands.commit_transaction import CommitRequest
from amongo.commands.context import NO_CONTEXT, Context
from amongo.commands.instance import Instance
from amongo.commands.live import LiveRequest
from amongo.commands.tables import AggregateTableRequest, FindTableRequest, SqlRequest
from amongo.commands.tailing import Awaiting
from amongo.errors import ServerError
from amongo.errors import sharing as errors
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import LOOP_DOCUMENTS, SHARING_FORKS, SHARING_LOOK_MOST_S, SHARING_REQUEST_BYTES
from amongo.runtime.loops import Loop, current_loop
from amongo.runtime.turns import take_turn, turn
from amongo.runtime.workers import run
from amongo.values.codec import encode_in_order

_LOG: Final = logging.getLogger("amongo.sharing")
_PLAIN_HEAD: Final = frozenset({"x", "c"})
_TABLES: Final = frozenset({AggregateTableRequest, FindTableRequest, SqlRequest})
_PLAIN_FAILURES: Final = (TypeError, ValueError, OverflowError, ImportError)
"""Exceptions of Python that an operation may raise, and that are raised again where it was asked for."""

T = TypeVar("T")


def perform_at_once(instance: Instance, request: Any, context: Context) -> Any:
    """The reply object of a request that is small, run on the loop; None for one that is not, or has to wait.

    errors     ServerError; Awaiting
    """
    if instance.attention.is_on:  # writes may be held up
        return None
    asked: Instance | None = None
    if context.is_transaction:
        if instance.transactions.is_running(context):
            return None
        asked = instance.transactions.inside(context)
    if (asked or instance).examines(request) > LOOP_DOCUMENTS or instance.store.is_busy:
        return None
    return instance.execute(request, context)


async def perform(
    instance: Instance, request: Any, context: Context, *, durable: bool = False, is_again: bool = False
) -> Any:
    """Run a request with its circumstances, as `Runner.execute` does; its reply object.

    durable    wait until the write is safe against power loss
    is_again   an earlier attempt may still run, for which this one waits
    errors     ServerError
    """
    if time.monotonic() >= turn.ends:
        await take_turn()
    try:
        reply: Any = None if is_again else perform_at_once(instance, request, context)
        if reply is None:
            if instance.attention.is_on:
                await admit_request(instance, request)
            interrupt = Interrupt()
            context = context._replace(interrupt=interrupt)
            discard = Runner(instance)._discard
            reply = await run(instance.execute, request, context, interrupt=interrupt, discard=discard)
    except Awaiting as awaiting:
        reply = await awaited_reply(instance, awaiting)
    if durable and reply.sequence:
        completion = instance.durable(reply.sequence)
        await completion.happening()
        completion.check()
    return reply


class _Attached:
    """A process that is attached.

    transactions   sessions that have one open
    forks          the stores that were forked for it, by number
    """

    def __init__(self) -> None:
        self.transactions: set[bytes] = set()
        self.forks: dict[int, Instance] = {}
        self.last_fork = 0


class Serving:
    """Serves an instance on the socket of its store until it is stopped."""

    def __init__(self, directory: str, instance: Instance, meeting: Meeting, version: str) -> None:
        self._directory = directory
        self._instance = instance
        self._runner = Runner(instance)
        self._meeting = meeting
        self._version = version
        self._is_stopping = False
        self._loop: Loop | None = None
        self._scope: anyio.CancelScope | None = None
        self._attached: dict[str, _Attached] = {}
        self._links: set[Link] = set()

    # Beginning and ending

    def run(self) -> None:
        """Serve, on this thread, until `stop`."""
        poll = select.poll()
        poll.register(self._meeting.listener, select.POLLIN)
        poll.poll()
        while not self._is_stopping:
            try:
                anyio.run(self._serve)
            except Exception:
                _LOG.exception("the store '%s' could not be served; it is tried again", self._directory)
                time.sleep(SHARING_LOOK_MOST_S)

    def stop(self) -> None:
        """Have `run` end: what still runs for others is stopped. From any thread; the caller waits for the thread."""
        self._is_stopping = True
        loop, scope = self._loop, self._scope
        if loop is not None and scope is not None:
            loop.post(scope.cancel)
        with suppress(OSError):
            connect(self._directory).close()

    def forget(self) -> None:
        """In a forked child: all of this is the parent's."""
        self._meeting.listener.close()
        for link in self._links:
            link.close()

    async def _serve(self) -> None:
        listener = self._meeting.listener
        listener.setblocking(False)
        with anyio.CancelScope() as self._scope:
            self._loop = current_loop()
            async with anyio.create_task_group() as group:
                while not self._is_stopping:
                    try:
                        connection, _ = listener.accept()
                    except BlockingIOError:
                        await anyio.wait_readable(listener)
                    except OSError as error:  # no descriptor is left, for one
                        _LOG.warning("a process could not be let in: %s", error)
                        await anyio.sleep(SHARING_LOOK_MOST_S)
                    else:
                        group.start_soon(self._talk, Link(connection, SHARING_REQUEST_BYTES))
                group.cancel_scope.cancel()

    # One connection

    async def _talk(self, link: Link) -> None:
        """Answer one connection until the other end has gone."""
        self._links.add(link)
        try:
            hello = (await link.receive()).head
            if not await self._welcome(link, hello):
                return
            if hello.get("stays"):
                await self._stand_by(link, hello["process"])
                return
            attached = self._attached.setdefault(hello["process"], _Attached())
            while True:
                message = await link.receive()
                if "live" in message.head:
                    await self._follow(link, message)
                    return
                await self._respond(link, message, attached)
        except Broken:
            pass
        except Exception:  # a mistake of ours must not end what serves the others
            _LOG.exception("a connection of another process has failed")
        finally:
            self._links.discard(link)
            link.close()

    async def _welcome(self, link: Link, hello: dict[str, Any]) -> bool:
        """Whether the other process talks as this one does; who stays is told who it is that owns the store."""
        is_known = hello.get("hello") == FINGERPRINT
        if hello.get("stays"):
            told = {"ok": is_known, "pid": os.getpid(), "version": self._version, "t": self._instance.times.last}
            await link.send(Message(told))
        return is_known

    async def _stand_by(self, link: Link, process: str) -> None:
        """Keep what a process has here until it is gone."""
        try:
            await link.ended()
        finally:
            attached = self._attached.pop(process, None)
            if attached is not None:
                with anyio.CancelScope(shield=True):
                    await run(self._clear, attached)

    def _clear(self, attached: _Attached) -> None:
        for session_id in attached.transactions:
            with suppress(ServerError):
                self._instance.transactions.abort_session(session_id)
        for fork in attached.forks.values():
            fork.close()

    async def _respond(self, link: Link, message: Message, attached: _Attached) -> None:
        head, attachments = message
        if "abort" in head:  # nobody waits for the answer
            with suppress(ServerError):
                await run(self._instance.execute, AbortRequest(), from_form(head["abort"], attachments))
            return
        if "kill" in head:
            self._instance_of(head, attached).cursors.kill(head["kill"])
            return
        if "drop" in head:
            fork = attached.forks.pop(head["drop"], None)
            if fork is not None:
                await run(fork.close)
            return
        if _PLAIN_HEAD.issuperset(head):
            if time.monotonic() >= turn.ends:
                await take_turn()
            answer = self._quick_answer(message)
            if answer is not None:
                await link.send(answer)
                return
        await link.send(await _watched(link, self._answer(message, attached)))

    def _quick_answer(self, message: Message) -> Message | None:
        """The answer to a small operation; None for one that is not, which is to be done by `_answer`."""
        try:
            instance, attachments = self._instance, message.attachments
            request = from_form(message.head["x"], attachments)
            context = from_form(message.head["c"], attachments) if "c" in message.head else NO_CONTEXT
            if context.is_transaction or type(request) in _TABLES:
                return None
            reply = perform_at_once(instance, request, context)
            if reply is None:
                return None
            found: list[Any] = []
            return Message({"r": to_form(reply, found), "t": instance.times.last}, found)
        except Awaiting as awaiting:
            awaiting.end()  # it is asked for anew, where it can be waited for
            return None
        except Exception as error:
            return self._failed(error)

    async def _answer(self, message: Message, attached: _Attached) -> Message:
        """The answer to a message, whatever happens: failures are answers."""
        try:
            instance = self._instance_of(message.head, attached)
            answer = await self._done(instance, message, attached)
            answer.head["t"] = instance.times.last
            return answer
        except Exception as error:
            return self._failed(error)

    def _failed(self, error: Exception) -> Message:
        """The answer to what has failed."""
        if isinstance(error, _PLAIN_FAILURES):
            return Message({"p": [type(error).__name__, str(error)]})
        if not isinstance(error, ServerError):
            _LOG.error("an operation of another process has failed", exc_info=error)
            error = errors.OWNER_FAILED(reason=repr(error))
        return _failure(error, self._instance.times.last)

    async def _done(self, instance: Instance, message: Message, attached: _Attached) -> Message:
        """Do what is asked for. errors: ServerError."""
        head, attachments = message
        found: list[Any] = []
        if "x" in head:
            request = from_form(head["x"], attachments)
            context = from_form(head["c"], attachments) if "c" in head else NO_CONTEXT
            if context.is_transaction and context.session_id is not None and instance is self._instance:
                attached.transactions.add(context.session_id)
            is_again = bool(head.get("again"))
            reply = await perform(instance, request, context, durable=bool(head.get("j")), is_again=is_again)
            if context.session_id is not None and type(request) in (CommitRequest, AbortRequest):
                attached.transactions.discard(context.session_id)
            if type(request) in _TABLES:
                return Message({ARROW: 1}, [memoryview(await run(_table_bytes, reply))])
            return Message({"r": to_form(reply, found)}, found)
        if "m" in head:
            runner = self._runner if instance is self._instance else Runner(instance)
            names, start = head["q"], 1
            sequences = {}
            for name, count in names:
                sequences[name] = attachments[start : start + count]
                start += count
            document = await runner.answer(head["m"], attachments[0], session_id=head.get("i"), sequences=sequences)
            return Message({"d": 1}, [encode_in_order(document)])
        if "fork" in head:
            if len(attached.forks) >= SHARING_FORKS:
                raise errors.TOO_MANY_FORKS(count=SHARING_FORKS)
            attached.last_fork += 1
            attached.forks[attached.last_fork] = await run(instance.fork, discard=Instance.close)
            return Message({"fork": attached.last_fork})
        raise errors.OWNER_FAILED(reason=f"nobody knows what {sorted(head)} is")

    def _instance_of(self, head: dict[str, Any], attached: _Attached) -> Instance:
        """The store that a message is about. errors: FORK_GONE."""
        number = head.get("s")
        if number is None:
            return self._instance
        fork = attached.forks.get(number)
        if fork is None:
            raise errors.FORK_GONE()
        return fork

    async def _follow(self, link: Link, message: Message) -> None:
        """Serve a live query for as long as its connection lasts."""
        try:
            request: LiveRequest = from_form(message.head["live"], message.attachments)
            live = await _watched(link, perform(self._instance, request, NO_CONTEXT))
        except ServerError as error:
            await link.send(_failure(error, self._instance.times.last))
            return
        try:
            await follow(link, live, self._instance, lambda error: _failure(error, self._instance.times.last))
        finally:
            live.feed.end()


def _table_bytes(table: Any) -> Any:
    from amongo.aggregate.relational.table_bytes import bytes_of  # late: Arrow is loaded with the first table

    return bytes_of(table)


def _failure(error: ServerError, time: int) -> Message:
    return Message({"e": 1, "t": time}, [encode_in_order(error.reply())])


async def _watched(link: Link, running: Awaitable[T]) -> T:
    """What `running` gives; it is cancelled when the other end goes. errors: Broken; those of `running`."""
    found: list[T] = []
    failures: list[Exception] = []

    async def watch(group: TaskGroup, call: Callable[[], Awaitable[None]]) -> None:
        await call()
        if not link.has_input():
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(watch, group, link.ended)
        try:
            found.append(await running)
        except Exception as error:
            failures.append(error)
        group.cancel_scope.cancel()
    if failures:
        raise failures[0]
    if not found:
        raise Broken("the other end is gone")
    return found[0]
