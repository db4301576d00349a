"""What the commands on search indexes share: there are none, as on any server without Atlas Search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace


@dataclass(frozen=True, slots=True)
class SearchIndexesRequest:
    """Of which collection; "database.collection"."""

    namespace: str


def search_indexes_parser(
    name: str, fields: Mapping[str, Field]
) -> Callable[[str, dict[str, Any]], SearchIndexesRequest]:
    """The parser of the command of this name."""

    def parse(database: str, document: dict[str, Any]) -> SearchIndexesRequest:
        """The request of a command on search indexes.

        errors   those of `parse_fields` and `collection_namespace`
        """
        namespace = collection_namespace(database, document[name])
        parse_fields(name, document, fields)
        return SearchIndexesRequest(namespace)

    return parse
