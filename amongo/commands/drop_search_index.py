"""dropSearchIndex: drop a search index. There are none, as on any server without Atlas Search.

Source: manual, dropSearchIndex.
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

FIELDS = {"name": Field("string"), "id": Field("string")}


def run(instance: Instance, request: SearchIndexesRequest, context: Context) -> NoReturn:
    """Refuse. errors: SEARCH_INDEXES_NOT_ENABLED."""
    raise diagnosis.SEARCH_INDEXES_NOT_ENABLED()


COMMAND = Command("dropSearchIndex", search_indexes_parser("dropSearchIndex", FIELDS), run, is_quick=True)
