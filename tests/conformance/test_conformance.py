"""What MongoDB 8 answers, amongo answers: every case that is not on the list of gaps passes, every case on it fails."""

from __future__ import annotations

import pytest

from tests.conformance.gap_list import GAPS, compress, matches, read_gaps
from tests.conformance.issues import ISSUES, areas_of, issue_of
from tests.conformance.regenerate import UNEXPLAINED
from tests.conformance.replaying import FOLDER, Replay, area_names, is_present

SHOWN = 25  # failures that a report shows

needs_cases = pytest.mark.skipif(not is_present(), reason=f"no conformance cases in {FOLDER} (AMONGO_CONFORMANCE)")
AREAS = area_names() if is_present() else ["(absent)"]
SHARES = [(name, area) for name, issue in ISSUES.items() if issue.is_built for area in issue.areas]


@needs_cases
@pytest.mark.parametrize("area", AREAS)
def test_area(area: str, replay: Replay) -> None:
    verdicts = replay.verdicts(area)
    patterns = [pattern for gap in read_gaps(area) for pattern in gap.patterns]
    report = []
    for verdict in verdicts:
        is_listed = any(matches(pattern, verdict.id) for pattern in patterns)
        if verdict.is_pass and is_listed:
            report.append(f"passes, so it leaves the list: {verdict.id}")
        elif not verdict.is_pass and not is_listed:
            report.append(f"not listed: {verdict.id}\n    {verdict.reason}: {verdict.text}")
    unused = [each for each in patterns if not any(matches(each, verdict.id) for verdict in verdicts)]
    report.extend(f"matches no case: {pattern}" for pattern in unused)
    assert not report, _shown(area, report)


def _shown(area: str, report: list[str]) -> str:
    more = f"\n… and {len(report) - SHOWN} more" if len(report) > SHOWN else ""
    return f"{area}: {len(report)} differences from the list of gaps\n" + "\n".join(report[:SHOWN]) + more


@needs_cases
@pytest.mark.parametrize(("issue", "under"), SHARES, ids=[under for _, under in SHARES])
def test_share_of_an_issue(issue: str, under: str, replay: Replay) -> None:
    passed = counted = 0
    for area in areas_of(under, AREAS):
        waiting = [pattern for gap in read_gaps(area) if gap.waits_for for pattern in gap.patterns]
        for verdict in replay.verdicts(area):
            if verdict.is_pass or not any(matches(pattern, verdict.id) for pattern in waiting):
                counted += 1
                passed += verdict.is_pass
    assert counted
    assert passed / counted >= ISSUES[issue].least, f"{under}: {passed} of {counted} counted cases pass"


def test_every_list_is_of_an_area_that_an_issue_names() -> None:
    for path in GAPS.glob("*.toml"):
        assert issue_of(path.stem) in ISSUES


@pytest.mark.parametrize("area", sorted(path.stem for path in GAPS.glob("*.toml")))
def test_every_gap_has_a_reason(area: str) -> None:
    for gap in read_gaps(area):
        assert not gap.reason.startswith(UNEXPLAINED), f"{gap.reason}: {gap.patterns[:3]}"
        if gap.waits_for:
            assert not ISSUES[gap.waits_for].is_built, f"{gap.reason}: {gap.waits_for} is built"
        assert gap.patterns


def test_patterns_are_the_shortest_that_match_nothing_else() -> None:
    every = ["a/b/x::t[one]", "a/b/x::t[three]", "a/b/x::t[two]", "a/b/y::t[one]", "a/c/z::t[one]", "a/c/z::t[two]"]
    assert compress({*every[:3], every[4]}, every) == ["a/b/x::*", "a/c/z::t[one]"]
    assert compress(set(every), every) == ["a/*"]
    assert compress(set(every[4:]), every) == every[4:]
