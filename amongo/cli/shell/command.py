"""`amongo shell`: interactive on a terminal; `--eval` and the standard input otherwise.

Exit codes: 0 all is well, 1 a statement failed (the ones behind it are not run), 2 the store cannot be opened.
"""

from __future__ import annotations

import sys

import typer
from pymongo.errors import PyMongoError
from rich.console import Console

from amongo.cli.address import default_database, opened
from amongo.cli.exit_codes import DAMAGED, DONE
from amongo.cli.exits import impossible
from amongo.cli.shell.history import kept_history
from amongo.cli.shell.language import ShellSyntaxError
from amongo.cli.shell.session import FORMATS, RELAXED, SHELL, ShellSession
from amongo.errors import ServerError

_EVAL = typer.Option([], "--eval", help="Run this and end; may be given again.")


def shell_command(
    store: str = typer.Argument(help="Directory of a store, `:memory:`, or any URI."),
    database: str | None = typer.Option(
        None, "--db", "-d", help="The database to begin with; else the URI's, or test."
    ),
    evaluate: list[str] = _EVAL,
    create: bool = typer.Option(False, "--create", help="Make the store if it is not there."),
    form: str = typer.Option(SHELL, "--format", help=f"How values are written: {', '.join(FORMATS)} (Extended JSON)."),
    is_json: bool = typer.Option(False, "--json", help="The same as --format relaxed."),
) -> None:
    """A small shell, in the words of mongosh; what it reads is parsed, and never evaluated."""
    if form not in FORMATS:
        raise impossible(f"--format is one of {', '.join(FORMATS)}.")
    is_interactive = not evaluate and sys.stdin.isatty()
    output, errors = Console(), Console(stderr=True)
    try:
        named = database or default_database(store) or "test"
        with opened(store, makes_store=create) as client:
            session = ShellSession(
                client, named, output, errors, form=RELAXED if is_json else form, is_paged=is_interactive
            )
            try:
                if is_interactive:
                    _converse(session, output)
                    is_well = True
                else:
                    is_well = _run_all(session, evaluate or [sys.stdin.read()])
            finally:
                session.close()
    except (ServerError, PyMongoError, OSError) as error:
        raise impossible(error) from None
    raise typer.Exit(DONE if is_well else DAMAGED)


def _run_all(session: ShellSession, texts: list[str]) -> bool:
    for text in texts:
        try:
            is_well, goes_on = session.run(text)
        except ShellSyntaxError as error:
            is_well, goes_on = session.refuse(f"SyntaxError: {error}"), True
        if not is_well or not goes_on:
            return is_well
    return True


def _converse(session: ShellSession, output: Console) -> None:
    """Read and run lines until the end; Ctrl-C gives up a line, Ctrl-D ends."""
    output.print("amongo shell: `help` says what there is", style="dim", markup=False)
    text = ""
    with kept_history():
        while True:
            try:
                line = input("... " if text else session.prompt)
            except EOFError:
                output.print()
                return
            except KeyboardInterrupt:
                output.print()
                text = ""
                continue
            is_last = text != "" and not line.strip()  # an empty line ends what cannot be read on
            text = f"{text}\n{line}" if text else line
            try:
                _, goes_on = session.run(text)
            except ShellSyntaxError as error:
                if not is_last:
                    continue
                session.refuse(f"SyntaxError: {error}")
                goes_on = True
            except KeyboardInterrupt:
                session.refuse("interrupted")
                goes_on = True
            text = ""
            if not goes_on:
                return
