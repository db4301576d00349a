"""BSON dates: signed 64-bit milliseconds since 1970-01-01 UTC, always as `DatetimeMS` below the client."""

from datetime import UTC, datetime

from bson.datetime_ms import DatetimeMS

from amongo.runtime.clock import SYSTEM_CLOCK, Clock


def millis(date: DatetimeMS) -> int:
    """Milliseconds since the epoch; negative before it."""
    return int(date)


def from_millis(millis: int) -> DatetimeMS:
    """The date `millis` milliseconds after the epoch.

    errors   OverflowError outside the 64-bit range
    """
    return DatetimeMS(millis)


def from_datetime(moment: datetime) -> DatetimeMS:
    """The date of a `datetime`, cut to milliseconds; a naive one is taken as UTC, as PyMongo does."""
    return DatetimeMS(moment)


def to_datetime(date: DatetimeMS) -> datetime:
    """The date as an aware `datetime` in UTC.

    errors   OverflowError for a year outside 1 to 9999, which `datetime` cannot hold
    """
    seconds, milliseconds = divmod(int(date), 1000)
    days, second_of_day = divmod(seconds, 86400)
    midnight = datetime.fromordinal(_EPOCH_ORDINAL + days) if _is_ordinal(days) else None
    if midnight is None:
        raise OverflowError(f"{int(date)} milliseconds are outside the years 1 to 9999")
    hour, rest = divmod(second_of_day, 3600)
    minute, second = divmod(rest, 60)
    return midnight.replace(hour=hour, minute=minute, second=second, microsecond=milliseconds * 1000, tzinfo=UTC)


def now(clock: Clock = SYSTEM_CLOCK) -> DatetimeMS:
    """This moment, of the clock given."""
    return DatetimeMS(clock.now_ms())


_EPOCH_ORDINAL = datetime(1970, 1, 1).toordinal()
_LAST_ORDINAL = datetime.max.toordinal()


def _is_ordinal(days: int) -> bool:
    return 1 <= _EPOCH_ORDINAL + days <= _LAST_ORDINAL
