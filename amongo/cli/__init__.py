"""The `amongo` command: a thin skin over the client, the server and the engine's repair. One module a command.

Needs the extra `cli` (typer and rich), and `serve` the extra `server`; without it `main` says so. `transfer` has what
import and export are made of, `shell` the shell.

Exit codes: 0 all is well; 1 damage was found (check), something was lost (repair), a part was not done (import, shell,
compact); 2 the command could not be done.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from amongo.cli.exit_codes import DAMAGED, DONE, IMPOSSIBLE

if TYPE_CHECKING:
    import typer

__all__ = ["DAMAGED", "DONE", "IMPOSSIBLE", "build", "main"]


def main() -> None:
    """Entry point of the `amongo` script."""
    try:
        application = build()
    except ImportError as error:
        print(f"The amongo command needs {error.name}: pip install amongo[cli]", file=sys.stderr)
        raise SystemExit(IMPOSSIBLE) from None
    application()


def build() -> typer.Typer:
    """The typer application. errors: ImportError without typer and rich."""
    import typer

    from amongo.cli.check import check_command
    from amongo.cli.compact import compact_command
    from amongo.cli.exporting import export_command
    from amongo.cli.importing import import_command
    from amongo.cli.repair import repair_command
    from amongo.cli.serve import serve_command
    from amongo.cli.shell.command import shell_command
    from amongo.cli.stats import stats_command

    application = typer.Typer(
        no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="amongo: look after stores."
    )

    @application.callback()
    def amongo() -> None:
        """Look after stores: serve, ask, fill, check and mend them."""

    application.command("import")(import_command)
    application.command("export")(export_command)
    application.command("check")(check_command)
    application.command("compact")(compact_command)
    application.command("stats")(stats_command)
    application.command("repair")(repair_command)
    application.command("serve")(serve_command)
    application.command("shell")(shell_command)
    return application
