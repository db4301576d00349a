"""Results as Arrow tables, and SQL: requests of the embedded client that MongoDB has no commands for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amongo.commands import aggregate
from amongo.commands.context import Context
from amongo.commands.find import NO_OPTIONS, FindOptions, FindRequest, plan_find
from amongo.commands.variables import runtime_variables
from amongo.commands.view_reads import find_in_view_request
from amongo.commands.views import find_view, is_view
from amongo.engine.records import Collection
from amongo.runtime.interrupts import Interrupt

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class FindTableRequest:
    """What a find finds, as a table.

    namespace   "database.collection"
    projection  as of a find
    """

    namespace: str
    filter: dict[str, Any]
    projection: dict[str, Any] | None = None
    sort: dict[str, Any] | None = None
    skip: int = 0
    limit: int = 0
    options: FindOptions = NO_OPTIONS

    @property
    def find(self) -> FindRequest:
        """The find."""
        given = (self.namespace, self.filter, self.projection, self.sort, self.skip, self.limit)
        return FindRequest(*given, options=self.options)


@dataclass(frozen=True, slots=True)
class AggregateTableRequest:
    """What a pipeline gives, as a table.

    command   the aggregate command, of canonical values
    """

    database: str
    command: dict[str, Any]

    @property
    def namespace(self) -> str:
        """ "database.collection"."""
        return f"{self.database}.{self.command['aggregate']}"


@dataclass(frozen=True, slots=True)
class SqlRequest:
    """A SELECT over the collections of a database.

    parameters      a list for `?` and `$1`, a dict for `$name`
    time_limit_ms   None for no limit
    """

    database: str
    text: str
    parameters: Any = field(default_factory=list)
    time_limit_ms: int | None = None

    @property
    def namespace(self) -> str:
        """ "database.$sql"."""
        return f"{self.database}.$sql"


def run_find(instance: Instance, request: FindTableRequest, context: Context) -> Any:
    """The table.

    errors   those of the find
    """
    interrupt = instance.operation_interrupt(context, request.options.max_time_ms)
    if is_view(instance.store.catalog, request.namespace):
        inner = find_in_view_request(request.find)
        documents: Iterator[bytes] = aggregate.result_documents(instance, inner, interrupt)
        return instance.columnar.documents_table(documents, interrupt)
    names = _plain_names(request.projection)
    whole = request.find._replace(projection=request.projection if names is None else None)
    plan = plan_find(instance, whole)
    if plan is None:
        return instance.columnar.documents_table((), interrupt)
    if request.projection and names is None:
        return instance.columnar.documents_table(plan.documents(instance.store, interrupt), interrupt)
    variables = runtime_variables(instance) | request.options.variables
    return instance.columnar.found_table(plan, names, variables, interrupt)


def _plain_names(projection: dict[str, Any] | None) -> list[str] | None:
    """The top-level fields that a projection includes, `_id` first unless it goes; None for any other projection."""
    if not projection:
        return None
    shown = {name: value for name, value in projection.items() if name != "_id"}
    is_plain = all(type(value) in (bool, int) and value for value in shown.values()) and shown
    if not is_plain or any("." in name or name.startswith("$") for name in shown):
        return None
    with_id = projection.get("_id", True)
    if type(with_id) not in (bool, int):
        return None
    return [*(["_id"] if with_id else []), *shown]


def run_aggregate(instance: Instance, request: AggregateTableRequest, context: Context) -> Any:
    """The table.

    errors   those of the aggregate
    """
    parsed = aggregate.parse(request.database, request.command)
    interrupt = instance.operation_interrupt(context, parsed.time_limit_ms)
    documents = aggregate.result_documents(instance, parsed, interrupt)
    return instance.columnar.documents_table(documents, interrupt)


def run_sql(instance: Instance, request: SqlRequest, context: Context) -> Any:
    """The table.

    errors   SQL_REFUSED, SQL_UNKNOWN_TABLE, SQL_FAILED
    """
    interrupt = instance.operation_interrupt(context, request.time_limit_ms)

    def documents_of(name: str) -> Collection | Iterable[bytes] | None:
        namespace = f"{request.database}.{name}"
        found = instance.store.catalog.get(namespace)
        if found is not None:
            return found
        return _view_documents(instance, namespace, interrupt)

    return instance.columnar.sql(request.text, request.parameters, documents_of, interrupt)


def _view_documents(instance: Instance, namespace: str, interrupt: Interrupt) -> Iterable[bytes] | None:
    if find_view(instance.store.catalog, namespace) is None:
        return None
    return aggregate.result_documents(instance, find_in_view_request(FindRequest(namespace, {})), interrupt)


def examines(instance: Instance, request: object) -> int:
    """Always on a worker."""
    return sys.maxsize
