"""replSetStepDown: let another member become the primary. There is none that could. Source: manual, replSetStepDown.

With `force` the server would step down all the same, and be without a primary for the given time. amongo refuses that:
nobody would be left to write to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, check, parse_fields
from amongo.errors import administration as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "secondaryCatchUpPeriodSecs": Field("integer", minimum=0, bound_code=2),
    "force": Field("flag", default=False),
}

_NAME: Final = "replSetStepDown"
_CATCH_UP_S: Final = 10  # manual: unless `force` is given


@dataclass(frozen=True, slots=True)
class ReplSetStepDownRequest:
    """Whether it is to step down whatever comes."""

    is_forced: bool


def parse(database: str, document: dict[str, Any]) -> ReplSetStepDownRequest:
    """The request of a replSetStepDown document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, PERIOD_TOO_SHORT, and those of a number below 0
    """
    fields = parse_fields(_NAME, document, FIELDS)
    period_s = check(_NAME, _NAME, Field("integer", minimum=0, bound_code=2), document[_NAME])
    catch_up_s = fields["secondaryCatchUpPeriodSecs"]
    if catch_up_s is None:
        catch_up_s = 0 if fields["force"] else min(_CATCH_UP_S, period_s)
    if period_s < catch_up_s:
        raise errors.PERIOD_TOO_SHORT()
    return ReplSetStepDownRequest(fields["force"])


def run(instance: Instance, request: ReplSetStepDownRequest, context: Context) -> dict[str, Any]:
    """Never.

    errors   NO_MEMBER_CAN_TAKE_OVER, ONLY_MEMBER with `force`
    """
    if request.is_forced:
        raise errors.ONLY_MEMBER(name=f"'{_NAME}.force'", reason="the only member stays the primary")
    raise errors.NO_MEMBER_CAN_TAKE_OVER(now=instance.operation_time())


COMMAND = Command(_NAME, parse, run, is_admin_only=True, is_quick=True)
