"""invalidateUserCache: look at users and roles anew. Source: manual, invalidateUserCache.

There is nothing to do: what is kept of users and roles is compared with their documents whenever it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


def parse(database: str, document: dict[str, Any]) -> None:
    """Nothing is asked for.

    errors   those of `parse_fields`
    """
    parse_fields("invalidateUserCache", document, {})


def run(instance: Instance, request: None, context: Context) -> dict[str, Any]:
    """{ok}."""
    return {"ok": 1.0}


COMMAND = Command("invalidateUserCache", parse, run, is_admin_only=True, is_quick=True)
