"""What a command is: a name, a parser of its document, and a function that runs the parsed request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the registry.

    name            as it stands first in the command document
    parse           (database, document) -> request, a frozen object; refuses unknown options by name
    run             (instance, request, context) -> reply: a document, or an object with `.document()`
    aliases         further names
    is_admin_only   refused on any database but `admin`
    is_quick        takes a small part of a millisecond whatever the data, so the event loop may run it itself
    raw_fields      array fields whose documents `parse` receives as raw BSON bytes
    check_bytes     (bytes of the document, document): refuses what only the bytes show; None for nothing
    secrets         fields that nobody may see where operations are shown
    """

    name: str
    parse: Callable[[str, dict[str, Any]], Any]
    run: Callable[[Any, Any, Any], Any]
    aliases: tuple[str, ...] = ()
    is_admin_only: bool = False
    is_quick: bool = False
    raw_fields: tuple[str, ...] = ()
    check_bytes: Callable[[bytes, dict[str, Any]], None] | None = None
    secrets: tuple[str, ...] = ()
