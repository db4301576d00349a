"""`amongo repair`: salvage what still verifies of a damaged store."""

from __future__ import annotations

import typer
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from amongo.cli.address import path_of
from amongo.cli.exit_codes import DAMAGED, DONE
from amongo.cli.exits import impossible
from amongo.engine.repair import RepairReport, repair
from amongo.errors import ServerError


def repair_command(
    path: str = typer.Argument(help="Directory of the damaged store; it is not touched."),
    out: str = typer.Argument(help="Directory for the salvaged store; new or empty."),
) -> None:
    """Salvage everything that still verifies into a new directory."""
    try:
        report = repair(path_of(path), path_of(out))
    except (ServerError, PyMongoError, OSError) as error:
        raise impossible(error) from None
    _print_report(Console(), report)
    raise typer.Exit(DAMAGED if report.losses else DONE)


def _print_report(console: Console, report: RepairReport) -> None:
    """Show what was salvaged and what was lost."""
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
