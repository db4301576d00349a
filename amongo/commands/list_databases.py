"""listDatabases: the databases and how large they are. Source: manual, listDatabases.

As on every replica set, `admin`, `config` and `local` are there from the start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Int64

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.restricted_filters import restricted_filter
from amongo.engine.catalog import Catalog
from amongo.errors.expression import VARIABLE_UNAVAILABLE

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "filter": Field("object"),
    "nameOnly": Field("flag", default=False),
    "authorizedDatabases": Field("bool", default=False),  # there are no users: all databases are authorized
}

ALWAYS: Final = frozenset({"admin", "config", "local"})


@dataclass(frozen=True, slots=True)
class ListDatabasesRequest:
    """A listDatabases.

    accepts     the bound filter; it sees what is shown
    name_only   names alone
    """

    accepts: Callable[[dict[str, Any]], bool] | None = None
    name_only: bool = False


def parse(database: str, document: dict[str, Any]) -> ListDatabasesRequest:
    """The request of a listDatabases command.

    errors   those of `parse_fields` and of the filter
    """
    fields = parse_fields("listDatabases", document, FIELDS)
    _refuse_clock(fields["filter"])
    accepts = restricted_filter(fields["filter"])
    return ListDatabasesRequest(accepts, fields["nameOnly"])


def _refuse_clock(filter: Any) -> None:
    """Refuse expressions that ask what time it is.

    errors   VARIABLE_UNAVAILABLE
    """
    if type(filter) is str and filter.partition(".")[0] == "$$NOW":
        raise VARIABLE_UNAVAILABLE(name="NOW")
    for inner in filter.values() if type(filter) is dict else filter if type(filter) is list else ():
        _refuse_clock(inner)


def run(instance: Instance, request: ListDatabasesRequest, context: Context) -> dict[str, Any]:
    """{databases: [{name, sizeOnDisk, empty}], totalSize, totalSizeMb}, by name; sizes are bytes of documents."""
    catalog = instance.store.catalog
    with instance.store.lock:
        databases = [describe(catalog, name) for name in sorted(ALWAYS.union(catalog.databases()))]
    if request.name_only:
        databases = [{"name": each["name"]} for each in databases]
    if request.accepts is not None:
        databases = [each for each in databases if request.accepts(each)]
    reply: dict[str, Any] = {"databases": databases}
    if not request.name_only:
        total = sum(each["sizeOnDisk"] for each in databases)
        reply |= {"totalSize": Int64(total), "totalSizeMb": Int64(total >> 20)}
    reply["ok"] = 1.0
    return reply


def describe(catalog: Catalog, name: str) -> dict[str, Any]:
    """What listDatabases shows of a database."""
    collections = catalog.collections(name)
    size = sum(each.data_bytes for each in collections)
    return {"name": name, "sizeOnDisk": Int64(size), "empty": not collections}


COMMAND = Command("listDatabases", parse, run, is_admin_only=True, is_quick=True)
