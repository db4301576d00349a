"""create: make a collection. Source: manual, create."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.create_options import parse_options
from amongo.commands.namespaces import check_creatable, collection_namespace
from amongo.errors import command as errors
from amongo.values.order import equal
from amongo.values.wording import shown

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """The collection to create.

    namespace   "database.collection"
    options     as the collection keeps them
    """

    namespace: str
    options: dict[str, Any]


def parse(database: str, document: dict[str, Any]) -> CreateRequest:
    """The request of a create command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, those of `parse_options`
    """
    options = parse_options(document)
    return CreateRequest(collection_namespace(database, document["create"]), options)


def run(instance: Instance, request: CreateRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}, also when the collection is there with the same options.

    errors   NAMESPACE_EXISTS when it is there with other options, those of `check_creatable`
    """
    store = instance.store
    with store.lock:
        found = store.catalog.get(request.namespace)
        if found is None:
            check_creatable(request.namespace, store.catalog.databases())
            store.create(request.namespace, request.options)
        elif not equal(_by_name(found.options), _by_name(request.options)):
            raise errors.NAMESPACE_EXISTS(
                message=f"namespace {request.namespace} already exists, but with different options: "
                f"{shown(found.options)}"
            )
    return {"ok": 1.0}


def _by_name(options: dict[str, Any]) -> dict[str, Any]:
    """Options in an order that does not depend on how they were written."""
    return dict(sorted(options.items()))


COMMAND = Command("create", parse, run)
