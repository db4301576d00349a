"""The journal: lines of JSON in a ring, beside Python's logging."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime

import pytest
from bson import json_util

from amongo.runtime.journal import JOURNAL, Journal, keep_journal
from amongo.runtime.limits import JOURNAL_LINE_CHARACTERS, JOURNAL_LINES


def test_a_line_says_when_what_and_where() -> None:
    journal = Journal()
    journal.note("COMMAND", "Slow query", {"ns": "shop.c", "durationMillis": 120}, number=51803)
    line = json_util.loads(journal.lines[0], json_options=json_util.CANONICAL_JSON_OPTIONS)
    assert "+00:00" in journal.lines[0] and isinstance(line["t"], datetime)
    assert (line["s"], line["c"], line["id"], line["msg"]) == ("I", "COMMAND", 51803, "Slow query")
    assert line["attr"] == {"ns": "shop.c", "durationMillis": 120}


def test_it_is_bounded() -> None:
    journal = Journal()
    for number in range(JOURNAL_LINES + 5):
        journal.note("CONTROL", "x" * 5000, {"number": number})
    assert len(journal.lines) == JOURNAL_LINES and journal.written == JOURNAL_LINES + 5
    assert {len(line) for line in journal.lines} == {JOURNAL_LINE_CHARACTERS}


def test_warnings_of_the_start_are_kept_apart() -> None:
    journal = Journal()
    journal.note("CONTROL", "open to all", is_startup_warning=True)
    journal.note("CONTROL", "another")
    assert [json.loads(line)["msg"] for line in journal.warnings] == ["open to all"]


def test_it_goes_to_logging_as_well(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "amongo.command"):
        Journal().note("COMMAND", "Slow query", {"ns": "shop.c"})
    (record,) = caplog.records
    assert record.name == "amongo.command" and record.getMessage() == "Slow query {'ns': 'shop.c'}"


@pytest.fixture
def amongo_logger() -> Iterator[logging.Logger]:
    """The logger of all of amongo; afterwards as it was."""
    logger = logging.getLogger("amongo")
    before = list(logger.handlers)
    yield logger
    logger.handlers = before


def test_what_others_log_is_kept_once(amongo_logger: logging.Logger) -> None:
    keep_journal()
    keep_journal()
    before = JOURNAL.written
    logging.getLogger("amongo.server").warning("a %s message", "hostile")
    assert JOURNAL.written == before + 1
    line = json.loads(JOURNAL.lines[-1])
    assert (line["c"], line["s"], line["msg"]) == ("SERVER", "W", "a hostile message")
    with_level = JOURNAL.written
    JOURNAL.note("SERVER", "once", level=logging.WARNING)
    assert JOURNAL.written == with_level + 1


def test_without_any_handler_warnings_still_reach_the_last_resort(
    amongo_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    class Last(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    keep_journal()
    monkeypatch.setattr(logging, "lastResort", Last(logging.WARNING))
    monkeypatch.setattr(amongo_logger, "propagate", False)
    logging.getLogger("amongo.server").warning("seen")
    amongo_logger.addHandler(logging.NullHandler())
    logging.getLogger("amongo.server").warning("not again")
    assert heard == ["seen"]
