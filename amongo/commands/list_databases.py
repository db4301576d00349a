"""listDatabases: the databases and how large they are. Source: manual, listDatabases.

As on every replica set, `admin`, `config` and `local` are there from the start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Int64

from amongo.commands.access.actions import actions
from amongo.commands.access.checking import client_authority
from amongo.commands.access.privileges import CLUSTER
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
    "authorizedDatabases": Field("bool"),
}

_ALL: Final = actions("listDatabases")

ALWAYS: Final = frozenset({"admin", "config", "local"})


@dataclass(frozen=True, slots=True)
class ListDatabasesRequest:
    """A listDatabases.

    accepts     the bound filter; it sees what is shown
    name_only   names alone
    only_own    only those that the client has to do with; None to leave that to what it may do
    """

    accepts: Callable[[dict[str, Any]], bool] | None = None
    name_only: bool = False
    only_own: bool | None = None


def parse(database: str, document: dict[str, Any]) -> ListDatabasesRequest:
    """The request of a listDatabases command.

    errors   those of `parse_fields` and of the filter
    """
    fields = parse_fields("listDatabases", document, FIELDS)
    _refuse_clock(fields["filter"])
    accepts = restricted_filter(fields["filter"])
    return ListDatabasesRequest(accepts, fields["nameOnly"], fields["authorizedDatabases"])


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
    is_shown = _visible(instance, request, context)
    with instance.store.lock:
        names = sorted(ALWAYS.union(catalog.databases()))
        databases = [describe(catalog, name) for name in names if is_shown(name)]
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


def _visible(instance: Instance, request: ListDatabasesRequest, context: Context) -> Callable[[str], bool]:
    """Which databases are shown: all, or those in which the client may do something."""
    authority = client_authority(instance, context)
    if authority is None:
        return lambda name: True
    only_own = request.only_own
    if only_own is None:
        only_own = not authority.may(_ALL, CLUSTER)
    return authority.sees_database if only_own else lambda name: True


def describe(catalog: Catalog, name: str) -> dict[str, Any]:
    """What listDatabases shows of a database."""
    collections = catalog.collections(name)
    size = sum(each.data_bytes for each in collections)
    return {"name": name, "sizeOnDisk": Int64(size), "empty": not collections}


COMMAND = Command("listDatabases", parse, run, is_admin_only=True, is_quick=True)
