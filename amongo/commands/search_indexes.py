"""What the commands on search indexes share: there are none, as on any server without Atlas Search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.errors import diagnosis

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class SearchIndexesRequest:
    """Of which collection; "database.collection"."""

    namespace: str


def search_indexes_command(name: str, fields: Mapping[str, Field]) -> Command:
    """The command of this name: it is looked through as any other, and refused.

    errors   of the command: those of `parse_fields` and `collection_namespace`; SEARCH_INDEXES_NOT_ENABLED
    """

    def parse(database: str, document: dict[str, Any]) -> SearchIndexesRequest:
        namespace = collection_namespace(database, document[name])
        parse_fields(name, document, fields)
        return SearchIndexesRequest(namespace)

    return Command(name, parse, _refuse, is_quick=True)


def _refuse(instance: Instance, request: SearchIndexesRequest, context: Context) -> NoReturn:
    raise diagnosis.SEARCH_INDEXES_NOT_ENABLED()
