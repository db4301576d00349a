"""$lookup by equality, with or without the $unwind of its array.

The other collection's columns are a table of their own, joined by the values of both paths. What comes is the record
ids of partners: fields of a partner are columns of that table, whole partners are fetched when documents come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from amongo.aggregate.relational.comparing import BRACKETS, PLAIN
from amongo.aggregate.relational.comparing_numbers import canonical_numbers
from amongo.aggregate.relational.frame import RECORD_ID, Frame
from amongo.aggregate.relational.inside import Inside, Opaque, StoredInside, Where, placed
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.positions import ordered_within
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.relation import Relation
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, Sql, all_of, case, column, integer, listed, sql, word
from amongo.aggregate.relational.steps import Joined
from amongo.aggregate.relational.values import NULLISH, NotLowered, Value
from amongo.aggregate.stages.lookup import Lookup
from amongo.aggregate.stages.match import Match
from amongo.engine.columns import CROSSED, DOUBLE, WHOLE, Path
from amongo.runtime.limits import LOOKUP_BYTES
from amongo.values import order
from amongo.values.types import BsonType


@reads(Lookup)
def read_lookup(stage: Lookup, reading: Reading) -> None:
    """The local path."""
    if stage.equality is not None:
        reading.path(tuple(stage.equality[0].parts))
    reading.set_names.add(stage.into.first)


@lowers_stage(Lookup)
def lower_lookup(stage: Lookup, frame: Frame, lowering: Lowering) -> Frame:
    """The rows with their partners: in one row each, or in a list."""
    if stage.collection is None or stage.equality is None or stage.bindings or stage.collator is not None:
        raise NotLowered("a $lookup by anything but equality")
    if stage.unwind is not None and stage.unwind.index is not None:
        raise NotLowered("a $lookup whose partners are numbered")
    before = len(lowering.joined)
    try:
        return _Join(stage, frame, lowering).lowered()
    except NotLowered:
        del lowering.joined[before:]
        raise


class _Join:
    """The lowering of one $lookup."""

    def __init__(self, stage: Lookup, frame: Frame, lowering: Lowering) -> None:
        assert stage.collection is not None and stage.equality is not None
        self.stage = stage
        self.lowering = lowering
        self.other = other = lowering.other(stage.collection)
        local, foreign = stage.equality
        self.scope = Scope(frame, lowering)
        left = self.scope.located(tuple(local.parts))
        partners = _partners(stage, other)
        self.partners = Scope(partners, other)
        right = self.partners.located(tuple(foreign.parts))
        self.keys = _keys(left, right, self.scope, self.partners)
        self.ids = column(lowering.fresh("j"))
        self.is_unique = tuple(foreign.parts) == ("_id",)

    def lowered(self) -> Frame:
        """The rows, and what is known of them."""
        return self._in_lists() if self.stage.unwind is None else self._in_rows()

    def _condition(self) -> Sql:
        return all_of(
            sql("({} = {})", left, right) if is_plain else sql("({} IS NOT DISTINCT FROM {})", left, right)
            for left, right, is_plain in self.keys
        )

    def _in_rows(self) -> Frame:
        """A row for each partner."""
        stage, other, ids = self.stage, self.other, self.ids
        assert stage.unwind is not None
        preserve = stage.unwind.preserve
        source = self.scope.frame.relation
        partners = self.partners.frame.relation.as_source()
        right = sql(
            "(SELECT * EXCLUDE ({}), {} AS {} FROM {})", word(RECORD_ID), column(RECORD_ID), word(ids.text), partners
        )
        template = "(SELECT * FROM {} LEFT JOIN {} ON {})" if preserve else "(SELECT * FROM {} JOIN {} ON {})"
        text = sql(template, source.as_source(), right, self._condition())
        most = source.most
        if most is not None and not self.is_unique:
            most *= max(other.columns.count, 1)
        frame = replace(self.scope.frame, relation=Relation(text, most=most))
        if not self.is_unique:
            number = sql("COALESCE({} + 1, 0)", ids) if preserve else ids
            frame = ordered_within(frame, self.lowering, number, other.bounds[RECORD_ID] + 1)
        inside: Inside = Partner(StoredInside(other))
        if preserve:
            inside = Where(inside, sql("({} IS NOT NULL)", ids))
        return self._put(frame, inside, is_array=False)

    def _in_lists(self) -> Frame:
        """A list of the record ids of the partners."""
        stage, ids = self.stage, self.ids
        if self.other.bytes > LOOKUP_BYTES:
            raise NotLowered("a $lookup whose array may be too large")
        source = self.scope.frame.relation
        names = [column(self.lowering.fresh("k")) for _ in self.keys]
        keys = listed(sql("{} AS {}", right, name) for (_, right, _), name in zip(self.keys, names, strict=True))
        if self.keys == NEVER:
            relation = source.with_columns([(ids.text, Sql("CAST(NULL AS BIGINT[])"))])
        else:
            rid = column(RECORD_ID)
            right = sql(
                "(SELECT {}, list({} ORDER BY {}) AS {} FROM {} GROUP BY ALL)",
                keys,
                rid,
                rid,
                word(ids.text),
                self.partners.frame.relation.as_source(),
            )
            self.keys = [(left, name, each) for (left, _, each), name in zip(self.keys, names, strict=True)]
            text = sql("(SELECT * FROM {} LEFT JOIN {} ON {})", source.as_source(), right, self._condition())
            relation = Relation(text, most=source.most)
        frame = replace(self.scope.frame, relation=relation)
        return self._put(frame, Opaque(f"an array of documents of {stage.collection}"), is_array=True)

    def _put(self, frame: Frame, inside: Inside, *, is_array: bool) -> Frame:
        into = self.stage.into.parts
        inner = {**frame.inner, into[0]: placed(self.scope.inside, into, inside)}
        fields = {name: value for name, value in frame.fields.items() if name != into[0]}
        step = Joined(into, str(self.stage.collection), self.ids, is_array)
        return frame.stepped(step, fields=fields, inner=inner)


@dataclass(frozen=True, slots=True)
class Partner(Inside):
    """A document of another collection."""

    stored: StoredInside

    def value(self, path: Path) -> Value:
        return self.stored.value(path)

    def kinds(self, path: Path) -> frozenset[int]:
        return self.stored.kinds(path) if path else frozenset({int(BsonType.OBJECT)})


def _partners(stage: Lookup, other: Lowering) -> Frame:
    """The documents among which partners are: all, or those that match."""
    frame = other.start()
    if stage.pipeline is None:
        return frame
    stages = stage.pipeline.stages
    if not all(isinstance(each, Match) for each in stages):
        raise NotLowered("a $lookup whose pipeline does more than match")
    found = other.lower_onto(frame, stages)
    if found.stages < len(stages):
        raise NotLowered(found.reason)
    return found.frame


# The values that partners have in common

Keys = list[tuple[Sql, Sql, bool]]
"""(local, foreign, whether they have to be equal, otherwise not distinct); all of them have to hold."""

NEVER: Keys = [(FALSE, Sql("TRUE"), True)]
_NULL: int = order.NULL


def _keys(left: Value, right: Value, scope: Scope, partners: Scope) -> Keys:
    """What partners have in common: equal values; what is missing, null or undefined is equal to that.

    errors   NotLowered
    """
    lefts, rights = _brackets(left), _brackets(right)
    common = sorted(lefts.keys() & rights.keys())
    if not common:
        return NEVER
    pairs: list[tuple[Sql, Sql]] = []
    for bracket in common:
        if bracket in PLAIN:
            pairs.append((left.slots[PLAIN[bracket]], right.slots[PLAIN[bracket]]))
        elif bracket == order.NUMBER:
            pairs += _number_pairs(left, right)
        elif bracket != _NULL:
            raise NotLowered("a $lookup by values of these types")
    pairs = [(scope.kept_condition(mine), partners.kept_condition(its)) for mine, its in pairs]
    if _NULL not in common and len(pairs) == 1:
        return [(*pairs[0], True)]
    keys = [(mine, its, False) for mine, its in pairs]
    if lefts.keys() == rights.keys() and len(lefts) <= 2 and len(pairs) == 1:
        return keys
    mine = scope.kept_condition(_class(left, lefts, common, -1))
    return [*keys, (mine, partners.kept_condition(_class(right, rights, common, -2)), True)]


def _brackets(value: Value) -> dict[int, frozenset[int]]:
    """The kinds of each bracket; those that are found by null are one.

    errors   NotLowered for arrays, of which every element has partners
    """
    found: dict[int, frozenset[int]] = {}
    for kind in value.kinds:
        if kind in (CROSSED, BsonType.ARRAY):
            raise NotLowered("a $lookup by elements of arrays")
        bracket = _NULL if kind in NULLISH else BRACKETS[kind]
        found[bracket] = found.get(bracket, frozenset()) | {kind}
        if kind in (BsonType.DECIMAL, BsonType.SYMBOL):
            raise NotLowered("a $lookup by values of these types")
    return found


def _number_pairs(left: Value, right: Value) -> list[tuple[Sql, Sql]]:
    """Columns that are the same in both where numbers are equal."""
    slots = {slot for value in (left, right) for slot in value.slots if slot in (WHOLE, DOUBLE)}
    if len(slots) == 1:
        (slot,) = slots
        return [(left.slots[slot], right.slots[slot])]
    facts = left.facts.and_(right.facts)  # of both, so that the columns are made in the same way
    empty = {WHOLE: Sql("CAST(NULL AS BIGINT)"), DOUBLE: Sql("CAST(NULL AS DOUBLE)")}
    mine, its = (canonical_numbers(replace(each, facts=facts, slots={**empty, **each.slots})) for each in (left, right))
    return list(zip(mine, its, strict=True))


def _class(value: Value, brackets: Mapping[int, frozenset[int]], common: list[int], other: int) -> Sql:
    """A number for each common bracket, and one that the other side does not have."""
    branches = [(value.is_kind(*brackets[bracket]), integer(bracket)) for bracket in common]
    return case(branches, integer(other))
