"""From a request to a reply document, whatever happens: errors are replies."""

from __future__ import annotations

import logging
from typing import Any, Final

from bson import Binary, Int64

from amongo.client.runner import Runner, command_name
from amongo.commands.peer import Peer
from amongo.errors import ServerError
from amongo.errors import server as errors
from amongo.server.messages import Request

_LOG: Final = logging.getLogger("amongo.server")
_NO_SIGNATURE: Final = {"hash": Binary(bytes(20)), "keyId": Int64(0)}


class Answering:
    """Answers requests on one open store.

    is_standalone   replies carry no cluster time
    """

    def __init__(self, runner: Runner, *, is_standalone: bool = False) -> None:
        self._runner = runner
        self._is_standalone = is_standalone

    async def answer(self, request: Request, peer: Peer) -> dict[str, Any]:
        """The reply document: of values that BSON has, with RawBSONDocuments in the batches of cursors."""
        try:
            reply = await self._runner.answer(request.database, request.command, sequences=request.sequences, peer=peer)
        except ServerError as error:
            reply = error.reply()
        except Exception as error:  # a mistake of ours must not end a connection that goes on
            _LOG.exception("the command '%s' failed", command_name(request.command))
            reply = errors.INTERNAL(reason=repr(error)).reply()
        if self._is_standalone:
            return reply
        return reply | self._times()

    def _times(self) -> dict[str, Any]:
        """The times that every reply of a replica set carries."""
        cluster_time = {"clusterTime": self._runner.instance.cluster_time(), "signature": _NO_SIGNATURE}
        return {"$clusterTime": cluster_time, "operationTime": self._runner.instance.operation_time()}
