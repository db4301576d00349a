"""What the campaign of PyMongo's own tests makes of their report, and of its list."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drivers.pymongo_suite import Expectation, expectations, judged, outcomes

REPORT = """<testsuites><testsuite>
  <testcase classname="test.asynchronous.test_cursor.TestCursor" name="test_good"/>
  <testcase classname="test.asynchronous.test_cursor.TestCursor" name="test_bad"><failure message="no"/></testcase>
  <testcase classname="test.asynchronous.test_cursor.TestCursor" name="test_bad"/>
  <testcase classname="test.asynchronous.test_cursor.TestCursor" name="test_setup"><error message="no"/></testcase>
  <testcase classname="test.asynchronous.test_cursor.TestCursor" name="test_else"><skipped message="why"/></testcase>
  <testcase classname="test.asynchronous.test_cursor.TestCursor" name="test_slow">
    <skipped message="left out"/>
  </testcase>
</testsuite></testsuites>"""


@pytest.fixture
def found(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "report.xml").write_text(REPORT)
    return outcomes(tmp_path / "report.xml")


def test_outcomes(found: dict[str, str]) -> None:
    names = {test.removeprefix("test_cursor.py::TestCursor::"): outcome for test, outcome in found.items()}
    assert names == {
        "test_good": "passed",
        "test_bad": "failed",
        "test_setup": "failed",
        "test_else": "skipped",
        "test_slow": "left out",
    }


def test_a_failure_that_is_not_listed_is_told(found: dict[str, str]) -> None:
    listed = [Expectation(("test_cursor.py::*::test_set*",), "needs what nobody has")]
    assert judged(found, listed) == ["test_cursor.py::TestCursor::test_bad"]


def test_every_expectation_has_a_reason_and_means_a_test() -> None:
    listed = expectations("plain")
    assert all(len(each.reason) > 20 and each.tests for each in listed)
    patterns = [pattern for each in listed for pattern in each.tests]
    assert len(set(patterns)) == len(patterns)
    assert all(pattern.startswith("test_") and ".py::" in pattern for pattern in patterns)
