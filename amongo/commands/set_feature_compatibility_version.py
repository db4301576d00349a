"""setFeatureCompatibilityVersion: which version's features are on. Source: manual, setFeatureCompatibilityVersion.

amongo has the features of one version, to which it can be set; setting it to another is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, check, parse_fields
from amongo.errors import command as errors
from amongo.errors import diagnosis

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

VERSION: Final = "8.0"
FIELDS = {"confirm": Field("flag"), "fromConfigServer": Field("bool")}


@dataclass(frozen=True, slots=True)
class SetFeatureCompatibilityVersionRequest:
    """Nothing of it has an effect: the version is set already."""


def parse(database: str, document: dict[str, Any]) -> SetFeatureCompatibilityVersionRequest:
    """The request of a setFeatureCompatibilityVersion document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, OTHER_VERSION, VERSION_NOT_CONFIRMED
    """
    name = "setFeatureCompatibilityVersion"
    fields = parse_fields(name, document, FIELDS)
    if document[name] is None:
        raise errors.MISSING_FIELD(command=name, field=name)
    version = check(name, name, Field("string"), document[name])
    if version != VERSION:
        raise diagnosis.OTHER_VERSION(version=version, known=VERSION)
    if not fields["confirm"]:
        raise diagnosis.VERSION_NOT_CONFIRMED()
    return SetFeatureCompatibilityVersionRequest()


def run(instance: Instance, request: SetFeatureCompatibilityVersionRequest, context: Context) -> dict[str, Any]:
    """Nothing but `ok`."""
    return {"ok": 1.0}


COMMAND = Command("setFeatureCompatibilityVersion", parse, run, is_admin_only=True, is_quick=True)
