"""The tree of an operator update: every path to be updated once, in the order of application.

Leaves are operators with their operands. Two paths that would write the same place, or one inside the other, conflict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amongo.errors import ServerError
from amongo.errors import update as errors
from amongo.mql.updates.paths import in_order, is_array_part
from amongo.mql.updates.registry import Leaf

Node = "Leaf | Fields | Elements"
ArrayFilters = dict[str, Callable[[Any], bool]]


class Fields:
    """The named children of a path, ordered; `positional` stands for the `$` child until the index is known."""

    __slots__ = ("children", "positional")

    def __init__(self, children: list[tuple[str, Any]], positional: Any = None) -> None:
        self.children = children
        self.positional = positional


class Elements:
    """The children of an array by array filter: (identifier, node), the identifier of `$[]` being empty."""

    __slots__ = ("children", "filters")

    def __init__(self, children: list[tuple[str, Any]], filters: ArrayFilters) -> None:
        self.children = children
        self.filters = filters


_Sketch = dict[str, Any]
"""A node while the tree is built: part -> leaf or sketch, with `$` and `$[id]` parts as they are written."""


def build(modifications: list[tuple[str, tuple[str, ...], Leaf]], filters: ArrayFilters) -> Fields:
    """The tree of (path, parts, leaf).

    errors   CONFLICT, NO_ARRAY_FILTER
    """
    root: _Sketch = {}
    has_elements = False
    for path, parts, leaf in modifications:
        if "[" in path or has_elements:
            has_elements = True
            _check_elements(root, path, parts, filters)
        sketch = root
        for part in parts[:-1]:
            child = sketch.get(part)
            if child is None:
                sketch[part] = child = {}
            elif type(child) is tuple:
                raise _conflict(root, path, parts)
            sketch = child
        last = parts[-1]
        if last in sketch:
            raise errors.CONFLICT(path=path, at=path)
        sketch[last] = leaf
    return _finish_fields(root, filters)


def _conflict(root: _Sketch, path: str, parts: tuple[str, ...]) -> ServerError:
    """The error for a path that leads through a leaf."""
    node: Any = root
    for depth, part in enumerate(parts):
        node = node[part]
        if type(node) is tuple:
            return errors.CONFLICT(path=path, at=".".join(parts[: depth + 1]))
    raise AssertionError("no leaf on the path")


def _check_elements(root: _Sketch, path: str, parts: tuple[str, ...], filters: ArrayFilters) -> None:
    """Refuse an identifier without a filter, and one place that is updated both by field and by array filter."""
    node: Any = root
    for depth, part in enumerate(parts):
        is_element = is_array_part(part)
        if is_element and part != "$[]" and part[2:-1] not in filters:
            raise errors.NO_ARRAY_FILTER(name=part[2:-1], path=path)
        if type(node) is dict and node:
            if is_array_part(next(iter(node))) is not is_element:
                raise errors.CONFLICT(path=path, at=".".join(parts[:depth]))
            node = node.get(part)


def _finish(sketch: Any, filters: ArrayFilters) -> Any:
    if type(sketch) is tuple:
        return sketch
    if is_array_part(next(iter(sketch))):
        return Elements([(part[2:-1], _finish(sketch[part], filters)) for part in sorted(sketch)], filters)
    return _finish_fields(sketch, filters)


def _finish_fields(sketch: _Sketch, filters: ArrayFilters) -> Fields:
    positional = _finish(sketch.pop("$"), filters) if "$" in sketch else None
    children = []
    for part in sketch if len(sketch) < 2 else in_order(sketch):
        child = sketch[part]
        children.append((part, child if type(child) is tuple else _finish(child, filters)))
    return Fields(children, positional)


def place_positional(fields: Fields, index: int, path: str) -> Fields:
    """The fields with the `$` child standing at an index, merged with what already stands there.

    errors   CONFLICT
    """
    name = str(index)
    children = dict(fields.children)
    if name in children:
        children[name] = merge(fields.positional, children[name], f"{path}.{name}" if path else name)
    else:
        children[name] = fields.positional
    return Fields([(part, children[part]) for part in in_order(children)])


def merge(one: Any, other: Any, path: str) -> Any:
    """The node that does what both do at the same place.

    errors   CONFLICT when both write the same field, or one writes inside what the other writes
    """
    if type(one) is Fields and type(other) is Fields:
        children = dict(one.children)
        for name, child in other.children:
            children[name] = merge(children[name], child, f"{path}.{name}") if name in children else child
        positional = one.positional if other.positional is None else other.positional
        if one.positional is not None and other.positional is not None:
            positional = merge(one.positional, other.positional, f"{path}.$")
        return Fields([(part, children[part]) for part in in_order(children)], positional)
    if type(one) is Elements and type(other) is Elements:
        by_filter = dict(one.children)
        for name, child in other.children:
            by_filter[name] = merge(by_filter[name], child, f"{path}.$[{name}]") if name in by_filter else child
        return Elements(sorted(by_filter.items(), key=lambda pair: pair[0]), one.filters)
    raise errors.CONFLICT(path=path, at=path)
