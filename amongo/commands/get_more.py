"""getMore: the next batch of a cursor. Source: manual, getMore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bson import Int64

from amongo.commands.change_stream import ChangeStreamCursor
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.commands.replies import CursorReply
from amongo.commands.tailing import Awaiting
from amongo.commands.views import most_in_view
from amongo.errors import command as errors
from amongo.runtime.interrupts import NEVER
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "collection": Field("string", required=True),
    "batchSize": Field("integer", minimum=0, bound_code=2),
    "term": Field("long"),
    "lastKnownCommittedOpTime": Field("object"),
}


class GetMoreRequest(NamedTuple):
    """A getMore.

    namespace    that of the cursor
    cursor_id    as the reply before gave it
    batch_size   documents at most; None or 0 for as many as 16 MiB hold
    max_time_ms  for tailable cursors: how long to wait for a document
    """

    namespace: str
    cursor_id: int
    batch_size: int | None = None
    max_time_ms: int | None = None


def parse(database: str, document: dict[str, Any]) -> GetMoreRequest:
    """The request of a getMore command.

    errors   MISSING_FIELD, WRONG_TYPE for an id that is not an int64; those of `parse_fields`
    """
    cursor_id = document["getMore"]
    if cursor_id is None:
        raise errors.MISSING_FIELD(command="getMore", field="getMore")
    if type(cursor_id) is not Int64:
        raise errors.WRONG_TYPE(command="getMore", field="getMore", actual=alias(cursor_id), expected="type 'long'")
    values = parse_fields("getMore", document, FIELDS)
    namespace = collection_namespace(database, values["collection"])
    return GetMoreRequest(namespace, int(cursor_id), values["batchSize"], values.get("maxTimeMS"))


def run(instance: Instance, request: GetMoreRequest, context: Context) -> CursorReply:
    """The next batch.

    errors   NOT_AWAITING for a time limit; those of `Cursors.next_reply`; Awaiting
    """
    instance.counts["getmore"] += 1
    cursor = instance.cursors.find(request.cursor_id)
    if cursor is not None:
        if instance.failpoints is not None:
            instance.failpoints.fail_get_more(is_of_stream=isinstance(cursor, ChangeStreamCursor))
        context.interrupt.also_stop(cursor.interrupt)
        if cursor.awaits_data:
            return _await_data(instance, request, context)
        if request.max_time_ms is not None:
            raise errors.NOT_AWAITING()
    return instance.cursors.next_reply(request.cursor_id, request.namespace, request.batch_size, context.session_id)


def _await_data(instance: Instance, request: GetMoreRequest, context: Context) -> CursorReply:
    """The next batch of a cursor that awaits data.

    errors   Awaiting, with the cursor pinned, when there is nothing yet and time is left
    """
    cursor = instance.cursors.pin(request.cursor_id, request.namespace, context.session_id)
    awaiting = Awaiting(instance, request, cursor)
    cursor.begin_look(is_on_loop=context.interrupt is NEVER)
    try:
        reply = instance.cursors.fetch(request.cursor_id, cursor, request.batch_size)
        if not reply.batch and reply.cursor_id and awaiting.left_s() > 0:
            raise awaiting
    except Awaiting:
        raise
    except BaseException:
        awaiting.end()
        raise
    awaiting.end()
    return reply


def look_again(instance: Instance, awaiting: Awaiting, context: Context) -> CursorReply | None:
    """The next batch of a getMore that waits, when something has happened; None if it is to wait on.

    errors   those of `Awaiting.look`
    """
    context.interrupt.also_stop(awaiting.cursor.interrupt)
    awaiting.cursor.begin_look(is_on_loop=context.interrupt is NEVER)
    return awaiting.look()


def examines_again(instance: Instance, awaiting: Awaiting) -> int:
    """How many documents a look of a getMore that waits is taken at, at most."""
    return awaiting.cursor.examines or 0


def examines(instance: Instance, request: GetMoreRequest) -> int:
    """How many documents a look is taken at for the batch, at most; as for find."""
    cursor = instance.cursors.find(request.cursor_id)
    if cursor is None:
        return 0
    if (known := cursor.examines) is not None:
        return known
    if cursor.finds_at_once and request.batch_size:
        return request.batch_size // 4
    catalog = instance.store.catalog
    return catalog.count(request.namespace) or most_in_view(catalog, request.namespace)


COMMAND = Command("getMore", parse, run)
