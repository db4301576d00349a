"""The paths of update operators: dotted names with positional parts, and how their parts are ordered.

a.b           a field (in an array, a number is an index)
a.$           the element that the filter matched
a.$[]         every element
a.$[id]       the elements that the array filter `id` matches
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key, lru_cache

from amongo.errors import update as errors


@lru_cache(maxsize=4096)
def parse_path(path: str) -> tuple[str, ...]:
    """The parts of an update path.

    errors   EMPTY_PATH, EMPTY_PATH_PART, TOO_MANY_POSITIONAL, POSITIONAL_FIRST, ARRAY_FILTER_FIRST
    source   manual, Positional Operators
    """
    if not path:
        raise errors.EMPTY_PATH()
    parts = tuple(path.split("."))
    if "" in parts:
        raise errors.EMPTY_PATH_PART(path=path)
    if parts.count("$") > 1:
        raise errors.TOO_MANY_POSITIONAL(path=path)
    if parts[0] == "$":
        raise errors.POSITIONAL_FIRST(path=path)
    if is_array_part(parts[0]):
        raise errors.ARRAY_FILTER_FIRST(path=path)
    return parts


@lru_cache(maxsize=4096)
def is_plain(path: str) -> bool:
    """Whether a path is one top-level field that nothing forbids to write: no dots, no dollar sign, not `_id`."""
    return path not in ("", "_id") and path[0] != "$" and "." not in path


def is_array_part(part: str) -> bool:
    """Whether a part is `$[]` or `$[id]`."""
    return part.startswith("$[") and part.endswith("]")


def is_dynamic(parts: Iterable[str]) -> bool:
    """Whether a path has a positional part of any kind."""
    return any(part == "$" or is_array_part(part) for part in parts)


def as_index(part: str) -> int | None:
    """The array index a part means, None for a name. Leading zeros make a name."""
    if part.isascii() and part.isdigit() and (part[0] != "0" or len(part) == 1):
        return int(part)
    return None


def in_order(names: Iterable[str]) -> list[str]:
    """Sibling fields in the order in which the server updates them: by name, two numbers by value.

    source   manual, Update Operators, "Update Operators Processing"
    """
    ordered = sorted(names)
    # Names that begin with a digit come before those that begin with a letter: the first tells whether there are any.
    if ordered and ordered[0] < ":" and any(as_index(name) is not None for name in ordered):
        ordered.sort(key=cmp_to_key(_compare_parts))
    return ordered


def _compare_parts(one: str, other: str) -> int:
    one_index, other_index = as_index(one), as_index(other)
    if one_index is not None and other_index is not None:
        return (one_index > other_index) - (one_index < other_index)
    return (one > other) - (one < other)
