"""What a database says when it refuses something, in one line."""

from __future__ import annotations

from pymongo.errors import OperationFailure


def refusal_of(error: OperationFailure) -> str:
    """An error of the database in one line: message, code and name."""
    details = error.details or {}
    name = details.get("codeName")
    message = details.get("errmsg") or str(error).partition(", full error:")[0]
    return f"{message} (code {error.code}{f', {name}' if name else ''})"
