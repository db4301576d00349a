"""profile: which operations the server notes down in `system.profile` of a database; see `profiler`.

Source: manual, profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, check, parse_fields
from amongo.commands.profiler import Filter, Level
from amongo.errors import command as errors
from amongo.mql.matcher import parse_filter
from amongo.values.numbers import to_double

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "slowms": Field("integer"),
    "sampleRate": Field("double"),
    "filter": Field("any", refuses_null=True),
}

_UNSET: Final = "unset"
_LEVELS: Final = (0, 1, 2)
_NOTE: Final = (
    "When a filter expression is set, slowms and sampleRate are not used for profiling and slow-query log lines."
)


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """A profile.

    database      whose level and filter are set
    level         0, 1 or 2; another number asks alone
    slow_ms, sample_rate   to set, for all databases; None to leave it
    filter        to set with a level; None to leave it
    unsets        the filter is taken away
    """

    database: str
    level: int
    slow_ms: int | None = None
    sample_rate: float | None = None
    filter: Filter | None = None
    unsets: bool = False


def parse(database: str, document: dict[str, Any]) -> ProfileRequest:
    """The request of a profile document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, BAD_VALUE, those of the filter
    """
    fields = parse_fields("profile", document, FIELDS)
    level: int = check("profile", "profile", Field("integer"), document["profile"])
    rate = None if fields["sampleRate"] is None else to_double(fields["sampleRate"])
    if rate is not None and not 0 <= rate <= 1:
        raise errors.BAD_VALUE(message="'sampleRate' must be between 0.0 and 1.0 inclusive")
    condition = fields["filter"]
    if "filter" in document and condition != _UNSET and type(condition) is not dict:
        raise errors.BAD_VALUE(message="Expected an object, or the string 'unset'.")
    filter = Filter(condition, parse_filter(condition).bind()) if type(condition) is dict else None
    return ProfileRequest(database, level, fields["slowms"], rate, filter, condition == _UNSET)


def run(instance: Instance, request: ProfileRequest, context: Context) -> dict[str, Any]:
    """{was, slowms, sampleRate, filter, note}: how it was set before.

    errors   those of creating `system.profile`
    """
    profiler = instance.profiler
    before = profiler.level(request.database)
    reply: dict[str, Any] = {"was": before.level, "slowms": profiler.slow_ms, "sampleRate": profiler.sample_rate}
    if before.filter is not None:
        reply |= {"filter": before.filter.condition, "note": _NOTE}
    if request.level in _LEVELS:
        filter = None if request.unsets else request.filter or before.filter
        profiler.set_level(request.database, Level(request.level, filter))
    if request.slow_ms is not None:
        profiler.slow_ms = request.slow_ms
    if request.sample_rate is not None:
        profiler.sample_rate = request.sample_rate
    return reply | {"ok": 1.0}


COMMAND = Command("profile", parse, run, is_quick=True)
