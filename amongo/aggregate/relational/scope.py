"""Where an expression is lowered: the documents it sees, its variables, and the columns computed on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import amongo.aggregate.relational.not_lowered as not_lowered
from amongo.aggregate.relational.frame import Frame
from amongo.aggregate.relational.inside import Inside, Nowhere, Patched, StoredInside, seen, shown, through, within
from amongo.aggregate.relational.registry import CALLS, MATCHES, NODES
from amongo.aggregate.relational.sql import Sql, column
from amongo.aggregate.relational.values import NotLowered, Value, facts_of, literal, tag_of
from amongo.engine.columns import CROSSED, EACH, OTHER, Path
from amongo.mql.expressions import Expression
from amongo.mql.expressions.nodes import Call, FieldPath, Literal, Variable
from amongo.mql.matcher import MatchExpression
from amongo.values.paths import evaluate as follow
from amongo.values.types import BsonType

if TYPE_CHECKING:
    from amongo.aggregate.relational.lowering import Lowering

_MOST_DEPTH: Final = 200
__all__ = ["NONE_NARROWED", "Scope", "of_fields", "shown", "within"]

NONE_NARROWED: Final[Mapping[Path, Value]] = {}


def is_of(narrow: Value, value: Value) -> bool:
    """Whether a value of which more is known is this one, and no other that is found at the same path."""
    is_same_tag = narrow.tag == value.tag or len(narrow.kinds) == 1
    has_slots = bool(narrow.slots) and all(value.slots.get(slot) == each for slot, each in narrow.slots.items())
    return has_slots and is_same_tag and narrow.kinds <= value.kinds


class Scope:
    """Lowers the expressions of one stage.

    frame      the documents that the stage sees; its relation grows by the columns that are computed for them
    lowering   what the whole pipeline has in common
    variables  of $let, $map and the like: name -> value
    narrowed   field paths of which a condition around the expression tells more: path -> value
    bound      names of lambda variables: what reads them cannot become a column
    lambdas    how many lambdas stand around what is lowered
    null_is_false   whether conditions may be NULL in the place of false
    """

    def __init__(self, frame: Frame, lowering: Lowering) -> None:
        self.frame = frame
        self.lowering = lowering
        self.variables: dict[str, Value] = {}
        self.narrowed: dict[Path, Value] = {}
        self.bound: frozenset[str] = frozenset()
        self.lambdas = 0
        self.null_is_false = False
        self._depth = 0

    # Values

    def value(self, expression: Expression) -> Value:
        """What an expression gives.

        errors   NotLowered
        """
        self._depth += 1
        try:
            if self._depth > _MOST_DEPTH:
                raise NotLowered("an expression is nested too deep")
            return self._value(expression)
        finally:
            self._depth -= 1

    def _value(self, expression: Expression) -> Value:
        if isinstance(expression, Literal):
            return literal(expression.value)
        if isinstance(expression, FieldPath):
            return self.reached(tuple(expression.path.parts))
        if isinstance(expression, Variable):
            return self._variable(expression)
        if isinstance(expression, Call):
            name = expression.operator.name
            lower = CALLS.get(name)
            if lower is None:
                raise NotLowered(not_lowered.EXPRESSIONS.get(name, f"{name} is not lowered"))
            return self.kept(lower([self.value(each) for each in expression.arguments], self))
        node = NODES.get(type(expression))
        if node is None:
            raise NotLowered(f"{type(expression).__name__} is not lowered")
        return self.kept(node(expression, self))

    def condition(self, expression: MatchExpression) -> Sql:
        """Whether the documents match; never NULL.

        errors   NotLowered
        """
        self._depth += 1
        try:
            lower = MATCHES.get(expression.operator)
            if lower is None:
                reason = not_lowered.MATCHES.get(expression.operator)
                raise NotLowered(reason or f"{expression.operator} is not lowered")
            if self._depth > _MOST_DEPTH:
                raise NotLowered("a filter is nested too deep")
            return lower(expression, self)
        finally:
            self._depth -= 1

    def filter(self, expression: MatchExpression) -> Sql:
        """Whether the documents match, for a WHERE: NULL may stand for false.

        errors   NotLowered
        """
        with self.telling_null(is_told=False):
            return self.condition(expression)

    @contextmanager
    def telling_null(self, *, is_told: bool = True) -> Iterator[None]:
        """Whether what is lowered inside the block has to tell NULL from false, as below a NOT."""
        outer = self.null_is_false
        self.null_is_false = not is_told
        try:
            yield
        finally:
            self.null_is_false = outer

    def field(self, path: Path) -> Value:
        """The value of a field path.

        errors   NotLowered where an array stands on the way of some document
        """
        if path in self.narrowed:
            return self.narrowed[path]
        found = self.located(path)
        if CROSSED in found.kinds:
            raise NotLowered(f"an array stands on the way of {shown(path)} in some document")
        return found

    def reached(self, path: Path) -> Value:
        """What an expression sees at a field path: where an array stands on the way, what its documents hold.

        errors   NotLowered where arrays stand in one another
        """
        if path in self.narrowed:
            return self.narrowed[path]
        name = path[0]
        assert name is not None
        if name in self.frame.fields and name not in self.frame.inner:
            return seen(self.frame.fields[name], path[1:], path)
        found = self.located(path)
        if CROSSED not in found.kinds:
            return found
        origin = self.inside.origin(path)
        if origin is None or EACH in origin:
            raise NotLowered(f"an array stands on the way of {shown(path)} in some document")
        return through(found, self.lowering.crossed_listing(origin))

    def located(self, path: Path) -> Value:
        """The value of a path, as columns have it: CROSSED where an array stands on the way."""
        found = self.inside.value(path)
        narrow = self.frame.narrowed.get(path)
        return found if narrow is None or not is_of(narrow, found) else narrow

    @property
    def inside(self) -> Inside:
        """What is inside the documents."""
        frame = self.frame
        outer = frame.root or (StoredInside(self.lowering) if frame.is_stored else Nowhere())
        return Patched(outer, {**frame.fields, **frame.inner}) if frame.fields or frame.inner else outer

    def _variable(self, variable: Variable) -> Value:
        name, path = variable.name, variable.path
        if name in self.variables:
            found = self.variables[name]
            return found if path is None else seen(found, tuple(path.parts), (name, *path.parts))
        if name in ("ROOT", "CURRENT"):
            if path is not None:
                return self.reached(tuple(path.parts))
            if self.frame.is_known:
                return of_fields(self.frame.fields)
            raise NotLowered(f"$${name} is a whole stored document")
        if name not in self.lowering.variables:
            raise NotLowered(f"$${name} is not known here")
        value = self.lowering.variables[name]
        if path is not None:
            value = follow(value, path)
        return literal(value)

    @contextmanager
    def binding(self, variables: Mapping[str, Value], narrowed: Mapping[Path, Value] = NONE_NARROWED) -> Iterator[None]:
        """Lower what stands inside the block with more variables, and with more known of some field paths."""
        outer, paths = self.variables, self.narrowed
        self.variables, self.narrowed = {**outer, **variables}, {**paths, **narrowed}
        try:
            yield
        finally:
            self.variables, self.narrowed = outer, paths

    # Columns

    def kept(self, value: Value) -> Value:
        """The same value with its parts computed once, in columns of their own, where repeating them would cost."""
        parts = {"tag": value.tag, **value.slots}
        if value.listing is not None:
            parts["list"] = value.listing.items
        if all(part.is_simple for part in parts.values()):
            return value
        if any(part.columns & self.bound for part in parts.values()):
            return value
        name = self.lowering.fresh("v")
        new = {slot: part if part.is_simple else column(f"{name}_{slot.lower()}") for slot, part in parts.items()}
        self.add((f"{name}_{slot.lower()}", part) for slot, part in parts.items() if not part.is_simple)
        listing, origin, tag = value.listing, value.origin, new.pop("tag")
        if listing is not None:
            listing = listing.moved(new.pop("list"))
        if origin is not None and origin.other == value.slots.get(OTHER):
            origin = replace(origin, other=new[OTHER])
        return replace(value, tag=tag, slots=new, listing=listing, origin=origin)

    def kept_condition(self, condition: Sql) -> Sql:
        """A condition computed once, in a column of its own, where repeating it would cost."""
        if condition.is_simple or condition.columns & self.bound:
            return condition
        name = self.lowering.fresh("b")
        self.add([(name, condition)])
        return column(name)

    def add(self, columns: Iterable[tuple[str, Sql]]) -> None:
        """Compute columns: (name, expression)."""
        self.frame = replace(self.frame, relation=self.frame.relation.with_columns(columns))

    def lambda_variable(self) -> Sql:
        """A new variable for a lambda; what reads it stays inside."""
        name = self.lowering.fresh("x")
        self.bound |= {name}
        return column(name)


def of_fields(fields: Mapping[str, Value]) -> Value:
    """A document of these fields."""
    return Value(facts_of((BsonType.OBJECT,)), tag_of(BsonType.OBJECT), fields=dict(fields))
