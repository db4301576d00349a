"""What the accumulators of one $group have in common: their aggregates, each computed once, and the order of documents.

The order of a group's documents is that of the frame; where an aggregate depends on it (the first value, the first of
equals) it goes by `position`, a column by which rows are in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from amongo.aggregate.relational.frame import Frame, Key
from amongo.aggregate.relational.registry import FOLDS
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, case, column, joined, sql
from amongo.aggregate.relational.values import NULL_VALUE, NotLowered, Value, tag_of
from amongo.engine.columns import VALUELESS, Facts, slot_of
from amongo.errors import ServerError
from amongo.mql.accumulators import Accumulation
from amongo.mql.accumulators.collecting import ConcatArrays, Distinct, DistinctValues, Push
from amongo.mql.accumulators.quantiles import QuantileAccumulation
from amongo.mql.accumulators.registry import Unary
from amongo.mql.accumulators.scripting import ScriptedFold
from amongo.mql.accumulators.several import Several
from amongo.mql.accumulators.single import CountDocuments, ExtremeOf, First, Last, MergeObjects
from amongo.mql.accumulators.sums import Average, DeviationOfPopulation, DeviationOfSample, Sum
from amongo.mql.expressions import Expression
from amongo.values.types import BsonType

UNBOUNDED: Final = "the number of documents is not known to have a bound"

_UNARY: Final[Mapping[Any, str]] = {
    Sum: "$sum",
    Average: "$avg",
    First: "$first",
    Last: "$last",
    Push: "$push",
    MergeObjects: "$mergeObjects",
    ConcatArrays: "$concatArrays",
    DeviationOfPopulation: "$stdDevPop",
    DeviationOfSample: "$stdDevSamp",
}


class Folding:
    """The aggregates of one $group.

    scope    lowers the arguments; its relation grows by columns
    most     how many documents there are at most
    outputs  the aggregates: (name of the column, expression)
    behind   what is computed over these, one after the other: (name of the column, expression)
    """

    def __init__(self, scope: Scope, key: list[Sql]) -> None:
        """
        key   the columns that tell the groups apart

        errors   NotLowered where the number of documents has no bound that is known
        """
        if scope.frame.relation.most is None:
            raise NotLowered(UNBOUNDED)
        self.is_few = True
        self.scope = scope
        self.key = key
        self.most = scope.frame.relation.most
        self.position = position(scope)
        self.behind: list[tuple[str, Sql]] = []
        self._outputs: dict[tuple[str, tuple[Any, ...]], tuple[str, Sql]] = {}

    @property
    def outputs(self) -> list[tuple[str, Sql]]:
        """The aggregates so far: (name of the column, expression)."""
        return list(self._outputs.values())

    def value(self, expression: Expression) -> Value:
        """What an accumulator takes in of each document.

        errors   NotLowered
        """
        value = self.scope.value(folded(expression))
        return value if value.is_constant else self.scope.kept(value)

    def fold(self, expression: Sql) -> Sql:
        """The column of an aggregate."""
        asked = (expression.text, tuple(map(repr, expression.parameters)))
        found = self._outputs.get(asked)
        if found is None:
            found = self._outputs[asked] = (self.scope.lowering.fresh("a"), expression)
        return column(found[0])

    def computed(self, expression: Sql) -> Sql:
        """A column of the groups, over those of aggregates and others before it."""
        for name, each in self.behind:
            if each.text == expression.text and repr(each.parameters) == repr(expression.parameters):
                return column(name)
        self.behind.append((self.scope.lowering.fresh("r"), expression))
        return column(self.behind[-1][0])

    def first(self, expression: Sql, condition: Sql) -> Sql:
        """The expression of the first document for which a condition holds."""
        return self.fold(sql("arg_min_null({}, {}) FILTER (WHERE {})", expression, self.position, condition))

    def picked(self, value: Value, template: str, *parts: Sql, is_null: bool = True) -> Value:
        """The value of one document of each group.

        template   an aggregate that picks the document: its first gap is for a column of the value, others for parts
        is_null    whether missing becomes null
        errors     NotLowered
        """
        return picked(value, lambda each: self.fold(sql(template, each, *parts)), is_null=is_null)


def folded(expression: Expression) -> Expression:
    """The expression with its constant parts computed.

    errors   NotLowered where a constant part fails
    """
    try:
        return expression.fold()
    except ServerError:
        raise NotLowered("a constant expression that fails") from None


def position(scope: Scope, before: Iterable[Key] = ()) -> Sql:
    """A column by which the rows are in the order of their documents; it may be put into the scope's relation.

    before   keys that come before that order
    """
    return scope.kept_condition(sort_key([*before, *scope.frame.order]))


def sort_key(keys: Sequence[Key]) -> Sql:
    """One expression that orders rows as keys do."""
    if len(keys) == 1 and not keys[0].is_descending:
        return keys[0].by
    parts = [sql("{}, 'DESC NULLS LAST'" if key.is_descending else "{}, 'ASC NULLS LAST'", key.by) for key in keys]
    return sql("create_sort_key({})", joined(", ", parts))


def lower_accumulation(accumulation: Accumulation, folding: Folding) -> Value:
    """The result of an accumulator over the columns of its aggregates.

    errors   NotLowered
    """
    name = name_of(accumulation)
    lower = FOLDS.get(name)
    if lower is None:
        raise NotLowered(f"{name} is not lowered")
    return lower(accumulation, folding)


def name_of(accumulation: Accumulation) -> str:
    """The name of an accumulator."""
    match accumulation:
        case Unary():
            return _UNARY.get(accumulation.kind, "this accumulator")
        case CountDocuments():
            return "$count"
        case ExtremeOf():
            return "$min" if accumulation.sign < 0 else "$max"
        case Distinct():
            return "$addToSet" if accumulation.kind is DistinctValues else "$setUnion"
        case Several():
            return accumulation.name
        case QuantileAccumulation():
            return "$median" if accumulation.quantiles.is_median else "$percentile"
        case ScriptedFold():
            return "$accumulator"
    return type(accumulation).__name__


def picked(value: Value, pick: Callable[[Sql], Sql], *, is_null: bool = True) -> Value:
    """A value whose parts are picked from one row.

    pick      gives the SQL of a column's value in that row
    is_null   whether missing becomes null
    errors    NotLowered
    """
    if value.is_constant:
        return NULL_VALUE if is_null and value.only(BsonType.MISSING) else value
    kinds = frozenset(BsonType.NULL if is_null and kind == BsonType.MISSING else kind for kind in value.kinds)
    facts = _of_kinds(value.facts, kinds)
    if value.fields is not None:
        fields = {name: picked(each, pick, is_null=False) for name, each in value.fields.items()}
        return Value(facts, tag_of(BsonType.OBJECT), fields=fields)
    slots = {slot: pick(each) for slot, each in value.slots.items()}
    listing = value.listing
    if listing is not None:
        listing = replace(listing, items=pick(listing.items), origin=None)
    if len(kinds) == 1:
        return Value(facts, tag_of(min(kinds)), slots, listing=listing)
    empty = kinds & VALUELESS
    (*_, full) = sorted(kinds - empty) or [0]
    if len(kinds) == 2 and len(empty) == 1 and (slot_of(full) in slots or listing is not None):
        by = slots[slot_of(full) or ""] if listing is None else listing.items
        return Value(facts, case([(sql("({} IS NULL)", by), tag_of(min(empty)))], tag_of(full)), slots, listing=listing)
    tag = pick(value.tag)
    if kinds != value.kinds:
        tag = case([(sql("({} = 0)", tag), tag_of(BsonType.NULL))], tag)
    return Value(facts, tag, slots, listing=listing)


def _of_kinds(facts: Facts, kinds: frozenset[int]) -> Facts:
    return replace(facts, counts=dict.fromkeys(map(int, kinds), 1))


def after(frame: Frame, fields: dict[str, Value], scope: Scope) -> Frame:
    """A frame of new documents with these fields, the parts that cost computed once.

    frame   with the relation and the order of the new documents
    """
    inner = Scope(frame, scope.lowering)
    kept = {name: kept_deep(value, inner) for name, value in fields.items()}
    return inner.frame.built(kept)


def kept_deep(value: Value, scope: Scope) -> Value:
    """The value with its parts in columns of their own, and those of its fields."""
    if value.fields is not None and not value.is_constant:
        return replace(value, fields={name: kept_deep(each, scope) for name, each in value.fields.items()})
    return scope.kept(value)
