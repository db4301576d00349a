"""The campaign: `python -m tests.fuzz --count 1000000 --seed 1 --processes 2 --record`.

Every seed is a store of its own and 400 commands. What is found is shown once, with its seed: `--seed N --count 400`
finds it again.
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

from tests.fuzz.judging import LIFE, Finding, run_seed

RECORD = Path(__file__).with_name("CAMPAIGN.md")


def main() -> int:
    """Run the campaign; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="inputs")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--record", action="store_true", help=f"add a line to {RECORD.name}")
    arguments = parser.parse_args()
    started = time.monotonic()
    found: Counter[str] = Counter()
    codes: Counter[int] = Counter()
    done = 0
    for seed, findings, seen in _outcomes(arguments):
        done += LIFE
        codes.update(seen)
        for each in findings:
            name = f"{each.kind}: {each.where}"
            if not found[name]:
                _show(each, name)
            found[name] += 1
        if done % 100_000 < LIFE:
            print(f"{done:,} inputs, seed {seed}, {time.monotonic() - started:.0f} s", flush=True)
    seconds = time.monotonic() - started
    print(f"{done:,} inputs in {seconds:.0f} s; {sum(codes.values()):,} refused with {len(codes)} codes")
    for name, times in found.most_common():
        print(f"{times:6} x {name}")
    if arguments.record:
        _record(arguments.seed, done, seconds, codes, found)
    return 1 if found else 0


def _outcomes(arguments: argparse.Namespace) -> Iterator[tuple[int, list[Finding], dict[int, int]]]:
    seeds = range(arguments.seed, arguments.seed + -(-arguments.count // LIFE))
    if arguments.processes < 2:
        for seed in seeds:
            yield seed, *run_seed(seed)
        return
    with get_context("spawn").Pool(arguments.processes, maxtasksperchild=200) as pool:
        for seed, outcome in zip(seeds, pool.imap(run_seed, seeds), strict=True):
            yield seed, *outcome


def _show(finding: Finding, name: str) -> None:
    print(f"\n=== {name} (seed {finding.seed})\n{finding.command}\n{finding.detail}", flush=True)


def _record(seed: int, done: int, seconds: float, codes: Counter[int], found: Counter[str]) -> None:
    last = seed + done // LIFE - 1
    day = datetime.datetime.now(datetime.UTC).date()
    outcome = "nothing found" if not found else f"{len(found)} findings: {', '.join(found)}"
    refused = f"{sum(codes.values()):,} ({len(codes)} codes)"
    line = f"| {day} | {seed} to {last} | {done:,} | {seconds:.0f} s | {refused} | {outcome} |\n"
    with RECORD.open("a", encoding="utf-8") as record:
        record.write(line)


if __name__ == "__main__":
    raise SystemExit(main())
