"""getClusterParameter: the parameters of the deployment; see `cluster_parameters`.

Source: manual, getClusterParameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.cluster_parameters import CLUSTER_PARAMETERS, cluster_parameter
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.errors import cluster_parameter as errors
from amongo.errors import command as command_errors
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_NAME: str = "getClusterParameter"


@dataclass(frozen=True, slots=True)
class GetClusterParameterRequest:
    """A getClusterParameter.

    names   of the parameters, in the order in which they are shown
    """

    names: tuple[str, ...]


def parse(database: str, document: dict[str, Any]) -> GetClusterParameterRequest:
    """The request of a getClusterParameter command: a name, several of them, or "*". Other fields are not looked at.

    errors   MISSING_FIELD, WRONG_TYPE, NO_NAMES, UNKNOWN_CLUSTER_PARAMETER
    """
    asked = document[_NAME]
    if asked is None:
        raise command_errors.MISSING_FIELD(command=_NAME, field=_NAME)
    if asked == "*":
        return GetClusterParameterRequest(CLUSTER_PARAMETERS)
    if type(asked) not in (str, list):
        raise command_errors.WRONG_TYPE(
            command=_NAME, field=_NAME, actual=alias(asked), expected="types '[array, string]'"
        )
    names = [asked] if type(asked) is str else asked
    if not names:
        raise errors.NO_NAMES()
    for position, name in enumerate(names):
        if type(name) is not str:
            raise command_errors.WRONG_TYPE(
                command=_NAME, field=f"{_NAME}.{position}", actual=alias(name), expected="type 'string'"
            )
    for name in names:
        if name not in CLUSTER_PARAMETERS:
            raise errors.UNKNOWN_CLUSTER_PARAMETER(name=name)
    return GetClusterParameterRequest(tuple(names))


def run(instance: Instance, request: GetClusterParameterRequest, context: Context) -> dict[str, Any]:
    """{clusterParameters: [{_id, clusterParameterTime, …}]}."""
    shown = [cluster_parameter(instance.store, name) for name in request.names]
    return {"clusterParameters": shown, "ok": 1.0}


COMMAND = Command(_NAME, parse, run, is_admin_only=True, is_quick=True)
