"""killOp: ask an operation to end. Source: manual, killOp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.errors import command as errors
from amongo.errors import diagnosis
from amongo.values.numbers import INT_MAX, INT_MIN, exact_integer
from amongo.values.types import NUMERIC_CLASSES, alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class KillOpRequest:
    """The operation to end.

    operation_id   as $currentOp shows it
    """

    operation_id: int


def parse(database: str, document: dict[str, Any]) -> KillOpRequest:
    """The request of a killOp document; as on the server, any further field is let pass.

    errors   NO_OPERATION, WRONG_TYPE, BAD_VALUE for what is not whole, NOT_AN_OPERATION for what is no int
    """
    value = document.get("op")
    if "op" not in document:
        raise diagnosis.NO_OPERATION()
    if type(value) not in NUMERIC_CLASSES:
        raise errors.WRONG_TYPE(command="killOp", field="op", actual=alias(value), expected="type 'number'")
    number = exact_integer(value)
    if number is None:
        raise errors.BAD_VALUE(
            message=f'Expected field "op" to have a value exactly representable as a 64-bit '
            f"integer, but found op: {value}"
        )
    if not INT_MIN <= number <= INT_MAX:
        raise diagnosis.NOT_AN_OPERATION(value=number)
    return KillOpRequest(number)


def run(instance: Instance, request: KillOpRequest, context: Context) -> dict[str, Any]:
    """Ask it to end; whether there is such an operation is not said."""
    instance.operations.kill(request.operation_id)
    return {"info": "attempting to kill op", "ok": 1.0}


COMMAND = Command("killOp", parse, run, is_admin_only=True, is_quick=True)
