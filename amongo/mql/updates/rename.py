"""`$rename`: the value of one field goes to another path.

It is two modifications of the tree: the source is removed, the target takes what the source was. No other operator
may touch either path, so the target can read the source from the document as it was before the update.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amongo.errors import update as errors
from amongo.mql.updates.paths import as_index, is_dynamic, parse_path
from amongo.mql.updates.registry import UNCHANGED, Leaf, Scene, operator
from amongo.mql.updates.wording import identity
from amongo.values.missing import MISSING
from amongo.values.wording import element


def _expand(path: str, operand: Any) -> Iterator[tuple[str, Leaf]]:
    argument = element(path, operand)
    if type(operand) is not str:
        raise errors.RENAME_TARGET_TYPE(argument=argument)
    if "\0" in operand:
        raise errors.RENAME_NULL_BYTE()
    source, target = parse_path(path), parse_path(operand)
    if source == target:
        raise errors.RENAME_SAME(argument=argument)
    shorter = min(len(source), len(target))
    if source[:shorter] == target[:shorter]:
        raise errors.RENAME_SAME_PATH(argument=argument)
    if is_dynamic(source):
        raise errors.RENAME_SOURCE_DYNAMIC(path=path)
    if is_dynamic(target):
        raise errors.RENAME_TARGET_DYNAMIC(path=operand)
    yield path, (_remove_source, None)
    yield operand, (take_source, (source, target))


@operator("$rename", expand=_expand)
def take_source(current: Any, operand: tuple[tuple[str, ...], tuple[str, ...]], scene: Scene) -> Any:
    """Move a field's value to another path, over what is there; nothing happens when the source is absent.

    operand   a path, as a string
    errors    RENAME_TARGET_TYPE, RENAME_NULL_BYTE, RENAME_SAME, RENAME_SAME_PATH, RENAME_SOURCE_DYNAMIC,
              RENAME_TARGET_DYNAMIC, RENAME_IN_ARRAY, PATH_NOT_TRAVERSABLE
    source    manual, $rename
    """
    source, target = operand
    value = _read_source(source, scene.document)
    if value is MISSING:
        return UNCHANGED
    _refuse_arrays("destination", target, scene.document)
    return value


def _remove_source(current: Any, operand: None, scene: Scene) -> Any:
    return UNCHANGED if current is MISSING else MISSING


def _read_source(parts: tuple[str, ...], document: dict[str, Any]) -> Any:
    value: Any = document
    for depth, part in enumerate(parts):
        kind = type(value)
        if kind is dict:
            value = value.get(part, MISSING)
        elif kind is list and (index := as_index(part)) is not None:
            value = value[index] if index < len(value) else MISSING
        else:
            raise errors.PATH_NOT_TRAVERSABLE(
                part=parts[depth - 1], path=".".join(parts), element=element(parts[depth - 1], value)
            )
        if value is MISSING:
            return MISSING
    _refuse_arrays("source", parts, document)
    return value


def _refuse_arrays(end: str, parts: tuple[str, ...], document: dict[str, Any]) -> None:
    value: Any = document
    for depth, part in enumerate(parts):
        if type(value) is list:
            raise errors.RENAME_IN_ARRAY(
                end=end, path=".".join(parts), document=identity(document)[1:-1], array=parts[depth - 1]
            )
        if type(value) is not dict or part not in value:
            return
        value = value[part]
