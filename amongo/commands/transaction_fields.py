"""The fields by which a command document says that it belongs to a transaction, or is a retryable write.

`lsid` names the session, `txnNumber` counts its transactions and retryable writes; `autocommit: false` says that the
command belongs to the transaction of that number, `startTransaction: true` that it begins it. Source: manual,
Transactions; the drivers' specifications of sessions and transactions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bson import Int64

from amongo.commands.concerns import NO_CONCERNS, TRANSACTION_COMMANDS, TRANSACTION_ENDS, ReadConcern
from amongo.commands.context import Context
from amongo.commands.fields import GENERIC_FIELDS, check
from amongo.errors import command as command_errors
from amongo.errors import transactions as errors

NUMBER_FIELDS: Final = frozenset({"txnNumber", "autocommit", "startTransaction"})
"""Those that make a command more than one in a session."""

TRANSACTION_LEVELS: Final = frozenset({"local", "majority", "snapshot"})
"""Levels of the read concern that a transaction may have."""

LIFETIME: Final = "transactionLifetimeLimitSeconds"
"""The parameter that says how long a transaction may be open."""

# Commands that take part in no transaction, and may be run all the same while one is open (source: manual,
# Transactions, "Informational Commands").
BYSTANDERS: Final = frozenset({"hello", "buildInfo", "connectionStatus", "killCursors"})


def check_allowed(command: str, document: Mapping[str, Any]) -> None:
    """Refuse a command that no transaction allows, before anything else is looked at.

    command   its own name, not an alias
    errors    COUNT_INSIDE, NOT_IN_TRANSACTION
    """
    if type(document.get("autocommit")) is not bool or command in TRANSACTION_COMMANDS or command in BYSTANDERS:
        return
    if command == "count":
        raise errors.COUNT_INSIDE()
    raise command_errors.NOT_IN_TRANSACTION(command=command)


def numbered(command: str, document: Mapping[str, Any], read: ReadConcern, context: Context) -> Context:
    """The context with what the document says of transactions and retryable writes.

    context   with the session, if the command names one
    errors    NUMBER_WITHOUT_SESSION, NUMBER_NEGATIVE, FIELD_WITHOUT_NUMBER, AUTOCOMMIT_TRUE, START_FALSE,
              START_WITHOUT_AUTOCOMMIT, NOT_FIRST, WRITE_CONCERN_INSIDE, READ_CONCERN_LATER, READ_CONCERN_LEVEL,
              WRONG_TYPE
    """
    number = document.get("txnNumber")
    is_alone = "autocommit" not in document and "startTransaction" not in document
    if type(number) is Int64 and number >= 0 and is_alone and context.session_id is not None:
        return context.with_number(int(number))  # a retryable write
    number, autocommit, starts = (
        _typed(command, document, "txnNumber"),
        _typed(command, document, "autocommit"),
        _typed(command, document, "startTransaction"),
    )
    if number is None:
        for field, value in (("autocommit", autocommit), ("startTransaction", starts)):
            if value is not None:
                raise errors.FIELD_WITHOUT_NUMBER(field=field)
        return context
    if context.session_id is None:
        raise errors.NUMBER_WITHOUT_SESSION()
    if number < 0:
        raise errors.NUMBER_NEGATIVE()
    if autocommit is None:
        if starts is not None:
            raise errors.START_WITHOUT_AUTOCOMMIT()
        return context.with_number(int(number))
    if autocommit:
        raise errors.AUTOCOMMIT_TRUE()
    if starts is False:
        raise errors.START_FALSE()
    if starts and (command in BYSTANDERS or command in TRANSACTION_ENDS or command == "getMore"):
        raise errors.NOT_FIRST(command=command)
    if command not in TRANSACTION_ENDS and document.get("writeConcern") is not None:
        raise errors.WRITE_CONCERN_INSIDE()
    if not starts and document.get("readConcern"):
        raise errors.READ_CONCERN_LATER()
    if read.level not in TRANSACTION_LEVELS:
        raise errors.READ_CONCERN_LEVEL()
    return context._replace(
        number=int(number),
        is_transaction=True,
        starts_transaction=bool(starts),
        read_concern=read if starts else NO_CONCERNS.read,
    )


def _typed(command: str, document: Mapping[str, Any], name: str) -> Any:
    value = document.get(name)
    return None if value is None else check(command, name, GENERIC_FIELDS[name], value)
