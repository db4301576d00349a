"""The common update, made fast: top-level fields, operators that need to know nothing but the value.

`{"$set": {"city": "Rome"}, "$inc": {"age": 1}}` is most of what services send, each time with the same fields. What
depends on the fields' names alone (which operator, in which order, that nothing forbids to write them) is found once
and remembered by the update's shape. `OperatorUpdate` gives the same outcome for these, and gives the errors.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, NamedTuple

from bson import Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import ServerError
from amongo.mql.updates.paths import in_order, is_plain
from amongo.mql.updates.registry import OPERATORS, UNCHANGED, Apply, Leaf, Operator, Parse, Scene, UpdateContext
from amongo.mql.updates.sameness import nesting
from amongo.mql.updates.tree import Fields
from amongo.mql.updates.update import UNCHANGED_OUTCOME, Kind, OperatorUpdate, Outcome, Update
from amongo.runtime.limits import NESTING_DEPTH, UPDATE_SHAPES
from amongo.values.missing import MISSING

_CONTAINERS: Final = frozenset({dict, list})
_SUSPECT_DEPTH: Final = NESTING_DEPTH - 3  # an operator may add an array around a value
_CONTEXT: Final = UpdateContext(None, {})
_NO_SCENE: Final = Scene({}, DatetimeMS(0), Timestamp(0, 0), None, False, {}, [])


class _Step(NamedTuple):
    """One field of a shape."""

    path: str
    operator: str
    apply: Apply
    parse: Parse | None


_shapes: dict[tuple[str, ...], tuple[_Step, ...]] = {}


class PlainUpdate(Update):
    """An update of top-level fields by operators that do not look at the scene.

    children   (field, (apply, operand)), in the server's order
    """

    __slots__ = ("children",)
    kind: ClassVar[Kind] = "operators"

    def __init__(self, children: list[tuple[str, Leaf]]) -> None:
        self.children = children
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
            return whole.apply(document, now=now, clock_timestamp=clock_timestamp, is_insert=is_insert)
        if after is None:
            return UNCHANGED_OUTCOME
        return Outcome(after, {"updatedFields": updated, "removedFields": removed, "truncatedArrays": []})


def parse_plain(update: dict[str, Any]) -> PlainUpdate | None:
    """The update if it is of the common kind; None if it is not.

    errors   those of the operands
    """
    shape: list[str] = []
    for name, fields in update.items():
        if type(fields) is not dict:
            return None
        shape.append(name)
        shape += fields
    steps = _shapes.get(tuple(shape))
    if steps is None:
        steps = _steps(update)
        if steps is None:
            return None
        if len(_shapes) >= UPDATE_SHAPES:
            _shapes.clear()
        _shapes[tuple(shape)] = steps
    children: list[tuple[str, Leaf]] = []
    for path, operator, apply, parse in steps:
        operand = update[operator][path]
        if type(operand) in _CONTAINERS and nesting(operand) > _SUSPECT_DEPTH:
            return None
        if parse is not None:
            operand = parse(path, operand, _CONTEXT)
        children.append((path, (apply, operand)))
    return PlainUpdate(children)


def _steps(update: dict[str, dict[str, Any]]) -> tuple[_Step, ...] | None:
    """The fields of an update's shape in the server's order; None when it is not of the common kind."""
    operators: dict[str, Operator] = {}
    for name, fields in update.items():
        operator = OPERATORS.get(name)
        if operator is None or operator.expand is not None or operator.reads_scene:
            return None
        for path in fields:
            if not is_plain(path) or path in operators:
                return None
            operators[path] = operator
    return tuple(
        _Step(path, operators[path].name, operators[path].apply, operators[path].parse) for path in in_order(operators)
    )
