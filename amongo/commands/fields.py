"""The fields of command documents, as data.

Each command states its fields in a table; `parse_fields` refuses what the table does not have and what has a wrong
type, by name, with the server's codes. As on the server, a field that is null counts as absent. Source: the manual's
pages of the commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bson import Decimal128, Int64

from amongo.errors import command as errors
from amongo.values.numbers import to_integer as to_integer
from amongo.values.types import alias

_NUMBERS = ("long", "int", "decimal", "double")
_KINDS: dict[str, tuple[str, ...]] = {
    "any": (),
    "object": ("object",),
    "array": ("array",),
    "string": ("string",),
    "bool": ("bool",),
    "uuid": ("binData",),
    "flag": ("bool", *_NUMBERS),
    "integer": _NUMBERS,
    "double": _NUMBERS,
    "long": ("long",),
    "object or array": ("object", "array"),
    "hint": ("string", "object"),
    "update": ("object", "array"),
}

# Kinds of which every value of one class is taken as it is.
_PLAIN: Final[dict[str, type]] = {
    "object": dict,
    "array": list,
    "string": str,
    "bool": bool,
    "flag": bool,
    "object or array": dict,
    "hint": str,
    "update": dict,
    "long": Int64,
}

_PREPARED_LENGTH: Final = 5  # from this length on tables are constants, a few hundred; shorter ones are made for a call

# Kinds that the server reads in a way of its own: null is a wrong value like any other, and the error is this.
_OWN_ERRORS: Final = {
    "hint": "Hint must be a string or an object",
    "update": "Update argument must be either an object or an array",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a command.

    kind          a key of `_KINDS`: "flag" takes numbers for booleans, "integer" any number that is whole
    required      refused when absent
    default       its value when absent
    minimum       refused below
    maximum       refused above
    bound_code    the error's number for a number out of bounds
    refuses_null  null is of a wrong type, and does not count as absent
    """

    kind: str = "any"
    required: bool = False
    default: Any = None
    minimum: int | None = None
    maximum: int | None = None
    bound_code: int = 51024
    refuses_null: bool = False


# Accepted by every command (source: manual, Database Commands; the OP_MSG global fields).
GENERIC_FIELDS: dict[str, Field] = {
    "$db": Field("string"),
    "lsid": Field("object"),
    "txnNumber": Field("long"),
    "autocommit": Field("bool"),
    "startTransaction": Field("bool"),
    "stmtId": Field("integer"),
    "stmtIds": Field("array"),
    "$clusterTime": Field("object"),
    "$readPreference": Field("object"),
    "readConcern": Field("object"),
    "writeConcern": Field("object"),
    "maxTimeMS": Field("integer", minimum=0, maximum=2**31 - 1, bound_code=2),
    "comment": Field(),
    "apiVersion": Field("string"),
    "apiStrict": Field("bool"),
    "apiDeprecationErrors": Field("bool"),
    "serialization_context": Field("object"),
    "$audit": Field("object"),
    "$client": Field("object"),
    "$configServerState": Field("object"),
    "$configTime": Field(),
    "$topologyTime": Field(),
    "mayBypassWriteBlocking": Field("bool"),
    "$queryOptions": Field("object"),
    "databaseVersion": Field("object"),
    "shardVersion": Field("object"),
    "rawData": Field("bool"),
    "maxTimeMSOpOnly": Field("integer"),
    "allowPartialResults": Field("flag"),
    "helloOk": Field("bool"),
}


def parse_fields(
    command: str,
    document: Mapping[str, Any],
    fields: Mapping[str, Field],
    *,
    not_yet: Mapping[str, str] | None = None,
    generic: Mapping[str, Field] = GENERIC_FIELDS,
) -> dict[str, Any]:
    """The values of a command's fields, defaults filled in; the command's own first field is not among them.

    command    the command's name; it is the document's first key
    fields     what the command accepts, with defaults
    generic    accepted beside them, without a default
    not_yet    accepted by the server but not by amongo yet: field name -> reason
    errors     UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, NOT_SUPPORTED_YET, FAILED_TO_PARSE for a hint or an update; a
               number out of bounds: the field's `bound_code`
    """
    prepared = _PREPARED.get(id(fields))
    if prepared is None or prepared.fields is not fields:
        prepared = _prepare(fields)
    plain = prepared.plain if generic is GENERIC_FIELDS else prepared.own_plain
    values = prepared.defaults.copy()
    for name, value in document.items():
        if type(value) is plain.get(name):
            values[name] = value
            continue
        field = fields.get(name)
        if field is None:
            if name == command:
                continue
            field = generic.get(name)
        if field is None:
            if not_yet and name in not_yet:
                raise errors.NOT_SUPPORTED_YET(what=f"'{command}.{name}'", reason=not_yet[name])
            raise errors.UNKNOWN_FIELD(command=command, field=name)
        if value is not None or field.refuses_null or field.kind in _OWN_ERRORS:
            values[name] = check(command, name, field, value)
    for name in prepared.required:
        if name not in values:
            raise errors.MISSING_FIELD(command=command, field=name)
    return values


class _Prepared(NamedTuple):
    """A table of fields, looked through once.

    required   names that are required
    defaults   of the others
    own_plain  name -> the class of which every value is taken as it is
    plain      the same, with the generic fields
    """

    fields: Mapping[str, Field]
    required: tuple[str, ...]
    defaults: dict[str, Any]
    own_plain: dict[str, type]
    plain: dict[str, type]


_PREPARED: Final[dict[int, _Prepared]] = {}
"""By the identity of a table."""


def _prepare(fields: Mapping[str, Field]) -> _Prepared:
    required = tuple(name for name, field in fields.items() if field.required)
    defaults = {name: field.default for name, field in fields.items() if not field.required}
    own = _plain(fields)
    generic = {name: kind for name, kind in _plain(GENERIC_FIELDS).items() if name not in fields}
    prepared = _Prepared(fields, required, defaults, own, generic | own)
    if len(fields) >= _PREPARED_LENGTH:
        _PREPARED[id(fields)] = prepared
    return prepared


def _plain(fields: Mapping[str, Field]) -> dict[str, type]:
    return {name: _PLAIN[field.kind] for name, field in fields.items() if field.kind in _PLAIN}


def check(command: str, name: str, field: Field, value: Any) -> Any:
    """`value` as the field's kind wants it.

    errors   WRONG_TYPE, FAILED_TO_PARSE for a hint or an update; out of bounds: the field's `bound_code`
    """
    kinds = _KINDS[field.kind]
    if not kinds:
        return value
    actual = alias(value)
    if actual not in kinds:
        if field.kind in _OWN_ERRORS:
            raise errors.FAILED_TO_PARSE(message=_OWN_ERRORS[field.kind])
        expected = f"type '{kinds[0]}'" if len(kinds) == 1 else f"types '[{', '.join(kinds)}']"
        raise errors.WRONG_TYPE(command=command, field=name, actual=actual, expected=expected)
    if field.kind == "flag":
        return truth(value)
    if field.kind == "integer":
        number = to_integer(value)
        if field.minimum is not None and number < field.minimum:
            raise errors.out_of_bounds(field.bound_code, name, ">=", field.minimum, number)
        if field.maximum is not None and number > field.maximum:
            raise errors.out_of_bounds(field.bound_code, name, "<=", field.maximum, number)
        return number
    return value


def truth(value: Any) -> bool:
    """A boolean or number as the server's options take it: every number but zero is true."""
    if type(value) is Decimal128:
        return bool(value.to_decimal() != 0)
    return bool(value)
