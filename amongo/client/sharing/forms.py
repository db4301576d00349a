"""What goes between processes, as data: requests and replies become BSON and come back the same.

A request of the waist is a frozen object of plain fields, so it goes as the name of its class and the fields that
differ from their defaults; only the classes of the table below are made here, whatever a message says. Bytes
(documents, commands, tables) stand beside the BSON as attachments, so that nothing is encoded twice. `FINGERPRINT` says
which classes with which fields this version of amongo knows: two processes whose fingerprints differ do not talk.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from amongo.commands.abort_transaction import AbortRequest
from amongo.commands.commit_transaction import CommitRequest
from amongo.commands.concerns import ReadConcern
from amongo.commands.context import Context
from amongo.commands.delete import DeleteRequest, DeleteStatement
from amongo.commands.find import FindOptions, FindRequest
from amongo.commands.get_more import GetMoreRequest
from amongo.commands.insert import InsertRequest
from amongo.commands.live import LiveRequest
from amongo.commands.replies import BulkWriteReply, CommitReply, CursorReply, WriteReply
from amongo.commands.scan_options import ScanOptions
from amongo.commands.tables import AggregateTableRequest, FindTableRequest, SqlRequest
from amongo.commands.time_travel import FindAsOfRequest, HistoryRequest
from amongo.commands.update import UpdateRequest, UpdateStatement
from amongo.streams.live import Difference
from amongo.values.collation import Collation
from amongo.values.collation.options import Options
from amongo.values.missing import MISSING

PROTOCOL: Final = 1
"""Of the messages that carry the forms; it grows with what the classes' fields do not show."""

_CLASSES: Final = (
    AbortRequest,
    AggregateTableRequest,
    BulkWriteReply,
    Collation,
    CommitReply,
    CommitRequest,
    Context,
    CursorReply,
    DeleteRequest,
    DeleteStatement,
    Difference,
    FindAsOfRequest,
    FindOptions,
    FindRequest,
    FindTableRequest,
    GetMoreRequest,
    HistoryRequest,
    InsertRequest,
    LiveRequest,
    Options,
    ReadConcern,
    ScanOptions,
    SqlRequest,
    UpdateRequest,
    UpdateStatement,
    WriteReply,
)
_LOCAL: Final = frozenset({"interrupt", "peer"})  # of a context: they are of one process
_SMALLEST, _GREATEST = -(1 << 63), (1 << 63) - 1

# Values of Python alone, as parameters of SQL: as text, by name.
_TEXTS: Final[dict[type, tuple[str, Callable[[Any], str], Callable[[str], Any]]]] = {
    Decimal: ("decimal", str, Decimal),
    UUID: ("uuid", str, UUID),
    datetime: ("datetime", datetime.isoformat, datetime.fromisoformat),
    date: ("date", date.isoformat, date.fromisoformat),
    time: ("time", time.isoformat, time.fromisoformat),
    timedelta: (
        "timedelta",
        lambda span: f"{span.days} {span.seconds} {span.microseconds}",
        lambda text: timedelta(*map(int, text.split())),
    ),
    int: ("int", str, int),
}
_READS: Final = {name: read for name, _, read in _TEXTS.values()}


@dataclasses.dataclass(frozen=True, slots=True)
class _Shape:
    """A class: its fields in their order, each with its default; MISSING for none."""

    kind: type
    fields: tuple[tuple[str, Any], ...]


def _shape(kind: type) -> _Shape:
    if dataclasses.is_dataclass(kind):
        named = [(field.name, field.default) for field in dataclasses.fields(kind)]
        return _Shape(kind, tuple((name, MISSING if d is dataclasses.MISSING else d) for name, d in named))
    names = [name for name in kind._fields if name not in _LOCAL]  # type: ignore[attr-defined]
    defaults = kind._field_defaults  # type: ignore[attr-defined]
    return _Shape(kind, tuple((name, defaults.get(name, MISSING)) for name in names))


