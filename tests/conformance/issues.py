"""Which areas of cases belong to which issue, and how many of them have to pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Issue:
    """One issue and its areas.

    areas      an area belongs to the issue if it is named here, or begins with a name and a dot; the longest name wins
    least      share of the counted cases of each name that has to pass
    is_built   whether the share is demanded now; a gap may wait only for an issue that is not built yet
    """

    areas: tuple[str, ...]
    least: float
    is_built: bool = False


ISSUES = {
    "Language": Issue(
        (
            "core.operator.query",
            "core.operator.update",
            "core.operator.projection",
            "core.query_and_write",
            "core.cursors",
            "core.data-types",
            "core.collation",
            "core.collections",
        ),
        0.99,
        is_built=True,
    ),
    "Aggregation": Issue(
        (
            "core.operator.expressions",
            "core.operator.accumulators",
            "core.operator.stages",
            "core.operator.window",
            "core.operator.system-stages",
            "core.operator",
            "core.aggregation",
        ),
        0.99,
        is_built=True,
    ),
    "Scale": Issue(("core.indexes", "core.query-planning", "core.query_planning"), 0.97, is_built=True),
    "Columns": Issue((), 1.0, is_built=True),
    "Streams": Issue(("changeStreams", "core.sessions"), 0.97, is_built=True),
    "Wire": Issue(("system",), 0.90, is_built=True),
}


def name_of(area: str) -> str | None:
    """The name of an issue's list that the area belongs under: the longest that fits."""
    names = [name for issue in ISSUES.values() for name in issue.areas if area == name or area.startswith(f"{name}.")]
    return max(names, key=len, default=None)


def issue_of(area: str) -> str:
    """The issue that brings the area.

    errors   LookupError for an area that no issue names
    """
    for issue_name, issue in ISSUES.items():
        if name_of(area) in issue.areas:
            return issue_name
    raise LookupError(f"no issue names {area}")


def areas_of(name: str, areas: Iterable[str]) -> list[str]:
    """Those of `areas` that belong under a name of an issue's list."""
    return [area for area in areas if name_of(area) == name]
