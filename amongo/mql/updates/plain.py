"""The common update, made fast: top-level fields, operators that need to know nothing but the value.

`{"$set": {"city": "Rome"}, "$inc": {"age": 1}}` is most of what services send, each time with the same fields. What
depends on the fields' names alone (which operator, in which order, that nothing forbids to write them) is found once
and remembered by the update's shape. `OperatorUpdate` gives the same outcome for these, and gives the errors.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, NamedTuple

from bson import ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import ServerError
from amongo.mql.updates.paths import in_order, is_plain
from amongo.mql.updates.registry import OPERATORS, UNCHANGED, Apply, Leaf, Operator, Parse, Scene, UpdateContext
from amongo.mql.updates.sameness import nesting
from amongo.mql.updates.tree import Fields
from amongo.mql.updates.update import UNCHANGED_OUTCOME, Kind, OperatorUpdate, Outcome, Update
from amongo.runtime.limits import NESTING_DEPTH, UPDATE_SHAPES
from amongo.values.codec import encode
from amongo.values.missing import MISSING
from amongo.values.numbers import INT_MAX, INT_MIN

_CONTAINERS: Final = frozenset({dict, list})
_SUSPECT_DEPTH: Final = NESTING_DEPTH - 3  # an operator may add an array around a value
_SCALARS: Final = frozenset({float, bool, ObjectId, type(None)})
_CONTEXT: Final = UpdateContext(None, {})
_NO_SCENE: Final = Scene({}, DatetimeMS(0), Timestamp(0, 0), None, False, {}, [])


class _Shape(NamedTuple):
    """What the names of an update's fields decide.

    steps      (field, operator, apply, parse) in the server's order
    paths      the fields as a description names them, encoded once: {"updatedPaths": [field, …]}
    """

    steps: tuple[tuple[str, str, Apply, Parse | None], ...]
    paths: bytes


_shapes: dict[tuple[str, ...], _Shape] = {}


class PlainUpdate(Update):
    """An update of top-level fields by operators that do not look at the scene.

    children   (field, (apply, operand)), in the server's order
    paths      {"updatedPaths": [field, …]} of all children, as BSON
    """

    __slots__ = ("children", "paths")
    kind: ClassVar[Kind] = "operators"

    def __init__(self, children: list[tuple[str, Leaf]], paths: bytes) -> None:
        self.children = children
        self.paths = paths
        self.uses_positional = False

    def apply(
        self,
        document: dict[str, Any],
        *,
        now: DatetimeMS,
        clock_timestamp: Timestamp,
        array_index: int | None = None,
        is_insert: bool = False,
    ) -> Outcome:
        """See `Update.apply`."""
        after, updated, removed = self.changed(document)
        if after is None:
            return UNCHANGED_OUTCOME
        return Outcome(after, {"updatedFields": updated, "removedFields": removed, "truncatedArrays": []})

    def changed(self, document: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any], list[str]]:
        """(the new document or None, the fields that changed with their values, the fields that are gone).

        errors   those of the operators
        """
        updated: dict[str, Any] = {}
        removed: list[str] = []
        after: dict[str, Any] | None = None
        try:
            for name, (function, operand) in self.children:
                result = function(document.get(name, MISSING), operand, _NO_SCENE)
                if result is UNCHANGED:
                    continue
                if after is None:
                    after = document.copy()
                if result is MISSING:
                    del after[name]
                    removed.append(name)
                else:
                    after[name] = updated[name] = result
        except ServerError:  # once more, where the error can say of which document it speaks
            whole = OperatorUpdate(Fields(list(self.children)))
            whole.apply(document, now=_NO_SCENE.now, clock_timestamp=_NO_SCENE.timestamp)
            raise
        return after, updated, removed


def parse_plain(update: dict[str, Any]) -> PlainUpdate | None:
    """The update if it is of the common kind; None if it is not.

    errors   those of the operands
    """
    shape = _shape(update)
    if shape is None:
        return None
    children: list[tuple[str, Leaf]] = []
    for path, operator, apply, parse in shape.steps:
        operand = update[operator][path]
        if type(operand) in _CONTAINERS and nesting(operand) > _SUSPECT_DEPTH:
            return None
        if parse is not None:
            operand = parse(path, operand, _CONTEXT)
        children.append((path, (apply, operand)))
    return PlainUpdate(children, shape.paths)


def parse_scalars(update: dict[str, Any]) -> PlainUpdate | None:
    """The update if it is of the common kind and each operand a plain scalar; None if it is not.

    It takes an update as a caller wrote it: scalars of these types are canonical values as they stand.

    errors   those of the operands
    """
    shape = _shape(update)
    if shape is None:
        return None
    children: list[tuple[str, Leaf]] = []
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
        children.append((path, (apply, operand)))
    return PlainUpdate(children, shape.paths)


def _shape(update: dict[str, Any]) -> _Shape | None:
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


def _find_shape(update: dict[str, dict[str, Any]]) -> _Shape | None:
    operators: dict[str, Operator] = {}
    for name, fields in update.items():
        operator = OPERATORS.get(name)
        if operator is None or operator.expand is not None or operator.reads_scene:
            return None
        for path in fields:
            if type(path) is not str or not path.isprintable() or not is_plain(path) or path in operators:
                return None
            operators[path] = operator
    paths = in_order(operators)
    steps = tuple((path, operators[path].name, operators[path].apply, operators[path].parse) for path in paths)
    return _Shape(steps, encode({"updatedPaths": paths}))
