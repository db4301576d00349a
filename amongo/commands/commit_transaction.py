"""commitTransaction: make what a transaction has written visible, all at once. Source: manual, commitTransaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.replies import CommitReply
from amongo.errors import transactions as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"commitTransaction": Field(), "recoveryToken": Field("object")}


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """The end of the context's transaction.

    time_limit_ms   None for no limit
    namespace       for the list of operations
    """

    time_limit_ms: int | None = None
    namespace: str = "admin.$cmd"


def parse(database: str, document: dict[str, Any]) -> CommitRequest:
    """The request of a commitTransaction command; the value of its first field says nothing.

    errors   those of `parse_fields`
    """
    fields = parse_fields("commitTransaction", document, FIELDS)
    return CommitRequest(fields.get("maxTimeMS"))


def run(instance: Instance, request: CommitRequest, context: Context) -> CommitReply:
    """Commit. A transaction that was committed before is committed: a client may ask again.

    errors   ENDS_NOTHING outside a transaction, those of `Transactions.commit`
    """
    if not context.is_transaction:
        raise errors.ENDS_NOTHING(command="commitTransaction")
    interrupt = instance.operation_interrupt(context, request.time_limit_ms)
    return CommitReply(instance.transactions.commit(context, interrupt))


def examines(instance: Instance, request: object) -> int:
    """How long the commit or the abort takes, counted in documents that are read; see `SessionTransaction.weight`.

    instance   the inside of the transaction
    """
    return 0 if instance.transaction is None else instance.transaction.weight


COMMAND = Command("commitTransaction", parse, run, is_admin_only=True)
