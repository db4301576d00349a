"""shutdown: end the server by which it was asked. Source: manual, shutdown.

The server takes no more connections, answers the commands that run, and closes. The store is closed by the process that
has opened it: that of `amongo serve` ends then. In process there is no server to end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import administration as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "force": Field("flag", default=False),
    "timeoutSecs": Field("integer", minimum=0, bound_code=2),
}


@dataclass(frozen=True, slots=True)
class ShutdownRequest:
    """Nothing of it has an effect: there is no member to wait for."""


def parse(database: str, document: dict[str, Any]) -> ShutdownRequest:
    """The request of a shutdown document.

    errors   UNKNOWN_FIELD, WRONG_TYPE
    """
    parse_fields("shutdown", document, FIELDS)
    return ShutdownRequest()


def run(instance: Instance, request: ShutdownRequest, context: Context) -> dict[str, Any]:
    """Nothing but `ok`, before the server closes.

    errors   ONLY_OVER_A_SOCKET, ONLY_FROM_LOCALHOST
    """
    peer = context.peer
    if peer is None or not instance.services:
        raise errors.ONLY_OVER_A_SOCKET()
    if not peer.requires_auth and not peer.is_loopback:
        raise errors.ONLY_FROM_LOCALHOST()
    instance.journal.note("COMMAND", "Shutdown requested", {"remote": peer.address})
    for service in list(instance.services):
        service.request_shutdown()
    return {"ok": 1.0}


COMMAND = Command("shutdown", parse, run, is_admin_only=True, is_quick=True)
