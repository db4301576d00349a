"""From a request to a reply document, whatever happens: errors are replies."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from amongo.client.runner import Runner, command_name
from amongo.commands.error_labels import labelled
from amongo.commands.failpoints import ConnectionDropped
from amongo.commands.peer import Peer
from amongo.commands.replies import Answer, CursorReply, WriteReply, document_of
from amongo.errors import ServerError
from amongo.errors import server as errors
from amongo.server.failing import answer_or_fail
from amongo.server.messages import Request
from amongo.server.packing import Reply, times

_LOG: Final = logging.getLogger("amongo.server")


class Answering:
    """Answers requests on one open store.

    is_standalone   replies carry no cluster time
    """

    def __init__(self, runner: Runner, *, is_standalone: bool = False) -> None:
        self._runner = runner
        self._is_standalone = is_standalone
        self._told: tuple[tuple[int, int], bytes] = (0, 0), b""  # the times of the last reply

    async def answer(self, request: Request, peer: Peer) -> Reply:
        """The reply: a document of values that BSON has, or that of a cursor.

        errors   ConnectionDropped, where a failpoint says so
        """
        if self._runner.instance.failpoints is not None:
            return await answer_or_fail(self._runner.instance, request, peer, self._answer_with_document)
        return await self._answer(request, peer)

    async def _answer_with_document(self, request: Request, peer: Peer) -> dict[str, Any]:
        return document_of(await self._answer(request, peer))

    async def _answer(self, request: Request, peer: Peer) -> Answer:
        try:
            return await self._runner.reply(
                request.database, request.command, request.sequences, peer, request.document
            )
        except ServerError as error:
            return labelled(error, request.command).reply()
        except ConnectionDropped:
            raise
        except Exception as error:  # a mistake of ours must not end a connection that goes on
            _LOG.exception("the command '%s' failed", command_name(request.command))
            return errors.INTERNAL(reason=repr(error)).reply()

    def times(self) -> bytes:
        """The times that every reply of a replica set carries, as elements of its document."""
        if self._is_standalone:
            return b""
        numbers = self._runner.instance.times.numbers()
        if numbers != self._told[0]:
            self._told = numbers, times(*numbers)
        return self._told[1]

    def awaits_data(self, request: Request) -> bool:
        """Whether a request is a getMore that may wait for what others do."""
        document = request.document
        cursor = None if document is None else self._runner.instance.cursors.find(document.get("getMore", 0))
        return cursor is not None and cursor.awaits_data

    def forget_cursor(self, reply: Reply) -> None:
        """Close the cursor of a reply that nobody will go on with."""
        found = cursor_id(reply)
        if found:
            self._runner.instance.cursors.kill([found])


def cursor_id(reply: Reply) -> int:
    """The number of the cursor that a reply is of, if it has more; 0 otherwise."""
    if isinstance(reply, CursorReply):
        return reply.cursor_id
    cursor = None if isinstance(reply, WriteReply) else reply.get("cursor")
    return int(cursor.get("id", 0)) if isinstance(cursor, Mapping) else 0
