"""The cases over the wire, PyMongo against `amongo serve`.

    python -m tests.conformance.over_wire [--every N] [--first M] [--area core.cursors]

Prints, for each area, how many cases have the same verdict as in process, and every case that has another. Exit code 1
if there is one. A few commands are longer than PyMongo sends: they are counted as not sent.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from tests.conformance.replaying import Replay, Verdict, area_names


def main(arguments: list[str]) -> int:
    """Run the cases both ways, area by area; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.over_wire", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="one case in so many")
    parser.add_argument("--first", type=int, default=0, help="which one of those many")
    parser.add_argument("--area", action="append", help="the beginning of an area's name; repeatable")
    options = parser.parse_args(arguments)
    same = counted = 0
    for area in area_names():
        if options.area is None or area.startswith(tuple(options.area)):
            embedded, wired = both_ways([area], every=options.every, first=options.first)
            differences = list(differing(embedded[area], wired[area]))
            counted += len(wired[area])
            same += len(wired[area]) - len(differences)
            _show(area, wired[area], differences)
    print(f"{'all':48} {same:6} of {counted:6} the same")
    return 0 if same == counted else 1


def both_ways(
    areas: Iterable[str], *, every: int = 1, first: int = 0
) -> tuple[dict[str, list[Verdict]], dict[str, list[Verdict]]]:
    """The verdicts of areas in process, and over the wire."""
    found = []
    for over_wire in (False, True):
        replay = Replay(areas, over_wire=over_wire, every=every, first=first)
        try:
            found.append({area: replay.verdicts(area) for area in areas})
        finally:
            replay.close()
    return found[0], found[1]


def differing(embedded: Iterable[Verdict], wired: Iterable[Verdict]) -> Iterator[tuple[Verdict, Verdict]]:
    """The cases that pass one way and fail the other."""
    expected = {verdict.id: verdict for verdict in embedded}
    for verdict in wired:
        if verdict.is_pass != expected[verdict.id].is_pass and not is_unsent(verdict):
            yield expected[verdict.id], verdict


def is_unsent(verdict: Verdict) -> bool:
    """Whether PyMongo refuses to send a command of the case: it is longer than a document may be."""
    return "the connected server supports BSON document sizes up to" in verdict.text


def _show(area: str, wired: list[Verdict], differences: list[tuple[Verdict, Verdict]]) -> None:
    passed, unsent = sum(verdict.is_pass for verdict in wired), sum(map(is_unsent, wired))
    same = len(wired) - len(differences)
    told = f"{passed:6} pass over the wire" + (f", {unsent} are not sent" if unsent else "")
    print(f"{area:48} {same:6} of {len(wired):6} the same, {told}", flush=True)
    for embedded, other in differences:
        print(f"    {other.id}")
        print(f"        in process    {told(embedded)}")
        print(f"        over the wire {told(other)}", flush=True)


def told(verdict: Verdict) -> str:
    """A verdict in a line."""
    return "passes" if verdict.is_pass else f"{verdict.reason}: {verdict.text}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
