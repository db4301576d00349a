"""create: make a collection. Source: manual, create."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.create_options import check_images_namespace, parse_options
from amongo.commands.namespaces import PROFILE, check_creatable, collection_namespace
from amongo.commands.time_series import add_series, find_series
from amongo.commands.validation import check_validated_namespace
from amongo.commands.views import View, add_view, find_view
from amongo.engine.catalog import Catalog
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

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, ILLEGAL_OPERATION for a `system.profile` that is no collection;
             those of `parse_options`, `check_validated_namespace` and `check_images_namespace`
    """
    options = parse_options(document)
    namespace = collection_namespace(database, document["create"])
    check_validated_namespace(namespace, options.get("validator"))
    check_images_namespace(namespace, options.get("changeStreamPreAndPostImages"))
    if namespace.partition(".")[2] == PROFILE and not options.keys().isdisjoint(("viewOn", "timeseries")):
        raise errors.ILLEGAL_OPERATION(message=f"{namespace} can be neither a view nor a time series")
    return CreateRequest(namespace, options)


def run(instance: Instance, request: CreateRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}, also when the collection is there with the same options; not so in a transaction.

    errors   NAMESPACE_EXISTS when it is there with other options, or in a transaction; those of `check_creatable` and
             of the view
    """
    store, namespace, options = instance.store, request.namespace, request.options
    with store.lock:
        found = existing_options(store.catalog, namespace)
        if found is not None:
            if context.is_transaction:
                raise errors.NAMESPACE_EXISTS(message=f"Collection already exists. NS: {namespace}")
            if not equal(_by_name(found), _by_name(options)):
                raise errors.NAMESPACE_EXISTS(
                    message=f"namespace {namespace} already exists, but with different options: {shown(found)}"
                )
            return {"ok": 1.0}
        check_creatable(namespace, store.catalog.databases())
        if "viewOn" in options:
            add_view(store, View(namespace, options["viewOn"], options["pipeline"], options.get("collation")))
        elif "timeseries" in options:
            add_series(store, namespace, options)
        else:
            store.create(namespace, options)
            if "expireAfterSeconds" in options:
                instance.expiry.look()
    return {"ok": 1.0}


def existing_options(catalog: Catalog, namespace: str) -> dict[str, Any] | None:
    """The options of what has this name: a collection, a view or a time series; None if nothing has."""
    collection = catalog.get(namespace)
    if collection is not None:
        return collection.options
    view = find_view(catalog, namespace)
    if view is None:
        return None
    return find_series(catalog, namespace).options if view.is_time_series else view.options()


def _by_name(options: dict[str, Any]) -> dict[str, Any]:
    """Options in an order that does not depend on how they were written."""
    return dict(sorted(options.items()))


COMMAND = Command("create", parse, run)
