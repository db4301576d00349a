"""cleanupStructuredEncryptionData: throw away what Queryable Encryption has left beside an encrypted collection.

As for compactStructuredEncryptionData there is nothing to throw away. Source: manual, cleanupStructuredEncryptionData.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Int64

from amongo.commands.command import Command
from amongo.commands.compact_structured_encryption_data import encrypted_collection, is_encrypted
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.errors import administration as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"cleanupTokens": Field("object", required=True)}

_NAME: Final = "cleanupStructuredEncryptionData"


@dataclass(frozen=True, slots=True)
class CleanUpEncryptedRequest:
    """Of which collection; "database.collection"."""

    namespace: str


def parse(database: str, document: dict[str, Any]) -> CleanUpEncryptedRequest:
    """The request of a cleanupStructuredEncryptionData document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, COLLECTION_NAME_TYPE, INVALID_NAMESPACE
    """
    parse_fields(_NAME, document, FIELDS)
    return CleanUpEncryptedRequest(collection_namespace(database, document[_NAME]))


def run(instance: Instance, request: CleanUpEncryptedRequest, context: Context) -> dict[str, Any]:
    """{stats}: zeros.

    errors   NAMESPACE_NOT_FOUND, NOT_ENCRYPTED_TO_CLEAN
    """
    if not is_encrypted(encrypted_collection(instance, request.namespace)):
        raise errors.NOT_ENCRYPTED_TO_CLEAN()
    read = {name: Int64(0) for name in ("read", "deleted")}
    changed = {name: Int64(0) for name in ("read", "inserted", "updated", "deleted")}
    return {"stats": {"ecoc": read, "esc": changed}, "ok": 1.0}


COMMAND = Command(_NAME, parse, run, is_quick=True)
