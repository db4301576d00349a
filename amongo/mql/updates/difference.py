"""What changed between two documents, for updates whose application does not say so (pipelines).

The answer has the shape of a change stream's `updateDescription`: fields set, fields removed, arrays cut short. As on
the server it is only given where telling the difference takes less room than the new value: a small document that a
pipeline has changed counts as replaced, and within a document, a value of which much has changed as set anew.
"""

from __future__ import annotations

from typing import Any, Final

from amongo.mql.updates.sameness import is_same
from amongo.values.codec import encode_in_order

Description = dict[str, Any]
Parts = tuple[str | int, ...]

# What the parts of a difference take, in bytes, by the server's reckoning.
_ENTRY_FRAME: Final = 15  # around that of a whole document
_DOCUMENT: Final = 5
_ARRAY: Final = 9
_SECTION: Final = 8  # of fields that are set, that are new, that are gone
_FIELD: Final = 2  # and the name
_INNER: Final = 1
_REMOVED: Final = 1
_SHORTER: Final = 7
_EMPTY_DOCUMENT: Final = 5
_EMPTY_ELEMENT: Final = 2  # of an element without a name: type byte and NUL


def describe(before: dict[str, Any], after: dict[str, Any]) -> Description | None:
    """The difference as {"updatedFields", "removedFields", "truncatedArrays"}, and "disambiguatedPaths" where a path
    could be read in two ways, "movedFields" where fields have; None where the new document as a whole is what to tell.

    order    a field that moved counts as set again, behind the others; nested documents and arrays are described by
             their parts
    source   manual, Change Events, update
    """
    difference = _of_documents(before, after, (), _ENTRY_FRAME)
    return None if difference is None else difference.description()


class _Difference:
    """The difference of two documents or arrays, as it grows."""

    __slots__ = ("cut", "inner", "moved", "removed", "size_bytes", "updated")

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.updated: list[tuple[Parts, Any]] = []
        self.removed: list[Parts] = []
        self.moved: list[Parts] = []
        self.cut: list[tuple[Parts, int]] = []
        self.inner: list[_Difference] = []

    def add_inner(self, inner: _Difference) -> None:
        self.inner.append(inner)
        self.size_bytes += inner.size_bytes

    def description(self) -> Description | None:
        """None where two changes have paths that read the same."""
        made: Description = {"updatedFields": {}, "removedFields": [], "truncatedArrays": []}
        named: dict[str, list[str | int]] = {}
        moved: list[str] = []
        count = 0
        waiting = [self]
        while waiting:
            each = waiting.pop()
            waiting.extend(reversed(each.inner))
            for parts, value in each.updated:
                made["updatedFields"][_path(parts, named)] = value
            made["removedFields"] += [_path(parts, named) for parts in each.removed]
            made["truncatedArrays"] += [{"field": _path(parts, named), "newSize": size} for parts, size in each.cut]
            moved += [_path(parts, named) for parts in each.moved]
            count += len(each.updated)
        if len(made["updatedFields"]) < count:
            return None
        if named:
            made["disambiguatedPaths"] = named
        if moved:
            made["movedFields"] = moved
        return made


def _path(parts: Parts, named: dict[str, list[str | int]]) -> str:
    """The path of its parts, entered in `named` if that could be read in another way."""
    path = ".".join(map(str, parts))
    if any(type(part) is str and ("." in part or (at and part.isdigit())) for at, part in enumerate(parts)):
        named[path] = list(parts)
    return path


def _of_documents(
    before: dict[str, Any], after: dict[str, Any], place: Parts, frame_bytes: int = 0
) -> _Difference | None:
    """The difference; None if it takes as much room as the new document."""
    made = _Difference(_DOCUMENT + frame_bytes)
    old, gone = iter(before.items()), []
    updated, inserted = [], []
    for name, value in after.items():
        found = False
        for old_name, old_value in old:  # noqa: B007
            if old_name == name:
                found = True
                break
            gone.append(old_name)
        if not found:
            inserted.append(name)
        elif not is_same(old_value, value):
            inner = _inside(old_value, value, (*place, name))
            if inner is None:
                updated.append(name)
            else:
                made.add_inner(inner)
                made.size_bytes += len(name.encode()) + _FIELD + _INNER
    gone += [name for name, _ in old]
    removed = [name for name in gone if name not in after]
    for names in (updated, inserted):
        made.size_bytes += sum(len(name.encode()) + _FIELD + _value_bytes(after[name]) for name in names)
        made.updated += [((*place, name), after[name]) for name in names]
    made.size_bytes += sum(len(name.encode()) + _FIELD + _REMOVED for name in removed)
    made.removed = [(*place, name) for name in removed]
    made.moved = [(*place, name) for name in inserted if name in before]
    made.size_bytes += _SECTION * sum(map(bool, (updated, inserted, removed)))
    return made if made.size_bytes < _value_bytes(after) else None


def _of_arrays(before: list[Any], after: list[Any], place: Parts) -> _Difference | None:
    made = _Difference(_ARRAY)
    for index, value in enumerate(after):
        inner = None
        if index < len(before):
            if is_same(before[index], value):
                continue
            inner = _inside(before[index], value, (*place, index))
        made.size_bytes += 1 + len(str(index)) + _FIELD
        if inner is None:
            made.updated.append(((*place, index), value))
            made.size_bytes += _value_bytes(value)
        else:
            made.add_inner(inner)
    if len(after) < len(before):
        made.cut.append((place, len(after)))
        made.size_bytes += _SHORTER
    return made if made.size_bytes < _value_bytes(after) else None


def _inside(before: Any, after: Any, place: Parts) -> _Difference | None:
    """The difference inside a value; None where the value is to be set anew."""
    if type(before) is dict and type(after) is dict:
        return _of_documents(before, after, place)
    if type(before) is list and type(after) is list:
        return _of_arrays(before, after, place)
    return None


def _value_bytes(value: Any) -> int:
    if type(value) is dict:
        return len(encode_in_order(value))
    return len(encode_in_order({"": value})) - _EMPTY_DOCUMENT - _EMPTY_ELEMENT
