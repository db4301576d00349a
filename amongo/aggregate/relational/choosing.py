"""A choice between values: CASE over all their parts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from amongo.aggregate.relational.listing import choice_of_lists, elements_of
from amongo.aggregate.relational.sql import FALSE, NULL, TRUE, Sql, case
from amongo.aggregate.relational.values import NOTHING, Listing, NotLowered, Origin, Value
from amongo.engine.columns import OTHER, Path, merged, slot_of
from amongo.values.types import BsonType


def either(branches: list[tuple[Sql, Value]], otherwise: Value) -> Value:
    """CASE over values: the first branch whose condition holds. Conditions are never NULL.

    errors   NotLowered where documents or lists of different forms would meet
    """
    branches = [(condition, value) for condition, value in branches if condition != FALSE]
    for place, (condition, value) in enumerate(branches):
        if condition == TRUE:
            branches, otherwise = branches[:place], value
            break
    if not branches:
        return otherwise
    values = [value for _, value in branches] + [otherwise]
    if any(value.fields is not None for value in values):
        return _either_document(branches, otherwise)
    facts = merged(value.facts for value in values)
    tag = case([(condition, value.tag) for condition, value in branches], otherwise.tag)
    slots = {
        slot: case(
            [(condition, value.slots.get(slot, NULL)) for condition, value in branches], otherwise.slots.get(slot, NULL)
        )
        for slot in sorted({slot for value in values for slot in value.slots})
    }
    found = Value(facts, tag, slots)
    if facts.tags.isdisjoint({BsonType.ARRAY, BsonType.OBJECT}):
        return found
    if all(value.listing is None for value in values):
        elements = (lambda: _either_listing(branches, otherwise)) if BsonType.ARRAY in facts.tags else None
        within = partial(_either_within, branches, otherwise)
        return replace(found, origin=Origin(slots[OTHER], elements, within))
    if all(slot_of(kind) != OTHER for kind in facts.tags - {BsonType.ARRAY}):
        slots.pop(OTHER, None)
    return replace(found, listing=_either_listing(branches, otherwise))


def _either_listing(branches: list[tuple[Sql, Value]], otherwise: Value) -> Listing:
    def listing(value: Value) -> Listing | None:
        if BsonType.ARRAY not in value.kinds:
            return None
        found = elements_of(value)
        is_array = value.is_kind(BsonType.ARRAY)
        return found if is_array == TRUE else found.moved(case([(is_array, found.items)], NULL))

    return choice_of_lists([(condition, listing(value)) for condition, value in branches], listing(otherwise))


def _either_within(branches: list[tuple[Sql, Value]], otherwise: Value, rest: Path) -> Value:
    def within(value: Value) -> Value:
        if value.kinds.isdisjoint({BsonType.ARRAY, BsonType.OBJECT}):
            return NOTHING
        origin = value.origin
        if origin is None or origin.within is None or origin.other != value.slots.get(OTHER):
            raise NotLowered("a path into a choice of values")
        return origin.within(rest)

    return either([(condition, within(value)) for condition, value in branches], within(otherwise))


def _either_document(branches: list[tuple[Sql, Value]], otherwise: Value) -> Value:
    fields = [value.fields for value in (*(value for _, value in branches), otherwise)]
    first = fields[0]
    if first is None or any(each is None or list(each) != list(first) for each in fields):
        raise NotLowered("a choice between computed documents of different fields")
    chosen = {}
    for name in first:
        choices = [(condition, (value.fields or {})[name]) for condition, value in branches]
        chosen[name] = either(choices, (otherwise.fields or {})[name])
    return Value(otherwise.facts, otherwise.tag, fields=chosen)
