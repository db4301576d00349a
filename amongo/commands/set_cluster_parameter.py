"""setClusterParameter: set a parameter of the deployment; see `cluster_parameters`.

Source: manual, setClusterParameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.cluster_parameters import (
    CLUSTER_PARAMETERS,
    parse_cluster_parameter,
    set_cluster_parameter,
)
from amongo.commands.command import Command
from amongo.commands.concerns import parse_write_concern
from amongo.commands.context import Context
from amongo.errors import cluster_parameter as errors
from amongo.errors import command as command_errors
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_NAME: str = "setClusterParameter"


@dataclass(frozen=True, slots=True)
class SetClusterParameterRequest:
    """A setClusterParameter.

    name    of the parameter
    value   as it is kept
    """

    name: str
    value: dict[str, Any]


def parse(database: str, document: dict[str, Any]) -> SetClusterParameterRequest:
    """The request of a setClusterParameter command: {name: value}. Other fields are not looked at.

    errors   MISSING_FIELD, WRONG_TYPE, INVALID_OPTIONS for a write concern, NOTHING_TO_SET, SETS_ONE,
             UNKNOWN_CLUSTER_PARAMETER, VALUE_TYPE, VALUE_DOLLAR, those of the value
    """
    asked = document[_NAME]
    if asked is None:
        raise command_errors.MISSING_FIELD(command=_NAME, field=_NAME)
    if type(asked) is not dict:
        raise command_errors.WRONG_TYPE(command=_NAME, field=_NAME, actual=alias(asked), expected="type 'object'")
    parse_write_concern(_NAME, document.get("writeConcern"))
    if not asked:
        raise errors.NOTHING_TO_SET()
    if len(asked) > 1:
        raise errors.SETS_ONE()
    ((name, value),) = asked.items()
    _refuse_dollars(value, name)
    if name not in CLUSTER_PARAMETERS:
        raise errors.UNKNOWN_CLUSTER_PARAMETER(name=name)
    if type(value) is not dict:
        raise errors.VALUE_TYPE(name=name, kind=alias(value))
    return SetClusterParameterRequest(name, parse_cluster_parameter(name, value))


def _refuse_dollars(value: Any, path: str) -> None:
    """errors: VALUE_DOLLAR"""
    if type(value) is dict:
        for name, each in value.items():
            if name.startswith("$"):
                raise errors.VALUE_DOLLAR(name=name, path=f"{path}.{name}")
            _refuse_dollars(each, f"{path}.{name}")


def run(instance: Instance, request: SetClusterParameterRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}."""
    set_cluster_parameter(instance, request.name, request.value)
    return {"ok": 1.0}


COMMAND = Command(_NAME, parse, run, is_admin_only=True)
