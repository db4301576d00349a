"""dropSearchIndex: drop a search index. There are none, as on any server without Atlas Search.

Source: manual, dropSearchIndex.
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
}


@dataclass(frozen=True, slots=True)
class DropSearchIndexRequest:
    """A dropSearchIndex.

    namespace   "database.collection"
    """

    namespace: str


def parse(database: str, document: dict[str, Any]) -> DropSearchIndexRequest:
    """The request of a dropSearchIndex document.

    errors   those of `parse_fields` and `collection_namespace`
    """
    namespace = collection_namespace(database, document["dropSearchIndex"])
    parse_fields("dropSearchIndex", document, FIELDS)
    return DropSearchIndexRequest(namespace)


def run(instance: Instance, request: DropSearchIndexRequest, context: Context) -> NoReturn:
    """Refuse. errors: SEARCH_INDEXES_NOT_ENABLED."""
    raise diagnosis.SEARCH_INDEXES_NOT_ENABLED()


COMMAND = Command("dropSearchIndex", parse, run, is_quick=True)
