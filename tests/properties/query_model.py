"""What filters and sorts mean, said a second time: naively, in a page, without anything of amongo.

Values are None, bool, int, float, str, dict and list. The manual's rules: comparison is within a type bracket; an array
stands for itself and for its elements; a path goes through arrays, by position or into every document; null stands for
missing too; a sort takes the smallest element of an array, or the largest.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

MISSING = object()
EMPTY = object()
"""What an empty array sorts as: below null."""

_BRACKETS: list[tuple[type, ...]] = [(type(None),), (int, float), (str,), (dict,), (list,), (bool,)]


def bracket(value: Any) -> int:
    """Where the value's type stands in the order of types."""
    if value is EMPTY:
        return -1
    return 0 if value is MISSING else next(at for at, types in enumerate(_BRACKETS) if type(value) in types)


def compare(left: Any, right: Any) -> int:
    """-1, 0 or 1 in the order of all values."""
    if bracket(left) != bracket(right):
        return -1 if bracket(left) < bracket(right) else 1
    if left is EMPTY or left is MISSING or left is None:
        return 0
    if type(left) is dict:
        for (name, value), (other_name, other) in zip(left.items(), right.items(), strict=False):
            order = _plain(bracket(value), bracket(other)) or _plain(name, other_name) or compare(value, other)
            if order:
                return order
        return _plain(len(left), len(right))
    if type(left) is list:
        return next(filter(None, map(compare, left, right)), 0) or _plain(len(left), len(right))
    if type(left) is float and math.isnan(left):
        return 0 if type(right) is float and math.isnan(right) else -1
    if type(right) is float and math.isnan(right):
        return 1
    return _plain(left.encode(), right.encode()) if type(left) is str else _plain(left, right)


def _plain(left: Any, right: Any) -> int:
    return (left > right) - (left < right)


def reach(value: Any, parts: list[str]) -> Iterator[Any]:
    """The values at a path; MISSING where it ends early outside of arrays."""
    if not parts:
        yield value
    elif type(value) is dict:
        yield from reach(value[parts[0]], parts[1:]) if parts[0] in value else [MISSING]
    elif type(value) is list:
        if parts[0].isdigit() and int(parts[0]) < len(value):
            element = value[int(parts[0])]
            if len(parts) == 1 or type(element) in (dict, list):
                yield from reach(element, parts[1:])
        for element in value:
            if type(element) is dict:
                yield from reach(element, parts)
    else:
        yield MISSING


def matches(query: Document, document: Document) -> bool:
    """Whether the filter finds the document."""
    for name, condition in query.items():
        if name == "$and":
            found = all(matches(each, document) for each in condition)
        elif name == "$or":
            found = any(matches(each, document) for each in condition)
        elif name == "$nor":
            found = not any(matches(each, document) for each in condition)
        else:
            found = _field(document, name.split("."), condition)
        if not found:
            return False
    return True


def _field(document: Any, parts: list[str], condition: Any) -> bool:
    if type(condition) is not dict or not next(iter(condition), "").startswith("$"):
        condition = {"$eq": condition}
    return all(_operator(list(reach(document, parts)), name, operand) for name, operand in condition.items())


def _operator(reached: list[Any], name: str, operand: Any) -> bool:
    negated = {"$ne": "$eq", "$nin": "$in"}
    if name in negated:
        return not _operator(reached, negated[name], operand)
    if name == "$not":
        return not all(_operator(reached, inner, value) for inner, value in operand.items())
    if name == "$all":
        return bool(operand) and all(_operator(reached, "$eq", each) for each in operand)
    if name == "$exists":
        return any(value is not MISSING for value in reached) is operand
    if name == "$size":
        return any(type(value) is list and len(value) == operand for value in reached)
    if name == "$elemMatch":
        elements = [element for value in reached if type(value) is list for element in value]
        return any(_element(element, operand) for element in elements)
    return any(_single(value, name, operand) for value in spread(reached))


def spread(reached: list[Any]) -> Iterator[Any]:
    """Every value, and the elements of those that are arrays."""
    for value in reached:
        yield value
        if type(value) is list:
            yield from value


def _element(element: Any, operand: Document) -> bool:
    if next(iter(operand), "").startswith("$"):
        return all(_single(element, name, value) for name, value in operand.items())
    return type(element) is dict and matches(operand, element)


def _single(value: Any, name: str, operand: Any) -> bool:
    if name == "$in":
        return any(_single(value, "$eq", each) for each in operand)
    if name == "$type":
        return value is not MISSING and bracket(value) == operand
    if name == "$mod":
        is_number = type(value) in (int, float) and math.isfinite(value)
        return is_number and math.fmod(math.trunc(value), operand[0]) == operand[1]
    if bracket(value) != bracket(operand):
        return False
    if math.nan in (_nan(value), _nan(operand)) and name in ("$lt", "$gt"):
        return False
    if (_nan(value) is math.nan) != (_nan(operand) is math.nan):
        return False
    order = compare(value, operand)
    return {"$eq": order == 0, "$lt": order < 0, "$lte": order <= 0, "$gt": order > 0, "$gte": order >= 0}[name]


def _nan(value: Any) -> Any:
    return math.nan if type(value) is float and math.isnan(value) else None


def in_order(documents: list[Document], pattern: dict[str, int]) -> list[Document]:
    """The documents sorted; ties stay as they are."""

    def before(left: Document, right: Document) -> int:
        for path, direction in pattern.items():
            order = compare(_sort_value(left, path, direction), _sort_value(right, path, direction))
            if order:
                return order * direction
        return 0

    return sorted(documents, key=functools.cmp_to_key(before))


def _sort_value(document: Document, path: str, direction: int) -> Any:
    values = _sort_values(document, path.split("."))
    return functools.reduce(lambda best, other: other if compare(other, best) * direction < 0 else best, values)


def _sort_values(value: Any, parts: list[str]) -> list[Any]:
    """What the document could sort by: like the keys of an index, an element that has no such field counts as null."""
    if not parts:
        return (value or [EMPTY]) if type(value) is list else [value]
    if type(value) is list:
        inner = [_sort_values(element, parts) if type(element) is dict else [None] for element in value]
        return [each for values in inner for each in values] or [None]
    return _sort_values(value[parts[0]], parts[1:]) if type(value) is dict and parts[0] in value else [None]
