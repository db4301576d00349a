"""What the commands share that tidy up what Queryable Encryption puts beside an encrypted collection.

Encrypted values are written by MongoDB's own library, and amongo does not take them. So there is nothing to tidy up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Int64

from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.errors import ServerError
from amongo.errors import command as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class EncryptedRequest:
    """Of which collection; "database.collection"."""

    namespace: str


def encrypted_parser(name: str, fields: Mapping[str, Field]) -> Callable[[str, dict[str, Any]], EncryptedRequest]:
    """The parser of the command of this name."""

    def parse(database: str, document: dict[str, Any]) -> EncryptedRequest:
        """The request of a command on an encrypted collection.

        errors   UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, COLLECTION_NAME_TYPE, INVALID_NAMESPACE
        """
        parse_fields(name, document, fields)
        return EncryptedRequest(collection_namespace(database, document[name]))

    return parse


def nothing_done(
    instance: Instance, request: EncryptedRequest, not_encrypted: Callable[[], ServerError]
) -> dict[str, Any]:
    """The reply of such a command: {stats}: zeros.

    errors   NAMESPACE_NOT_FOUND; `not_encrypted` for a collection that was not created with encrypted fields
    """
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        raise errors.NAMESPACE_NOT_FOUND(message=f"Collection '{request.namespace}' does not exist")
    if "encryptedFields" not in collection.options:
        raise not_encrypted()
    read = {name: Int64(0) for name in ("read", "deleted")}
    changed = {name: Int64(0) for name in ("read", "inserted", "updated", "deleted")}
    return {"stats": {"ecoc": read, "esc": changed}, "ok": 1.0}
