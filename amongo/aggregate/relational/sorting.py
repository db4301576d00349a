"""The order of BSON values as columns to sort by.

First the type bracket, where there is more than one; then a column for each kind of slot, NULL in the rows of others,
which the bracket has parted from them by then. Only the columns that are needed: one for a field of one type.

A sort pattern reads arrays in its own way: a document stands where the least of its elements would, or, descending, the
greatest; an empty array stands below null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from amongo.aggregate.relational.comparing import BRACKETS
from amongo.aggregate.relational.comparing_numbers import are_doubles
from amongo.aggregate.relational.frame import Key
from amongo.aggregate.relational.listing import ELEMENT, elements_of, form_of, unpacked
from amongo.aggregate.relational.matching.values import stored_each
from amongo.aggregate.relational.scope import Scope, shown
from amongo.aggregate.relational.sql import NULL, Sql, case, integer, listed, sql
from amongo.aggregate.relational.values import Listing, NotLowered, Value, without
from amongo.engine.columns import BOOL, CROSSED, DATE, DOUBLE, EACH, OBJECT_ID, OTHER, STRING, WHOLE, Path
from amongo.mql.sort_keys import SortPattern
from amongo.values import order
from amongo.values.paths import is_index
from amongo.values.types import BsonType

_NAN: Final = order.NULL + 1
"""NaN has a bracket of its own here, below the other numbers."""

_ARRAYS: Final = frozenset({int(BsonType.ARRAY), CROSSED})


def pattern_keys(pattern: SortPattern, scope: Scope) -> list[Key]:
    """Keys that order documents by a sort pattern, the most significant first.

    errors   NotLowered, also where two paths meet arrays: these may move together, or be an error
    """
    if pattern.keywords or pattern.natural:
        raise NotLowered("a sort by metadata")
    values = [scope.narrowed.get(path) or scope.located(path) for path in pattern.paths]
    if sum(bool(value.kinds & _ARRAYS) for value in values) > 1:
        raise NotLowered("a sort by several paths with arrays")
    keys: list[Key] = []
    for path, direction, value in zip(pattern.paths, pattern.directions, values, strict=True):
        is_descending = direction < 0
        if value.kinds & _ARRAYS:
            keys += _array_keys(value, path, scope, is_descending=is_descending)
        else:
            keys += sort_keys(value, scope, is_descending=is_descending)
    return keys


def sort_keys(value: Value, scope: Scope, *, is_descending: bool = False, missing_is_null: bool = True) -> list[Key]:
    """Keys that order rows as MongoDB orders their values, arrays by what they hold; none where all are equal.

    missing_is_null   as sorts have it; otherwise missing is below null
    errors            NotLowered for kinds whose order the columns do not show
    """
    if value.is_constant:
        return []
    if value.fields is not None:
        return _field_keys(value, scope, is_descending=is_descending)
    parts = _parts(scope.kept(value), scope, missing_is_null=missing_is_null)
    return [Key(scope.kept_condition(each), is_descending) for each in parts]


def _field_keys(value: Value, scope: Scope, *, is_descending: bool) -> list[Key]:
    """Documents of known fields compare by these, one by one, if all have all of them; the last may be missing."""
    assert value.fields is not None
    keys = []
    fields = list(value.fields.values())
    for place, each in enumerate(fields):
        if BsonType.MISSING in each.kinds and (
            place + 1 < len(fields) or each.kinds & {BsonType.MIN_KEY, BsonType.UNDEFINED}
        ):
            raise NotLowered("a sort by documents in which fields may be missing")
        keys += sort_keys(each, scope, is_descending=is_descending, missing_is_null=False)
    return keys


# The parts of a key


def _parts(value: Value, scope: Scope, *, missing_is_null: bool) -> list[Sql]:
    """The bracket, if there are several, and what orders the values of each."""
    ranks = _ranks(value, missing_is_null=missing_is_null)
    parts = [] if len(ranks) == 1 else [_ranked(ranks)]
    return parts + [part for _, part in _slot_parts(value, scope)]


def _ranks(value: Value, *, missing_is_null: bool) -> list[tuple[int, Sql]]:
    """(bracket, whether a row is in it) of all brackets that may come, the lowest first."""
    kinds: dict[int, set[int]] = {}
    for kind in value.kinds:
        if kind == CROSSED:
            raise NotLowered("an array stands on the way of a path to sort by")
        bracket = order.NULL if missing_is_null and kind == BsonType.MISSING else BRACKETS[kind]
        kinds.setdefault(bracket, set()).add(kind)
    ranks = [(bracket, value.is_kind(*kinds[bracket])) for bracket in sorted(kinds)]
    if DOUBLE in value.slots and value.facts.has_nan:
        nan = (_NAN, sql("COALESCE(isnan({}), FALSE)", value.slots[DOUBLE]))
        at = next(place for place, (bracket, _) in enumerate(ranks) if bracket == order.NUMBER)
        ranks.insert(at, nan)
    return ranks


def _ranked(ranks: Sequence[tuple[int, Sql]]) -> Sql:
    """Which bracket a row is in, as something that sorts."""
    if len(ranks) == 2 and ranks[0][0] != _NAN:
        return ranks[1][1]
    if len(ranks) == 2:
        return sql("(NOT {})", ranks[0][1])
    return case([(condition, integer(bracket)) for bracket, condition in ranks[:-1]], integer(ranks[-1][0]))


def _slot_parts(value: Value, scope: Scope) -> list[tuple[int, Sql]]:
    """(bracket, what orders the values in it) for each bracket in which values differ; NULL in rows of others."""
    if STRING in value.slots and scope.lowering.collates:
        raise NotLowered("a sort of strings under a collation")
    parts = [(order.NUMBER, each) for each in _number_parts(value)]
    for bracket, slot in ((order.STRING, STRING), (order.OBJECT_ID, OBJECT_ID), (order.BOOL, BOOL), (order.DATE, DATE)):
        if slot in value.slots:
            parts.append((bracket, value.slots[slot]))
    for kind in sorted(value.kinds):
        if kind == BsonType.ARRAY:
            parts.append((order.ARRAY, _list_part(value, scope)))
        elif kind == BsonType.BINARY:
            stored = case([(value.is_kind(kind), value.slots[OTHER])], NULL)
            parts += [(order.BINARY, sql("octet_length({})", stored)), (order.BINARY, stored)]
        elif kind not in _ORDERED:
            raise NotLowered(f"a sort by values of type {BsonType(kind).alias}")
    return parts


_ORDERED: Final = frozenset(
    {
        BsonType.MIN_KEY,
        BsonType.MISSING,
        BsonType.UNDEFINED,
        BsonType.NULL,
        BsonType.INT,
        BsonType.LONG,
        BsonType.DOUBLE,
        BsonType.STRING,
        BsonType.OBJECT_ID,
        BsonType.BOOL,
        BsonType.DATE,
        BsonType.MAX_KEY,
    }
)


def _number_parts(value: Value) -> list[Sql]:
    """Doubles and whole numbers in one order; beyond 2**53 by the nearest double first, then by how far it is away."""
    whole, double = value.slots.get(WHOLE), value.slots.get(DOUBLE)
    if whole is None or double is None:
        return [each for each in (whole, double) if each is not None]
    nearest = sql("COALESCE({}, CAST({} AS DOUBLE))", double, whole)
    if are_doubles(value):
        return [nearest]
    rest = sql("CAST({} AS HUGEINT) - CAST(CAST({} AS DOUBLE) AS HUGEINT)", whole, whole)
    return [nearest, sql("COALESCE({}, CASE WHEN {} IS NOT NULL THEN 0 END)", rest, double)]


def _list_part(value: Value, scope: Scope) -> Sql:
    """Arrays of one plain kind compare as DuckDB's lists do."""
    listing = elements_of(value)
    (slots,) = (set(unpacked(form_of(listing), ELEMENT).slots),)
    if not listing.is_plain or slots <= {OTHER} or listing.element.has_nan:
        raise NotLowered("a sort by arrays of several types, or of types without an order here")
    if STRING in slots and scope.lowering.collates:
        raise NotLowered("a sort of strings under a collation")
    return case([(value.is_kind(BsonType.ARRAY), listing.items)], NULL)


