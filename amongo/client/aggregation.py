"""The aggregate command of a collection or database. Source: PyMongo, Collection.aggregate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pymongo.collation import validate_collation_or_none
from pymongo.common import validate_is_mapping, validate_list, validate_non_negative_integer_or_none
from pymongo.errors import ConfigurationError

from amongo.client.command_cursor import AsyncCommandCursor
from amongo.client.sending import send
from amongo.client.session import AsyncClientSession, bound_session

if TYPE_CHECKING:
    from amongo.client.collection import AsyncCollection
    from amongo.client.database import AsyncDatabase


async def aggregate(
    target: AsyncCollection[Any] | AsyncDatabase[Any],
    pipeline: Any,
    options: dict[str, Any],
    *,
    let: Mapping[str, Any] | None = None,
    session: AsyncClientSession | None = None,
    cursor_class: type[AsyncCommandCursor[Any]] = AsyncCommandCursor,
    is_raw: bool = False,
    is_database: bool = False,
) -> AsyncCommandCursor[Any]:
    """Run a pipeline over a collection, or over a database, and give its cursor.

    options       fields of the aggregate command; changed here
    is_raw        fetch every batch with getMore, so that each is one item of the cursor
    is_database   whether `target` is a database
    errors        ConfigurationError, TypeError, ValueError; what the server says
    """
    if "explain" in options:
        raise ConfigurationError("The explain option is not supported. Use AsyncDatabase.command instead.")
    for name in ("aggregate", "pipeline"):
        if name in options:
            raise ConfigurationError(f"The {name} option cannot be specified as a keyword argument.")
    validate_list("pipeline", pipeline)
    writes = bool(pipeline) and ("$out" in pipeline[-1] or "$merge" in pipeline[-1])
    if let is not None:
        validate_is_mapping("let", let)
        options["let"] = let
    batch_size = validate_non_negative_integer_or_none("batchSize", options.pop("batchSize", None))
    options["cursor"] = dict(options.get("cursor", {}))
    if not writes and is_raw:
        options["cursor"]["batchSize"] = 0
    elif not writes and batch_size is not None:
        options["cursor"]["batchSize"] = batch_size
    collation = validate_collation_or_none(options.pop("collation", None))
    max_await_time_ms = options.pop("maxAwaitTimeMS", None)
    database: AsyncDatabase[Any] = target if is_database else target.database  # type: ignore[assignment]
    subject = 1 if is_database else target.name
    client = database.client
    if session is None and client._binds:
        session = bound_session()
    if is_database and session is None:
        session = client._implicit_session()  # stages such as $listLocalSessions tell of it
    reply = await send(
        client,
        database.name,
        {"aggregate": subject, "pipeline": pipeline, **options},
        target.codec_options,
        session=session,
        read_concern=target.read_concern,
        write_concern=target.write_concern if writes else None,
        collation=collation,
    )
    cursor = reply.get("cursor") or {"id": 0, "firstBatch": []}  # none of an unacknowledged $out or $merge
    collection: Any = target
    if is_database:
        collection = database[cursor.get("ns", f"{target.name}.$cmd.aggregate").partition(".")[2]]
    return cursor_class(
        collection,
        cursor,
        client._address_pair,
        batch_size=batch_size or 0,
        max_await_time_ms=max_await_time_ms,
        session=session,
        comment=options.get("comment"),
    )
