"""getDefaultRWConcern: the concerns of operations that name none. Source: manual, getDefaultRWConcern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"inMemory": Field("bool", default=False)}


@dataclass(frozen=True, slots=True)
class GetDefaultRWConcernRequest:
    """A getDefaultRWConcern.

    in_memory   the answer says that it comes from the node's memory
    """

    in_memory: bool = False


def parse(database: str, document: dict[str, Any]) -> GetDefaultRWConcernRequest:
    """The request of a getDefaultRWConcern document.

    errors   UNKNOWN_FIELD, WRONG_TYPE
    """
    return GetDefaultRWConcernRequest(parse_fields("getDefaultRWConcern", document, FIELDS)["inMemory"])


def run(instance: Instance, request: GetDefaultRWConcernRequest, context: Context) -> dict[str, Any]:
    """{defaultReadConcern, defaultWriteConcern, …}."""
    shown = instance.default_concerns.document(instance)
    if request.in_memory:
        shown["inMemory"] = True
    return shown | {"ok": 1.0}


COMMAND = Command("getDefaultRWConcern", parse, run, is_admin_only=True, is_quick=True)
