"""From one source to one client: what server-sent events and web sockets have in common.

`deliver` runs three tasks. One waits for the client to leave, one reads the source and makes every item a chunk, one
hands the chunks over. A bounded buffer lies between the last two: a client that takes slowly fills it, and then the
source waits. Nothing is dropped here, and nothing grows; a source that reads a history (a change stream, a live query)
goes on from where it was.

`opened` brings the source itself about and takes it down again, whatever happens in between.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Final, Generic, TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pymongo.errors import OperationFailure, PyMongoError

from amongo.client.live import Diff

BUFFERED_ITEMS: Final = 64  # read from the source before the client has taken them
BUFFERED_BYTES: Final = 1 << 20  # of them; a single larger one is read all the same
SEND_SECONDS: Final = 30.0  # a client that takes nothing for this long is gone
CLOSE_SECONDS: Final = 5.0  # for the source to close

_log = logging.getLogger("amongo.integrations")

_Chunk = TypeVar("_Chunk", bound=bytes | str)
Source = AsyncIterable[Any] | Awaitable[AsyncIterable[Any]]


@dataclass(frozen=True, slots=True)
class Delivery(Generic[_Chunk]):
    """How items become chunks, how chunks reach the client, and within what bounds.

    begin            what comes before the first chunk, when the source, which it is given, is open
    encode           an item as a chunk
    encode_failure   what the database refused, as the last chunk
    send             hands a chunk over; it returns when there is room for another. OSError: the client is gone
    until_gone       returns when the client has left
    silence          what to send after `silence_s` seconds without a chunk; None for nothing
    note_token       is told a change stream's resume token when all before it has been read, None when it no longer
                     holds, because an item has come
    """

    begin: Callable[[Any], Awaitable[None]]
    encode: Callable[[Any], _Chunk]
    encode_failure: Callable[[PyMongoError], _Chunk]
    send: Callable[[_Chunk], Awaitable[None]]
    until_gone: Callable[[], Awaitable[None]]
    buffered: int = BUFFERED_ITEMS
    send_s: float = SEND_SECONDS
    silence: Callable[[], _Chunk] | None = None
    silence_s: float = float("inf")
    note_token: Callable[[Any], None] | None = None


async def deliver(source: Source, delivery: Delivery[_Chunk]) -> bool:
    """Open `source` and send what it gives; whether it came to its end, the database's failures included.

    False means that the client has left, maybe while the source was being opened, or has taken nothing for
    `delivery.send_s` seconds.

    errors   what the source raises that is not the database's word
    """
    has_ended = False
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cancel_when_gone, delivery.until_gone, tasks.cancel_scope)
            has_ended = await _serve(source, delivery)
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise only(group) from None
    return has_ended


async def _cancel_when_gone(until_gone: Callable[[], Awaitable[None]], scope: anyio.CancelScope) -> None:
    await until_gone()
    scope.cancel()


async def _serve(source: Source, delivery: Delivery[_Chunk]) -> bool:
    """Open, begin, deliver, close; whether the source came to its end."""
    async with AsyncExitStack() as stack:
        try:
            items = await stack.enter_async_context(opened(source))
        except PyMongoError as failure:
            items = _failing(failure)
        try:
            with anyio.fail_after(delivery.send_s):
                await delivery.begin(items)
        except OSError:
            return False
        writing, reading = anyio.create_memory_object_stream[_Chunk](delivery.buffered)
        room = _Room()
        with writing, reading:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_read, items, delivery, writing, room)
                has_ended = await _hand_over(reading, delivery, room)
                tasks.cancel_scope.cancel()
        return has_ended


async def _failing(failure: PyMongoError) -> AsyncIterator[Any]:
    """In the place of a source that did not open."""
    raise failure
    yield


async def _read(
    items: AsyncIterable[Any], delivery: Delivery[_Chunk], buffer: MemoryObjectSendStream[_Chunk], room: _Room
) -> None:
    async with buffer:
        try:
            async for item in _noting(items, delivery.note_token):
                chunk = delivery.encode(item)
                room.take(len(chunk))
                await buffer.send(chunk)
                await room.wait()
        except PyMongoError as failure:
            _log.warning("a stream ends with a failure: %s", failure)
            await buffer.send(delivery.encode_failure(failure))


async def _noting(items: Any, note_token: Callable[[Any], None] | None) -> AsyncIterator[Any]:
    """The items; between them, what the tokens of a change stream are.

    `next` of a change stream is `try_next`, again and again: nothing more is asked here than there.
    """
    if note_token is None or not hasattr(items, "resume_token"):
        async for item in items:
            yield item
        return
    while items.alive:
        item = await items.try_next()
        note_token(items.resume_token if item is None else None)
        if item is not None:
            yield item


async def _hand_over(buffer: MemoryObjectReceiveStream[_Chunk], delivery: Delivery[_Chunk], room: _Room) -> bool:
    """Send what the buffer gives, or else what silence says, until the source ends or the client is gone."""
    try:
        while True:
            with anyio.move_on_after(delivery.silence_s) as waiting:
                chunk = await buffer.receive()
            if waiting.cancelled_caught and delivery.silence is not None:
                await _within(delivery, delivery.silence())
                continue
            await _within(delivery, chunk)
            room.give_back(len(chunk))
    except anyio.EndOfStream:
        return True
    except OSError:  # the server says in this way that the client has left; TimeoutError is one, too
        return False


async def _within(delivery: Delivery[_Chunk], chunk: _Chunk) -> None:
    with anyio.fail_after(delivery.send_s):
        await delivery.send(chunk)


class _Room:
    """How much lies in the buffer: few documents may be large."""

    def __init__(self) -> None:
        self._size = 0
        self._is_enough = anyio.Event()

    def take(self, size: int) -> None:
        """A chunk goes in."""
        self._size += size

    def give_back(self, size: int) -> None:
        """A chunk has been sent."""
        self._size -= size
        if self._size < BUFFERED_BYTES:
            self._is_enough.set()

    async def wait(self) -> None:
        """Until there is room for another."""
        if self._size >= BUFFERED_BYTES:
            self._is_enough = anyio.Event()
            await self._is_enough.wait()


@asynccontextmanager
async def opened(source: Source) -> AsyncIterator[AsyncIterable[Any]]:
    """The source, open: what `watch()`, `aggregate()` or `live()` gave, awaited or not; closed at the end.

    errors   what the source raises when it opens
    """
    ready: Any = await source if isawaitable(source) else source
    entered = hasattr(type(ready), "__aenter__")
    try:
        yield await ready.__aenter__() if entered else ready
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            if entered:
                await ready.__aexit__(None, None, None)
            else:
                await _close(ready)


async def _close(source: Any) -> None:
    """Close an asynchronous generator, or whatever can be closed."""
    close = getattr(source, "aclose", None) or getattr(source, "close", None)
    if close is not None:
        closing = close()
        if isawaitable(closing):
            await closing


_TOLD: Final = ("kind", "_id", "from_index", "index", "document", "documents", "cluster_time", "is_last")


def as_document(item: Any) -> Any:
    """An item as what can be written: a live query's diff becomes a document, without `before`: the client has it."""
    if not isinstance(item, Diff):
        return item
    told = {name: getattr(item, name) for name in _TOLD}
    has_id = item.kind not in ("result", "dropped")
    return {name: value for name, value in told.items() if value is not None or (name == "_id" and has_id)}


def failure_document(failure: PyMongoError) -> dict[str, Any]:
    """What a client is told of a failure: its code and the code's name, and no values of the database.

    `{"code": 286, "codeName": "ChangeStreamHistoryLost"}`; what has no code is named after its class.
    """
    if isinstance(failure, OperationFailure) and failure.code is not None:
        name = (failure.details or {}).get("codeName")
        return {"code": failure.code} | ({"codeName": name} if name else {})
    return {"codeName": type(failure).__name__}


def only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception of a group of one, at any depth; otherwise the group."""
    inner: BaseException = group
    while isinstance(inner, BaseExceptionGroup) and len(inner.exceptions) == 1:
        inner = inner.exceptions[0]
    return inner
