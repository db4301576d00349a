"""The list of gaps: which cases fail, and why. One TOML file an area, cases grouped by their reason.

    [[gap]]
    reason = "later: Scale, text indexes"
    cases = ["core/operator/query/text/*"]

A case is an id, or the beginning of ids and a star. A reason that begins with "later: " and the name of an issue that
is not built yet says that the case waits for it; such a case is not counted. Any other reason is a gap, or says with
the manual's words why the case is wrong.
"""

from __future__ import annotations

import bisect
import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

GAPS = Path(__file__).with_name("gaps")
FEWEST = 3  # cases that a pattern with a star stands for
_BOUNDARY = re.compile(r"/|::|\[|_")


@dataclass(frozen=True)
class Gap:
    """Cases that fail for one reason. `patterns` are ids, or beginnings of ids and a star."""

    reason: str
    patterns: tuple[str, ...]

    @property
    def waits_for(self) -> str | None:
        """The issue that the cases wait for; None if they count."""
        found = re.match(r"later: (\w+)", self.reason)
        return found[1] if found else None


def read_gaps(area: str) -> list[Gap]:
    """The gaps of an area; none if it has no file."""
    path = GAPS / f"{area}.toml"
    if not path.exists():
        return []
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["gap"]
    return [Gap(table["reason"], tuple(table["cases"])) for table in tables]


def write_gaps(area: str, reasons: Mapping[str, str], ids: Iterable[str]) -> None:
    """Write an area's list anew.

    reasons   id -> reason, of all cases that fail
    ids       of all cases of the area
    """
    path = GAPS / f"{area}.toml"
    if not reasons:
        path.unlink(missing_ok=True)
        return
    groups: dict[str, set[str]] = defaultdict(set)
    for case, reason in reasons.items():
        groups[reason].add(case)
    every = sorted(ids)
    parts = []
    for reason, cases in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        lines = "".join(f"    {_quoted(pattern)},\n" for pattern in compress(cases, every))
        parts.append(f"[[gap]]  # {len(cases)}\nreason = {_quoted(reason)}\ncases = [\n{lines}]\n")
    path.write_text("\n".join(parts), encoding="utf-8")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def compress(cases: set[str], every: list[str]) -> list[str]:
    """Patterns that match the cases and no others of `every` (sorted ids): the shortest beginnings that do."""
    patterns: list[str] = []
    for case in sorted(cases):
        if patterns and matches(patterns[-1], case):
            continue
        for boundary in _BOUNDARY.finditer(case):
            beginning = case[: boundary.end()]
            below = every[bisect.bisect_left(every, beginning) : bisect.bisect_left(every, beginning + "\U0010ffff")]
            if len(below) >= FEWEST and cases.issuperset(below):
                patterns.append(f"{beginning}*")
                break
        else:
            patterns.append(case)
    return patterns


def matches(pattern: str, case: str) -> bool:
    """Whether a pattern of the list means this case."""
    return case.startswith(pattern[:-1]) if pattern.endswith("*") else case == pattern
