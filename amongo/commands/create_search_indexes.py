"""createSearchIndexes: make search indexes. Source: manual, createSearchIndexes."""

from __future__ import annotations

from amongo.commands.fields import Field
from amongo.commands.search_indexes import search_indexes_command

FIELDS = {"indexes": Field("array", required=True)}

COMMAND = search_indexes_command("createSearchIndexes", FIELDS)
