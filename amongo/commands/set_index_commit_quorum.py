"""setIndexCommitQuorum: how many members have to be ready before an index build ends.

There is one member, and an index is built within its createIndexes: no build waits for a quorum that could be changed.
Source: manual, setIndexCommitQuorum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.commit_quorum import check_quorum
from amongo.commands.context import Context
from amongo.commands.fields import Field, check, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.errors import administration as errors
from amongo.errors import command as command_errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "indexNames": Field("array", required=True),
    "commitQuorum": Field("any", required=True),
}

_NAME: Final = "setIndexCommitQuorum"


@dataclass(frozen=True, slots=True)
class SetIndexCommitQuorumRequest:
    """Of the builds on which collection; "database.collection"."""

    namespace: str


def parse(database: str, document: dict[str, Any]) -> SetIndexCommitQuorumRequest:
    """The request of a setIndexCommitQuorum document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, EMPTY_QUORUM, COLLECTION_NAME_TYPE, INVALID_NAMESPACE
    """
    fields = parse_fields(_NAME, document, FIELDS)
    for place, each in enumerate(fields["indexNames"]):
        check(_NAME, f"indexNames.{place}", Field("string"), each)
    check_quorum(_NAME, fields["commitQuorum"])
    return SetIndexCommitQuorumRequest(collection_namespace(database, document[_NAME]))


def run(instance: Instance, request: SetIndexCommitQuorumRequest, context: Context) -> dict[str, Any]:
    """Never: there is no build to find.

    errors   NAMESPACE_NOT_FOUND, NO_SUCH_BUILD
    """
    if instance.store.catalog.get(request.namespace) is None:
        raise command_errors.NAMESPACE_NOT_FOUND(message=f"Collection '{request.namespace}' was not found")
    raise errors.NO_SUCH_BUILD(namespace=request.namespace)


COMMAND = Command(_NAME, parse, run, is_quick=True)
