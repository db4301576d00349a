"""Options of the server that amongo does not have yet: refused when they ask for something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amongo.errors import command as errors


def refuse_not_yet(command: str, values: Mapping[str, Any], not_yet: Mapping[str, str]) -> None:
    """Refuse the options that ask for something amongo does not have.

    not_yet   option -> the reason
    errors    NOT_SUPPORTED_YET at the first option with a value other than null, false or {}
    """
    for name, reason in not_yet.items():
        if values.get(name):
            raise errors.NOT_SUPPORTED_YET(what=f"'{command}.{name}'", reason=reason)
