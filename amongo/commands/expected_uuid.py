"""`collectionUUID`: a command says which collection it means by more than its name."""

from __future__ import annotations

from typing import Any

from bson import Binary

from amongo.engine.catalog import Catalog
from amongo.errors import command as errors
from amongo.values.types import alias


def parse_uuid(command: str, field: str, value: Any) -> bytes | None:
    """The 16 bytes of a UUID option; None where it is absent.

    errors   WRONG_TYPE for what is no UUID, INVALID_UUID for one of another length
    """
    if value is None:
        return None
    if type(value) is not Binary or value.subtype != 4:
        raise errors.WRONG_TYPE(command=command, field=field, actual=alias(value), expected="type 'UUID'")
    if len(value) != 16:
        raise errors.INVALID_UUID(message="uuid must be a 16-byte binary field with UUID (4) subtype")
    return bytes(value)


def check_uuid(catalog: Catalog, namespace: str, uuid: bytes | None) -> None:
    """Refuse to go on if the collection is not the one meant. Call it under the store's lock.

    errors   COLLECTION_UUID_MISMATCH, with the names in the reply
    """
    if uuid is None:
        return
    collection = catalog.get(namespace)
    if collection is not None and collection.uuid == uuid:
        return
    database, _, expected = namespace.partition(".")
    actual = catalog.by_uuid.get(uuid)
    is_here = actual is not None and actual.namespace.partition(".")[0] == database
    raise errors.COLLECTION_UUID_MISMATCH(
        extra={
            "db": database,
            "collectionUUID": Binary(uuid, 4),
            "expectedCollection": expected,
            "actualCollection": actual.namespace.partition(".")[2] if actual is not None and is_here else None,
        }
    )
