"""Which fields of a document expressions and filters read, found in what was written.

The answer may name too many fields and never too few: whatever is not understood reads the whole document (`WHOLE`).
Names are those of top-level fields.
"""

from __future__ import annotations

from typing import Any, Final

from amongo.values.types import is_number

WHOLE: Final = None
"""The whole document is read."""

Fields = frozenset[str] | None
"""Names of top-level fields, or `WHOLE`."""

_NONE: Final[frozenset[str]] = frozenset()
_JOINS: Final = frozenset({"$and", "$or", "$nor"})
_IDLE: Final = frozenset({"$comment", "$alwaysTrue", "$alwaysFalse"})
_TOTAL: Final = frozenset(
    {"$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$cmp", "$and", "$or", "$not", "$cond", "$ifNull", "$type", "$isArray"}
    | {"$isNumber", "$literal"}
)
"""Operators that give a value whatever their arguments are."""


def first_part(path: str) -> str:
    """The top-level field of a path."""
    return path.partition(".")[0]


def union(*fields: Fields) -> Fields:
    """The fields of all; `WHOLE` if one is."""
    result: set[str] = set()
    for each in fields:
        if each is None:
            return WHOLE
        result |= each
    return frozenset(result)


def expression_fields(spec: Any) -> Fields:
    """The fields that an expression reads, or anything that holds expressions (an accumulator, a list of fields).

    Every string that looks like a path counts, in a literal too; so do the keys of a `sortBy`.
    """
    kind = type(spec)
    if kind is str:
        return _path_fields(spec)
    if kind is list:
        return union(*map(expression_fields, spec))
    if kind is not dict:
        return _NONE
    if "$meta" in spec or ("$getField" in spec and not _has_input(spec["$getField"])):
        return WHOLE
    read: list[Fields] = [expression_fields(value) for value in spec.values()]
    if type(order := spec.get("sortBy")) is dict:
        read.append(frozenset(map(first_part, order)))
    return union(*read)


def _path_fields(text: str) -> Fields:
    if not text.startswith("$"):
        return _NONE
    if not text.startswith("$$"):
        return frozenset({first_part(text[1:])})
    name, _, rest = text[2:].partition(".")
    if name not in ("ROOT", "CURRENT"):
        return _NONE
    return frozenset({first_part(rest)}) if rest else WHOLE


def _has_input(operand: Any) -> bool:
    return type(operand) is dict and "input" in operand


def is_total(spec: Any) -> bool:
    """Whether an expression surely gives a value, and the same each time: nothing in it can fail."""
    kind = type(spec)
    if kind is str:
        name = spec[2:].partition(".")[0] if spec.startswith("$$") else "ROOT"
        return name in ("ROOT", "CURRENT", "REMOVE", "NOW") or not name[0].isupper()
    if kind is list:
        return all(map(is_total, spec))
    if kind is not dict:
        return True
    first = next(iter(spec), "")
    if first == "$literal":
        return True
    if first.startswith("$") and first not in _TOTAL:
        return False
    return all(map(is_total, spec.values()))


def filter_fields(filter: dict[str, Any]) -> Fields:
    """The fields that a filter reads."""
    read: list[Fields] = []
    for name, value in filter.items():
        if not name.startswith("$"):
            read.append(frozenset({first_part(name)}))
        elif name in _JOINS:
            read.extend(map(filter_fields, value))
        elif name == "$expr":
            read.append(expression_fields(value))
        elif name not in _IDLE:
            return WHOLE
    return union(*read)


def conjuncts(filter: dict[str, Any]) -> list[dict[str, Any]]:
    """Filters that all have to hold for the filter to hold."""
    parts: list[dict[str, Any]] = []
    for name, value in filter.items():
        if name == "$and":
            for each in value:
                parts.extend(conjuncts(each))
        else:
            parts.append({name: value})
    return parts


def joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """One filter of several that all have to hold."""
    if len(parts) == 1:
        return parts[0]
    if sum(map(len, parts)) == len({name for part in parts for name in part}):
        return {name: value for part in parts for name, value in part.items()}
    return {"$and": parts}


def is_steady(filter: dict[str, Any]) -> bool:
    """Whether a filter says the same of a document wherever it is asked, and never fails: no search by text or
    nearness, no chance, no expression that can fail."""
    for name, value in filter.items():
        if name in _JOINS:
            if not all(map(is_steady, value)):
                return False
        elif name == "$expr":
            if not is_total(value):
                return False
        elif (name.startswith("$") and name not in _IDLE) or _asks_nearness(value):
            return False
    return True


def _asks_nearness(condition: Any) -> bool:
    if type(condition) is list:
        return any(map(_asks_nearness, condition))
    return type(condition) is dict and any(
        name in ("$near", "$nearSphere", "$geoNear") or _asks_nearness(value) for name, value in condition.items()
    )


def compares_only(filter: dict[str, Any]) -> bool:
    """Whether a filter only compares with values other than null, arrays, MinKey and MaxKey: it says the same of two
    values that are equal, and of a missing field the same as of null."""
    for name, value in filter.items():
        if name in _JOINS:
            if not all(map(compares_only, value)):
                return False
        elif name.startswith("$") or not _is_comparison(value):
            return False
    return True


_COMPARISONS: Final = frozenset({"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"})


def _is_comparison(condition: Any) -> bool:
    if type(condition) is dict and next(iter(condition), "").startswith("$"):
        return all(
            (name in _COMPARISONS and _is_plain(value))
            or (name in ("$in", "$nin") and all(map(_is_plain, value)))
            or (name == "$not" and type(value) is dict and _is_comparison(value))
            for name, value in condition.items()
        )
    return _is_plain(condition)


def _is_plain(value: Any) -> bool:
    return type(value) is str or type(value) is bool or is_number(value)


def renamed_filter(filter: dict[str, Any], names: dict[str, str]) -> dict[str, Any] | None:
    """The filter asked of other fields; None if it holds expressions and a field has another name.

    names   top-level field of the filter -> what it is to be called
    """
    result: dict[str, Any] = {}
    for name, value in filter.items():
        if name in _JOINS:
            inner = [renamed_filter(each, names) for each in value]
            if None in inner:
                return None
            result[name] = inner
        elif name == "$expr":
            read = expression_fields(value)
            if read is None or any(names.get(each, each) != each for each in read):
                return None
            result[name] = value
        elif name.startswith("$"):
            result[name] = value
        else:
            first, dot, rest = name.partition(".")
            result[names.get(first, first) + dot + rest] = value
    return result
