"""setDefaultRWConcern: set the concerns of operations that name none; see `default_concerns`.

Source: manual, setDefaultRWConcern.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.concerns import WriteConcern, parse_concerns, parse_write_concern
from amongo.commands.context import Context
from amongo.commands.default_concerns import DefaultConcerns
from amongo.commands.fields import Field, parse_fields
from amongo.errors import command as errors
from amongo.errors import diagnosis

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"defaultReadConcern": Field("object"), "defaultWriteConcern": Field("object")}

_READ_FIELDS: Final = {"level": Field("string"), "provenance": Field("string")}
_LEVELS: Final = ("local", "available", "majority")


@dataclass(frozen=True, slots=True)
class SetDefaultRWConcernRequest:
    """A setDefaultRWConcern.

    read, write   as documents; None to leave it as it is, {} to take it back
    """

    read: dict[str, Any] | None
    write: dict[str, Any] | None


def parse(database: str, document: dict[str, Any]) -> SetDefaultRWConcernRequest:
    """The request of a setDefaultRWConcern document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, BAD_VALUE, NOT_ENUMERATED, UNKNOWN_WRITE_CONCERN; those of write concerns
    """
    fields = parse_fields("setDefaultRWConcern", document, FIELDS)
    _refuse_unknown(parse_concerns("setDefaultRWConcern", document).write)
    read, write = fields["defaultReadConcern"], fields["defaultWriteConcern"]
    if read is None and write is None:
        raise errors.BAD_VALUE(
            message='At least one of the "defaultReadConcern" or "defaultWriteConcern" fields must be present'
        )
    return SetDefaultRWConcernRequest(
        None if read is None else _read_concern(read), None if write is None else _write_concern(write)
    )


def run(instance: Instance, request: SetDefaultRWConcernRequest, context: Context) -> dict[str, Any]:
    """What getDefaultRWConcern shows afterwards.

    errors   ILLEGAL_OPERATION for a default write concern that is taken back
    """
    before = instance.default_concerns
    if request.write == {} and before.write:
        raise errors.ILLEGAL_OPERATION(message="The global default write concern cannot be unset once it is set.")
    read = before.read if request.read is None else request.read or None
    write = before.write if request.write is None else request.write or None
    now, moment = instance.moment()
    instance.default_concerns = DefaultConcerns(read, write, (moment, now))
    return instance.default_concerns.document(instance) | {"ok": 1.0}


def _read_concern(spec: dict[str, Any]) -> dict[str, Any]:
    level = parse_fields("defaultReadConcern", spec, _READ_FIELDS, generic={})["level"]
    if level is None:
        return {}
    if level not in _LEVELS:
        raise errors.BAD_VALUE(message=f"level: '{level}' is not suitable for the default read concern")
    return {"level": level}


def _write_concern(spec: dict[str, Any]) -> dict[str, Any]:
    """A default write concern in full.

    errors   those of write concerns, BAD_VALUE without acknowledgement, UNKNOWN_WRITE_CONCERN
    """
    concern = parse_write_concern("setDefaultRWConcern", spec)
    if not spec:
        return {}
    if "w" not in spec:
        raise errors.BAD_VALUE(message="The default write concern must have a 'w' field")
    _refuse_unknown(concern)
    if concern.w == 0:
        raise errors.BAD_VALUE(message="The default write concern cannot be unacknowledged")
    shown = {"w": concern.w, "wtimeout": spec.get("wtimeout", 0)}
    return shown | {"j": True} if concern.is_durable else shown


def _refuse_unknown(concern: WriteConcern) -> None:
    if type(concern.w) is str and concern.w != "majority":
        raise diagnosis.UNKNOWN_WRITE_CONCERN(name=concern.w)


COMMAND = Command("setDefaultRWConcern", parse, run, is_admin_only=True, is_quick=True)
