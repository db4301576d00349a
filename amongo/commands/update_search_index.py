"""updateSearchIndex: define a search index anew. There are none, as on any server without Atlas Search.

Source: manual, updateSearchIndex.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field
from amongo.commands.search_indexes import SearchIndexesRequest, search_indexes_parser
from amongo.errors import diagnosis

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"name": Field("string"), "id": Field("string"), "definition": Field("object", required=True)}


def run(instance: Instance, request: SearchIndexesRequest, context: Context) -> NoReturn:
    """Refuse. errors: SEARCH_INDEXES_NOT_ENABLED."""
    raise diagnosis.SEARCH_INDEXES_NOT_ENABLED()


COMMAND = Command("updateSearchIndex", search_indexes_parser("updateSearchIndex", FIELDS), run, is_quick=True)
