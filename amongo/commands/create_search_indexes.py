"""createSearchIndexes: make search indexes. There are none, as on any server without Atlas Search.

Source: manual, createSearchIndexes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.errors import diagnosis

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "indexes": Field("array", required=True),
}


@dataclass(frozen=True, slots=True)
class CreateSearchIndexesRequest:
    """A createSearchIndexes.

    namespace   "database.collection"
    """

    namespace: str


def parse(database: str, document: dict[str, Any]) -> CreateSearchIndexesRequest:
    """The request of a createSearchIndexes document.

    errors   those of `parse_fields` and `collection_namespace`
    """
    namespace = collection_namespace(database, document["createSearchIndexes"])
    parse_fields("createSearchIndexes", document, FIELDS)
    return CreateSearchIndexesRequest(namespace)


def run(instance: Instance, request: CreateSearchIndexesRequest, context: Context) -> NoReturn:
    """Refuse. errors: SEARCH_INDEXES_NOT_ENABLED."""
    raise diagnosis.SEARCH_INDEXES_NOT_ENABLED()


COMMAND = Command("createSearchIndexes", parse, run, is_quick=True)
