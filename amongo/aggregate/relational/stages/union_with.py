"""$unionWith: the rows of both, one behind the other, with the columns that they have in common.

Where the fields of the documents are known on both sides, they are so afterwards. Otherwise the values that the stages
behind read are united, path by path, and the documents themselves cannot come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from amongo.aggregate.relational.frame import Frame, Key
from amongo.aggregate.relational.inside import Inside
from amongo.aggregate.relational.lowering import Lowering, Unread
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.relation import Relation
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import NULL, Sql, column, integer, listed, sql, word
from amongo.aggregate.relational.values import NOTHING, NotLowered, Value
from amongo.aggregate.stages.union_with import UnionWith
from amongo.engine.columns import Path

HELD = "the documents of two collections"


@reads(UnionWith)
def read_union_with(stage: UnionWith, reading: Reading) -> None:
    """Nothing but what the stages behind read."""


@lowers_stage(UnionWith)
def lower_union_with(stage: UnionWith, frame: Frame, lowering: Lowering) -> Frame:
    """The rows of this pipeline, then those of the other."""
    if stage.collection is None:
        raise NotLowered("a $unionWith of documents in the command")
    before = len(lowering.joined)
    try:
        other = lowering.other(stage.collection)
        found = other.lower_onto(other.start(), stage.pipeline.stages)
        if found.stages < len(stage.pipeline.stages):
            raise NotLowered(found.reason)
        if found.frame.branches or found.frame.held:
            raise NotLowered("a $unionWith of documents that cannot be united")
        frame = lowering.taken_apart(frame)
        union = _Union(Scope(frame, lowering), Scope(found.frame, other))
        names = _common_order(list(frame.fields), list(found.frame.fields))
        if frame.is_known and found.frame.is_known and names is not None:
            return union.of_fields(names)
        return union.of_paths(lowering.asked(f"$union{before}"), f"$union{before}")
    except NotLowered:
        del lowering.joined[before:]
        raise


def _common_order(left: Sequence[str], right: Sequence[str]) -> list[str] | None:
    """All names in an order that both have; None where there is none."""
    if [name for name in left if name in right] != [name for name in right if name in left]:
        return None
    result: list[str] = []
    rest = list(right)
    for name in left:
        if name in rest:
            place = rest.index(name)
            result += rest[:place]
            rest = rest[place + 1 :]
        result.append(name)
    return result + rest


class _Union:
    """Two sides whose columns are put side by side as they are asked for."""

    def __init__(self, left: Scope, right: Scope) -> None:
        self.sides = (left, right)
        self.lowering = left.lowering
        self.columns: list[tuple[str, Sql, Sql]] = []

    def of_fields(self, names: Iterable[str]) -> Frame:
        """Documents of the fields of both sides."""
        fields = {}
        for name in names:
            left, right = (scope.frame.fields.get(name, NOTHING) for scope in self.sides)
            fields[name] = self.united(left, right)
        return self._frame().built(fields)

    def of_paths(self, paths: Iterable[Path], asked: str) -> Frame:
        """Documents of which the values at some paths are known."""
        left, right = self.sides
        values = {path: self.united(left.located(path), right.located(path)) for path in paths}
        return replace(self._frame(), base={}, root=United(values, asked), held=HELD)

    def united(self, left: Value, right: Value) -> Value:
        """The value of either side."""
        if left.fields is not None and right.fields is not None:
            names = _common_order(list(left.fields), list(right.fields))
            if names is not None and left.kinds == right.kinds:
                of_both = ((name, left.fields.get(name, NOTHING), right.fields.get(name, NOTHING)) for name in names)
                return replace(left, fields={name: self.united(mine, its) for name, mine, its in of_both})
        if any(each.fields is not None or each.listing is not None for each in (left, right)):
            raise NotLowered("computed documents or arrays in a $unionWith")
        if left.is_constant and right.is_constant and left.constant is right.constant:
            return left
        facts = left.facts.and_(right.facts)
        tag = self._column(left.tag, right.tag) if len(facts.tags) > 1 else left.tag
        slots = {
            slot: self._column(left.slots.get(slot, NULL), right.slots.get(slot, NULL))
            for slot in sorted(left.slots.keys() | right.slots.keys())
        }
        return Value(facts, tag, slots)

    def _column(self, left: Sql, right: Sql) -> Sql:
        name = self.lowering.fresh("u")
        self.columns.append((name, left, right))
        return column(name)

    def _frame(self) -> Frame:
        """The rows of both sides with the columns so far."""
        order = self._order()
        most = [scope.frame.relation.most for scope in self.sides]
        mine = [(name, left) for name, left, _ in self.columns]
        its = [(name, right) for name, _, right in self.columns]
        parts = []
        for columns, scope in zip((mine, its), self.sides, strict=True):
            items = listed(sql("{} AS {}", each, word(name)) for name, each in columns)
            parts.append(sql("SELECT {} FROM {}", items, scope.frame.relation.as_source()))
        union = sql("({} UNION ALL {})", *parts)
        rows = None if most[0] is None or most[1] is None else most[0] + most[1]
        return Frame(Relation(union, most=rows), is_stored=False, order=order)

    def _order(self) -> tuple[Key, ...]:
        """Each side in its own order, the left one first."""
        left, right = (scope.frame.order for scope in self.sides)
        bounds = self.lowering.bounds, self.sides[1].lowering.bounds
        first, second = bounds[0].get(left[0].by.text), bounds[1].get(right[0].by.text)
        is_single = len(left) == len(right) == 1 and not left[0].is_descending and not right[0].is_descending
        if is_single and first is not None and second is not None and first + second < 2**62:
            name = self._column(left[0].by, sql("({} + {})", right[0].by, integer(first)))
            bounds[0][name.text] = first + second
            return (Key(name),)
        keys = [Key(self._column(integer(0), integer(1)))]
        keys += [Key(self._column(key.by, NULL), key.is_descending) for key in left]
        keys += [Key(self._column(NULL, key.by), key.is_descending) for key in right]
        return tuple(keys)


@dataclass(frozen=True, slots=True)
class United(Inside):
    """Documents of two collections.

    values   of the paths that have been united
    asked    under what a path is asked for that has not
    """

    values: Mapping[Path, Value]
    asked: str

    def value(self, path: Path) -> Value:
        if not path:
            raise NotLowered(HELD)
        if path not in self.values:
            raise Unread(path, collection=self.asked)
        return self.values[path]
