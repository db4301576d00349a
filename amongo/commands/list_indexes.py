"""listIndexes: the indexes of a collection. Source: manual, listIndexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.batches import batch_size, cursor_reply
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import PROFILE, collection_namespace
from amongo.commands.replies import CursorReply
from amongo.commands.time_series import indexed_collection
from amongo.errors import command as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "cursor": Field("object"),
    "includeBuildUUIDs": Field("flag", default=False),  # nothing is ever being built: there is nothing to include
    "includeIndexBuildInfo": Field("flag", default=False),
}


@dataclass(frozen=True, slots=True)
class ListIndexesRequest:
    """A listIndexes.

    namespace             "database.collection"
    batch_size            of the first batch; None for 101
    includes_build_info   show each index as {spec}
    """

    namespace: str
    batch_size: int | None = None
    includes_build_info: bool = False


def parse(database: str, document: dict[str, Any]) -> ListIndexesRequest:
    """The request of a listIndexes command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, those of `parse_fields`, INVALID_OPTIONS
    """
    fields = parse_fields("listIndexes", document, FIELDS)
    if fields["includeBuildUUIDs"] and fields["includeIndexBuildInfo"]:
        raise errors.INVALID_OPTIONS(
            message="The includeBuildUUIDs flag and includeBuildIndexInfo flag cannot both be set to true"
        )
    namespace = collection_namespace(database, document["listIndexes"])
    return ListIndexesRequest(namespace, batch_size("listIndexes", fields["cursor"]), fields["includeIndexBuildInfo"])


def run(instance: Instance, request: ListIndexesRequest, context: Context) -> CursorReply:
    """A cursor over the index specifications.

    errors   NAMESPACE_NOT_FOUND, IS_A_VIEW
    """
    collection = indexed_collection(instance.store.catalog, request.namespace)
    if collection is None:
        raise errors.NAMESPACE_NOT_FOUND(message=f"ns does not exist: {request.namespace}")
    has_none = request.namespace.partition(".")[2] == PROFILE
    definitions = () if has_none else collection.indexes.values()
    indexes = [{"spec": each} if request.includes_build_info else each for each in definitions]
    return cursor_reply(instance, request.namespace, indexes, request.batch_size, context)


COMMAND = Command("listIndexes", parse, run, is_quick=True)