# Arrays in sort patterns


@dataclass(frozen=True, slots=True)
class _Found:
    """What rows sort by that are of one form.

    brackets   that may come
    rank       the bracket; NULL where there is none
    parts      bracket -> what orders its values, NULL in other rows
    """

    brackets: frozenset[int]
    rank: Sql
    parts: Mapping[int, Sql]


def _array_keys(value: Value, path: Path, scope: Scope, *, is_descending: bool) -> list[Key]:
    """Where the least element (descending, the greatest) stands; where there is no array, the value."""
    value = scope.kept(value)
    best = "list_max" if is_descending else "list_min"
    ended = [elements_of(value)] if BsonType.ARRAY in value.kinds else []
    crossed = _crossing(path, scope) if CROSSED in value.kinds else []
    plain = without(value, *_ARRAYS)
    elements = [unpacked(form_of(listing), ELEMENT) for listing in (*ended, *crossed)]
    as_doubles = any(DOUBLE in each.slots for each in (plain, *elements))
    of_ended = [_best(listing, best, scope, as_doubles=as_doubles) for listing in ended]
    of_crossed = [_best(listing, best, scope, as_doubles=as_doubles) for listing in crossed]
    of_plain = _plain_found(plain, scope, as_doubles=as_doubles)
    found = [of_plain, *of_ended, *of_crossed]
    none = [order.MISSING_CLASS] * bool(ended) + [order.NULL] * bool(crossed)
    brackets = frozenset(none).union(*(each.brackets for each in found))
    keys = []
    if len(brackets) > 1:
        ranks = [
            (value.is_kind(kind), _first([each.rank for each in group] + [integer(empty)]))
            for kind, group, empty in (
                (BsonType.ARRAY, of_ended, order.MISSING_CLASS),
                (CROSSED, of_crossed, order.NULL),
            )
        ]
        keys.append(case(ranks, of_plain.rank))
    for bracket in sorted(brackets):
        parts = [each.parts[bracket] for each in found if bracket in each.parts]
        if parts:
            keys.append(_first(parts))
    return [Key(scope.kept_condition(each), is_descending) for each in keys]


