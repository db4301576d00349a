"""compactStructuredEncryptionData: tidy up what Queryable Encryption has put beside an encrypted collection.

Encrypted values are written by MongoDB's own library, and amongo does not take them. So there is nothing to compact in
an encrypted collection. Source: manual, compactStructuredEncryptionData.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Int64

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.engine.records import Collection
from amongo.errors import administration as errors
from amongo.errors import command as command_errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "compactionTokens": Field("object", required=True),
    "encryptionInformation": Field("object"),
    "anchorPaddingFactor": Field("double"),
}

_NAME: Final = "compactStructuredEncryptionData"


@dataclass(frozen=True, slots=True)
class CompactEncryptedRequest:
    """Of which collection; "database.collection"."""

    namespace: str


def parse(database: str, document: dict[str, Any]) -> CompactEncryptedRequest:
    """The request of a compactStructuredEncryptionData document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, COLLECTION_NAME_TYPE, INVALID_NAMESPACE
    """
    parse_fields(_NAME, document, FIELDS)
    return CompactEncryptedRequest(collection_namespace(database, document[_NAME]))


def run(instance: Instance, request: CompactEncryptedRequest, context: Context) -> dict[str, Any]:
    """{stats}: zeros.

    errors   NAMESPACE_NOT_FOUND, NOT_ENCRYPTED_TO_COMPACT
    """
    if not is_encrypted(encrypted_collection(instance, request.namespace)):
        raise errors.NOT_ENCRYPTED_TO_COMPACT()
    read = {name: Int64(0) for name in ("read", "deleted")}
    changed = {name: Int64(0) for name in ("read", "inserted", "updated", "deleted")}
    return {"stats": {"ecoc": read, "esc": changed}, "ok": 1.0}


def encrypted_collection(instance: Instance, namespace: str) -> Collection:
    """The collection of this namespace.

    errors   NAMESPACE_NOT_FOUND
    """
    collection = instance.store.catalog.get(namespace)
    if collection is None:
        raise command_errors.NAMESPACE_NOT_FOUND(message=f"Collection '{namespace}' does not exist")
    return collection


def is_encrypted(collection: Collection) -> bool:
    """Whether a collection was created with encrypted fields."""
    return "encryptedFields" in collection.options


COMMAND = Command(_NAME, parse, run, is_quick=True)
