"""What changed between two documents, for updates whose application does not say so (pipelines).

The answer has the shape of a change stream's `updateDescription`: fields set, fields removed, arrays cut short.
"""

from __future__ import annotations

from typing import Any

from amongo.mql.updates.sameness import is_same

Description = dict[str, Any]


def describe(before: dict[str, Any], after: dict[str, Any]) -> Description:
    """The difference as {"updatedFields", "removedFields", "truncatedArrays"}.

    order    a field that moved counts as set again; nested documents and arrays are described by their parts
    source   manual, Change Events, update
    """
    description: Description = {"updatedFields": {}, "removedFields": [], "truncatedArrays": []}
    _compare_documents(before, after, "", description)
    return description


def _compare_documents(before: dict[str, Any], after: dict[str, Any], prefix: str, description: Description) -> None:
    stays = _in_place(before, after)
    for name in before:
        if name not in after:
            description["removedFields"].append(prefix + name)
    for name, value in after.items():
        if name in stays:
            _compare_values(before[name], value, prefix + name, description)
        else:
            description["updatedFields"][prefix + name] = value


def _in_place(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The fields of `after` that stand where `before` has them: those that follow were set anew."""
    stays: set[str] = set()
    remaining = iter(before)
    for name in after:
        for candidate in remaining:
            if candidate == name:
                stays.add(name)
                break
        else:
            break
    return stays


def _compare_values(before: Any, after: Any, path: str, description: Description) -> None:
    if is_same(before, after):
        return
    if type(before) is dict and type(after) is dict and after and before:
        _compare_documents(before, after, path + ".", description)
    elif type(before) is list and type(after) is list and after and before:
        _compare_arrays(before, after, path, description)
    else:
        description["updatedFields"][path] = after


def _compare_arrays(before: list[Any], after: list[Any], path: str, description: Description) -> None:
    for index, value in enumerate(after):
        place = f"{path}.{index}"
        if index < len(before):
            _compare_values(before[index], value, place, description)
        else:
            description["updatedFields"][place] = value
    if len(after) < len(before):
        description["truncatedArrays"].append({"field": path, "newSize": len(after)})
