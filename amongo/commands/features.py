"""features: what the server was built with: no JavaScript engine. Source: the server's own `features`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"oidReset": Field("flag", default=False)}


@dataclass(frozen=True, slots=True)
class FeaturesRequest:
    """Nothing of it has an effect: new ObjectIds are unique without being told to begin anew."""


def parse(database: str, document: dict[str, Any]) -> FeaturesRequest:
    """The request of a features document.

    errors   UNKNOWN_FIELD, WRONG_TYPE
    """
    parse_fields("features", document, FIELDS)
    return FeaturesRequest()


def run(instance: Instance, request: FeaturesRequest, context: Context) -> dict[str, Any]:
    """{js, oidMachine}: the number that this process puts into ObjectIds."""
    machine = int.from_bytes(ObjectId().binary[4:8], "big", signed=True)
    return {"js": {}, "oidMachine": machine, "ok": 1.0}


COMMAND = Command("features", parse, run, is_quick=True)
