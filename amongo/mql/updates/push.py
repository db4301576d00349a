"""`$push` with its modifiers `$each`, `$position`, `$sort`, `$slice`, which always work in that order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from amongo.errors import Condition
from amongo.errors import update as errors
from amongo.mql.updates.registry import UNCHANGED, Collator, Scene, UpdateContext, operator
from amongo.mql.updates.wording import identity
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.numbers import exact_integer
from amongo.values.types import NUMERIC_CLASSES, alias

SortFields = tuple[tuple[tuple[str, ...], int], ...]


@dataclass(frozen=True, slots=True)
class Push:
    """A parsed `$push`.

    values     what is inserted
    position   where: an index, negative from the end; None for the end
    sort       1 or -1 by the whole element, or ((path parts, 1 or -1), ...) by fields of it; None to leave the order
    keep       elements to keep, from the front, or from the back when negative; None for all
    """

    values: list[Any]
    position: int | None = None
    sort: int | SortFields | None = None
    keep: int | None = None
    collator: Collator | None = None


def _parse(path: str, operand: Any, context: UpdateContext) -> Push:
    if type(operand) is not dict or "$each" not in operand:
        return Push([operand])
    for name in operand:
        if name not in _MODIFIERS:
            raise errors.PUSH_CLAUSE(name=name)
    values = operand["$each"]
    if type(values) is not list:
        raise errors.EACH_NOT_AN_ARRAY(kind=alias(values))
    keep = _parse_whole(operand["$slice"], errors.PUSH_SLICE) if "$slice" in operand else None
    sort = _parse_sort(operand["$sort"]) if "$sort" in operand else None
    position = _parse_whole(operand["$position"], errors.PUSH_POSITION) if "$position" in operand else None
    return Push(values, position, sort, keep, context.collator)


_MODIFIERS = frozenset({"$each", "$position", "$slice", "$sort"})


def _parse_whole(value: Any, refuse: Condition) -> int:
    whole = exact_integer(value)
    if whole is None:
        raise refuse(kind=alias(value))
    return whole


def _parse_sort(pattern: Any) -> int | SortFields:
    if type(pattern) in NUMERIC_CLASSES:
        direction = exact_integer(pattern)
        if direction not in (1, -1):
            raise errors.PUSH_SORT_DIRECTION()
        return direction
    if type(pattern) is not dict:
        raise errors.PUSH_SORT()
    if not pattern:
        raise errors.PUSH_SORT_EMPTY()
    fields = []
    for path, value in pattern.items():
        direction = exact_integer(value)
        if direction not in (1, -1):
            raise errors.PUSH_SORT_DIRECTION()
        if not path:
            raise errors.PUSH_SORT_FIELD_EMPTY()
        parts = tuple(path.split("."))
        if "" in parts:
            raise errors.PUSH_SORT_FIELD_PART(path=path)
        fields.append((parts, direction))
    return tuple(fields)


@operator("$push", parse=_parse)
def push(current: Any, operand: Push, scene: Scene) -> Any:
    """Insert values into an array, then sort it, then cut it; an absent field becomes an array.

    operand   a value, or {$each: [values], $position, $sort, $slice}
    order     inserted at `$position` (default the end), sorted (stable), then sliced
    errors    EACH_NOT_AN_ARRAY, PUSH_CLAUSE, PUSH_SLICE, PUSH_POSITION, PUSH_SORT and its kin, PUSH_TARGET
    source    manual, $push
    """
    if current is MISSING:
        return _cut(_sorted(list(operand.values), operand), operand.keep)
    if type(current) is not list:
        raise errors.PUSH_TARGET(name=scene.name, kind=alias(current), document=identity(scene.document))
    values, position, count = operand.values, operand.position, len(current)
    is_cut = operand.keep is not None and count + len(values) > abs(operand.keep)
    if operand.sort is None and not is_cut:
        if not values:
            return UNCHANGED
        if (position is None or position > count) and count:
            scene.appended_from = count
    if position is None:
        array = current + values
    else:
        # A position before the first element is the front; Python's slices agree on everything else.
        at = max(count + position, 0) if position < 0 else position
        array = current[:at] + values + current[at:]
    return _cut(_sorted(array, operand), operand.keep)


def _sorted(array: list[Any], operand: Push) -> list[Any]:
    """The array, sorted in place; stable, so that sorting by the last field first sorts by all of them."""
    sort, collator = operand.sort, operand.collator
    if sort is None:
        return array
    if isinstance(sort, int):
        array.sort(key=lambda item: key_bytes(item, collator), reverse=sort < 0)
        return array
    for parts, direction in reversed(sort):
        array.sort(key=partial(_field_key, parts, collator), reverse=direction < 0)
    return array


def _field_key(parts: tuple[str, ...], collator: Collator | None, item: Any) -> bytes:
    """The key of one field of an element; an absent field counts as null."""
    return key_bytes(_read(item, parts), collator)


def _read(item: Any, parts: tuple[str, ...]) -> Any:
    for part in parts:
        if type(item) is dict:
            item = item.get(part, MISSING)
        elif type(item) is list and part.isdigit() and int(part) < len(item):
            item = item[int(part)]
        else:
            return None
    return None if item is MISSING else item


def _cut(array: list[Any], keep: int | None) -> list[Any]:
    if keep is None:
        return array
    if keep >= 0:
        return array[:keep]
    return array[keep:]
