"""Commands that keep every type on their way to a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson.raw_bson import RawBSONDocument

from amongo.values.codec import encode_in_order


def exact(command: Mapping[str, Any]) -> dict[str, Any]:
    """A command as drivers take it: a dict, its documents encoded already, with types that drivers do not know."""
    return {name: _encoded(value) for name, value in command.items()}


def _encoded(value: Any) -> Any:
    if type(value) is dict:
        return RawBSONDocument(encode_in_order(value))
    return [_encoded(each) for each in value] if type(value) is list else value
