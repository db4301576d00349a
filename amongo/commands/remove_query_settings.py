"""removeQuerySettings: take back what is set for queries of one shape. Source: manual, removeQuerySettings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.query_settings import keep_settings, parse_query, query_shape, settings_by_hash
from amongo.commands.set_query_settings import parse_shape_name
from amongo.planner.query_shape import shape_hash

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS: dict[str, Field] = {}


@dataclass(frozen=True, slots=True)
class RemoveQuerySettingsRequest:
    """A removeQuerySettings: a query of the shape, or its hash; the other is None."""

    query: dict[str, Any] | None
    hash: str | None


def parse(database: str, document: dict[str, Any]) -> RemoveQuerySettingsRequest:
    """The request of a removeQuerySettings document.

    errors   those of `parse_shape_name`, UNKNOWN_FIELD
    """
    query, hash = parse_shape_name("removeQuerySettings", document)
    parse_fields("removeQuerySettings", document, FIELDS)
    return RemoveQuerySettingsRequest(query, hash)


def run(instance: Instance, request: RemoveQuerySettingsRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}, also where nothing was set.

    errors   those of `parse_query`
    """
    hash = request.hash if request.query is None else shape_hash(query_shape(parse_query(request.query)))
    with instance.store.lock:
        by_hash = settings_by_hash(instance)
        if by_hash.pop(str(hash), None) is not None:
            keep_settings(instance, by_hash)
    return {"ok": 1.0}


COMMAND = Command("removeQuerySettings", parse, run, is_admin_only=True)
