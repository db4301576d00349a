"""`commitQuorum`: how many members must have built an index before it is there. Source: manual, createIndexes."""

from __future__ import annotations

from typing import Any

from amongo.commands.fields import to_integer
from amongo.errors import command as command_errors
from amongo.errors import index as errors
from amongo.values.types import alias, is_number


def check_quorum(name: str, quorum: Any) -> int | str:
    """A quorum as a command gives it: a number of members, or a name.

    name     of the command
    errors   WRONG_TYPE, EMPTY_QUORUM
    """
    if type(quorum) is str:
        if not quorum:
            raise errors.EMPTY_QUORUM(value="an empty string")
        return quorum
    if not is_number(quorum):
        expected = "types '[string, decimal, double, int, long]'"
        raise command_errors.WRONG_TYPE(command=name, field="commitQuorum", actual=alias(quorum), expected=expected)
    members = to_integer(quorum)
    if members < 0:
        raise errors.EMPTY_QUORUM(value=members)
    return members
