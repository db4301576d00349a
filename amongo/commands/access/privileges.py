"""Privileges: which actions are permitted on which resources, and which resource stands for which.

A resource is the cluster, a collection, or a pattern: all collections of a database, those of one name in every
database, all of them. Patterns mean collections that belong to nobody but the users: those of the server (`system.*`)
have to be named, and the databases `local` and `config` are not among "all databases". Source: manual, Resource
Document; Built-In Roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from amongo.commands.access.actions import ANY_ACTION, parse_actions
from amongo.commands.fields import Field, parse_fields
from amongo.errors import command as command_errors
from amongo.errors import roles as errors
from amongo.values.types import alias

_BUCKETS: Final = "system.buckets."
_APART: Final = frozenset({"local", "config"})

_FIELDS: Final = {"resource": Field("object", required=True), "actions": Field("array", required=True)}
_RESOURCE_FIELDS: Final = {
    "cluster": Field("bool"),
    "anyResource": Field("bool"),
    "db": Field("string"),
    "collection": Field("string"),
    "system_buckets": Field("string"),
}


class Resource(NamedTuple):
    """What an action is done to, or a pattern of that.

    kind         "collection", "cluster", "anyResource", or "system_buckets"
    database     of a collection; "" for all
    collection   its name; "" for all
    """

    kind: str
    database: str = ""
    collection: str = ""

    def document(self) -> dict[str, Any]:
        """As a privilege document names it."""
        if self.kind == "collection":
            return {"db": self.database, "collection": self.collection}
        if self.kind == "system_buckets":
            return {"db": self.database, "system_buckets": self.collection}
        return {self.kind: True}


CLUSTER: Final = Resource("cluster")
ANY_RESOURCE: Final = Resource("anyResource")
NORMAL: Final = Resource("collection")
"""All collections of all databases, but for those of the server."""


def collection_resource(database: str, collection: str) -> Resource:
    """A collection."""
    return Resource("collection", database, collection)


def database_resource(database: str) -> Resource:
    """A database: its collections, but for those of the server."""
    return Resource("collection", database)


def namespace_resource(namespace: str) -> Resource:
    """The collection "database.collection"."""
    database, _, collection = namespace.partition(".")
    return Resource("collection", database, collection)


@dataclass(frozen=True, slots=True)
class Privilege:
    """Actions on a resource."""

    resource: Resource
    actions: frozenset[str]

    def document(self) -> dict[str, Any]:
        """{resource, actions}, the actions in the order of their names."""
        return {"resource": self.resource.document(), "actions": sorted(self.actions)}


Granted = Mapping[Resource, frozenset[str]]
"""What is permitted, by resource."""


def parse_privilege(value: Any) -> Privilege:
    """The privilege of a document {resource, actions}.

    errors   WRONG_TYPE, UNKNOWN_FIELD, MISSING_FIELD, BAD_RESOURCE, NO_ACTIONS, UNKNOWN_ACTIONS
    """
    if type(value) is not dict:
        raise command_errors.WRONG_TYPE(
            command="privilege", field="privileges", actual=alias(value), expected="type 'object'"
        )
    fields = parse_fields("privilege", value, _FIELDS, generic={})
    return Privilege(parse_resource(fields["resource"]), parse_actions(fields["actions"]))


def parse_privileges(values: Iterable[Any]) -> tuple[Privilege, ...]:
    """The privileges of an array, those on one resource as one.

    errors   those of `parse_privilege`
    """
    return joined(map(parse_privilege, values))


def parse_resource(value: dict[str, Any]) -> Resource:
    """The resource of a document: {cluster: true}, {anyResource: true}, {db, collection}, {db?, system_buckets}.

    errors   WRONG_TYPE, UNKNOWN_FIELD, BAD_RESOURCE
    """
    fields = parse_fields("resource", value, _RESOURCE_FIELDS, generic={})
    named = {name: found for name, found in fields.items() if found is not None}
    if named == {"cluster": True}:
        return CLUSTER
    if named == {"anyResource": True}:
        return ANY_RESOURCE
    if named.keys() == {"db", "collection"}:
        return Resource("collection", named["db"], named["collection"])
    if named.keys() in ({"db", "system_buckets"}, {"system_buckets"}):
        return Resource("system_buckets", named.get("db", ""), named["system_buckets"])
    raise errors.BAD_RESOURCE()


def joined(privileges: Iterable[Privilege]) -> tuple[Privilege, ...]:
    """The same privileges, those on one resource as one, in the order of the first of each."""
    return tuple(Privilege(*each) for each in granted(privileges).items())


def granted(privileges: Iterable[Privilege]) -> dict[Resource, frozenset[str]]:
    """What privileges permit together."""
    found: dict[Resource, frozenset[str]] = {}
    for each in privileges:
        found[each.resource] = found.get(each.resource, frozenset()) | each.actions
    return found


def without(privileges: Iterable[Privilege], taken: Iterable[Privilege]) -> tuple[Privilege, ...]:
    """Privileges without the actions of others on the very same resources."""
    revoked = granted(taken)
    left = [(each, each.actions - revoked.get(each.resource, frozenset())) for each in privileges]
    return tuple(Privilege(each.resource, actions) for each, actions in left if actions)


def is_permitted(privileges: Granted, actions: frozenset[str], resource: Resource) -> bool:
    """Whether privileges permit all of some actions on a resource, each by any of the patterns that mean it."""
    missing = actions
    for pattern in meaning(resource):
        permitted = privileges.get(pattern)
        if permitted is None:
            continue
        if ANY_ACTION in permitted:
            return True
        missing = missing - permitted
        if not missing:
            return True
    return False


def is_permitted_anything(privileges: Granted, database: str) -> bool:
    """Whether privileges permit anything on the database, or on one of its collections."""
    for resource in privileges:
        if resource.kind == "anyResource":
            return True
        if resource.kind != "cluster" and resource.database in ("", database):
            if resource == NORMAL and database in _APART:
                continue
            return True
    return False


def is_permitted_anything_on(privileges: Granted, resource: Resource) -> bool:
    """Whether privileges permit anything on a resource."""
    return any(pattern in privileges for pattern in meaning(resource))


def meaning(resource: Resource) -> Iterator[Resource]:
    """The patterns that mean a resource, and the resource itself."""
    yield ANY_RESOURCE
    kind, database, collection = resource
    if kind == "collection" and database:
        if not collection:
            if database not in _APART:
                yield NORMAL
        else:
            if not is_of_server(database, collection):
                if database not in _APART:
                    yield NORMAL
                yield Resource("collection", database)
            elif collection.startswith(_BUCKETS) and len(collection) > len(_BUCKETS):
                series = collection.removeprefix(_BUCKETS)
                yield Resource("system_buckets")
                yield Resource("system_buckets", database)
                yield Resource("system_buckets", "", series)
                yield Resource("system_buckets", database, series)
            yield Resource("collection", "", collection)
    yield resource


def is_of_server(database: str, collection: str) -> bool:
    """Whether a collection is one of the server's own, which no pattern for whole databases means."""
    return collection.startswith("system.") or (database == "local" and collection.startswith("replset."))
