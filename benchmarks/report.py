"""The rows as a table on the terminal, as JSON, and as the page `docs/performance.md`."""

import datetime
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.rows import Row
from benchmarks.sections import SECTIONS

_COLUMNS: Final = ("workload", "store", "value", "budget", "", "figures")
_PEERS: Final = "peers"


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when a run was made.

    load    the 1-minute load average when the run began: what else the machine was doing
    """

    date: str
    system: str
    processor: str
    cores: int
    memory_gb: float
    python: str
    versions: dict[str, str]
    load: float

    @classmethod
    def here(cls) -> "Machine":
        """This machine, now."""
        return cls(
            date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            system=f"{platform.system()} {platform.release()}",
            processor=_processor(),
            cores=os.cpu_count() or 0,
            memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            python=f"{platform.python_implementation()} {platform.python_version()}",
            versions={name: _version(name) for name in ("amongo", "pymongo")},
            load=round(os.getloadavg()[0], 2),
        )

    def lines(self) -> list[str]:
        """The machine in a few lines of text."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return [
            f"{self.date}; {self.system}; {self.processor}, {self.cores} cores, {self.memory_gb:g} GB",
            f"{self.python}, {versions}; load average {self.load:g} when the run began",
        ]


def print_table(rows: Sequence[Row], machine: Machine) -> None:
    """Print every section that has rows: with rich on a terminal when it is installed, in plain text otherwise."""
    try:
        from rich.console import Console
    except ImportError:
        print(plain_text(rows, machine))
        return
    console = Console()
    if not console.is_terminal:
        print(plain_text(rows, machine))
        return
    for line in machine.lines():
        console.print(line, style="dim", highlight=False)
    for title, header, lines in _tables(rows):
        console.print(_rich_table(title, header, lines))


def plain_text(rows: Sequence[Row], machine: Machine) -> str:
    """The same tables in plain text, columns padded."""
    parts = list(machine.lines())
    for title, header, lines in _tables(rows):
        widths = [max(len(line[at]) for line in [header, *lines]) for at in range(len(header))]
        parts += ["", title]
        parts += ["  ".join(map(str.ljust, line, widths)).rstrip() for line in [header, *lines]]
    return "\n".join(parts)


def as_json(rows: Sequence[Row], machine: Machine) -> str:
    """Machine and rows as one JSON document."""
    return json.dumps(
        {"machine": asdict(machine), "rows": [{**asdict(row), "held": row.held} for row in rows]}, indent=2
    )


def markdown(rows: Sequence[Row], machine: Machine, options: str) -> str:
    """The page in docs: what was measured, where, when, and every row.

    options   the run's options as typed, so that it can be repeated
    """
    broken = sum(row.held is False for row in rows)
    kept = sum(row.held is True for row in rows)
    verdict = "Every budget held." if not broken else f"{kept} budgets held, {broken} did not."
    parts = [
        "# Performance",
        "",
        f"Written by `python -m benchmarks{options}`; do not edit. {verdict}",
        "",
        *[f"- {line}" for line in machine.lines()],
        "",
        "Every answer is verified before it is timed. Budgets and limits are measured in the same run, side by side, "
        "so the ratios say more than the times. `make bench` prints this for your machine.",
    ]
    stories = {section.title: section.story for section in SECTIONS}
    for title, header, lines in _tables(rows):
        parts += ["", f"## {title}", "", stories[title], ""]
        parts += ["| " + " | ".join(_cell(cell) for cell in header) + " |", "|" + " --- |" * len(header)]
        parts += ["| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines]
    return "\n".join(parts) + "\n"


def write_page(path: Path, rows: Sequence[Row], machine: Machine, options: str) -> None:
    """Write `markdown` to `path`."""
    path.write_text(markdown(rows, machine, options), encoding="utf-8")


Table = tuple[str, Sequence[str], list[Sequence[str]]]


def _tables(rows: Sequence[Row]) -> Iterable[Table]:
    """(title, header, lines) of each section that has rows."""
    for section in SECTIONS:
        mine = [row for row in rows if row.section == section.name]
        if mine and section.name == _PEERS:
            yield _peer_table(section.title, mine)
        elif mine:
            yield section.title, _COLUMNS, [_line(row) for row in mine]


def _line(row: Row) -> Sequence[str]:
    return (row.name, row.store, row.value_text, row.budget_text, row.verdict, row.failure or row.note)


def _peer_table(title: str, rows: Sequence[Row]) -> Table:
    """One line a workload, one column a peer."""
    peers = list(dict.fromkeys(row.store for row in rows))
    names = list(dict.fromkeys(row.name for row in rows if row.name))
    cells = {(row.name, row.store): row for row in rows}
    absent = {row.store for row in rows if not row.name}
    lines: list[Sequence[str]] = [
        (name, *(_peer_cell(cells.get((name, peer)), peer in absent) for peer in peers)) for name in names
    ]
    return title, ("workload", *peers), lines


def _peer_cell(row: Row | None, is_absent: bool) -> str:
    if row is None:
        return "not installed" if is_absent else ""
    return row.value_text if row.value is not None else row.failure or row.note


def _rich_table(title: str, header: Sequence[str], lines: list[Sequence[str]]) -> Any:
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(title=title, title_justify="left")
    for name in header:
        table.add_column(name, no_wrap=name != _COLUMNS[-1])
    for line in lines:
        table.add_row(*(Text(cell, style=_style(cell)) for cell in line))
    return table


def _style(cell: str) -> str:
    return {"held": "green", "NOT HELD": "bold red"}.get(cell, "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "from source"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
