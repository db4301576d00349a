"""From a request to a reply document: commands of a connection are run where they belong, on the loop or a worker."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from bson import Binary, Int64

from amongo.client.awaiting import awaited_reply
from amongo.commands.context import Context
from amongo.commands.instance import Instance
from amongo.commands.tailing import Awaiting
from amongo.errors import ServerError
from amongo.errors import server as errors
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.turns import take_turn, turn
from amongo.runtime.workers import run
from amongo.server.messages import Request, command_name

_LOG: Final = logging.getLogger("amongo.server")
_NO_SIGNATURE: Final = {"hash": Binary(bytes(20)), "keyId": Int64(0)}


class Answering:
    """Answers requests on one open store.

    is_standalone   replies carry no cluster time
    """

    def __init__(self, instance: Instance, *, is_standalone: bool = False) -> None:
        self._instance = instance
        self._is_standalone = is_standalone

    async def answer(self, request: Request) -> dict[str, Any]:
        """The reply document: of values that BSON has, with RawBSONDocuments in the batches of cursors."""
        if time.monotonic() >= turn.ends:
            await take_turn()
        try:
            reply = await self._run(request)
        except ServerError as error:
            reply = error.reply()
        except Exception as error:  # a mistake of ours must not end a connection that goes on
            _LOG.exception("the command '%s' failed", command_name(request.command))
            reply = errors.INTERNAL(reason=repr(error)).reply()
        if self._is_standalone:
            return reply
        return reply | self._times()

    async def _run(self, request: Request) -> dict[str, Any]:
        """errors: ServerError."""
        instance = self._instance
        try:
            if instance.is_quick(command_name(request.command)) and not instance.store.is_busy:
                return instance.run_command(request.database, request.command, sequences=request.sequences)
            interrupt = Interrupt()
            return await run(
                instance.run_command,
                request.database,
                request.command,
                Context(interrupt),
                request.sequences,
                interrupt=interrupt,
                discard=self._discard,
            )
        except Awaiting as awaiting:
            return (await awaited_reply(instance, awaiting)).document()

    def _discard(self, reply: dict[str, Any]) -> None:
        """Close the cursor that was opened for a client that has gone."""
        cursor_id = reply.get("cursor", {}).get("id", 0)
        if cursor_id:
            self._instance.cursors.kill([int(cursor_id)])

    def _times(self) -> dict[str, Any]:
        """The times that every reply of a replica set carries."""
        cluster_time = {"clusterTime": self._instance.cluster_time(), "signature": _NO_SIGNATURE}
        return {"$clusterTime": cluster_time, "operationTime": self._instance.operation_time()}
