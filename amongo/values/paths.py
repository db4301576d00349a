"""Field paths: `a.b.0`, and the values that a document has there.

There are three readings of one path:

- `get` goes through documents only (no array on the way): keys, `_id` parts, exact places.
- `evaluate` is the reading of expressions ("$a.b"): an array on the way gives an array of what its documents hold.
- `expand` is the reading of queries: an array on the way means "any of its documents"; a numeric component is a field
  name in a document and a position in an array; an array at the end gives each element and then itself.

Each has a `bind_…` twin that works out the path once and gives a closure, with a short one for paths of one component.
(Source: manual, Query an Array, Dot Notation, Field Paths.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from amongo.errors import value as errors
from amongo.runtime.limits import PATH_COMPONENTS
from amongo.values.missing import MISSING


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A dotted path, taken apart.

    text    as written
    parts   its components, at least one; of a query path they may be empty strings
    """

    text: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return self.text

    @property
    def first(self) -> str:
        """The top-level field."""
        return self.parts[0]

    def child(self, name: str) -> FieldPath:
        """The path one component longer."""
        return FieldPath(f"{self.text}.{name}", (*self.parts, name))

    def is_prefix_of(self, other: FieldPath) -> bool:
        """Whether `other` is this path or lies below it."""
        return other.parts[: len(self.parts)] == self.parts


def query_path(text: str) -> FieldPath:
    """The path of a filter: any text; empty components name fields with an empty name."""
    return FieldPath(text, tuple(text.split(".")))


_OF_REFERENCES: Final = frozenset({"$ref", "$id", "$db"})
"""The fields of a DBRef: the only names with a dollar that a path may have. Source: manual, Database References."""


def field_path(text: str) -> FieldPath:
    """The path of an expression, a projection, a sort pattern or a stage, validated.

    errors   PATH_EMPTY, PATH_ENDS_WITH_DOT, PATH_TOO_LONG, and for each component PATH_FIELD_EMPTY,
             PATH_FIELD_DOLLAR, PATH_FIELD_NUL
    source   manual, Field Names, Dot Notation
    """
    if not text:
        raise errors.PATH_EMPTY()
    if text.endswith("."):
        raise errors.PATH_ENDS_WITH_DOT()
    parts = tuple(text.split("."))
    if len(parts) > PATH_COMPONENTS:
        raise errors.PATH_TOO_LONG()
    for part in parts:
        if not part:
            raise errors.PATH_FIELD_EMPTY()
        if part.startswith("$") and part not in _OF_REFERENCES:
            raise errors.PATH_FIELD_DOLLAR()
        if "\0" in part:
            raise errors.PATH_FIELD_NUL()
    return FieldPath(text, parts)


def is_index(part: str) -> bool:
    """Whether a component can be an array position: decimal digits without a leading zero ("0" itself is one)."""
    return part.isascii() and part.isdigit() and (part == "0" or part[0] != "0")


# Through documents only


def get(document: Any, path: FieldPath) -> Any:
    """The value at the path, or MISSING; an array or a scalar on the way is MISSING."""
    value = document
    for part in path.parts:
        if type(value) is not dict:
            return MISSING
        value = value.get(part, MISSING)
    return value


# The reading of expressions


def evaluate(document: Any, path: FieldPath) -> Any:
    """The value of "$path": through documents, and through arrays as an array of what their documents hold.

    result   MISSING where nothing is; never MISSING inside a resulting array
    source   manual, Field Paths
    """
    return _evaluate(document, path.parts, 0)


def _evaluate(value: Any, parts: tuple[str, ...], at: int) -> Any:
    while at < len(parts):
        if type(value) is list:
            found = (_evaluate(element, parts, at) for element in value if type(element) is dict)
            return [each for each in found if each is not MISSING]
        if type(value) is not dict:
            return MISSING
        value = value.get(parts[at], MISSING)
        at += 1
    return value


def bind_evaluate(path: FieldPath) -> Callable[[dict[str, Any]], Any]:
    """`evaluate` for one path, worked out once."""
    parts = path.parts
    if len(parts) == 1:
        name = parts[0]
        return lambda document: document.get(name, MISSING)
    return lambda document: _evaluate(document, parts, 0)


