"""compact: give back the space that a collection does not use. Source: manual, compact.

amongo keeps no free space in a collection: what is removed is freed at once, and the log is rewritten by checkpoints.
So there is nothing to do, and the reply says that nothing was freed. As on the server, the primary of a replica set
has to be told `force`.
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
    """{bytesFreed}, or {estimatedBytesFreed} of a dry run: 0.

    errors   COMPACT_NEEDS_FORCE, IS_A_VIEW, NAMESPACE_NOT_FOUND
    """
    if not request.is_forced:
        raise errors.COMPACT_NEEDS_FORCE()
    if indexed_collection(instance.store.catalog, request.namespace) is None:
        raise errors.NAMESPACE_NOT_FOUND(message="collection does not exist")
    return {"estimatedBytesFreed" if request.estimates else "bytesFreed": 0, "ok": 1.0}


COMMAND = Command("compact", parse, run, is_quick=True)
