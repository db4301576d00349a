"""$match before the stages that do not touch what it asks for: fewer documents are computed, joined and unwound, and a
$match that comes to the start is planned like a find.

A document that would have made a stage fail may now be left out before: so it is on a server.
"""

from __future__ import annotations

from typing import Any

from amongo.aggregate.plan.effects import effect
from amongo.aggregate.plan.reading import compares_only, conjuncts, filter_fields, is_steady, joined, renamed_filter
from amongo.aggregate.plan.steps import Step, Steps

Filter = dict[str, Any]


def match_first(steps: Steps) -> Steps:
    """Move each part of each $match as far to the front as it can go."""
    result: list[Step] = []
    for step in steps:
        if step.name != "$match":
            result.append(step)
            continue
        staying: list[Filter] = []
        for part in conjuncts(step.spec):
            place, moved = _front(result, part)
            if place == len(result):
                staying.append(part)
            elif place and result[place - 1].name == "$match" and is_steady(result[place - 1].spec):
                before = conjuncts(result[place - 1].spec)
                result[place - 1] = Step("$match", joined([*before, moved]))
            else:
                result.insert(place, Step("$match", moved))
        if staying or not step.spec:
            result.append(Step("$match", joined(staying) if staying else {}))
    return tuple(result)


def _front(steps: list[Step], part: Filter) -> tuple[int, Filter]:
    """(the first place where the filter may be asked, what it asks there); behind all steps if it cannot move."""
    best = len(steps), part
    if not is_steady(part):
        return best
    for place in range(len(steps) - 1, -1, -1):
        if steps[place].name == "$match":
            continue
        before = _before(steps[place], part)
        if before is None:
            break
        part = before
        best = place, part
    return best


def _before(step: Step, part: Filter) -> Filter | None:
    """What to ask before a stage instead of behind it; None if that cannot be asked."""
    if step.keep is not None:
        return None
    read = filter_fields(part)
    if read is None:
        return None
    if step.name == "$group":
        return _before_group(step.spec["_id"], part)
    if step.name in ("$replaceRoot", "$replaceWith"):
        root = step.spec["newRoot"] if step.name == "$replaceRoot" else step.spec
        if type(root) is str and root.startswith("$") and "." not in root and not root.startswith("$$"):
            return _before_root(root, part)
    done = effect(step)
    if not done.is_filter:
        return None
    names = {}
    for name in read:
        origin = done.origin(name)
        if origin is None:
            return None
        names[name] = origin
    return renamed_filter(part, names)


def _before_group(key: Any, part: Filter) -> Filter | None:
    """A filter on the key of groups, asked of the documents: whole groups go, or stay."""
    if not compares_only(part):
        return None
    if type(key) is str and key.startswith("$") and not key.startswith("$$") and "." not in key:
        if any(name != "_id" for name in _paths(part)):
            return None
        return renamed_filter(part, {"_id": key[1:]})
    return None


def _before_root(root: str, part: Filter) -> Filter | None:
    """A filter on fields of a field that takes the document's place. Where that is no document, the stage has to fail
    as it would have, so these pass."""
    if any(name.startswith("$") for name in part):
        return None
    below = {f"{root[1:]}.{name}": value for name, value in part.items()}
    return {"$or": [below, {"$expr": {"$ne": [{"$type": root}, "object"]}}]}


def _paths(filter: Filter) -> list[str]:
    found: list[str] = []
    for name, value in filter.items():
        if name.startswith("$"):
            for each in value:
                found.extend(_paths(each))
        else:
            found.append(name)
    return found
