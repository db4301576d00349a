"""The `amongo` command: a thin skin over `amongo.engine.repair` and `amongo.server`.

Needs the extra `cli` (typer and rich), and `serve` the extra `server`; without it `main` says so.

Exit codes: 0 all is well, 1 damage was found (check) or something was lost (repair), 2 the command could not be done.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from amongo.engine.repair import CheckReport, RepairReport, check, repair
from amongo.errors import ServerError

if TYPE_CHECKING:
    import typer

DONE, DAMAGED, IMPOSSIBLE = 0, 1, 2


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
    import rich.console
    import typer

    console = rich.console.Console()
    application = typer.Typer(no_args_is_help=True, add_completion=False, help="amongo: look after embedded stores.")

    @application.callback()
    def amongo() -> None:
        """Look after embedded stores."""

    def fail(error: ServerError | OSError) -> typer.Exit:
        message = error.message if isinstance(error, ServerError) else str(error)
        rich.console.Console(stderr=True).print(message, style="red", markup=False, highlight=False)
        return typer.Exit(IMPOSSIBLE)

    @application.command("check")
    def check_command(path: str = typer.Argument(help="Directory of the store.")) -> None:
        """Report on a store that no process has open. Changes nothing."""
        try:
            report = check(path)
        except (ServerError, OSError) as error:
            raise fail(error) from None
        _print_check(console, report)
        raise typer.Exit(DONE if report.is_sound else DAMAGED)

    @application.command("repair")
    def repair_command(
        path: str = typer.Argument(help="Directory of the damaged store; it is not touched."),
        out: str = typer.Argument(help="Directory for the salvaged store; new or empty."),
    ) -> None:
        """Salvage everything that still verifies into a new directory."""
        try:
            report = repair(path, out)
        except (ServerError, OSError) as error:
            raise fail(error) from None
        _print_repair(console, report)
        raise typer.Exit(DAMAGED if report.losses else DONE)

    @application.command("serve")
    def serve_command(
        path: str = typer.Argument(help="Directory of the store; made if it is not there. `:memory:` for none."),
        host: str = typer.Option("127.0.0.1", help="An address of this very machine."),
        port: int = typer.Option(27017, min=0, max=65535, help="0 for any that is free."),
        socket: str | None = typer.Option(None, help="Serve a Unix socket at this path instead."),
        standalone: bool = typer.Option(False, help="Say that it is no replica set."),
    ) -> None:
        """Serve a store to any MongoDB driver or tool, until Ctrl-C."""
        from pymongo.errors import PyMongoError

        try:
            from amongo.server.serving import serve_until_told
        except ImportError as error:
            message = f"amongo serve needs {error.name}: pip install amongo[server]"
            rich.console.Console(stderr=True).print(message, style="red", markup=False, highlight=False)
            raise typer.Exit(IMPOSSIBLE) from None

        def begun(address: str) -> None:
            scheme = address.replace("/", "%2F") if socket is not None else address
            console.print(f"serving {path} at mongodb://{scheme}", markup=False, highlight=False, soft_wrap=True)

        uri = "memory://" if path == ":memory:" else f"local://{path}"
        serve = partial(serve_until_told, uri, begun, host=host, port=port, socket_path=socket, standalone=standalone)
        try:
            anyio.run(serve)
        except (PyMongoError, OSError) as error:
            rich.console.Console(stderr=True).print(str(error), style="red", markup=False, highlight=False)
            raise typer.Exit(IMPOSSIBLE) from None

    return application


def _print_check(console: Any, report: CheckReport) -> None:
    """Show a check's report as a table and a verdict."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("file", "bytes", "commits", "entries", "first sequence", "last sequence", "first damage")
    for file in report.files:
        damage = f"byte {file.damage.offset}: {file.damage.reason}" if file.damage else ""
        numbers = (file.file_bytes, file.frames, file.entries, file.first_sequence, file.last_sequence)
        table.add_row(file.name, *("" if number is None else f"{number}" for number in numbers), escape(damage))
    console.print(table)
    if report.snapshots:
        table = Table("snapshot file", "collection", "bytes", "documents or entries", "damage")
        for each in report.snapshots:
            counts = (f"{each.file_bytes}", f"{each.documents}")
            table.add_row(each.name, escape(each.namespace), *counts, escape(each.damage or ""))
        console.print(table)
    damaged = [each for each in report.snapshots if each.damage is not None and each.is_needed]
    if report.refusal is not None:
        console.print(f"[red]damaged:[/red] {escape(report.refusal)}", highlight=False)
    elif damaged:
        console.print(f"[red]damaged:[/red] {escape(damaged[0].damage or '')}", highlight=False)
    elif report.cut is not None:
        cut = report.cut
        console.print(
            f"[yellow]sound, with a torn tail[/yellow]: opening the store cuts {cut.lost_bytes} bytes off "
            f"{escape(cut.damage.file)} at byte {cut.damage.offset}; they were never acknowledged as durable.",
            highlight=False,
        )
    else:
        console.print("[green]sound[/green]")


def _print_repair(console: Any, report: RepairReport) -> None:
    """Show what was salvaged and what was lost."""
    from rich.markup import escape
    from rich.table import Table

    if report.documents:
        console.print(f"salvaged {report.documents} documents of the last checkpoint", highlight=False)
    console.print(
        f"salvaged {report.frames} commits with {report.entries} entries ({report.frame_bytes} bytes) "
        f"into {escape(report.target)}",
        highlight=False,
    )
    if report.losses:
        table = Table("file", "byte", "bytes lost", "record ids", "reason", title="lost")
        for loss in report.losses:
            records = "" if loss.records is None else "{} to {}".format(*loss.records)
            table.add_row(loss.file, str(loss.offset), str(loss.lost_bytes), records, escape(loss.reason))
        console.print(table)
    else:
        console.print("[green]nothing was lost[/green]")
    if report.not_copied:
        console.print(f"not copied: {escape(', '.join(report.not_copied))}", highlight=False)


if __name__ == "__main__":
    main()
