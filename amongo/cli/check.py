"""`amongo check`: report on a store at rest."""

from __future__ import annotations

import typer
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from amongo.cli.address import path_of
from amongo.cli.exit_codes import DAMAGED, DONE
from amongo.cli.exits import impossible
from amongo.engine.repair import CheckReport, check
from amongo.errors import ServerError


def check_command(path: str = typer.Argument(help="Directory of the store.")) -> None:
    """Report on a store that no process has open. Changes nothing."""
    try:
        report = check(path_of(path))
    except (ServerError, PyMongoError, OSError) as error:
        raise impossible(error) from None
    _print_report(Console(), report)
    raise typer.Exit(DONE if report.is_sound else DAMAGED)


def _print_report(console: Console, report: CheckReport) -> None:
    """Show a check's report as a table and a verdict."""
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
