"""The log of this process as a server shows it: the last lines, in memory, beside what goes to Python's `logging`.

What amongo notes down goes both ways: as a line of JSON into a ring (`getLog`), and as a record to the logger
`amongo.<component>`. What other parts of amongo log by themselves comes into the ring as well, as far as the program's
own settings of `logging` let it through. Source: manual, Log Messages, "Structured Logging"; getLog.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bson import json_util

from amongo.runtime.limits import JOURNAL_LINE_CHARACTERS, JOURNAL_LINES

_SEVERITIES: Final = {
    logging.CRITICAL: "F",
    logging.ERROR: "E",
    logging.WARNING: "W",
    logging.INFO: "I",
    logging.DEBUG: "D1",
}
_ROOT: Final = "amongo"
_NOTED: Final = "amongo_noted"


class Journal:
    """The last lines of the log.

    written    lines since the process began
    warnings   those that tell of how it was started
    """

    def __init__(self) -> None:
        self.written = 0
        self.warnings: deque[str] = deque(maxlen=JOURNAL_LINES)
        self._lines: deque[str] = deque(maxlen=JOURNAL_LINES)

    @property
    def lines(self) -> list[str]:
        """The last ones, the oldest first."""
        return list(self._lines)

    def note(
        self,
        component: str,
        message: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        number: int = 0,
        level: int = logging.INFO,
        is_startup_warning: bool = False,
    ) -> None:
        """Write a line.

        component    "COMMAND", "NETWORK", … as on the server
        number       of the event, where the server has one
        attributes   values of BSON
        """
        line = self._keep(component, message, attributes or {}, number, level)
        if is_startup_warning:
            self.warnings.append(line)
        logger = logging.getLogger(f"{_ROOT}.{component.lower()}")
        if logger.isEnabledFor(level):
            logger.log(level, "%s %s", message, dict(attributes or {}), extra={_NOTED: True})

    def keep_record(self, record: logging.LogRecord) -> None:
        """Take over what another part of amongo has logged."""
        component = record.name.removeprefix(f"{_ROOT}.").partition(".")[0].upper()
        self._keep(component, record.getMessage(), {}, 0, record.levelno)

    def _keep(self, component: str, message: str, attributes: Mapping[str, Any], number: int, level: int) -> str:
        line: dict[str, Any] = {
            "t": {"$date": datetime.now(UTC).isoformat(timespec="milliseconds")},
            "s": _SEVERITIES.get(level, "I"),
            "c": component,
            "id": number,
            "ctx": "main",
            "msg": message,
        }
        if attributes:
            line["attr"] = dict(attributes)
        text = json_util.dumps(line, json_options=json_util.RELAXED_JSON_OPTIONS)[:JOURNAL_LINE_CHARACTERS]
        self.written += 1
        self._lines.append(text)
        return text


JOURNAL: Final = Journal()
"""That of this process."""


class _Keeping(logging.Handler):
    """Hands on to the journal what amongo's other loggers are told."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; where the program has set up no logging, warnings go where they would go without us."""
        if not getattr(record, _NOTED, False):
            JOURNAL.keep_record(record)
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and not _has_other_handlers(record.name):
            last.handle(record)


def _has_other_handlers(name: str) -> bool:
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None:
        if any(not isinstance(each, _Keeping) for each in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def keep_journal() -> None:
    """Let the journal hear what amongo's loggers are told, from now on; a second call does nothing."""
    logger = logging.getLogger(_ROOT)
    if not any(isinstance(each, _Keeping) for each in logger.handlers):
        logger.addHandler(_Keeping())
