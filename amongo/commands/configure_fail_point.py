"""configureFailPoint: set a failpoint, or turn it off. There only where the server was started with test commands.

Source: manual of MongoDB 3.2, configureFailPoint (the last to describe it); MongoDB's wiki, The failCommand fail point.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.failpoints import ALWAYS, NEVER_FAILS, OFF, Mode, check_data
from amongo.commands.fields import to_integer
from amongo.errors import command as command_errors
from amongo.errors import failpoints as errors
from amongo.values.numbers import to_double
from amongo.values.types import NUMERIC_CLASSES, alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class ConfigureFailPointRequest:
    """A configureFailPoint.

    name   of the failpoint
    mode   when it is on
    data   what it then does
    """

    name: str
    mode: Mode
    data: dict[str, Any] = field(default_factory=dict)


def parse(database: str, document: dict[str, Any]) -> ConfigureFailPointRequest:
    """The request of a configureFailPoint document; as on the server, any further field is let pass.

    errors   WRONG_TYPE, NO_MODE, those of a mode and of `check_data`
    """
    name = document[NEVER_FAILS]
    if type(name) is not str:
        raise command_errors.WRONG_TYPE(
            command=NEVER_FAILS, field=NEVER_FAILS, actual=alias(name), expected="type 'string'"
        )
    if "mode" not in document:
        raise errors.NO_MODE()
    mode = _mode(document["mode"])
    data = document.get("data")
    if mode is OFF or data is None:
        return ConfigureFailPointRequest(name, mode)
    if type(data) is not dict:
        raise errors.DATA_TYPE()
    check_data(name, data)
    return ConfigureFailPointRequest(name, mode, data)


def _mode(value: Any) -> Mode:
    """errors: MODE_TYPE, UNKNOWN_MODE, MODE_FORMS, MODE_COUNT, MODE_NEGATIVE, MODE_CHANCE."""
    if type(value) is str:
        if value not in ("off", "alwaysOn"):
            raise errors.UNKNOWN_MODE(mode=value)
        return OFF if value == "off" else ALWAYS
    if type(value) is not dict:
        raise errors.MODE_TYPE()
    if len(value) != 1:
        raise errors.MODE_FORMS()
    ((name, amount),) = value.items()
    if name not in ("times", "skip", "activationProbability"):
        raise errors.MODE_FORMS()
    if type(amount) not in NUMERIC_CLASSES:
        raise errors.MODE_COUNT(name=name)
    if name == "activationProbability":
        chance = to_double(amount)
        if not 0 <= chance <= 1:
            raise errors.MODE_CHANCE(chance=chance)
        return Mode(chance=chance)
    count = int(to_integer(amount))
    if count < 0:
        raise errors.MODE_NEGATIVE(name=name)
    return Mode(times=count) if name == "times" else Mode(skip=count)


def run(instance: Instance, request: ConfigureFailPointRequest, context: Context) -> dict[str, Any]:
    """{count}: how many times the failpoint was on until now. errors: UNKNOWN_FAILPOINT."""
    assert instance.failpoints is not None
    return {"count": instance.failpoints[request.name].set(request.mode, request.data), "ok": 1.0}


COMMAND = Command(NEVER_FAILS, parse, run, is_admin_only=True, is_quick=True)
