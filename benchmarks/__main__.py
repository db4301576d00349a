"""`python -m benchmarks`: measure, print the table, and say with the exit code whether every budget held."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import peers
from benchmarks.report import Machine, as_json, print_table, write_page
from benchmarks.rows import Row, all_held
from benchmarks.sections import SECTIONS, chosen, run_section
from benchmarks.sizes import FULL, QUICK

_PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 0 when every budget held, 1 otherwise, 2 for an argument that means nothing."""
    options = _parser().parse_args(arguments)
    sections = chosen(options.only)
    if not sections:
        print(f"nothing is called {options.only!r}; sections: {', '.join(s.name for s in SECTIONS)}", file=sys.stderr)
        return 2
    if options.only is None and not options.peers:
        sections = [section for section in sections if section.name != peers.SECTION]
    machine = Machine.here()
    sizes = QUICK if options.quick else FULL
    rows: list[Row] = []
    for section in sections:
        print(f"measuring {section.name} …", file=sys.stderr, flush=True)
        rows += run_section(section, sizes, options.directory)
    print_table(rows, machine)
    if options.json is not None:
        options.json.write_text(as_json(rows, machine), encoding="utf-8")
    if options.write:
        write_page(_PAGE, rows, machine, _as_typed(options))
    return 0 if all_held(rows) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="amongo's budgets, measured.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and documents: under a minute or two")
    parser.add_argument("--only", metavar="NAME", help="one section, or the hot paths whose name contains NAME")
    parser.add_argument("--peers", action="store_true", help="also the peers that are installed (extra bench)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write machine and rows to FILE as well")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md as well")
    parser.add_argument("--directory", metavar="DIR", help="where local:// stores are made (a real disk for fsync)")
    return parser


def _as_typed(options: argparse.Namespace) -> str:
    typed = ["--quick"] * options.quick + ["--peers"] * options.peers + ["--write"]
    return "".join(f" {word}" for word in typed)


if __name__ == "__main__":
    sys.exit(main())
