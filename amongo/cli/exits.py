"""The end of a command that could not be done: one red line that says why."""

from __future__ import annotations

import typer
from pymongo.errors import OperationFailure
from rich.console import Console

from amongo.cli.exit_codes import IMPOSSIBLE
from amongo.cli.refusals import refusal_of
from amongo.errors import ServerError


def impossible(error: Exception | str) -> typer.Exit:
    """The end of a command that could not be done; `raise` it. Says on standard error why."""
    if isinstance(error, OperationFailure):
        message = refusal_of(error)
    else:
        message = error.message if isinstance(error, ServerError) else str(error)
    Console(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(IMPOSSIBLE)
