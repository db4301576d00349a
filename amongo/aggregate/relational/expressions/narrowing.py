"""What a condition says of the values that it looks at, in the branch that is taken where it holds.

{$cond: [{$eq: ["$n", 0]}, null, {$divide: ["$sum", "$n"]}]} divides by what may be zero only as long as one does not
read the condition. `narrowing` reads it: inside the block the field paths and variables that it compares with
constants have narrower facts. SQL computes all branches for all rows, so that numbers become NULL in the rows of the
other branches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from bson import Int64

from amongo.aggregate.relational.expressions.numeric import may_be_double, may_be_whole, whole_range
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import NULL, Sql, case
from amongo.aggregate.relational.values import NULLISH, NUMBERS, NotLowered, Value, without
from amongo.engine.columns import DOUBLE, WHOLE, Path
from amongo.mql.expressions import Expression
from amongo.mql.expressions.boolean import Junction
from amongo.mql.expressions.nodes import Call, FieldPath, Literal, Variable
from amongo.values.types import ALIASES, BsonType

_LEAST_DOUBLE: Final = 5e-324
_KINDS: Final = frozenset(map(int, BsonType))
_NUMERIC: Final = NUMBERS | {int(BsonType.DECIMAL)}
_BELOW_NUMBERS: Final = NULLISH | {int(BsonType.MIN_KEY)}
_ABOVE_NUMBERS: Final = _KINDS - _NUMERIC - _BELOW_NUMBERS
_MIRRORED: Final = {"$eq": "$eq", "$ne": "$ne", "$gt": "$lt", "$gte": "$lte", "$lt": "$gt", "$lte": "$gte"}
_NEGATED: Final = {"$eq": "$ne", "$ne": "$eq", "$gt": "$lte", "$gte": "$lt", "$lt": "$gte", "$lte": "$gt"}

Subject = tuple[str, Path]
"""("", path) of a field path, (name, path) of a variable."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is said of one subject.

    gone         kinds that do not come
    is_nonzero   no number is zero
    least, most  of the numbers; with `least`, no NaN comes, for it is below all numbers
    """

    gone: frozenset[int] = frozenset()
    is_nonzero: bool = False
    least: float | None = None
    most: float | None = None

    def and_(self, other: Bounds) -> Bounds:
        """Both hold."""
        least = [each.least for each in (self, other) if each.least is not None]
        most = [each.most for each in (self, other) if each.most is not None]
        return Bounds(
            self.gone | other.gone,
            self.is_nonzero or other.is_nonzero,
            max(least, default=None),
            min(most, default=None),
        )


@contextmanager
def narrowing(test: Expression, holds: bool, condition: Sql, scope: Scope) -> Iterator[None]:
    """Lower what stands inside the block for the rows in which a test holds (or not).

    condition   that of these rows
    """
    variables: dict[str, Value] = {}
    paths: dict[Path, Value] = {}
    for (name, path), bounds in told(test, holds).items():
        try:
            value = scope.reached(path) if not name else scope.variables[name]
        except (NotLowered, KeyError):
            continue
        narrowed = _narrowed(value, bounds, condition)
        if narrowed is None:
            continue
        if name:
            variables[name] = scope.kept(narrowed)
        else:
            paths[path] = scope.kept(narrowed)
    with scope.binding(variables, paths):
        yield


def told(test: Expression, holds: bool) -> Mapping[Subject, Bounds]:
    """What a test says of field paths and variables where it holds, or where it does not."""
    subject = _subject(test)
    if subject is not None:
        return {subject: Bounds(NULLISH, True)} if holds else {}
    if isinstance(test, Junction):
        if test.decider is holds and len(test.arguments) > 1:
            return {}
        found: dict[Subject, Bounds] = {}
        for argument in test.arguments:
            for each, bounds in told(argument, holds).items():
                found[each] = found[each].and_(bounds) if each in found else bounds
        return found
    if not isinstance(test, Call):
        return {}
    name, arguments = test.operator.name, test.arguments
    if name == "$not":
        return told(arguments[0], not holds)
    if name in ("$isNumber", "$isArray"):
        kinds = _NUMERIC if name == "$isNumber" else frozenset({int(BsonType.ARRAY)})
        subject = _subject(arguments[0])
        return {} if subject is None else {subject: Bounds(_KINDS - kinds if holds else kinds)}
    if name in _MIRRORED:
        left, right = arguments
        if isinstance(left, Literal):
            left, right, name = right, left, _MIRRORED[name]
        if isinstance(right, Literal):
            return _compared(left, name if holds else _NEGATED[name], right.value)
    return {}


def _subject(expression: Expression) -> Subject | None:
    if isinstance(expression, FieldPath):
        return "", tuple(expression.path.parts)
    if isinstance(expression, Variable):
        if expression.name in ("ROOT", "CURRENT"):
            return None if expression.path is None else ("", tuple(expression.path.parts))
        return (expression.name, ()) if expression.path is None else None
    return None


def _compared(left: Expression, name: str, constant: Any) -> Mapping[Subject, Bounds]:
    subject = _subject(left)
    if subject is None:
        return _of_type(left, name, constant)
    if constant is None:
        return {subject: _against_null(name)}
    if type(constant) not in (int, float, Int64) or constant != constant:
        return {}
    return {subject: _against_number(name, constant)}


def _of_type(left: Expression, name: str, constant: Any) -> Mapping[Subject, Bounds]:
    """{$eq: [{$type: subject}, "name"]}."""
    if not (isinstance(left, Call) and left.operator.name == "$type" and name in ("$eq", "$ne")):
        return {}
    subject = _subject(left.arguments[0])
    kinds = frozenset(int(kind) for kind, alias in ALIASES.items() if alias == constant)
    if subject is None or not kinds:
        return {}
    return {subject: Bounds(_KINDS - kinds if name == "$eq" else kinds)}


def _against_null(name: str) -> Bounds:
    null = frozenset({int(BsonType.NULL)})
    gone = {
        "$eq": _KINDS - NULLISH,
        "$ne": null,
        "$gt": _BELOW_NUMBERS,
        "$lt": _KINDS - _BELOW_NUMBERS,
        "$lte": _KINDS - _BELOW_NUMBERS,
    }
    return Bounds(gone.get(name, frozenset()))


def _against_number(name: str, constant: float) -> Bounds:
    if name == "$eq":
        return Bounds(_KINDS - _NUMERIC, constant != 0, constant, constant)
    if name == "$ne":
        return Bounds(is_nonzero=constant == 0)
    if name in ("$gt", "$gte"):
        return Bounds(_BELOW_NUMBERS, constant > 0 or (name == "$gt" and constant == 0), constant)
    return Bounds(_ABOVE_NUMBERS, constant < 0 or (name == "$lt" and constant == 0), None, constant)


def _narrowed(value: Value, bounds: Bounds, condition: Sql) -> Value | None:
    """The value with what is said of it; None where that is nothing new, or leaves nothing."""
    if value.is_constant or value.fields is not None or not value.kinds - bounds.gone:
        return None
    narrowed = without(value, *bounds.gone)
    facts = narrowed.facts
    known: dict[str, Any] = {}
    if may_be_whole(narrowed):
        least, most = whole_range(narrowed)
        if bounds.least is not None and least < bounds.least < math.inf:
            known["least"] = math.ceil(bounds.least)
        if bounds.most is not None and most > bounds.most > -math.inf:
            known["most"] = math.floor(bounds.most)
        if known.get("least", least) > known.get("most", most):
            return None
    if may_be_double(narrowed):
        if bounds.least is not None:
            least_double = math.nextafter(float(bounds.least), -math.inf) if bounds.least else 0.0
            known["low"] = least_double if facts.low is None else max(facts.low, least_double)
            known["has_nan"] = False
        if bounds.most is not None:
            most_double = math.nextafter(float(bounds.most), math.inf) if bounds.most else 0.0
            known["high"] = most_double if facts.high is None else min(facts.high, most_double)
        if known.get("low", -math.inf) > known.get("high", math.inf):
            return None
    has_zero = narrowed.has_zero and not bounds.is_nonzero
    if not has_zero:
        known |= _beside_zero(narrowed, known)
    if narrowed.kinds == value.kinds and not known and has_zero == value.has_zero:
        return None
    slots = dict(narrowed.slots)
    for slot in slots.keys() & {WHOLE, DOUBLE}:
        slots[slot] = case([(condition, slots[slot])], NULL)
    return replace(narrowed, facts=replace(facts, **known), slots=slots, has_zero=has_zero)


def _beside_zero(value: Value, known: Mapping[str, Any]) -> dict[str, Any]:
    """Ranges that begin or end at a zero which does not come."""
    found: dict[str, Any] = {}
    if may_be_whole(value):
        least, most = whole_range(value)
        if known.get("least", least) == 0:
            found["least"] = 1
        if known.get("most", most) == 0:
            found["most"] = -1
    if may_be_double(value):
        if known.get("low", value.facts.low) == 0:
            found["low"] = _LEAST_DOUBLE
        if known.get("high", value.facts.high) == 0:
            found["high"] = -_LEAST_DOUBLE
    return found
