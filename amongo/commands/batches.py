"""Results of commands as cursor batches: the `cursor` option, and documents that are not stored anywhere as raw
BSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from amongo.commands.context import Context
from amongo.commands.cursors import Cursor
from amongo.commands.fields import Field, parse_fields
from amongo.commands.replies import CursorReply
from amongo.values.codec import encode_in_order

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_CURSOR_FIELDS = {"batchSize": Field("integer", minimum=0, bound_code=2)}


def batch_size(command: str, cursor: dict[str, Any] | None) -> int | None:
    """`batchSize` of a command's `cursor` option; None where it is absent.

    errors   UNKNOWN_FIELD, WRONG_TYPE, and BadValue below 0
    """
    if cursor is None:
        return None
    size: int | None = parse_fields(f"{command}.cursor", cursor, _CURSOR_FIELDS, generic={})["batchSize"]
    return size


def cursor_reply(
    instance: Instance,
    namespace: str,
    documents: Iterable[dict[str, Any]],
    size: int | None,
    context: Context,
) -> CursorReply:
    """The first batch of documents made on the way; the rest waits in a cursor.

    size   documents at most in the first batch; None for 101
    """
    cursor = Cursor(namespace, encoded(documents), context.interrupt, session_id=context.session_id)
    return instance.cursors.first_reply(cursor, size)


def encoded(documents: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """The documents as BSON, one at a time."""
    return map(encode_in_order, documents)