# The reading of queries


class Leaf(NamedTuple):
    """One value that a query path reaches.

    value      the value, or MISSING where the path ends in nothing
    position   the place in the outermost array that was searched on the way, which the positional `$` stands for;
               None without one, as where the path names all places itself
    """

    value: Any
    position: int | None


def expand(document: Any, path: FieldPath, *, leaf_arrays: bool = True) -> Iterator[Any]:
    """The values that a filter on the path looks at, in order; a filter matches if any of them does.

    leaf_arrays   True: an array at the end gives its elements, then itself. False: itself alone ($size, $elemMatch)
    result        MISSING for a document on the way that has no such field. An array on the way that holds no
                  documents gives nothing at all, so that {"a.b": null} does not match {a: [1]}
    source        manual, Query an Array of Embedded Documents
    """
    for leaf in _leaves(document, path.parts, 0, None, leaf_arrays):
        yield leaf[0]


def expand_located(document: Any, path: FieldPath, *, leaf_arrays: bool = True) -> Iterator[Leaf]:
    """Like `expand`, with the position in the outermost array that was searched for each value."""
    for value, index in _leaves(document, path.parts, 0, None, leaf_arrays):
        yield Leaf(value, index)


def bind_any(
    path: FieldPath, predicate: Callable[[Any], bool], *, leaf_arrays: bool = True
) -> Callable[[dict[str, Any]], bool]:
    """A closure that says whether any value of `expand` satisfies the predicate.

    predicate   takes one value or MISSING
    """
    parts = path.parts
    if len(parts) == 1:
        return _bind_any_field(parts[0], predicate, leaf_arrays)

    def any_value(document: dict[str, Any]) -> bool:
        value: Any = document
        for at, part in enumerate(parts):
            if type(value) is not dict:
                if type(value) is list:
                    return any(predicate(leaf) for leaf, _ in _through_array(value, parts, at, None, leaf_arrays))
                return predicate(MISSING)
            value = value.get(part, MISSING)
        if leaf_arrays and type(value) is list:
            for element in value:
                if predicate(element):
                    return True
        return predicate(value)

    return any_value


def _bind_any_field(name: str, predicate: Callable[[Any], bool], leaf_arrays: bool) -> Callable[[dict[str, Any]], bool]:
    if not leaf_arrays:
        return lambda document: predicate(document.get(name, MISSING))

    def any_value(document: dict[str, Any]) -> bool:
        value = document.get(name, MISSING)
        if type(value) is list:
            for element in value:
                if predicate(element):
                    return True
        return predicate(value)

    return any_value


_Found = tuple[Any, int | None]


def _leaves(value: Any, parts: tuple[str, ...], at: int, index: int | None, leaf_arrays: bool) -> Iterator[_Found]:
    """What the components from `at` on reach, beginning in a document."""
    while at < len(parts):
        if type(value) is not dict:
            if type(value) is list:
                yield from _through_array(value, parts, at, index, leaf_arrays)
            else:
                yield MISSING, index
            return
        value = value.get(parts[at], MISSING)
        at += 1
    if leaf_arrays and type(value) is list:
        for position, element in enumerate(value):
            yield element, position if index is None else index
    yield value, index


def _through_array(
    array: list[Any], parts: tuple[str, ...], at: int, index: int | None, leaf_arrays: bool
) -> Iterator[_Found]:
    """Each document of the array; and the element at the position that the next component may name.

    An array inside the array is entered by position only. A position that the path itself names is not one that the
    match has found: the positional `$` does not stand for it.
    """
    position_named = int(parts[at]) if is_index(parts[at]) else -1
    for position, element in enumerate(array):
        kind = type(element)
        if kind is dict:
            yield from _leaves(element, parts, at, position if index is None else index, leaf_arrays)
        if position == position_named:
            if at + 1 == len(parts):
                yield element, index
            elif kind is dict:
                yield from _leaves(element, parts, at + 1, index, leaf_arrays)
            elif kind is list:
                yield from _through_array(element, parts, at + 1, index, leaf_arrays)
