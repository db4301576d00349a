"""Applying a tree to a document: a copy of every document and array on a touched path, nothing else is copied.

What changed is written down on the way, as MongoDB's change streams show it: a field that is set, a path that is
created (described once, at the topmost new field), an array that is only appended to (its new elements), a field
that is gone.
"""

from __future__ import annotations

from typing import Any

from amongo.errors import update as errors
from amongo.mql.updates.paths import as_index
from amongo.mql.updates.registry import UNCHANGED, Scene
from amongo.mql.updates.tree import Elements, Fields, merge, place_positional
from amongo.runtime.limits import BACKFILL_COUNT
from amongo.values.missing import MISSING
from amongo.values.wording import element


def apply_fields(fields: Fields, value: dict[str, Any], prefix: str, scene: Scene) -> dict[str, Any]:
    """The document `value` with its fields updated; `value` itself when nothing changed.

    prefix   the path of `value` with a dot behind it, "" for the whole document
    errors   those of the operators, PATH_NOT_VIABLE, NO_POSITIONAL_MATCH, CONFLICT
    """
    if fields.positional is not None:
        fields = _placed(fields, prefix[:-1], scene)
    changed: dict[str, Any] | None = None
    for name, child in fields.children:
        current = value.get(name, MISSING)
        if type(child) is tuple:
            scene.name = name
            scene.path = prefix
            result = child[0](current, child[1], scene)
        else:
            result = _apply_inner(child, current, prefix + name, scene)
        if result is UNCHANGED or (result is current and type(child) is not tuple):
            continue
        if changed is None:
            changed = value.copy()
        if result is MISSING:
            del changed[name]
            if scene.is_recording:
                scene.removed.append(prefix + name)
            continue
        changed[name] = result
        if scene.is_recording:
            if type(result) is list and scene.appended_from is not None:
                _record_appended(prefix + name, result, scene)
            elif type(child) is tuple or current is MISSING:
                scene.updated[prefix + name] = result
    return value if changed is None else changed


def _apply_inner(node: Fields | Elements, current: Any, path: str, scene: Scene) -> Any:
    """The new value at a path that has operators below it, UNCHANGED or `current` itself when nothing changed."""
    if type(node) is Elements:
        return _apply_elements(node, current, path, scene)
    assert type(node) is Fields
    kind = type(current)
    if kind is dict:
        return apply_fields(node, current, path + ".", scene)
    if kind is list:
        return _apply_indexes(node, current, path, scene)
    created = _create(node, path, scene)
    if created is UNCHANGED:
        return UNCHANGED
    if current is MISSING:
        return created
    last = path.rpartition(".")[2]
    raise errors.PATH_NOT_VIABLE(name=next(iter(created)), element=element(last, current))


def _create(node: Fields, path: str, scene: Scene) -> Any:
    """The document that a missing path becomes, UNCHANGED when no operator below it creates anything."""
    was_recording, scene.is_recording = scene.is_recording, False
    nothing: dict[str, Any] = {}
    created = apply_fields(node, nothing, path + ".", scene)
    scene.is_recording = was_recording
    scene.appended_from = None
    return UNCHANGED if created is nothing else created


def _apply_one(child: Any, current: Any, prefix: str, name: str, scene: Scene) -> Any:
    if type(child) is tuple:
        scene.name, scene.path = name, prefix
        return child[0](current, child[1], scene)
    return _apply_inner(child, current, prefix + name, scene)


def _apply_indexes(fields: Fields, value: list[Any], path: str, scene: Scene) -> list[Any]:
    """The array with the elements at numbered children updated; null fills up to an index past the end."""
    if fields.positional is not None:
        fields = _placed(fields, path, scene)
    changed: list[Any] | None = None
    prefix = path + "."
    for name, child in fields.children:
        index = as_index(name)
        array = value if changed is None else changed
        current = array[index] if index is not None and index < len(array) else MISSING
        result = _apply_one(child, current, prefix, name, scene)
        if result is UNCHANGED or (result is current and type(child) is not tuple):
            continue
        if index is None:
            raise errors.PATH_NOT_VIABLE(name=name, element=element(path.rpartition(".")[2], value))
        if changed is None:
            changed = value.copy()
        if index >= len(changed):
            if index - len(changed) > BACKFILL_COUNT:
                raise errors.CANNOT_BACKFILL(limit=BACKFILL_COUNT)
            changed.extend([None] * (index - len(changed) + 1))
        # An element cannot be absent: what $unset removes from an array becomes null.
        changed[index] = None if result is MISSING else result
        if scene.is_recording:
            if type(result) is list and scene.appended_from is not None:
                _record_appended(prefix + name, result, scene)
            elif type(child) is tuple or current is MISSING:
                scene.updated[prefix + name] = changed[index]
    return value if changed is None else changed


def _apply_elements(node: Elements, value: Any, path: str, scene: Scene) -> list[Any]:
    """The array with the elements that array filters choose updated.

    One changed element is described alone, several as the whole array, as the server does it.
    """
    if value is MISSING:
        raise errors.ARRAY_PATH_MISSING(path=path)
    if type(value) is not list:
        raise errors.ARRAY_UPDATE_ON_OTHER(element=element(path.rpartition(".")[2], value))
    was_recording, scene.is_recording = scene.is_recording, False
    changed: list[Any] | None = None
    indexes: list[int] = []
    merged: dict[tuple[str, ...], Any] = {}
    prefix = path + "."
    for index, current in enumerate(value):
        chosen = tuple(name for name, _ in node.children if not name or node.filters[name](current))
        if not chosen:
            continue
        if chosen not in merged:
            merged[chosen] = _merge_chosen(node, chosen, f"{path}.{index}")
        child = merged[chosen]
        result = _apply_one(child, current, prefix, str(index), scene)
        if result is UNCHANGED or (result is current and type(child) is not tuple):
            continue
        if changed is None:
            changed = value.copy()
        changed[index] = None if result is MISSING else result
        indexes.append(index)
    scene.is_recording = was_recording
    scene.appended_from = None
    if changed is None:
        return value
    if was_recording:
        if len(indexes) == 1:
            scene.updated[f"{path}.{indexes[0]}"] = changed[indexes[0]]
        else:
            scene.updated[path] = changed
    return changed


def _merge_chosen(node: Elements, chosen: tuple[str, ...], path: str) -> Any:
    children = dict(node.children)
    together = children[chosen[0]]
    for name in chosen[1:]:
        together = merge(together, children[name], path)
    return together


def _placed(fields: Fields, path: str, scene: Scene) -> Fields:
    if scene.array_index is None:
        raise errors.NO_POSITIONAL_MATCH()
    return place_positional(fields, scene.array_index, path)


def _record_appended(path: str, array: list[Any], scene: Scene) -> None:
    first = scene.appended_from
    assert first is not None
    scene.appended_from = None
    for index in range(first, len(array)):
        scene.updated[f"{path}.{index}"] = array[index]
