"""dropConnections: close the connections from this node to others. Source: manual, dropConnections.

There are none; what is asked is checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import command as errors
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"hostAndPort": Field("array", required=True)}

_ADDRESS: Final = re.compile(r"(\[[^\[\]]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?")
_PORT_MAX: Final = 65535


@dataclass(frozen=True, slots=True)
class DropConnectionsRequest:
    """Nothing of it has an effect."""


def parse(database: str, document: dict[str, Any]) -> DropConnectionsRequest:
    """The request of a dropConnections document.

    errors   UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE, FAILED_TO_PARSE for what is no address
    """
    fields = parse_fields("dropConnections", document, FIELDS)
    for place, address in enumerate(fields["hostAndPort"]):
        if type(address) is not str:
            raise errors.WRONG_TYPE(
                command="dropConnections",
                field=f"hostAndPort.{place}",
                actual=alias(address),
                expected="type 'string'",
            )
        parts = _ADDRESS.fullmatch(address)
        if parts is None or (parts[2] is not None and not 0 < int(parts[2]) <= _PORT_MAX):
            raise errors.FAILED_TO_PARSE(message=f"Bad host and port: '{address}'")
    return DropConnectionsRequest()


def run(instance: Instance, request: DropConnectionsRequest, context: Context) -> dict[str, Any]:
    """Nothing but `ok`."""
    return {"ok": 1.0}


COMMAND = Command("dropConnections", parse, run, is_admin_only=True, is_quick=True)
