"""What the commands share that tidy up what Queryable Encryption puts beside an encrypted collection.

Encrypted values are written by MongoDB's own library, and amongo does not take them. So there is nothing to tidy up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Int64

from amongo.commands.command import Command
from amongo.commands.context import Context
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


def encryption_command(name: str, fields: Mapping[str, Field], not_encrypted: Callable[[], ServerError]) -> Command:
    """The command of this name, whose reply is {stats}: zeros.

    not_encrypted   the error for a collection that was not created with encrypted fields
    errors          of the command: UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, COLLECTION_NAME_TYPE, INVALID_NAMESPACE,
                    NAMESPACE_NOT_FOUND, and that one
    """

    def parse(database: str, document: dict[str, Any]) -> EncryptedRequest:
        parse_fields(name, document, fields)
        return EncryptedRequest(collection_namespace(database, document[name]))

    def run(instance: Instance, request: EncryptedRequest, context: Context) -> dict[str, Any]:
        collection = instance.store.catalog.get(request.namespace)
        if collection is None:
            raise errors.NAMESPACE_NOT_FOUND(message=f"Collection '{request.namespace}' does not exist")
        if "encryptedFields" not in collection.options:
            raise not_encrypted()
        read = {name: Int64(0) for name in ("read", "deleted")}
        changed = {name: Int64(0) for name in ("read", "inserted", "updated", "deleted")}
        return {"stats": {"ecoc": read, "esc": changed}, "ok": 1.0}

    return Command(name, parse, run, is_quick=True)
