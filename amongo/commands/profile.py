"""profile: which operations the server notes down in `system.profile`. Source: manual, profile.

amongo has no profiler. Its settings can be read and set, but it cannot be turned on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, check, parse_fields
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


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """How the profiler is set: of the whole instance, as on the server.

    slow_ms       from when on an operation is slow
    sample_rate   the part of the slow operations that is noted down, 0 to 1
    filter        which are noted down instead; None for none
    """

    slow_ms: int = 100
    sample_rate: float = 1.0
    filter: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """A profile.

    level         0 for off; another number below 0 or above 2 asks alone
    slow_ms, sample_rate, filter   to set; None to leave it
    unsets        the filter is taken away
    """

    level: int
    slow_ms: int | None = None
    sample_rate: float | None = None
    filter: dict[str, Any] | None = None
    unsets: bool = False


def parse(database: str, document: dict[str, Any]) -> ProfileRequest:
    """The request of a profile document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, BAD_VALUE, those of the filter, NOT_SUPPORTED_YET for levels 1 and 2
    """
    fields = parse_fields("profile", document, FIELDS)
    level: int = check("profile", "profile", Field("integer"), document["profile"])
    rate = None if fields["sampleRate"] is None else to_double(fields["sampleRate"])
    if rate is not None and not 0 <= rate <= 1:
        raise errors.BAD_VALUE(message="'sampleRate' must be between 0.0 and 1.0 inclusive")
    condition = fields["filter"]
    if "filter" in document and condition != _UNSET and type(condition) is not dict:
        raise errors.BAD_VALUE(message="Expected an object, or the string 'unset'.")
    if type(condition) is dict:
        parse_filter(condition)
    if level in (1, 2):
        raise errors.NOT_SUPPORTED_YET(what="profiling", reason="the profiler is not built")
    return ProfileRequest(
        level, fields["slowms"], rate, condition if type(condition) is dict else None, condition == _UNSET
    )


def run(instance: Instance, request: ProfileRequest, context: Context) -> dict[str, Any]:
    """{was, slowms, sampleRate, filter}: how it was set before."""
    before = instance.profile_settings
    if request.level == 0:
        instance.profile_settings = replace(
            before,
            slow_ms=before.slow_ms if request.slow_ms is None else request.slow_ms,
            sample_rate=before.sample_rate if request.sample_rate is None else request.sample_rate,
            filter=None if request.unsets else request.filter or before.filter,
        )
    reply: dict[str, Any] = {"was": 0, "slowms": before.slow_ms, "sampleRate": before.sample_rate}
    if before.filter is not None:
        reply["filter"] = before.filter
    return reply | {"ok": 1.0}


COMMAND = Command("profile", parse, run, is_quick=True)
