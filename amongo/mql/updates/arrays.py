"""Operators on whole arrays: `$addToSet`, `$pop`, `$pull`, `$pullAll` (`$push` has its own file)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bson import Regex

from amongo.errors import update as errors
from amongo.mql.matcher import FIELD_OPERATORS
from amongo.mql.updates.inner_filters import parse_inner_filter
from amongo.mql.updates.registry import UNCHANGED, Collator, Scene, UpdateContext, operator
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.numbers import exact_integer
from amongo.values.order import equal
from amongo.values.types import NUMERIC_CLASSES, alias
from amongo.values.wording import element, shown


def _parse_add_to_set(path: str, operand: Any, context: UpdateContext) -> tuple[list[Any], Collator | None]:
    """The values to add, each once."""
    if type(operand) is dict and next(iter(operand), None) == "$each":
        each = operand["$each"]
        if type(each) is not list:
            raise errors.ADD_TO_SET_EACH(kind=alias(each))
        if len(operand) > 1:
            raise errors.ADD_TO_SET_CLAUSE(argument=shown(operand))
        return _distinct(each, context.collator), context.collator
    return [operand], context.collator


def _distinct(values: list[Any], collator: Collator | None) -> list[Any]:
    by_key: dict[bytes, Any] = {}
    for value in values:
        by_key.setdefault(key_bytes(value, collator), value)
    return list(by_key.values())


@operator("$addToSet", parse=_parse_add_to_set)
def add_to_set(current: Any, operand: tuple[list[Any], Collator | None], scene: Scene) -> Any:
    """Append the values that the array does not hold yet; an absent field becomes an array.

    operand   a value, or {$each: [values]}
    order     values of `$each` keep their order; 1 and 1.0 are one value; field order in documents matters
    errors    ADD_TO_SET_EACH, ADD_TO_SET_CLAUSE, ADD_TO_SET_TARGET
    source    manual, $addToSet
    """
    values, collator = operand
    if current is MISSING:
        return list(values)
    if type(current) is not list:
        raise errors.ADD_TO_SET_TARGET(name=scene.name, kind=alias(current))
    if len(values) == 1:
        value = values[0]
        added = [] if any(equal(value, item, collator) for item in current) else [value]
    else:
        held = {key_bytes(item, collator) for item in current}
        added = [value for value in values if key_bytes(value, collator) not in held]
    if not added:
        return UNCHANGED
    scene.appended_from = len(current)
    return current + added


def _parse_pop(path: str, operand: Any, context: UpdateContext) -> int:
    if type(operand) not in NUMERIC_CLASSES:
        raise errors.POP_NOT_A_NUMBER(argument=element(path, operand))
    whole = exact_integer(operand)
    if whole is None:
        raise errors.POP_NOT_AN_INTEGER(argument=element(path, operand))
    if whole not in (1, -1):
        raise errors.POP_DIRECTION(value=whole)
    return whole


@operator("$pop", parse=_parse_pop)
def pop_element(current: Any, operand: int, scene: Scene) -> Any:
    """Take the last (1) or the first (-1) element away; an empty or absent array stays as it is.

    operand   1 or -1, of any number type
    errors    POP_NOT_A_NUMBER, POP_NOT_AN_INTEGER, POP_DIRECTION, POP_TARGET
    source    manual, $pop
    """
    if current is MISSING:
        return UNCHANGED
    if type(current) is not list:
        raise errors.POP_TARGET(path=scene.path + scene.name, kind=alias(current))
    if not current:
        return UNCHANGED
    return current[:-1] if operand == 1 else current[1:]


def _parse_pull(path: str, operand: Any, context: UpdateContext) -> Callable[[Any], bool]:
    """The test that chooses the elements to remove.

    A document is a filter on elements that are documents, unless it begins with a query operator: then it is a
    predicate on the element, as a regular expression is. Any other value is compared.
    """
    kind = type(operand)
    if kind is Regex or (kind is dict and next(iter(operand), None) in FIELD_OPERATORS):
        on_value = parse_inner_filter({"": operand}, context)
        return lambda item: on_value({"": item})
    if kind is dict:
        on_document = parse_inner_filter(operand, context)
        return lambda item: type(item) is dict and on_document(item)
    collator = context.collator
    return lambda item: equal(operand, item, collator)


@operator("$pull", parse=_parse_pull)
def pull_matching(current: Any, operand: Callable[[Any], bool], scene: Scene) -> Any:
    """Remove every element that a condition matches.

    operand   a value, a query predicate such as {$gte: 5}, or a filter on elements that are documents
    errors    PULL_TARGET; those of the filter
    source    manual, $pull
    """
    if current is MISSING:
        return UNCHANGED
    if type(current) is not list:
        raise errors.PULL_TARGET()
    kept = [item for item in current if not operand(item)]
    return UNCHANGED if len(kept) == len(current) else kept


def _parse_pull_all(path: str, operand: Any, context: UpdateContext) -> tuple[frozenset[bytes], Collator | None]:
    if type(operand) is not list:
        raise errors.PULL_ALL_ARGUMENT(kind=alias(operand))
    return frozenset(key_bytes(value, context.collator) for value in operand), context.collator


@operator("$pullAll", parse=_parse_pull_all)
def pull_listed(current: Any, operand: tuple[frozenset[bytes], Collator | None], scene: Scene) -> Any:
    """Remove every element that equals one of a list of values.

    operand   an array
    errors    PULL_ALL_ARGUMENT, PULL_TARGET
    source    manual, $pullAll
    """
    if current is MISSING:
        return UNCHANGED
    if type(current) is not list:
        raise errors.PULL_TARGET()
    listed, collator = operand
    kept = [item for item in current if key_bytes(item, collator) not in listed]
    return UNCHANGED if len(kept) == len(current) else kept
