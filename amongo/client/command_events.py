"""Command monitoring: PyMongo's command events, for a client that was given command listeners.

A listener is told of commands. So a client that has one sends each operation as the command document that PyMongo would
send, where others pass request objects: tracing costs those alone who trace. Listeners of servers, heartbeats and
connection pools are never called: there are none of these here. Source: PyMongo, monitoring.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import bson
from bson.codec_options import CodecOptions
from pymongo.errors import OperationFailure

from amongo.client.documents import decode_reply

if TYPE_CHECKING:
    from pymongo.client_options import ClientOptions
    from pymongo.monitoring import _EventListeners
    from pymongo.typings import _Address

    from amongo.commands.context import Sequences

_HELLO = frozenset({"hello", "ismaster"})
_request_ids = count(1)
_NOT_WATCHED = nullcontext()
_operation_id: ContextVar[int | None] = ContextVar("amongo_operation_id", default=None)


class CommandEvents:
    """Tells the command listeners of one client what it runs."""

    __slots__ = ("_address", "_listeners")

    def __init__(self, listeners: _EventListeners, address: _Address) -> None:
        self._listeners = listeners
        self._address = address

    async def around(
        self,
        running: Coroutine[Any, Any, dict[str, Any]],
        database: str,
        command: bytes,
        sequences: Sequences,
        codec_options: CodecOptions[Any],
    ) -> dict[str, Any]:
        """Run a command between its two events, and give its reply.

        running   the run, not yet begun
        command   the command document's bytes; `sequences` are the array fields that go beside it
        errors    those of the run, of which the listeners are told
        """
        decoding = codec_options.with_options(document_class=dict)
        document = bson.decode(command, decoding)
        document.update({name: [bson.decode(raw, decoding) for raw in raws] for name, raws in sequences.items()})
        document["$db"] = database
        name = next(iter(document))
        request_id = next(_request_ids)
        operation_id = _operation_id.get()
        self._listeners.publish_command_start(document, database, request_id, self._address, None, operation_id)
        start = time.monotonic()
        try:
            reply = await running
        except BaseException as error:
            self._listeners.publish_command_failure(
                timedelta(seconds=time.monotonic() - start),
                _description(error),
                name,
                request_id,
                self._address,
                None,
                operation_id,
                database_name=database,
            )
            raise
        self._listeners.publish_command_success(
            timedelta(seconds=time.monotonic() - start),
            decode_reply(reply, decoding),
            name,
            request_id,
            self._address,
            None,
            operation_id,
            speculative_hello=name.lower() in _HELLO and "speculativeAuthenticate" in document,
            database_name=database,
        )
        return reply


def one_operation(events: CommandEvents | None) -> AbstractContextManager[None]:
    """The commands sent in this block are one operation, such as a bulk write: their events have one operation id."""
    return _NOT_WATCHED if events is None else _with_one_id()


@contextmanager
def _with_one_id() -> Iterator[None]:
    token = _operation_id.set(next(_request_ids))
    try:
        yield
    finally:
        _operation_id.reset(token)


def command_events(options: ClientOptions, address: _Address) -> CommandEvents | None:
    """The events of a client with these options; None if neither it nor the process has command listeners.

    Those of the process count that were registered (`pymongo.monitoring.register`) before the client was made.
    """
    listeners = options.pool_options._event_listeners
    return CommandEvents(listeners, address) if listeners is not None and listeners.enabled_for_commands else None


def _description(error: BaseException) -> dict[str, Any]:
    """The failure of an event: the server's reply, or what was raised instead of one."""
    if isinstance(error, OperationFailure):
        return dict(error.details or {})
    return {"errmsg": str(error), "errtype": type(error).__name__}
