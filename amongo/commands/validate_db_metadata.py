"""validateDBMetadata: what in the catalog a client that is strict about the Stable API could not make.

Under `apiStrict` the API's version 1 has no text indexes and no sparse ones, and its pipelines lack the stages that
look into the server. Source: manual, validateDBMetadata; Stable API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.index_patterns import TEXT, index_kind
from amongo.commands.stage_rules import NOT_IN_API
from amongo.commands.time_series import shown_namespace
from amongo.commands.views import list_views
from amongo.engine.indexes import Definition
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.runtime.limits import DATABASE_NAME_BYTES

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS: Final = {
    "apiParameters": Field("object", required=True),
    "db": Field("string"),
    "collection": Field("string"),
}
_API: Final = {
    "version": Field("string", required=True),
    "strict": Field("bool", default=False),
    "deprecationErrors": Field("bool", default=False),  # nothing of version 1 is deprecated
}


@dataclass(frozen=True, slots=True)
class ValidateDBMetadataRequest:
    """A validateDBMetadata.

    is_strict    whether version 1 is asked for, strictly: else there is nothing to find
    database     None for all
    collection   None for all
    """

    is_strict: bool
    database: str | None = None
    collection: str | None = None


def parse(database: str, document: dict[str, Any]) -> ValidateDBMetadataRequest:
    """The request of a validateDBMetadata command.

    errors   those of `parse_fields`, those of a database's name
    """
    fields = parse_fields("validateDBMetadata", document, FIELDS)
    api = parse_fields("validateDBMetadata.apiParameters", fields["apiParameters"], _API, generic={})
    if fields["db"] is not None:
        _check_database(fields["db"])
    is_strict = bool(api["strict"]) and api["version"] == "1"
    return ValidateDBMetadataRequest(is_strict, fields["db"], fields["collection"])


def _check_database(name: str) -> None:
    """errors   EMPTY_DATABASE_NAME, INVALID_DATABASE_NAME, DATABASE_NAME_CHARACTER"""
    if not name:
        raise errors.EMPTY_DATABASE_NAME()
    if "." in name or "\x00" in name or len(name.encode()) > DATABASE_NAME_BYTES:
        raise errors.INVALID_DATABASE_NAME(name=name)
    if not frozenset(' /\\"').isdisjoint(name):
        raise errors.DATABASE_NAME_CHARACTER(name=name)


def run(instance: Instance, request: ValidateDBMetadataRequest, context: Context) -> dict[str, Any]:
    """{apiVersionErrors}: for each finding {ns, code, codeName, errmsg}."""
    found: list[dict[str, Any]] = []
    if request.is_strict:
        with instance.store.lock:
            found += (
                {"ns": namespace, "code": error.code, "codeName": error.code_name, "errmsg": error.message}
                for namespace, error in _findings(instance, request)
                if request.collection in (None, namespace.partition(".")[2])
            )
    return {"apiVersionErrors": found, "ok": 1.0}


def _findings(instance: Instance, request: ValidateDBMetadataRequest) -> Iterator[tuple[str, ServerError]]:
    """(namespace, what is wrong) of everything in the databases that are asked for."""
    catalog = instance.store.catalog
    for database in catalog.databases() if request.database is None else [request.database]:
        for collection in catalog.collections(database):
            for definition in collection.indexes.values():
                if not _is_in_api(definition):
                    yield shown_namespace(collection), errors.INDEX_NOT_IN_API(name=definition["name"])
        for view in list_views(catalog, database):
            for stage in view.pipeline:
                for name in NOT_IN_API & stage.keys():
                    yield view.namespace, errors.STAGE_NOT_IN_API(name=name)


def _is_in_api(definition: Definition) -> bool:
    pattern: Mapping[str, Any] = definition["key"]
    return index_kind(pattern) != TEXT and not definition.get("sparse")


COMMAND = Command("validateDBMetadata", parse, run)
