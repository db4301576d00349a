"""What a transaction does not allow of the commands that it does allow.

`check_namespaces` looks at a request before its transaction is touched, which goes on after a refusal;
`check_inside` once it runs, so that a refusal ends the transaction. Source: manual, Transactions and Operations;
Transactions, "Restricted Operations"; Create Collections and Indexes in a Transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.aggregate import AggregateRequest
from amongo.commands.bulk_write import BULK_CURSORS, BulkWriteRequest
from amongo.commands.create import CreateRequest, existing_options
from amongo.commands.create_indexes import CreateIndexesRequest
from amongo.commands.delete import DeleteRequest
from amongo.commands.find import FindRequest
from amongo.commands.find_and_modify import FindAndModifyRequest
from amongo.commands.get_more import GetMoreRequest
from amongo.commands.insert import InsertRequest
from amongo.commands.update import UpdateRequest
from amongo.commands.views import find_view, may_be_view
from amongo.errors import transactions as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.engine.catalog import Catalog

_CLOSED_DATABASES: Final = frozenset({"config", "admin", "local"})

REFUSED_STAGES: Final = frozenset(
    {
        "$changeStream",
        "$changeStreamSplitLargeEvent",
        "$collStats",
        "$currentOp",
        "$indexStats",
        "$listCatalog",
        "$listClusterCatalog",
        "$listLocalSessions",
        "$listSampledQueries",
        "$listSearchIndexes",
        "$listSessions",
        "$merge",
        "$out",
        "$planCacheStats",
        "$querySettings",
        "$queryStats",
        "$shardedDataDistribution",
    }
)
"""Stages that tell of the node, or write."""

_VERBS: Final[dict[type, str]] = {
    InsertRequest: "insert into",
    UpdateRequest: "update",
    DeleteRequest: "delete from",
    FindAndModifyRequest: "modify",
}


def check_namespaces(request: Any) -> None:
    """Refuse a request that is about a namespace which no transaction reads or writes.

    errors   DATABASE_INSIDE, PROFILE_INSIDE
    """
    for namespace in _namespaces(request):
        database, _, collection = namespace.partition(".")
        if database in _CLOSED_DATABASES:
            is_stage_alone = isinstance(request, AggregateRequest) and collection.startswith("$cmd")
            is_of_bulk_write = isinstance(request, GetMoreRequest) and namespace == BULK_CURSORS
            if not is_stage_alone and not is_of_bulk_write:  # the stage says what is wrong
                raise errors.DATABASE_INSIDE(database=database)
        if collection == "system.profile":
            raise errors.PROFILE_INSIDE(namespace=namespace)


def check_inside(instance: Instance, outer: Catalog, request: Any) -> None:
    """Refuse what a transaction cannot do.

    instance   on the transaction's own store
    outer      the catalog of the real one
    errors     TAILABLE_INSIDE, READ_ONCE_INSIDE, STAGE_INSIDE, CREATE_INSIDE, INDEX_ON_DOCUMENTS, INDEX_ON_EXISTING,
               CAPPED_INSIDE, SERIES_INSIDE, SYSTEM_WRITE_INSIDE, SYSTEM_VIEWS_INSIDE
    """
    kind = type(request)
    if kind is FindRequest:
        if request.options.tailable:
            raise errors.TAILABLE_INSIDE()
        _check_read(request.namespace)
    elif kind is AggregateRequest:
        for stage in request.stages:
            for name in REFUSED_STAGES.intersection(stage):
                raise errors.STAGE_INSIDE(stage=name)
        _check_read(request.namespace)
    elif kind is CreateRequest:
        _check_create(instance, request)
    elif kind is CreateIndexesRequest:
        _check_indexes(instance, outer, request)
    elif kind is BulkWriteRequest:
        for operation in request.operations:
            check_written(instance, operation.namespace, "write to")
    elif kind in _VERBS:
        check_written(instance, request.namespace, _VERBS[kind])


def check_written(instance: Instance, namespace: str, verb: str) -> None:
    """Refuse to write to a collection that no transaction writes to.

    verb     for the message
    errors   CAPPED_INSIDE, SERIES_INSIDE, SYSTEM_WRITE_INSIDE
    """
    if ".system." in namespace and namespace.partition(".")[2].startswith("system."):
        raise errors.SYSTEM_WRITE_INSIDE(namespace=namespace)
    catalog = instance.store.catalog
    collection = catalog.by_namespace.get(namespace)
    if collection is None:
        if may_be_view(catalog, namespace):
            view = find_view(catalog, namespace)
            if view is not None and view.is_time_series:
                raise errors.SERIES_INSIDE(verb=verb, namespace=namespace)
    elif collection.cap is not None:
        raise errors.CAPPED_INSIDE(namespace=namespace)


def _check_read(namespace: str) -> None:
    if namespace.endswith(".system.views"):
        raise errors.SYSTEM_VIEWS_INSIDE()


def _check_create(instance: Instance, request: CreateRequest) -> None:
    options = request.options
    if existing_options(instance.store.catalog, request.namespace) is not None:
        return
    if "viewOn" in options:
        raise errors.CREATE_INSIDE(kind="view")
    if "timeseries" in options:
        raise errors.CREATE_INSIDE(kind="time-series collection")


def _check_indexes(instance: Instance, outer: Catalog, request: CreateIndexesRequest) -> None:
    """Indexes are made on collections that the transaction itself has made, and that are empty."""
    collection = instance.store.catalog.by_namespace.get(request.namespace)
    if collection is None:
        return
    if all(definition["name"] in collection.indexes for definition in request.definitions):
        return  # they are there, or are refused for another reason
    if collection.count:
        raise errors.INDEX_ON_DOCUMENTS(namespace=request.namespace)
    if collection.uuid in outer.by_uuid:
        raise errors.INDEX_ON_EXISTING(namespace=request.namespace)


def _namespaces(request: Any) -> Iterable[str]:
    if isinstance(request, BulkWriteRequest):
        return {operation.namespace for operation in request.operations}
    return (getattr(request, "namespace", ""),)
