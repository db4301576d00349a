"""abortTransaction: end a transaction as if it had never been. Source: manual, abortTransaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import transactions as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"abortTransaction": Field(), "recoveryToken": Field("object")}


@dataclass(frozen=True, slots=True)
class AbortRequest:
    """The end of the context's transaction.

    namespace   for the list of operations
    """

    namespace: str = "admin.$cmd"


def parse(database: str, document: dict[str, Any]) -> AbortRequest:
    """The request of an abortTransaction command; the value of its first field says nothing.

    errors   those of `parse_fields`
    """
    parse_fields("abortTransaction", document, FIELDS)
    return AbortRequest()


def run(instance: Instance, request: AbortRequest, context: Context) -> dict[str, Any]:
    """Abort.

    errors   ENDS_NOTHING outside a transaction, those of `Transactions.abort`
    """
    if not context.is_transaction:
        raise errors.ENDS_NOTHING(command="abortTransaction")
    instance.transactions.abort(context)
    return {"ok": 1.0}


COMMAND = Command("abortTransaction", parse, run, is_admin_only=True)
