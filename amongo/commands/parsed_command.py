"""A command document that has been read and parsed, and waits to be run: on the event loop or on a worker."""

from __future__ import annotations

from typing import Any, NamedTuple

from amongo.commands.command import Command
from amongo.commands.concerns import WriteConcern
from amongo.commands.context import Context


class ParsedCommand(NamedTuple):
    """What `Instance.parse_command` makes of a command document, and `Instance.answer_command` runs.

    command     of the registry
    database    where it is to run
    document    as it came
    request     what the command's parser has made of it
    context     its circumstances, with what the document says of session, transaction and retries
    write       its write concern
    """

    command: Command
    database: str
    document: dict[str, Any]
    request: Any
    context: Context
    write: WriteConcern
