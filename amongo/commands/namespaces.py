"""Names of databases and collections, as the server takes and refuses them.

A command names its collection in its first field; `collection_namespace` makes "database.collection" of it. What may
be read is wider than what may be created: `check_creatable` adds the rules for new collections. Source: manual,
MongoDB Limits and Thresholds, "Naming Restrictions".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from amongo.errors import command as errors
from amongo.runtime.limits import DATABASE_NAME_BYTES, NAMESPACE_BYTES
from amongo.values.types import alias

OPLOG: Final = "local.oplog.rs"
PROFILE: Final = "system.profile"
"""What the profiler has noted down of a database. Anybody may create and drop it, nobody writes to it."""
_KNOWN_NAMES: Final = 1024
INTERNAL_DATABASES: Final = frozenset({"admin", "config", "local"})
_FORBIDDEN_IN_DATABASE: Final = frozenset('/\\. "\x00')

# System collections that a client may create and write, by database; None stands for every database.
_LEGAL_SYSTEM: Final[dict[str | None, frozenset[str]]] = {
    None: frozenset({"system.js", "system.users", "system.views", PROFILE}),
    "admin": frozenset({"system.roles", "system.version", "system.keys", "system.backup_users"}),
    "config": frozenset({"system.sessions", "system.preimages"}),
    "local": frozenset({"system.replset", "system.healthlog"}),
}


def check_database(name: str) -> str:
    """`name`, if it can name a database.

    errors   INVALID_DATABASE_NAME for an empty name, one of 64 bytes or more, and one with `/ \\ . " space NUL`
    source   manual, Limits, "Restrictions on Database Names"
    """
    if not is_database_name(name):
        raise errors.INVALID_DATABASE_NAME(name=name)
    return name


@lru_cache(_KNOWN_NAMES)
def is_database_name(name: str) -> bool:
    """Whether `name` can name a database."""
    return 0 < len(name.encode()) <= DATABASE_NAME_BYTES and _FORBIDDEN_IN_DATABASE.isdisjoint(name)


def collection_namespace(database: str, value: Any) -> str:
    """ "database.collection" for the value of a command's first field.

    errors   COLLECTION_NAME_TYPE for anything but a string; INVALID_NAMESPACE for the empty name,
             COLLECTION_NAME_DOT, COLLECTION_NAME_NUL
    """
    if type(value) is not str:
        raise errors.COLLECTION_NAME_TYPE(actual=alias(value))
    check_collection(value)
    if not value:
        raise errors.INVALID_NAMESPACE(namespace=f"{database}.")
    return f"{database}.{value}"


def check_collection(name: str) -> None:
    """Refuse what no namespace can hold, existing or not.

    errors   COLLECTION_NAME_DOT for a leading dot, COLLECTION_NAME_NUL for a NUL
    """
    if name.startswith("."):
        raise errors.COLLECTION_NAME_DOT(name=name)
    if "\x00" in name:
        raise errors.COLLECTION_NAME_NUL()


def parse_namespace(namespace: str) -> tuple[str, str]:
    """(database, collection) of a full namespace written out, as renameCollection takes it.

    errors   INVALID_NAMESPACE, COLLECTION_NAME_DOT, COLLECTION_NAME_NUL
    """
    database, _, collection = namespace.partition(".")
    check_collection(collection)
    if not collection or not is_database_name(database):
        raise errors.INVALID_NAMESPACE(namespace=namespace)
    return database, collection


def check_writable(namespace: str) -> None:
    """Refuse writing to a namespace that belongs to the server.

    errors   CANNOT_WRITE_TO
    """
    database, _, collection = namespace.partition(".")
    if namespace == OPLOG:
        raise errors.CANNOT_WRITE_TO(namespace=namespace)
    is_refused = not _is_legal_system(database, collection) or collection == PROFILE
    if collection.startswith("system.") and is_refused:
        raise errors.CANNOT_WRITE_TO(namespace=namespace)


def refuse_profile(namespace: str) -> None:
    """Refuse writing to what the profiler has noted down.

    errors   CANNOT_WRITE_TO
    """
    if namespace.endswith(f".{PROFILE}") and namespace.partition(".")[2] == PROFILE:
        raise errors.CANNOT_WRITE_TO(namespace=namespace)


def check_droppable(namespace: str) -> None:
    """Refuse dropping or renaming a collection that belongs to the server.

    errors   ILLEGAL_OPERATION
    """
    if namespace == OPLOG:
        raise errors.ILLEGAL_OPERATION(message="can't drop live oplog while replicating")
    database, _, collection = namespace.partition(".")
    if collection.startswith("system.") and not _is_legal_system(database, collection):
        raise errors.ILLEGAL_OPERATION(message=f"can't drop system collection {namespace}")


def check_creatable(namespace: str, databases: Iterable[str]) -> None:
    """Refuse creating a collection of this name.

    databases   the databases that there are
    errors      NAMESPACE_TOO_LONG, INVALID_COLLECTION_NAME with a `$`, INVALID_SYSTEM_NAMESPACE, CANNOT_WRITE_TO the
                oplog, which is there already, DATABASE_DIFFERS_IN_CASE
    source      manual, Limits, "Namespace Length" and "Restriction on Collection Names"
    """
    database, _, collection = namespace.partition(".")
    if len(namespace.encode()) > NAMESPACE_BYTES:
        raise errors.NAMESPACE_TOO_LONG(namespace=namespace, limit=NAMESPACE_BYTES)
    if "$" in collection:
        raise errors.INVALID_COLLECTION_NAME(name=collection)
    if collection.startswith("system.") and not _is_legal_system(database, collection):
        raise errors.INVALID_SYSTEM_NAMESPACE(namespace=namespace)
    if namespace == OPLOG:
        raise errors.CANNOT_WRITE_TO(namespace=namespace)
    check_database_case(database, databases)


def check_database_case(database: str, databases: Iterable[str]) -> None:
    """Refuse a new database whose name differs from another's in nothing but case.

    errors   DATABASE_DIFFERS_IN_CASE
    """
    existing = set(databases)
    if database in existing:
        return
    folded = database.lower()
    for other in existing:
        if other.lower() == folded:
            raise errors.DATABASE_DIFFERS_IN_CASE(existing=other, name=database)


def is_system(collection: str) -> bool:
    """Whether a collection of this name belongs to the server."""
    return collection.startswith("system.")


def _is_legal_system(database: str, collection: str) -> bool:
    return collection in _LEGAL_SYSTEM[None] or collection in _LEGAL_SYSTEM.get(database, ())
