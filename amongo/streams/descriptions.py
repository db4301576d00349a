"""`updateDescription`: what an update changed, from its entry in the log.

The entry has the whole new document and a description; where that only names fields, their values stand in the
document (docs/decisions/0003). Source: manual, Change Events, update.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Document = dict[str, Any]


def update_description(description: Document, after: Document, *, is_expanded: bool) -> Document:
    """{updatedFields, removedFields, truncatedArrays}, and disambiguatedPaths in an expanded event.

    description   of the entry: {updatedPaths} or {updatedFields, …}
    after         the document after the update
    """
    paths = description.get("updatedPaths")
    if paths is None:
        updated = description.get("updatedFields", {})
    else:
        updated = {path: after[path] for path in paths if path in after}
    removed = description.get("removedFields", [])
    truncated = description.get("truncatedArrays", [])
    shown: Document = {"updatedFields": updated, "removedFields": removed, "truncatedArrays": truncated}
    if is_expanded:
        known = description.get("disambiguatedPaths", {})
        cut = [each["field"] for each in truncated]
        shown["disambiguatedPaths"] = _disambiguated((*updated, *removed, *cut), known, after)
    return shown


def _disambiguated(paths: Iterable[str], known: Document, after: Document) -> Document:
    """The parts of the paths that can be read in two ways: index or name of digits, dot between names or in one.

    known   those of names with dots, which cannot be told from the path
    """
    found: Document = {}
    for path in paths:
        parts = known.get(path)
        if parts is None and "." in path:
            parts = parts_of(path, after)
            if not any(type(part) is str and is_index(part) for part in parts[1:]):
                parts = None
        if parts is not None:
            found[path] = parts
    return found


def parts_of(path: str, document: Document) -> list[str | int]:
    """The parts of a path in a document that has what it leads to, or at least what is around that: positions in
    arrays as integers. No name has a dot."""
    parts: list[str | int] = []
    value: Any = document
    for part in path.split("."):
        if type(value) is list and is_index(part):
            parts.append(int(part))
            value = value[int(part)] if int(part) < len(value) else None
        else:
            parts.append(part)
            value = value.get(part) if type(value) is dict else None
    return parts


def is_index(part: str) -> bool:
    """Whether a part of a path may be a position in an array: digits without a leading zero."""
    return part.isascii() and part.isdigit() and (part == "0" or part[0] != "0")