def _first(parts: Sequence[Sql]) -> Sql:
    """The first that is not NULL."""
    return parts[0] if len(parts) == 1 else sql("COALESCE({})", listed(parts))


def _crossing(path: Path, scope: Scope) -> list[Listing]:
    """What is at the path in the documents of arrays on its way, a list for each place where one may stand."""
    origin = scope.inside.origin(path)
    if origin is None or EACH in origin or any(is_index(name or "") for name in path[1:]):
        raise NotLowered(f"an array stands on the way of {shown(path)} in some document")
    ways = [(*origin[:place], EACH, *origin[place:]) for place in range(1 + len(origin) - len(path), len(origin))]
    scope.lowering.ask(ways)
    return [stored_each(way, scope) for way in ways]


def _plain_found(value: Value, scope: Scope, *, as_doubles: bool) -> _Found:
    if not value.kinds:
        return _Found(frozenset(), NULL, {})
    ranks = _ranks(value, missing_is_null=True)
    return _Found(
        frozenset(bracket for bracket, _ in ranks), _bracket_case(ranks), _single_parts(value, scope, as_doubles)
    )


def _bracket_case(ranks: Sequence[tuple[int, Sql]]) -> Sql:
    return case([(condition, integer(bracket)) for bracket, condition in ranks[:-1]], integer(ranks[-1][0]))


def _single_parts(value: Value, scope: Scope, as_doubles: bool) -> dict[int, Sql]:
    """Bracket -> the one column that orders its values; numbers as doubles if others are."""
    parts: dict[int, Sql] = {}
    for bracket, part in _slot_parts(value, scope):
        if bracket in parts or bracket == order.ARRAY:
            raise NotLowered("a sort by arrays of these types")
        parts[bracket] = part
    if as_doubles and WHOLE in value.slots and DOUBLE not in value.slots:
        if not are_doubles(value):
            raise NotLowered("a sort by arrays of doubles and of whole numbers beyond 2**53")
        parts[order.NUMBER] = sql("CAST({} AS DOUBLE)", parts[order.NUMBER])
    if DOUBLE in value.slots and value.facts.has_nan:
        number = parts[order.NUMBER]
        parts[order.NUMBER] = sql("(CASE WHEN isnan({}) THEN NULL ELSE {} END)", number, number)
    return parts


def _best(listing: Listing, best: str, scope: Scope, *, as_doubles: bool) -> _Found:
    """The least or greatest elements.

    best   "list_min" or "list_max"
    """
    element = unpacked(form_of(listing), ELEMENT)
    if not element.kinds:
        return _Found(frozenset(), NULL, {})
    ranks = _ranks(element, missing_is_null=True)
    parts = _single_parts(element, scope, as_doubles)
    template = "list_max({})" if best == "list_max" else "list_min({})"

    def over(part: Sql) -> Sql:
        return sql(template, listing.items if part == ELEMENT else _each(listing, part))

    if len(ranks) == 1:
        ((bracket, _),) = ranks
        rank = sql("(CASE WHEN len({}) > 0 THEN {} END)", listing.items, integer(bracket))
        return _Found(frozenset({bracket}), rank, {bracket: over(part) for bracket, part in parts.items()})
    rank = scope.kept_condition(over(_bracket_case(ranks)))
    masked = {
        bracket: sql("(CASE WHEN {} = {} THEN {} END)", rank, integer(bracket), over(part))
        for bracket, part in parts.items()
    }
    return _Found(frozenset(bracket for bracket, _ in ranks), rank, masked)


def _each(listing: Listing, part: Sql) -> Sql:
    return sql("list_transform({}, lambda {}: {})", listing.items, ELEMENT, part)
