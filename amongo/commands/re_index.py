"""reIndex: drop and build again all indexes. A member of a replica set, as amongo is one, refuses it. Source: manual,
reIndex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.errors import command as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


def parse(database: str, document: dict[str, Any]) -> str:
    """The namespace.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, those of `parse_fields`
    """
    parse_fields("reIndex", document, {})
    return collection_namespace(database, document["reIndex"])


def run(instance: Instance, namespace: str, context: Context) -> NoReturn:
    """Nothing. errors: ILLEGAL_OPERATION"""
    raise errors.ILLEGAL_OPERATION(message="reIndex is only allowed on a standalone mongod instance.")


COMMAND = Command("reIndex", parse, run, is_quick=True)
