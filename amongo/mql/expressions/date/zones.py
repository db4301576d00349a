"""Time zones: IANA names and offsets from UTC, for every date that BSON can hold."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bson import ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import date as errors
from amongo.mql.expressions.calendar import MILLIS_PER_DAY, Moment, civil_from_days
from amongo.values.types import alias

_OFFSET: Final = re.compile(r"([+-])(\d{2})(?::?(\d{2}))?")
_CYCLE_MS: Final = 146_097 * MILLIS_PER_DAY  # the calendar repeats every 400 years
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone: a fixed offset, or the rules of an IANA zone (then `offset_ms` is 0)."""

    name: str
    offset_ms: int = 0
    rules: ZoneInfo | None = None

    @property
    def is_utc(self) -> bool:
        """Whether local time is UTC at every moment."""
        return self.rules is None and self.offset_ms == 0

    def offset_at(self, millis: int) -> int:
        """Milliseconds that local time is ahead of UTC at a moment."""
        if self.rules is None:
            return self.offset_ms
        moment = _EPOCH + timedelta(milliseconds=_within_range(millis))
        offset = moment.astimezone(self.rules).utcoffset()
        assert offset is not None
        return offset // timedelta(milliseconds=1)

    def to_local(self, millis: int) -> int:
        """The zone's wall clock at a moment, as milliseconds since its own 1970-01-01 00:00."""
        return millis + self.offset_at(millis)

    def local(self, millis: int) -> Moment:
        """The zone's wall clock at a moment."""
        return Moment.of(self.to_local(millis))

    def from_local(self, wall_millis: int) -> int:
        """The moment when the zone's wall clock shows this; the earlier of two, and past a gap that swallowed it."""
        if self.rules is None:
            return wall_millis - self.offset_ms
        wall = _NAIVE_EPOCH + timedelta(milliseconds=_within_range(wall_millis))
        offset = wall.replace(tzinfo=self.rules).utcoffset()
        assert offset is not None
        return wall_millis - offset // timedelta(milliseconds=1)


UTC_ZONE: Final = Zone("UTC")


def _within_range(millis: int) -> int:
    """A moment of the years 400 to 9599 with the same place in the calendar's cycle."""
    year = civil_from_days(millis // MILLIS_PER_DAY)[0]
    if 400 <= year < 9600:
        return millis
    return millis - ((year - 2000) // 400) * _CYCLE_MS


@functools.lru_cache(maxsize=256)
def zone_named(name: str) -> Zone:
    """The zone of an IANA name (exact case), or of an offset: +hh, +hhmm, +hh:mm.

    errors   UNKNOWN_ZONE
    source   manual, Olson Timezone Identifier and UTC offset in date expressions
    """
    if name in ("UTC", "GMT"):
        return UTC_ZONE
    if offset := _OFFSET.fullmatch(name):
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return Zone(name, (-minutes if offset[1] == "-" else minutes) * 60_000)
    try:
        return Zone(name, rules=ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise errors.UNKNOWN_ZONE(name=name) from None


def read_zone(value: Any) -> Zone:
    """The zone that an evaluated `timezone` argument names.

    errors   ZONE_TYPE, UNKNOWN_ZONE
    """
    if type(value) is not str:
        raise errors.ZONE_TYPE(kind=alias(value))
    return zone_named(value)


def as_millis(value: Any) -> int | None:
    """The moment of a date, a timestamp or an ObjectId (whose seconds are signed here); None for other types."""
    kind = type(value)
    if kind is DatetimeMS:
        return int(value)
    if kind is Timestamp:
        return int(value.time) * 1000
    if kind is ObjectId:
        return int.from_bytes(value.binary[:4], "big", signed=True) * 1000
    return None


def read_millis(value: Any) -> int:
    """Like `as_millis`.

    errors   NOT_A_DATE
    """
    millis = as_millis(value)
    if millis is None:
        raise errors.NOT_A_DATE(kind=alias(value))
    return millis
