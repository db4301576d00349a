"""The Stable API: a command may say which version of the API its client has been written for. There is one.

Source: manual, Stable API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amongo.errors import command as errors

VERSION: Final = "1"

_NAMES: Final = """
    abortTransaction aggregate authenticate bulkWrite collMod commitTransaction count create createIndexes delete drop
    dropDatabase dropIndexes endSessions explain find findAndModify getMore hello insert killCursors listCollections
    listDatabases listIndexes ping refreshSessions saslContinue saslStart update
"""
COMMANDS: Final = frozenset(_NAMES.split())
"""Those that version 1 has."""


def check_api(command: str, document: Mapping[str, Any]) -> None:
    """Refuse a command whose client expects another API.

    command   its own name, not an alias
    errors    API_WITHOUT_VERSION, API_VERSION, COMMAND_NOT_IN_API
    """
    version = document.get("apiVersion")
    if version is None:
        for name in ("apiStrict", "apiDeprecationErrors"):
            if document.get(name) is not None:
                raise errors.API_WITHOUT_VERSION(name=name)
        return
    if type(version) is str and version != VERSION:
        raise errors.API_VERSION(version=VERSION)
    if document.get("apiStrict") is True and command not in COMMANDS:
        raise errors.COMMAND_NOT_IN_API(name=command, version=VERSION)
