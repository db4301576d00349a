"""The bounds of one index for one filter: which predicates bound which field, and what they prove.

On a path with arrays different predicates may hold of different elements, so that two bound an index together only
where one `$elemMatch` joins them at each array that their paths share. There may be several ways to choose; each is
one candidate. Source: manual, Multikey Index Bounds, "Compound Bounds of Fields from Same Array".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from amongo.mql.matcher import MatchExpression
from amongo.planner.bounds.bounds import Bounds, FieldBounds
from amongo.planner.bounds.intervals import EVERYTHING, OrderedIntervals
from amongo.planner.bounds.predicates import PlacedPredicate, finds_missing
from amongo.planner.bounds.shape import PLACES, FieldShape, IndexShape, Kind
from amongo.planner.bounds.tightness import Tightness
from amongo.planner.bounds.translation import Translation, translate
from amongo.planner.bounds.wildcards import (
    PATH_FIELD,
    key_paths,
    path_intervals,
    serves,
    translate_value,
    value_field,
)


class IndexBounds(NamedTuple):
    """One way to bound an index by a filter.

    bounds       the bounds
    bounded      for each field of the key pattern, the predicates that bound it, with how tightly
    proved       the conditions of the filter that hold of whatever is in the bounds: nothing is left to ask of them
    covered      those that the values of a key decide
    is_complete  whatever the filter finds is in the index, but for what a partial index leaves out
    """

    bounds: Bounds
    bounded: tuple[tuple[tuple[PlacedPredicate, Tightness], ...], ...]
    proved: tuple[MatchExpression, ...]
    covered: tuple[MatchExpression, ...]
    is_complete: bool

    @property
    def bounds_first(self) -> bool:
        """Whether there is a predicate on the first field: what an index needs to serve a filter."""
        return bool(self.bounded[0])


Chosen = tuple[PlacedPredicate, Translation]

_RANKS: Final = {"$eq": 0, "$in": 1, "$elemMatch": 2}


def index_bounds(shape: IndexShape, placed: Sequence[PlacedPredicate]) -> list[IndexBounds]:
    """The ways to bound an index by the predicates of a filter, the likeliest first; at least one but for wildcards.

    placed   the predicates that may be used: all of a filter, or those that the planner assigns to this index
    result   of a wildcard index one or more for each path that it serves, and one without a path where the wildcard
             does not come first
    """
    if shape.wildcard is not None:
        return list(_wildcard_bounds(shape, shape.wildcard, placed))
    candidates = [_candidates(field, placed) for field in shape.fields]
    if not shape.has_arrays:
        return [_bounds(shape, candidates)]
    return [_bounds(shape, chosen) for chosen in _choices(shape.fields, candidates)]


def whole_bounds(shape: IndexShape) -> Bounds:
    """The bounds that hold every key of an index."""
    fields: list[FieldBounds] = []
    for field in shape.fields:
        if field.kind is Kind.WILDCARD:
            fields.append(_path_bounds(EVERYTHING))
        fields.append(_field_bounds(field, []))
    return Bounds(tuple(fields), shape.is_multikey)


def _candidates(field: FieldShape, placed: Sequence[PlacedPredicate]) -> list[Chosen]:
    """The predicates that can bound a field."""
    if field.kind is Kind.OPAQUE:
        return []
    path = field.path
    found = [(each, translate(each.node, field, is_total=each.is_total)) for each in placed if each.path == path]
    return [(each, translation) for each, translation in found if translation is not None]


def _choices(fields: Sequence[FieldShape], candidates: Sequence[list[Chosen]]) -> Iterator[list[list[Chosen]]]:
    """For each field, the predicates that bound it together; of several ways, each that begins with another one."""
    if not any(field.arrays for field in fields):
        yield list(candidates)
        return
    ranked = [sorted(each, key=_rank) for each in candidates]
    seen: set[frozenset[int]] = set()
    first = next((number for number, each in enumerate(ranked) if each), 0)
    leaders: list[Chosen | None] = [*ranked[first]] or [None]
    for leader in leaders:
        chosen = _greedy(fields, ranked, first, leader)
        key = frozenset(id(each.node) for of_field in chosen for each, _ in of_field)
        if key not in seen:
            seen.add(key)
            yield chosen


def _rank(chosen: Chosen) -> int:
    return _RANKS.get(chosen[0].node.operator, len(_RANKS))


def _greedy(
    fields: Sequence[FieldShape], ranked: Sequence[list[Chosen]], first: int, leader: Chosen | None
) -> list[list[Chosen]]:
    """The predicates that can stand beside a first one, and beside each other."""
    chosen: list[list[Chosen]] = [[] for _ in fields]
    taken: list[tuple[PlacedPredicate, FieldShape]] = []

    def take(number: int, candidate: Chosen) -> None:
        placed, field = candidate[0], fields[number]
        if all(_can_join(placed, field, *other) for other in taken):
            chosen[number].append(candidate)
            taken.append((placed, field))

    if leader is not None:
        take(first, leader)
    for number, candidates in enumerate(ranked):
        for candidate in candidates:
            if candidate is not leader:
                take(number, candidate)
    return chosen


def _can_join(one: PlacedPredicate, field: FieldShape, other: PlacedPredicate, other_field: FieldShape) -> bool:
    """Whether both predicates can bound one key: at each array on their common way one `$elemMatch` has both."""
    if not field.arrays or not other_field.arrays:
        return True
    joined = {each.depth for each in one.elements if each in other.elements}
    for number, (part, other_part) in enumerate(zip(one.path.split("."), other.path.split("."), strict=False)):
        if part != other_part:
            break
        if (number in field.arrays or number in other_field.arrays) and number + 1 not in joined:
            return False
    return True


def _bounds(shape: IndexShape, chosen: Sequence[list[Chosen]]) -> IndexBounds:
    fields = tuple([_field_bounds(field, found) for field, found in zip(shape.fields, chosen, strict=True)])
    if shape.is_special:  # it leaves out the documents without any place, or word
        is_complete = any(
            of_field and field.kind in PLACES for field, of_field in zip(shape.fields, chosen, strict=True)
        )
    else:
        is_complete = not shape.is_sparse or any(not finds_missing(each) for of_field in chosen for each, _ in of_field)
    return _summary(Bounds(fields, shape.is_multikey), shape, chosen, is_complete)


def _summary(bounds: Bounds, shape: IndexShape, chosen: Sequence[list[Chosen]], is_complete: bool) -> IndexBounds:
    proved: list[MatchExpression] = []
    covered: list[MatchExpression] = []
    bounded: list[tuple[tuple[PlacedPredicate, Tightness], ...]] = []
    for of_field in chosen:
        if not of_field:
            bounded.append(())
            continue
        bounded.append(tuple([(each, translation.tightness) for each, translation in of_field]))
        for each, (_, tightness) in of_field:
            if not each.is_whole:
                continue
            if tightness is Tightness.EXACT or _has_all_that_exist(each, shape):
                proved.append(each.root)
            elif tightness is Tightness.INEXACT_COVERED:
                covered.append(each.root)
    return IndexBounds(bounds, tuple(bounded), tuple(proved), tuple(covered), is_complete)


def _has_all_that_exist(placed: PlacedPredicate, shape: IndexShape) -> bool:
    """Whether it is `$exists`, and the index has just the documents that have the field: it is sparse, and of one."""
    return placed.node.operator == "$exists" and shape.is_sparse and len(shape.fields) == 1


def _intersection(of_field: list[Chosen]) -> OrderedIntervals:
    found = EVERYTHING
    for _, translation in of_field:
        found = found.intersection(translation.intervals)
    return found


def _field_bounds(field: FieldShape, of_field: list[Chosen]) -> FieldBounds:
    intervals = of_field[0][1].intervals if len(of_field) == 1 else _intersection(of_field)
    ranges = intervals.ranges(field.direction)
    return FieldBounds(field.path, intervals, ranges, field.direction, field.collator, bool(field.arrays))


# Wildcard indexes


def _path_bounds(intervals: OrderedIntervals) -> FieldBounds:
    return FieldBounds(PATH_FIELD, intervals, intervals.ranges(1))


def _wildcard_bounds(shape: IndexShape, number: int, placed: Sequence[PlacedPredicate]) -> Iterator[IndexBounds]:
    """The bounds of a wildcard index for each of the paths that it serves."""
    wildcard = shape.fields[number]
    others = [each for each in shape.fields if each is not wildcard]
    candidates = [_candidates(field, placed) for field in others]
    served = [each for each in placed if serves(each, shape)]
    for path in dict.fromkeys(each.path for each in served):
        field = value_field(shape, wildcard, path)
        found = [(each, translate_value(each, field)) for each in served if each.path == path]
        values = [(each, translation) for each, translation in found if translation is not None]
        if not values:
            continue
        fields = [*others[:number], field, *others[number:]]
        for chosen in _choices(fields, [*candidates[:number], values, *candidates[number:]]):
            yield _with_path(shape, number, fields, chosen)
    if number:
        unbounded: list[list[Chosen]] = [*candidates[:number], [], *candidates[number:]]
        bounds = [_field_bounds(field, each) for field, each in zip(others, candidates, strict=True)]
        bounds[number:number] = [_path_bounds(EVERYTHING), _field_bounds(wildcard, [])]
        yield _summary(Bounds(tuple(bounds), shape.is_multikey), shape, unbounded, True)


def _with_path(
    shape: IndexShape, number: int, fields: Sequence[FieldShape], chosen: Sequence[list[Chosen]]
) -> IndexBounds:
    """The bounds of a wildcard index by the predicates of one path, and by those of its other fields."""
    bounds = [_field_bounds(field, each) for field, each in zip(fields, chosen, strict=True)]
    paths = key_paths(fields[number].path, is_multikey=bool(fields[number].arrays)) or []
    bounds.insert(number, _path_bounds(path_intervals(paths, bounds[number].intervals)))
    return _summary(Bounds(tuple(bounds), shape.is_multikey), shape, chosen, True)
