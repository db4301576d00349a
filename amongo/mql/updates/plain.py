"""The common update, made fast: top-level fields, plain scalars, operators that need to know nothing but the value.

`{"$set": {"city": "Rome"}, "$inc": {"age": 1}}` is most of what services send, each time with the same fields. What
depends on the fields' names alone (which operator, in which order, that nothing forbids to write them) is found once
and remembered as the update's shape. `parse_update` gives the same outcome for these, and gives the errors.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from bson import ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import ServerError
from amongo.mql.updates.paths import in_order, is_plain
from amongo.mql.updates.registry import OPERATORS, UNCHANGED, Apply, Operator, Parse, Scene, UpdateContext
from amongo.runtime.limits import UPDATE_SHAPES
from amongo.values.codec import encode
from amongo.values.missing import MISSING
from amongo.values.numbers import INT_MAX, INT_MIN

_SCALARS: Final = frozenset({float, bool, ObjectId, type(None)})
_CONTEXT: Final = UpdateContext(None, {})
_NO_SCENE: Final = Scene({}, DatetimeMS(0), Timestamp(0, 0), None, False, {}, [])


class PlainShape(NamedTuple):
    """What the names of an update's fields decide.

    steps         (field, operator, apply, parse) in the server's order
    description   {"updatedPaths": [field, …]} of all fields, as BSON
    """

    steps: tuple[tuple[str, str, Apply, Parse | None], ...]
    description: bytes


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
        if operator is None or not operator.is_plain:
            return None
        for path in fields:
            if type(path) is not str or not path.isprintable() or not is_plain(path) or path in operators:
                return None
            operators[path] = operator
    paths = in_order(operators)
    steps = tuple((path, operators[path].name, operators[path].apply, operators[path].parse) for path in paths)
    return PlainShape(steps, encode({"updatedPaths": paths}))


def apply_plain(shape: PlainShape, update: dict[str, Any], document: dict[str, Any]) -> bytes | None:
    """Change `document` itself, which belongs to the caller, by an update as it was written; the description of what
    changed, as BSON.

    document the caller's own; its dates may be of any Python type, since nothing here looks at one
    result   b"" when nothing changed; None when an operand is no plain scalar or an operator refuses: then the document
             is of no more use, and `parse_update` is to be asked
    """
    updated: list[str] = []
    removed: list[str] = []
    try:
        for path, operator, apply, parse in shape.steps:
            operand = update[operator][path]
            kind = type(operand)
            if kind is int:
                if not INT_MIN <= operand <= INT_MAX:
                    return None
            elif kind is str:
                if not operand.isascii():
                    return None
            elif kind not in _SCALARS:
                return None
            if parse is not None:
                operand = parse(path, operand, _CONTEXT)
            result = apply(document.get(path, MISSING), operand, _NO_SCENE)
            if result is UNCHANGED:
                continue
            if result is MISSING:
                del document[path]
                removed.append(path)
            else:
                document[path] = result
                updated.append(path)
    except (ServerError, TypeError):
        return None
    if not updated and not removed:
        return b""
    if len(updated) == len(shape.steps):
        return shape.description
    return encode({"updatedPaths": updated, "removedFields": removed})
