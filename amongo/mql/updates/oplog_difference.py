"""The difference of two documents as an entry of an oplog gives it, applied to a document.

    {d: {gone: false}, u: {changed: 2}, i: {new: 1}, sinner: {u: {deep: 3}}, slist: {a: true, l: 4, u0: "x"}}

`d` takes fields away, `u` gives them another value, `i` puts them at the end, `s` and a name goes into a document or an
array. What is not of the kind that the difference speaks of is left as it is, so that an entry may be applied twice.
Source: the oplog's entries with `$v: 2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amongo.errors import administration as errors
from amongo.runtime.limits import BACKFILL_COUNT

_ARRAY: Final = "a"
_LENGTH: Final = "l"


def apply_difference(document: Mapping[str, Any], difference: Mapping[str, Any]) -> dict[str, Any]:
    """The document after the change.

    errors   DIFF_SECTION for a section that there is not, or that is no document
    """
    changed = dict(document)
    for section, part in difference.items():
        if type(part) is not dict:
            raise errors.DIFF_SECTION(name=section)
        if section == "d":
            for name in part:
                changed.pop(name, None)
        elif section == "u":
            changed.update(part)
        elif section == "i":
            for name, value in part.items():
                changed.pop(name, None)
                changed[name] = value
        elif section.startswith("s"):
            name = section[1:]
            if name in changed:
                changed[name] = _inner(changed[name], part)
        else:
            raise errors.DIFF_SECTION(name=section)
    return changed


def _inner(value: Any, difference: Mapping[str, Any]) -> Any:
    if difference.get(_ARRAY) is True:
        return _apply_to_array(value, difference) if type(value) is list else value
    return apply_difference(value, difference) if type(value) is dict else value


def _apply_to_array(array: list[Any], difference: Mapping[str, Any]) -> list[Any]:
    """The array after the change: `u` and `s` name positions, `l` is the length to which it is cut.

    errors   DIFF_SECTION
    """
    changed = list(array)
    for section, part in difference.items():
        if section == _ARRAY:
            continue
        if section == _LENGTH:
            del changed[int(part) :]
            continue
        kind, position = section[:1], section[1:]
        if kind not in ("u", "s") or not position.isdecimal() or int(position) > BACKFILL_COUNT:
            raise errors.DIFF_SECTION(name=section)
        place = int(position)
        if kind == "u":
            changed += [None] * (place + 1 - len(changed))
            changed[place] = part
        elif place < len(changed):
            changed[place] = _inner(changed[place], part)
    return changed
