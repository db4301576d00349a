"""Commands that fail because a failpoint says so: what of `failCommand` concerns the connection and the reply.

A command that is meant waits first (`blockConnection`), then loses its connection, or fails, or runs and is told that
its write concern was not satisfied. Source: MongoDB's wiki, The failCommand fail point.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import anyio
from bson import Int64
from bson.errors import InvalidBSON

from amongo.commands.command import Command
from amongo.commands.concerns import WRITE_CONCERN_COMMANDS
from amongo.commands.error_labels import labels
from amongo.commands.failpoints import FAIL_COMMAND, TIME_IS_OVER, Asked, ConnectionDropped, Failpoints, fail
from amongo.commands.fields import truth
from amongo.commands.hello import TOPOLOGY_VERSION
from amongo.commands.instance import Instance
from amongo.commands.peer import Peer, application_name
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.errors.codes import ErrorCode
from amongo.errors.transactions import TRANSIENT
from amongo.server.messages import Request
from amongo.values.codec import decode_foreign
from amongo.values.types import NUMERIC_CLASSES

Answer = Callable[[Request, Peer], Awaitable[dict[str, Any]]]
_HELLO: Final = "hello"

# Those that tell which state of the server they are of: a driver that knows it to be the present one is not misled
# (source: the drivers' specification of server discovery and monitoring, topologyVersion).
_NOT_PRIMARY: Final = frozenset(
    {
        ErrorCode.PrimarySteppedDown,
        ErrorCode.NotWritablePrimary,
        ErrorCode.InterruptedDueToReplStateChange,
        ErrorCode.NotPrimaryNoSecondaryOk,
        ErrorCode.NotPrimaryOrSecondary,
    }
)


async def answer_or_fail(instance: Instance, request: Request, peer: Peer, answer: Answer) -> dict[str, Any]:
    """The reply to a request, or what the failpoints of the instance make of it.

    answer   gives the reply where no failpoint stops it
    errors   ConnectionDropped
    """
    failpoints = instance.failpoints
    assert failpoints is not None
    try:
        document = decode_foreign(request.command)
    except (InvalidBSON, RecursionError):
        return await answer(request, peer)
    name = next(iter(document), "")
    command = instance.commands.get(name)
    if command is None:
        return await answer(request, peer)
    asked = Asked(_names(command, name), _namespace(request, document, name), peer, _app_name(document, peer))
    data = failpoints[FAIL_COMMAND].act(asked.is_meant)
    try:
        if data is not None:
            await _block(data, _time_limit_ms(document))
            fail(FAIL_COMMAND, data)
        _check_time(instance, failpoints, document)
    except ServerError as error:
        told = {"topologyVersion": dict(TOPOLOGY_VERSION)} if error.code in _NOT_PRIMARY else {}
        return _labelled(error.reply() | told, command, document, data)
    reply = await answer(request, peer)
    if peer.is_dropped:
        raise ConnectionDropped
    if data is not None and "writeConcernError" in data and command.name in WRITE_CONCERN_COMMANDS:
        reply = _labelled(reply | {"writeConcernError": data["writeConcernError"]}, command, document, data)
    return reply


async def _block(data: Mapping[str, Any], limit_ms: float | None) -> None:
    """Wait as long as the data say.

    limit_ms   when the command's time is over, so that it does not run any more
    errors     MAX_TIME_EXPIRED
    """
    if not truth(data.get("blockConnection", False)):
        return
    wait_ms = float(str(data["blockTimeMS"]))
    if limit_ms is not None and limit_ms <= wait_ms:
        await anyio.sleep(limit_ms / 1000)
        raise errors.MAX_TIME_EXPIRED()
    await anyio.sleep(wait_ms / 1000)


def _time_limit_ms(document: Mapping[str, Any]) -> float | None:
    """How long a command may take; None for no limit. That of a getMore says how long it waits for what happens."""
    limit = document.get("maxTimeMS")
    if "getMore" in document or type(limit) not in NUMERIC_CLASSES or not truth(limit):
        return None
    return float(str(limit))


def _check_time(instance: Instance, failpoints: Failpoints, document: Mapping[str, Any]) -> None:
    """errors: MAX_TIME_EXPIRED for a command with a time limit, or the getMore of a cursor with one."""
    failpoint = failpoints[TIME_IS_OVER]
    if failpoint.is_off:
        return
    if "getMore" in document:
        asked = document["getMore"]
        cursor = instance.cursors.find(asked) if type(asked) is Int64 else None
        is_limited = cursor is not None and cursor.interrupt.is_limited
    else:
        is_limited = _time_limit_ms(document) is not None
    if is_limited and failpoint.act() is not None:
        raise errors.MAX_TIME_EXPIRED()


def _labelled(
    reply: dict[str, Any], command: Command, document: Mapping[str, Any], data: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The reply with the labels of the failpoint's data; of the server, if those say nothing of labels."""
    if data is not None and "errorLabels" in data:
        found = data["errorLabels"]
    else:
        found = _own_labels(reply, command, document)
    reply = {name: value for name, value in reply.items() if name != "errorLabels"}
    return reply | ({"errorLabels": list(found)} if found else {})


def _own_labels(reply: Mapping[str, Any], command: Command, document: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels that the server gives of itself."""
    if not reply["ok"]:
        return labels(command.name, document, reply["code"])
    found = labels(command.name, document, reply["writeConcernError"].get("code", 0))
    return tuple(label for label in found if label != TRANSIENT)  # the write was made


def _names(command: Command, asked: str) -> frozenset[str]:
    """The names by which a command may be meant: `hello` and `isMaster` are two, here as on the server."""
    names = {command.name, *command.aliases}
    if command.name == _HELLO:
        return frozenset({_HELLO}) if asked == _HELLO else frozenset(names - {_HELLO})
    return frozenset(names)


def _namespace(request: Request, document: Mapping[str, Any], name: str) -> str:
    collection = document.get("collection") if name == "getMore" else document[name]
    return f"{request.database}.{collection}" if type(collection) is str and collection else request.database


def _app_name(document: Mapping[str, Any], peer: Peer) -> str | None:
    """The application's name: as told on this connection, or in this very command, if it is the first `hello`."""
    return peer.app_name or application_name(document.get("client"))
