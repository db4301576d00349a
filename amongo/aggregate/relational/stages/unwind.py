"""$unwind: a row for each element.

The elements of the collection's own arrays are in columns with EACH, as lists: those that the stages behind read are
unnested side by side, and one with the numbers that the elements have in the whole collection, which gives the order.
Nobody needs the elements themselves: documents that come out take them from the stored documents, by their positions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.frame import RECORD_ID, Frame, Key
from amongo.aggregate.relational.inside import Inside, Opaque, placed
from amongo.aggregate.relational.listing import elements_of, form_of, length_of, unpacked
from amongo.aggregate.relational.lowering import (
    Lowering,
    Unread,
    needs_tags,
    ordinals_column,
    slot_column,
    slots_of,
    spread_column,
    tag_column,
)
from amongo.aggregate.relational.positions import ordered_within
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.relation import Relation
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import TRUE, Sql, case, column, listed, negated, sql, word
from amongo.aggregate.relational.steps import Joined, Numbered, Step, Unwound
from amongo.aggregate.relational.values import NOTHING, NULL_VALUE, NotLowered, Value, of_kind, or_null, without
from amongo.aggregate.stages.unwind import Unwind
from amongo.engine.columns import CROSSED, EACH, Facts, Path
from amongo.values.types import BsonType

ELEMENT = "_id"
"""A field of the elements that is read where none is, to know how many there are."""

NO_POSITION = Sql("CAST(NULL AS BIGINT)")
_EMPTY = frozenset({int(BsonType.MISSING), int(BsonType.NULL), CROSSED})


@reads(Unwind)
def read_unwind(stage: Unwind, reading: Reading) -> None:
    """The array; its elements by what is read of them later on."""
    path: Path = tuple(stage.path.parts)
    reading.path(path)
    reading.unwound.add(path)
    if stage.index is not None:
        reading.set_names.add(stage.index.first)


@lowers_stage(Unwind)
def lower_unwind(stage: Unwind, frame: Frame, lowering: Lowering) -> Frame:
    """A row for each element; for other values and where nothing is, as the stage has it."""
    path: Path = tuple(stage.path.parts)
    if stage.index is not None and stage.index.first == path[0]:
        raise NotLowered("a position that is written into the field that is taken apart")
    scope = Scope(frame, lowering)
    origin = scope.inside.origin(path)
    if origin is not None and EACH not in origin:
        return _Stored(stage, scope, origin).lowered()
    return _computed(stage, scope, path)


# Arrays of stored documents


class _Stored:
    """The lowering of one $unwind of arrays that are stored.

    has_others  whether rows come out that are not of an element
    """

    def __init__(self, stage: Unwind, scope: Scope, origin: Path) -> None:
        self.stage = stage
        self.scope = scope
        self.lowering = scope.lowering
        self.origin = origin
        self.kinds = self.lowering.facts_of(origin).tags
        self.has_others = stage.preserve or bool(self.kinds - _EMPTY - {BsonType.ARRAY})

    def lowered(self) -> Frame:
        """The rows, what is known of them, and their order."""
        lowering, stage = self.lowering, self.stage
        if BsonType.ARRAY not in self.kinds:
            return self._without_arrays()
        paths = lowering.spread_paths((*self.origin, EACH)) or [(*self.origin, EACH, ELEMENT)]
        facts = [lowering.facts_of(path) for path in paths]
        number = lowering.ordinals.setdefault(paths[0], lowering.number())
        at, ordinals = column(f"c{number}_at"), column(ordinals_column(number))
        names = [f"c{number}_at"]
        for path, known in zip(paths, facts, strict=True):
            of_path = lowering.spread.setdefault(path, lowering.number())
            names += [tag_column(of_path)] if needs_tags(known) else []
            names += [slot_column(of_path, slot) for slot in slots_of(known)]
        relation = self._unnested(names, ordinals, facts[0])
        position = sql("({} - {}[1])", at, ordinals)
        inside = Elements(self.scope.inside, lowering, self.origin, at if self.has_others else None)
        frame = self._ordered(replace(self.scope.frame, relation=relation), at, facts[0])
        return _apart(stage, frame, self.scope.inside, inside, position, self._index(position, at, facts[0]))

    def _unnested(self, names: list[str], ordinals: Sql, facts: Facts) -> Relation:
        relation = self.scope.frame.relation
        most = None if relation.most is None else relation.most * max(facts.most_elements, 1)
        if relation.most is not None and not any(map(_multiplies, self.scope.frame.steps)):
            most = facts.rows + (relation.most if self.has_others else 0)
        lists = [column(spread_column(name)) for name in names]
        if self.has_others:
            is_kept = TRUE
            if not self.stage.preserve:
                value = self.lowering.stored_value(self.origin)
                is_kept = value.is_kind(*value.kinds - _EMPTY - {BsonType.ARRAY})
            is_kept = sql("(len({}) = 0 AND {})", ordinals, is_kept)
            lists = [case([(is_kept, Sql("[NULL]"))], each) for each in lists]
        unnested = listed(sql("unnest({}) AS {}", each, word(name)) for name, each in zip(names, lists, strict=True))
        return Relation(sql("(SELECT *, {} FROM {})", unnested, relation.as_source()), most=most)

    def _ordered(self, frame: Frame, at: Sql, facts: Facts) -> Frame:
        """By the numbers of the elements, which ascend with those of the records."""
        bounds = self.lowering.bounds
        if not self.has_others and frame.order[-1] == Key(column(RECORD_ID)):
            bounds[at.text] = facts.rows + 1
            return replace(frame, order=(*frame.order[:-1], Key(at)))
        number = sql("COALESCE({} + 1, 0)", at) if self.has_others else at
        return ordered_within(frame, self.lowering, number, facts.rows + 1)

    def _index(self, position: Sql, at: Sql, facts: Facts) -> Value:
        known = {"least": 0, "most": max(facts.most_elements - 1, 0)}
        if not self.has_others:
            return of_kind(BsonType.LONG, position, **known)
        return or_null(BsonType.LONG, position, **known)

    def _without_arrays(self) -> Frame:
        """All values are such as count as one element."""
        frame, stage = self.scope.frame, self.stage
        if not stage.preserve:
            value = self.lowering.stored_value(self.origin)
            frame = frame.where(value.is_kind(*value.kinds - _EMPTY))
        return (
            frame
            if stage.index is None
            else _numbered(stage, frame, Sql("CAST(NULL AS BIGINT)"), NULL_VALUE, self.scope)
        )


def _multiplies(step: Step) -> bool:
    """Whether a step may have made several rows of one."""
    return isinstance(step, Unwound) or (isinstance(step, Joined) and not step.is_array)


@dataclass(frozen=True, slots=True)
class Elements(Inside):
    """The element of a stored array, in each row.

    outer    the documents before
    array    its path in the stored documents
    at       the number of the element, NULL in rows that are not of one; None where there are no such rows
    """

    outer: Inside
    lowering: Lowering
    array: Path
    at: Sql | None

    def value(self, path: Path) -> Value:
        each = (*self.array, EACH, *path)
        if each not in self.lowering.spread:
            raise Unread(each, collection=self.lowering.collection)
        element = self.lowering.spread_value(each)
        if self.at is None:
            return element
        return either([(sql("({} IS NOT NULL)", self.at), element)], self._other(path))

    def kinds(self, path: Path) -> frozenset[int]:
        kinds = self.lowering.facts_of((*self.array, EACH, *path)).tags
        return kinds if self.at is None else kinds | self.lowering.facts_of(self.array + path).tags

    def _other(self, path: Path) -> Value:
        """The value in rows that are not of an element: what is stored, but nothing of an empty array."""
        whole = self.lowering.stored_value(self.array)
        is_array = whole.is_kind(BsonType.ARRAY)
        if not path:
            return either([(is_array, NOTHING)], without(whole, BsonType.ARRAY))
        value = self.lowering.stored_value(self.array + path)
        if value.facts.counts.get(CROSSED, 0) == whole.facts.counts.get(BsonType.ARRAY, 0):
            value = without(value, CROSSED)
        return either([(is_array, NOTHING)], value)


def _apart(stage: Unwind, frame: Frame, before: Inside, inside: Inside, position: Sql, index: Value) -> Frame:
    """The frame in which the element is in the place of the array."""
    parts, written = stage.path.parts, None if stage.index is None else stage.index.parts
    inner = {**frame.inner, parts[0]: placed(before, parts, inside)}
    fields = {name: value for name, value in frame.fields.items() if name != parts[0]}
    if written is not None:
        inner.pop(written[0], None)
        if len(written) == 1:
            fields[written[0]] = index
        else:
            fields.pop(written[0], None)
            inner[written[0]] = Opaque("a position that was written into a document")
    return frame.stepped(Unwound(parts, position, written), fields=fields, inner=inner)


def _numbered(stage: Unwind, frame: Frame, position: Sql, index: Value, scope: Scope) -> Frame:
    """The frame in which the position has been written, and nothing else."""
    assert stage.index is not None
    parts = stage.index.parts
    if len(parts) == 1:
        return frame.setting({parts[0]: index})
    fields = {name: value for name, value in frame.fields.items() if name != parts[0]}
    inner = {**frame.inner, parts[0]: Opaque("a position that was written into a document")}
    return frame.stepped(Numbered(parts, position), fields=fields, inner=inner)


# Computed arrays


def _computed(stage: Unwind, scope: Scope, path: Path) -> Frame:
    """Arrays whose elements are at hand."""
    value = scope.kept(scope.located(path))
    if BsonType.ARRAY not in value.kinds:
        frame = scope.frame
        if not stage.preserve:
            frame = frame.where(negated(value.is_kind(*_EMPTY)))
        if stage.index is None:
            return frame
        return _numbered(stage, frame, NO_POSITION, NULL_VALUE, scope)
    if len(path) > 1 or not scope.frame.is_known or stage.preserve or not value.only(BsonType.ARRAY, *_EMPTY):
        raise NotLowered("a $unwind of computed values that are not arrays everywhere")
    listing = elements_of(value)
    name = scope.lowering.fresh("u")
    element, at = column(name), column(f"{name}_at")
    relation = scope.frame.relation
    unnested = sql(
        "(SELECT *, unnest({}) AS {}, unnest(range(CAST({} AS BIGINT))) AS {} FROM {})",
        listing.items,
        word(name),
        length_of(listing),
        word(f"{name}_at"),
        relation.as_source(),
    )
    most = None if relation.most is None or listing.most is None else relation.most * max(listing.most, 1)
    frame = replace(scope.frame, relation=Relation(unnested, most=most), order=(*scope.frame.order, Key(at)))
    fields = {**frame.fields, str(path[0]): unpacked(form_of(listing), element)}
    if stage.index is None:
        return frame.built(fields)
    known = {"least": 0} if listing.most is None else {"least": 0, "most": max(listing.most - 1, 0)}
    return _numbered(stage, frame.built(fields), at, of_kind(BsonType.LONG, at, **known), scope)
