"""The keys of wildcard indexes: every path to a value, with the value. Source: manual, Wildcard Indexes.

A document has a key for each value that is no document of its own: the path to it, and the value. Arrays give a key
for each element, and keep their elements' documents on the same path; an array in an array is one value. An empty
document is a value; an empty array stands as undefined. A projection says which paths take part; `_id` takes part only
where the projection shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from amongo.errors import index as errors
from amongo.mql.index_keys.paths import NO_ARRAYS, Arrays, Combination, Path, walk
from amongo.values.deprecated import UNDEFINED
from amongo.values.missing import MISSING

Document = dict[str, Any]
Project = Callable[[Document], Document]

_NO_PATH: Final[Path] = ()


def bind_wildcard(pattern: Mapping[str, Any], project: Project | None) -> Callable[[Document], Iterator[Combination]]:
    """The keys of a wildcard index, alone or among other fields.

    pattern   its key pattern; the values of the key of one document are in its order, and where the wildcard stands
              there are two, the path and the value at it
    project   what the index takes of a document; None for everything but `_id`
    errors    the function raises WILDCARD_PREFIX_ARRAY
    """
    names = list(pattern)
    wildcard = next(number for number, name in enumerate(names) if name.endswith("$**"))
    root: Path = tuple(names[wildcard].split(".")[:-1])
    others = [tuple(name.split(".")) for number, name in enumerate(names) if number != wildcard]

    def combinations(document: Document) -> Iterator[Combination]:
        fixed = [_single(document, path) for path in others]
        before, after = fixed[:wildcard], fixed[wildcard:]
        if root:
            found = _below_root(document, root)
        else:
            shown = (
                {name: value for name, value in document.items() if name != "_id"}
                if project is None
                else project(document)
            )
            found = _leaves(shown, "", NO_ARRAYS)
        is_empty = True
        for path, value, arrays in found:
            is_empty = False
            yield Combination([*before, path, value, *after], 0, arrays)
        if is_empty and others:  # the other fields keep a key, with neither path nor value
            yield Combination([*before, None, None, *after], 0, NO_ARRAYS)

    return combinations


def _single(document: Document, path: Path) -> Any:
    value, _ = walk(document, path)
    if type(value) is list:
        raise errors.WILDCARD_PREFIX_ARRAY(path=".".join(path))
    return None if value is MISSING else value


_Leaf = tuple[str, Any, Arrays]


def _below_root(document: Document, root: Path) -> Iterator[_Leaf]:
    """The leaves below `a.b` of an index on `a.b.$**`."""
    yield from _follow(document, root, _NO_PATH, NO_ARRAYS)


def _follow(value: Any, rest: Path, way: Path, arrays: Arrays) -> Iterator[_Leaf]:
    if not rest:
        yield from _values(value, ".".join(way), arrays)
    elif type(value) is dict:
        if rest[0] in value:
            yield from _follow(value[rest[0]], rest[1:], (*way, rest[0]), arrays)
    elif type(value) is list:
        for element in value:
            if type(element) is dict:
                yield from _follow(element, rest, way, _with(arrays, ".".join(way)))


def _leaves(document: Document, prefix: str, arrays: Arrays) -> Iterator[_Leaf]:
    """The leaves of a document that stands at a path."""
    for name, value in document.items():
        yield from _values(value, f"{prefix}.{name}" if prefix else name, arrays)


def _values(value: Any, path: str, arrays: Arrays) -> Iterator[_Leaf]:
    """The leaves of a value at a path."""
    kind = type(value)
    if kind is dict and value:
        yield from _leaves(value, path, arrays)
    elif kind is not list:
        yield path, value, arrays
    else:
        arrays = _with(arrays, path)
        for element in value or [UNDEFINED]:
            if type(element) is dict and element:
                yield from _leaves(element, path, arrays)
            else:
                yield path, element, arrays


def _with(arrays: Arrays, path: str) -> Arrays:
    return frozenset((*arrays, path))
