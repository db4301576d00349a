"""compact: give back the space that a collection does not use. Source: manual, compact.

All files of the collection become one, and all of each of its indexes, without what was removed or has come anew since.
A store in memory frees at once what is removed, so that there is nothing to do. As on the server, the primary of a
replica set has to be told `force`. What a dry run would free is not known before: it says 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.commands.time_series import indexed_collection
from amongo.errors import command as errors
from amongo.errors import storage
from amongo.values.numbers import number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "force": Field("flag", default=False),
    "dryRun": Field("flag", default=False),
    "freeSpaceTargetMB": Field("integer", minimum=1, bound_code=2),
}


@dataclass(frozen=True, slots=True)
class CompactRequest:
    """A compact.

    namespace      "database.collection"
    is_forced      do it on a primary
    estimates      say only what would be freed
    """

    namespace: str
    is_forced: bool = False
    estimates: bool = False


def parse(database: str, document: dict[str, Any]) -> CompactRequest:
    """The request of a compact command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, those of `parse_fields`
    """
    fields = parse_fields("compact", document, FIELDS)
    return CompactRequest(collection_namespace(database, document["compact"]), fields["force"], fields["dryRun"])


def run(instance: Instance, request: CompactRequest, context: Context) -> dict[str, Any]:
    """{bytesFreed}, or {estimatedBytesFreed} of a dry run.

    errors   COMPACT_NEEDS_FORCE, IS_A_VIEW, NAMESPACE_NOT_FOUND, CHECKPOINT_FAILED
    """
    if not request.is_forced:
        raise errors.COMPACT_NEEDS_FORCE()
    collection = indexed_collection(instance.store.catalog, request.namespace)
    if collection is None:
        raise errors.NAMESPACE_NOT_FOUND(message="collection does not exist")
    if request.estimates:
        return {"estimatedBytesFreed": 0, "ok": 1.0}
    checkpoints = instance.store.checkpoints
    freed = 0
    if checkpoints is not None:
        try:
            freed = checkpoints.compact(collection, instance.operation_interrupt(context, None))
        except OSError as error:
            raise storage.CHECKPOINT_FAILED(reason=error.strerror or error) from error
    return {"bytesFreed": number(freed), "ok": 1.0}


COMMAND = Command("compact", parse, run)
