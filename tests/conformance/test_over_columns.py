"""The cases of the query language and of aggregation say the same when whatever can be goes over columns.

`make test` looks at one case in ten; `AMONGO_COLUMNAR=1 pytest tests/conformance` runs all of them this way.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.replaying import Replay, area_names, is_present

EVERY = 10
AREAS = [
    area
    for area in area_names()
    if area.startswith(("core.operator.", "core.aggregation", "core.data-types", "core.collation"))
]

needs_cases = pytest.mark.skipif(not is_present(), reason="no conformance cases (AMONGO_CONFORMANCE)")


@pytest.fixture(scope="module")
def over_columns() -> Iterator[Replay]:
    """Some cases of all these areas, running over columns."""
    replay = Replay(AREAS, columnar=True, every=EVERY)
    yield replay
    replay.close()


@needs_cases
@pytest.mark.parametrize("area", AREAS or ["(absent)"])
def test_area_says_the_same_over_columns(area: str, replay: Replay, over_columns: Replay) -> None:
    expected = {verdict.id: verdict for verdict in replay.verdicts(area)}
    found = over_columns.verdicts(area)
    assert found
    report = [
        f"{verdict.id}\n    {verdict.reason or 'passes'}: {verdict.text}"
        for verdict in found
        if verdict.is_pass != expected[verdict.id].is_pass
    ]
    assert not report, "\n".join(report)
