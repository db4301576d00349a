"""The common update, made fast: top-level fields, plain scalars, operators that need to know nothing but the value.

`{"$set": {"city": "Rome"}, "$inc": {"age": 1}}` is most of what services send, each time with the same fields. What
depends on the fields' names alone (which operator, in which order, that nothing forbids to write them) is found once
and remembered as the update's shape. The document is not decoded: its elements are found in its bytes, and replaced
there. `parse_update` gives the same outcome for these, and gives the errors.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import error as StructError
from typing import Any, Final, NamedTuple

from bson import Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import ServerError
from amongo.mql.updates.paths import in_order, is_plain
from amongo.mql.updates.registry import OPERATORS, UNCHANGED, Apply, Operator, Plain, Scene
from amongo.runtime.limits import UPDATE_LAYOUTS, UPDATE_SHAPES
from amongo.values.codec import encode
from amongo.values.elements import PACKERS, READERS, WRITERS, Layout, Place, find_layout, locate, pack_length
from amongo.values.missing import MISSING
from amongo.values.numbers import INT_MAX, INT_MIN

_REMOVE: Final = Plain.REMOVE  # a member is slow to look up in its class
_COMPUTE: Final = Plain.COMPUTE
_NO_SCENE: Final = Scene({}, DatetimeMS(0), Timestamp(0, 0), None, False, {}, [])


class Step(NamedTuple):
    """What the update does to one field.

    position   in the shape's `names`
    path       the field
    name       as it stands in BSON
    operator   whose operand it is
    plain      what that does
    apply      the operator
    value_at   where the value begins in the field's element
    packed     type of a number -> (the element up to the value, what packs that)
    """

    position: int
    path: str
    name: bytes
    operator: str
    plain: Plain
    apply: Apply
    value_at: int
    packed: dict[type, tuple[bytes, Callable[[Any], bytes]]]


class PlainShape(NamedTuple):
    """What the names of an update's fields decide.

    names         of the fields, in the server's order
    steps         one for each, in that order
    description   {"updatedPaths": [field, …]} of all fields, as BSON
    layouts       of the documents it was applied to last, the latest first
    """

    names: tuple[str, ...]
    steps: tuple[Step, ...]
    description: bytes
    layouts: list[Layout]


_shapes: dict[tuple[str, ...], PlainShape] = {}


def plain_shape(update: dict[str, Any]) -> PlainShape | None:
    """The shape of an update, remembered; None when it is not of the common kind."""
    names: list[str] = []
    for name, fields in update.items():
        if type(fields) is not dict:
            return None
        names.append(name)
        names += fields
    key = tuple(names)
    shape = _shapes.get(key)
    if shape is None:
        shape = _find_shape(update)
        if shape is not None:
            if len(_shapes) >= UPDATE_SHAPES:
                _shapes.clear()
            _shapes[key] = shape
    return shape


def _find_shape(update: dict[str, dict[str, Any]]) -> PlainShape | None:
    operators: dict[str, Operator] = {}
    for name, fields in update.items():
        operator = OPERATORS.get(name)
        if operator is None or operator.plain is None:
            return None
        for path in fields:
            if type(path) is not str or not path.isprintable() or not is_plain(path) or path in operators:
                return None
            operators[path] = operator
    names = tuple(in_order(operators))
    steps = []
    for position, path in enumerate(names):
        operator = operators[path]
        assert operator.plain is not None
        encoded = path.encode() + b"\x00"
        packed = {kind: (type_byte + encoded, pack) for kind, (type_byte, pack) in PACKERS.items()}
        value_at = 1 + len(encoded)
        steps.append(Step(position, path, encoded, operator.name, operator.plain, operator.apply, value_at, packed))
    return PlainShape(names, tuple(steps), encode({"updatedPaths": list(names)}), [])


def apply_plain(shape: PlainShape, update: dict[str, Any], raw: bytes) -> tuple[bytes, bytes] | None:
    """Apply an update as it was written to a document's bytes.

    result   (the document's new bytes, the description of what changed, as BSON); the description is b"" when nothing
             changed; None when an operand is no plain scalar, an operator refuses, or the document has elements whose
             place cannot be told: then `parse_update` is to be asked
    """
    layouts = shape.layouts
    places: list[Place | None] | None = [None] * len(shape.names)
    if not layouts or not locate(raw, layouts[0], places):  # type: ignore[arg-type]
        places = _places(shape, raw)
        if places is None:
            return None
    edits: list[tuple[int, int, bytes]] = []
    added = b""
    updated: list[str] = []
    removed: list[str] = []
    try:
        for position, path, name, operator, plain, apply, value_at, packed in shape.steps:
            value = update[operator][path]
            place = places[position]  # type: ignore[index]
            if plain is _REMOVE:
                if place is not None:
                    edits.append((*place, b""))
                    removed.append(path)
                continue
            if plain is _COMPUTE:
                kind = type(value)
                if kind is int:
                    if not INT_MIN <= value <= INT_MAX:
                        return None
                elif kind is not float:
                    return None
                current = MISSING if place is None else READERS[raw[place[0]]](raw, place[0] + value_at)
                value = apply(current, value, _NO_SCENE)
                if value is UNCHANGED:
                    continue
            number = packed.get(type(value))
            written = WRITERS[type(value)](name, value) if number is None else number[0] + number[1](value)
            if place is None:
                added += written
            elif raw[place[0] : place[1]] != written:
                edits.append((*place, written))
            else:
                continue
            updated.append(path)
    except (ServerError, KeyError, ValueError, StructError):
        return None
    if not edits and not added:
        return raw, b""
    if len(updated) == len(shape.steps):
        return _edited(raw, edits, added), shape.description
    return _edited(raw, edits, added), encode({"updatedPaths": updated, "removedFields": removed})


def _places(shape: PlainShape, raw: bytes) -> list[Place | None] | None:
    """Where the fields stand in a document; None if that cannot be told."""
    layouts = shape.layouts
    for layout in layouts:
        places: list[Place | None] = [None] * len(shape.names)
        if locate(raw, layout, places):
            return places
    learned = find_layout(raw, shape.names)
    if learned is None:
        return None
    places = [None] * len(shape.names)
    if not locate(raw, learned, places):
        return None
    layouts.insert(0, learned)
    del layouts[UPDATE_LAYOUTS:]
    return places


def _edited(raw: bytes, edits: list[tuple[int, int, bytes]], added: bytes) -> bytes:
    """A document's bytes with some replaced, and elements added behind the others."""
    if len(edits) > 1:
        edits.sort()
    pieces: list[bytes] = []
    at = 0
    for start, end, written in edits:
        pieces.append(raw[at:start])
        pieces.append(written)
        at = end
    pieces.append(raw[at:])
    edited = b"".join(pieces)
    if added or len(edited) != len(raw):
        return pack_length(len(edited) + len(added)) + edited[4:-1] + added + b"\x00"
    return edited
