"""The values that a document gives to the fields of an index: one combination for each key.

A missing field counts as null. An array on the way gives a combination for each of its elements; paths into the same
array move together, and paths into two different arrays are refused. An empty array stands as undefined. A numeric
component names a place of an array: what stands there is taken alone, and an array there is taken whole.

Source: manual, Multikey Indexes, "Compound Multikey Indexes"; Indexes on Embedded Fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from amongo.errors import index as errors
from amongo.values.deprecated import UNDEFINED
from amongo.values.missing import MISSING
from amongo.values.paths import is_index
from amongo.values.wording import shown

Path = tuple[str, ...]
Values = list[Any]

Arrays = frozenset[tuple[int, int]] | frozenset[str]
"""Where arrays were: (number of the path, number of its component); of a wildcard index, paths."""

NO_ARRAYS: Final[Arrays] = frozenset()
_END: Final[Path] = ()


class Place(NamedTuple):
    """What a numeric component of a path stands for in an array.

    element   the element at that place
    array     the array
    value     where the walk from there ends: a scalar or document at the path's end, an array before, or MISSING
    rest      what is left of the path there
    """

    element: Any
    array: list[Any]
    value: Any
    rest: Path


class Combination(NamedTuple):
    """The values of one key.

    values       one for each path
    missing      how many of them are of missing fields
    arrays       where arrays that their elements stand for were on the way
    """

    values: Values
    missing: int
    arrays: Arrays


def combinations(paths: tuple[Path, ...], document: dict[str, Any]) -> Iterator[Combination]:
    """The combinations of values that a document has for the paths; the same one may come twice.

    errors   PARALLEL_ARRAYS, AMBIGUOUS_FIELD
    """
    none: list[Place | None] = [None] * len(paths)
    return _combinations(paths, list(paths), [None] * len(paths), document, none, 0, frozenset())


def walk(value: Any, path: Path) -> tuple[Any, Path]:
    """(value, what is left of the path) at the end of a path, or at the first array on the way; MISSING if it ends.

    value   a document, or an array entered by the place that the path names
    """
    while path:
        name, path = path[0], path[1:]
        if type(value) is dict:
            value = value.get(name, MISSING)
        elif type(value) is list and is_index(name) and int(name) < len(value):
            value = value[int(name)]
        else:
            return MISSING, _END
        if type(value) is list:
            break
    return value, path


def _combinations(
    paths: tuple[Path, ...],
    rests: list[Path],
    fixed: Values,
    document: dict[str, Any],
    places: list[Place | None],
    missing: int,
    arrays: frozenset[tuple[int, int]],
) -> Iterator[Combination]:
    """Walk each path that is not at its end yet to a value or an array; then go on for each element of the array.

    fixed    the values found so far
    places   for each path, the place that its next component names in the array that has been entered
    """
    array: list[Any] | None = None
    entered: list[int] = []
    here: list[int] = []  # those of them that are not in it by the place that another array gave
    takes_elements = True
    first = ""
    for number, rest in enumerate(rests):
        if not rest:
            continue
        value, left, is_nested = _step(document, places[number], rest)
        rests[number] = left
        if type(value) is list:
            if array is not None and value is not array:
                raise errors.PARALLEL_ARRAYS(one=_last(rest, left), other=first)
            array, first = value, first or _last(rest, left)
            entered.append(number)
            takes_elements = takes_elements and not (is_nested and not left)
            if not is_nested:
                here.append(number)
        else:
            if value is MISSING:
                missing += 1
            fixed[number] = None if value is MISSING else value
            rests[number] = _END
    if array is None:
        yield Combination(fixed, missing, arrays)
        return
    inner = [_place(array, rest) if rest else None for rest in rests]
    arrays |= {(number, len(paths[number]) - len(rests[number]) - 1) for number in here if inner[number] is None}
    for element in array or [UNDEFINED]:
        values = list(fixed)
        for number in entered:
            if not rests[number]:
                values[number] = element if takes_elements else array
        below = element if type(element) is dict else {}
        yield from _combinations(paths, list(rests), values, below, inner, missing, arrays)


def _step(document: dict[str, Any], place: Place | None, rest: Path) -> tuple[Any, Path, bool]:
    """(value, what is left of the path, whether it is an array that a place of another array holds)."""
    if rest[0] in document:
        if place is not None:
            raise errors.AMBIGUOUS_FIELD(name=rest[0], array=shown(place.array))
        return *walk(document, rest), False
    if place is not None:
        return place.value, place.rest, type(place.element) is list
    return MISSING, _END, False


def _place(array: list[Any], rest: Path) -> Place | None:
    """What the next component of a path stands for in an array; None where it names no place of it."""
    if not is_index(rest[0]) or int(rest[0]) >= len(array):
        return None
    return Place(array[int(rest[0])], array, *walk(array, rest))


def _last(rest: Path, left: Path) -> str:
    """The component of a path at which the walk stopped."""
    return rest[len(rest) - len(left) - 1]
