"""convertToCapped: make a collection a capped one. Source: manual, convertToCapped.

As on the server, a new collection takes its place, with the newest documents that fit and with no index but the one on
`_id`; cursors on the old one end. Fields that the command does not know are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.capped import copy_size, options_of_copy, source_of_copy
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.namespaces import collection_namespace
from amongo.commands.views import BUCKETS, SYSTEM_VIEWS, is_view
from amongo.engine.catalog import Catalog
from amongo.errors import capped as errors
from amongo.errors import command as command_errors
from amongo.runtime.limits import NAMESPACE_BYTES

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

# The server converts under another name first, and that has to be one: "tmpXXXXX.convertToCapped." and the name.
_PREFIX_BYTES: Final = 25


@dataclass(frozen=True, slots=True)
class ConvertRequest:
    """What to convert.

    namespace    "database.collection"
    size_bytes   of its documents at most
    """

    namespace: str
    size_bytes: int


def parse(database: str, document: dict[str, Any]) -> ConvertRequest:
    """The request of a convertToCapped command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, SIZE_NOT_POSITIVE
    """
    return ConvertRequest(collection_namespace(database, document["convertToCapped"]), copy_size(document.get("size")))


def run(instance: Instance, request: ConvertRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}.

    errors   DATABASE_NOT_FOUND, SOURCE_NOT_FOUND, SOURCE_IS_VIEW, SIZE_TOO_LARGE, NAMESPACE_TOO_LONG, NOT_CONVERTIBLE,
             SYSTEM_NOT_CONVERTIBLE
    """
    store = instance.store
    with store.lock:
        _check_buckets(store.catalog, request.namespace)
        source = source_of_copy(store.catalog, request.namespace)
        options = options_of_copy(source.options, request.size_bytes)
        if len(request.namespace.encode()) + _PREFIX_BYTES > NAMESPACE_BYTES:
            raise command_errors.NAMESPACE_TOO_LONG(namespace=request.namespace, limit=NAMESPACE_BYTES - _PREFIX_BYTES)
        if request.namespace.partition(".")[2] == SYSTEM_VIEWS:
            raise errors.SYSTEM_NOT_CONVERTIBLE(namespace=request.namespace)
        store.convert_to_capped(source, options)
    return {"ok": 1.0}


def _check_buckets(catalog: Catalog, namespace: str) -> None:
    """Refuse to convert what keeps the measurements of a time series.

    errors   NOT_CONVERTIBLE
    """
    database, _, name = namespace.partition(".")
    if name.startswith(BUCKETS) and is_view(catalog, f"{database}.{name.removeprefix(BUCKETS)}"):
        raise errors.NOT_CONVERTIBLE(namespace=namespace)


COMMAND = Command("convertToCapped", parse, run)
