"""setParameter: set parameters of the running server, all that are named or none; see `server_parameters`.

Source: manual, setParameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import GENERIC_FIELDS
from amongo.commands.server_parameters import PARAMETERS, set_values, value_of
from amongo.errors import diagnosis

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class SetParameterRequest:
    """What is set.

    values   by name, as they were asked for
    """

    values: Mapping[str, Any]


def parse(database: str, document: dict[str, Any]) -> SetParameterRequest:
    """The request of a setParameter document: parameters and their values.

    errors   NO_PARAMETER_TO_SET, UNKNOWN_PARAMETER, PARAMETER_NOT_SETTABLE, BAD_VALUE
    """
    asked = {name: value for name, value in document.items() if name != "setParameter" and name not in GENERIC_FIELDS}
    if not asked:
        raise diagnosis.NO_PARAMETER_TO_SET()
    for name in asked:
        if name not in PARAMETERS:
            raise diagnosis.UNKNOWN_PARAMETER(name=name)
        if PARAMETERS[name].read is None:
            raise diagnosis.PARAMETER_NOT_SETTABLE(name=name)
    return SetParameterRequest(asked)


def run(instance: Instance, request: SetParameterRequest, context: Context) -> dict[str, Any]:
    """{was}: the first parameter's value before.

    errors   BAD_VALUE, with which nothing is set
    """
    values = {}
    for name, value in request.values.items():
        read = PARAMETERS[name].read
        assert read is not None
        values[name] = read(value_of(instance, name), value)
    was = value_of(instance, next(iter(values)))
    set_values(instance, values)
    return {"was": was, "ok": 1.0}


COMMAND = Command("setParameter", parse, run, is_admin_only=True, is_quick=True)