_SHAPES: Final = {kind: _shape(kind) for kind in _CLASSES}
_BY_NAME: Final = {kind.__name__: shape for kind, shape in _SHAPES.items()}

_KNOWN: Final = [(name, [field for field, _ in shape.fields]) for name, shape in sorted(_BY_NAME.items())]
FINGERPRINT: Final = zlib.crc32(repr([PROTOCOL, _KNOWN]).encode())
"""What this version can say and understand."""


def to_form(value: Any, attachments: list[Any]) -> Any:
    """A value as BSON can carry it; its bytes are added to `attachments`.

    value    an object of the table, or what stands in one: a document or an array of canonical values, bytes, a tuple,
             a list of bytes or of objects, a scalar
    errors   TypeError for anything else
    """
    kind = type(value)
    shape = _SHAPES.get(kind)
    if kind is SqlRequest:
        return _sql_form(value, attachments)
    if shape is not None:
        form: dict[str, Any] = {}
        for name, default in shape.fields:
            field = getattr(value, name)
            if field is not default:
                form[name] = to_form(field, attachments)
        return {"c": kind.__name__, "f": form}
    if kind is bytes:
        attachments.append(value)
        return {"b": len(attachments) - 1}
    if kind is dict:
        return {"d": value}
    if kind is tuple or kind is range or kind is list:
        return _sequence_form(value, attachments)
    if kind in _TEXTS and not (kind is int and _SMALLEST <= value <= _GREATEST):
        name, write, _ = _TEXTS[kind]
        return {"p": name, "v": write(value)}
    return value


def _sequence_form(value: Any, attachments: list[Any]) -> dict[str, Any]:
    is_list = type(value) is list
    if type(value) is range:
        return {"r": [value.start, value.stop]}
    if value and all(type(each) is bytes for each in value):
        start = len(attachments)
        attachments.extend(value)
        return {"s": [start, len(value)], "l": is_list}
    if is_list and not any(type(each) in _SHAPES for each in value):
        return {"a": value}
    return {"t": [to_form(each, attachments) for each in value], "l": is_list}


def from_form(form: Any, attachments: list[Any]) -> Any:
    """The value that `to_form` was given.

    errors   ValueError, TypeError, KeyError, IndexError for a form that it cannot have made
    """
    if type(form) is not dict:
        return form
    if "c" in form:
        shape = _BY_NAME[form["c"]]
        return shape.kind(**{name: from_form(field, attachments) for name, field in form["f"].items()})
    if "b" in form:
        return attachments[form["b"]]
    if "d" in form:
        return form["d"]
    if "s" in form:
        start, count = form["s"]
        found = attachments[start : start + count]
        return found if form["l"] else tuple(found)
    if "a" in form:
        return form["a"]
    if "q" in form:
        return _sql_request(form, attachments)
    if "t" in form:
        several = [from_form(each, attachments) for each in form["t"]]
        return several if form["l"] else tuple(several)
    if "r" in form:
        return range(*form["r"])
    return _READS[form["p"]](form["v"])


def _sql_form(request: SqlRequest, attachments: list[Any]) -> Any:
    """The form of an SQL request: its parameters are any values of Python that SQL knows.

    errors   TypeError for a parameter that is none
    """
    given = request.parameters
    names = list(given) if isinstance(given, dict) else None
    values = tuple(given.values()) if isinstance(given, dict) else tuple(given)
    asked = [request.database, request.text, request.time_limit_ms]
    return {"q": asked, "names": names, "values": to_form(values, attachments)}


def _sql_request(parts: dict[str, Any], attachments: list[Any]) -> SqlRequest:
    """What `_sql_form` was given."""
    database, text, time_limit_ms = parts["q"]
    values = from_form(parts["values"], attachments)
    names = parts["names"]
    given = list(values) if names is None else dict(zip(names, values, strict=True))
    return SqlRequest(database, text, given, time_limit_ms)
