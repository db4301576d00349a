"""The cases say the same over the wire, by PyMongo, as in process.

`make test` looks at a few cases of each area; `python -m tests.conformance.over_wire` looks at all of them.
"""

from __future__ import annotations

import pytest

from tests.conformance.over_wire import differing, is_unsent, told
from tests.conformance.replaying import FOLDER, Verdict, area_names, is_present, load, run_lines

EVERY = 97
FEWEST_PASSING = (
    0.9  # so that a server that answers nothing does not look like one that is as good as its embedded self
)


@pytest.mark.skipif(not is_present(), reason=f"no conformance cases in {FOLDER} (AMONGO_CONFORMANCE)")
def test_a_sample_says_the_same_over_the_wire() -> None:
    lines = [line for area in load(area_names()).values() for line in area[::EVERY]]
    embedded, wired = run_lines(lines), run_lines(lines, over_wire=True)
    assert sum(verdict.is_pass for verdict in wired) > FEWEST_PASSING * len(lines)
    report = [
        f"{each.id}\n  in process    {told(one)}\n  over the wire {told(each)}"
        for one, each in differing(embedded, wired)
    ]
    assert not report, "\n".join(report)


def test_what_is_not_sent_says_nothing() -> None:
    passing, failing = Verdict("a", "", ""), Verdict("a", "mismatch", "expected 1, got 2")
    unsent = Verdict("a", "setup_error", "the connected server supports BSON document sizes up to 16793598 bytes")
    assert list(differing([passing], [failing])) == [(passing, failing)]
    assert not list(differing([passing], [unsent])) and is_unsent(unsent)
    assert not list(differing([failing], [failing]))
