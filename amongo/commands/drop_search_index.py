"""dropSearchIndex: drop a search index. Source: manual, dropSearchIndex."""

from __future__ import annotations

from amongo.commands.fields import Field
from amongo.commands.search_indexes import search_indexes_command

FIELDS = {"name": Field("string"), "id": Field("string")}

COMMAND = search_indexes_command("dropSearchIndex", FIELDS)
