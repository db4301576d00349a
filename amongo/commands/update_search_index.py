"""updateSearchIndex: define a search index anew. Source: manual, updateSearchIndex."""

from __future__ import annotations

from amongo.commands.fields import Field
from amongo.commands.search_indexes import search_indexes_command

FIELDS = {"name": Field("string"), "id": Field("string"), "definition": Field("object", required=True)}

COMMAND = search_indexes_command("updateSearchIndex", FIELDS)
