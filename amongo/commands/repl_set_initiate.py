"""replSetInitiate: begin a replica set. amongo is one from the beginning. Source: manual, replSetInitiate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.errors import administration as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class ReplSetInitiateRequest:
    """Nothing of it is looked at: the server says first that there is a replica set."""


def parse(database: str, document: dict[str, Any]) -> ReplSetInitiateRequest:
    """The request of a replSetInitiate document."""
    return ReplSetInitiateRequest()


def run(instance: Instance, request: ReplSetInitiateRequest, context: Context) -> dict[str, Any]:
    """Never.

    errors   ALREADY_INITIALIZED
    """
    raise errors.ALREADY_INITIALIZED()


COMMAND = Command("replSetInitiate", parse, run, is_admin_only=True, is_quick=True)
