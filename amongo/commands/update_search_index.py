"""updateSearchIndex: define a search index anew. There are none, as on any server without Atlas Search.

Source: manual, updateSearchIndex.
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
    "name": Field("string"),
    "id": Field("string"),
    "definition": Field("object", required=True),
}


@dataclass(frozen=True, slots=True)
class UpdateSearchIndexRequest:
    """A updateSearchIndex.

    namespace   "database.collection"
    """

    namespace: str


def parse(database: str, document: dict[str, Any]) -> UpdateSearchIndexRequest:
    """The request of a updateSearchIndex document.

    errors   those of `parse_fields` and `collection_namespace`
    """
    namespace = collection_namespace(database, document["updateSearchIndex"])
    parse_fields("updateSearchIndex", document, FIELDS)
    return UpdateSearchIndexRequest(namespace)


def run(instance: Instance, request: UpdateSearchIndexRequest, context: Context) -> NoReturn:
    """Refuse. errors: SEARCH_INDEXES_NOT_ENABLED."""
    raise diagnosis.SEARCH_INDEXES_NOT_ENABLED()


COMMAND = Command("updateSearchIndex", parse, run, is_quick=True)
