"""getCmdLineOpts: how the server was started. Source: manual, getCmdLineOpts.

What stands for the command line is where the data are, and how the servers of the store were set up.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class GetCmdLineOptsRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> GetCmdLineOptsRequest:
    """The request of a getCmdLineOpts document.

    errors   UNKNOWN_FIELD
    """
    parse_fields("getCmdLineOpts", document, {})
    return GetCmdLineOptsRequest()


def run(instance: Instance, request: GetCmdLineOptsRequest, context: Context) -> dict[str, Any]:
    """{argv, parsed}."""
    directory = instance.store.directory
    parsed: dict[str, Any] = {} if directory is None else {"storage": {"dbPath": str(directory)}}
    for service in list(instance.services):
        parsed |= service.options
    return {"argv": list(sys.argv), "parsed": parsed, "ok": 1.0}


COMMAND = Command("getCmdLineOpts", parse, run, is_admin_only=True, is_quick=True)
