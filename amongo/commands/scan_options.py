"""What a find may ask of the scan itself: bounds on an index, the keys it found, record ids, going on where it ended.

Source: manual, find (database command); the resume token is what the server's own cloning of collections uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bson import Int64

from amongo.engine.records import Collection
from amongo.errors import command as errors
from amongo.planner import ResumePoint
from amongo.values.order import equal

_FORWARDS: Final = {"$natural": 1}


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """The rare options of a find.

    low, high         `min` and `max`
    shows_record_id   `showRecordId`
    returns_key       `returnKey`
    gives_resume      `$_requestResumeToken`
    resume_after      the record id of `$_resumeAfter`; None for from the beginning
    """

    low: dict[str, Any] | None = None
    high: dict[str, Any] | None = None
    shows_record_id: bool = False
    returns_key: bool = False
    gives_resume: bool = False
    resume_after: int | None = None

    def asked(self) -> str | None:
        """The name of the first option that is set, as the command has it."""
        names = {
            "min": self.low,
            "max": self.high,
            "returnKey": self.returns_key,
            "showRecordId": self.shows_record_id,
            "$_requestResumeToken": self.gives_resume,
        }
        return next((name for name, value in names.items() if value), None)

    def resume_point(self, collection: Collection) -> ResumePoint | None:
        """Where the scan begins and how far it has come, for a find that asks; None otherwise.

        errors   RESUME_RECORD_GONE
        """
        if not self.gives_resume:
            return None
        if self.resume_after is not None and collection.record(self.resume_after) is None:
            raise errors.RESUME_RECORD_GONE(record_id=self.resume_after)
        return ResumePoint(self.resume_after)


NO_SCAN_OPTIONS: Final = ScanOptions()


def scan_options(values: Mapping[str, Any]) -> ScanOptions | None:
    """The rare options among a find's fields; None if none is set.

    errors   BAD_VALUE for a resume token without a scan in natural order, or one of another shape
    """
    gives_resume, resume_after = values["$_requestResumeToken"], values["$_resumeAfter"]
    if gives_resume:
        if not equal(values["hint"], _FORWARDS):
            raise errors.BAD_VALUE(message="hint must be {$natural:1} if 'requestResumeToken' is enabled")
        if values["sort"] and not equal(values["sort"], _FORWARDS):
            raise errors.BAD_VALUE(message="sort must be unset or {$natural:1} if 'requestResumeToken' is enabled")
    elif resume_after:
        raise errors.BAD_VALUE(message="'requestResumeToken' must be true if 'resumeAfter' is specified")
    options = ScanOptions(
        values["min"] or None,
        values["max"] or None,
        values["showRecordId"],
        values["returnKey"],
        gives_resume,
        _record_id(resume_after) if resume_after else None,
    )
    return None if options == NO_SCAN_OPTIONS else options


def _record_id(token: Mapping[str, Any]) -> int | None:
    """The record id of a resume token; None for the one of an empty scan.

    errors   BAD_VALUE
    """
    if token.keys() != {"$recordId"} or type(token["$recordId"]) not in (Int64, type(None)):
        raise errors.BAD_VALUE(
            message="Malformed resume token: the '_resumeAfter' object must contain exactly one field named "
            "'$recordId', of type NumberLong, BinData or jstNULL."
        )
    return None if token["$recordId"] is None else int(token["$recordId"])
