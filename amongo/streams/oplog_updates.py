"""An update as the oplog writes it: `{$v: 2, diff: {u: …, d: …, sa: …}}`.

A diff of a document has `u` (fields with new values, where they stand), `i` (fields that come to stand behind the
others), `d` (fields that are gone) and `s<field>` (the diff of what stands there); one of an array has `a: true`, `l`
(a new, smaller length), `u<index>` and `s<index>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amongo.streams.descriptions import parts_of, update_description

Document = dict[str, Any]


def raw_description(description: Document, after: Document) -> Document:
    """An update's description in the form of the oplog.

    description   of the entry
    after         the document after the update
    """
    told = update_description(description, after, is_expanded=True)
    named = told["disambiguatedPaths"]
    moved = frozenset(description.get("movedFields", ()))
    diff: Document = {}
    for path, value in told["updatedFields"].items():
        _enter(diff, named.get(path) or parts_of(path, after), "i" if path in moved else "u", value)
    for path in told["removedFields"]:
        _enter(diff, named.get(path) or parts_of(path, after), "d", False)
    for cut in told["truncatedArrays"]:
        parts = named.get(cut["field"]) or parts_of(cut["field"], after)
        _array(_below(diff, parts))["l"] = cut["newSize"]
    return {"$v": 2, "diff": diff}


def _enter(diff: Document, parts: Sequence[str | int], section: str, value: Any) -> None:
    around, last = _below(diff, parts[:-1]), parts[-1]
    if type(last) is int:
        _array(around)[f"u{last}"] = value
    else:
        around.setdefault(section, {})[last] = value


def _below(diff: Document, parts: Sequence[str | int]) -> Document:
    """The diff of what stands at a path, made on the way."""
    for part in parts:
        if type(part) is int:
            _array(diff)
        diff = diff.setdefault(f"s{part}", {})
    return diff


def _array(diff: Document) -> Document:
    diff.setdefault("a", True)
    return diff
