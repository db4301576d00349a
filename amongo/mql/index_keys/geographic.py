"""The keys of geospatial indexes: the squares of the sphere or the plane that a place lies in, by their numbers, beside
the values of the other fields. Source: manual, 2dsphere Indexes, 2d Indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from bson import Int64

from amongo.mql.geo.index_values import plane_numbers, sphere_numbers
from amongo.mql.geo.plane_grid import plane_grid
from amongo.mql.index_keys.paths import Combination, combinations
from amongo.values.paths import query_path

Document = dict[str, Any]
Numbers = Callable[[Document], list[list[int]]]
"""The numbers of a document's places, for each geospatial field of the index."""


def bind_sphere(pattern: Mapping[str, Any]) -> Callable[[Document], Iterator[Combination]]:
    """The keys of a 2dsphere index: none for a document without a place in any of its geospatial fields.

    errors   the function raises SPHERE_KEYS
    """
    paths = [query_path(name) for name, kind in pattern.items() if kind == "2dsphere"]
    return _beside(pattern, lambda document: [sphere_numbers(document, path) for path in paths])


def bind_plane(definition: Mapping[str, Any]) -> Callable[[Document], Iterator[Combination]]:
    """The keys of a 2d index: none for a document without a place.

    errors   the function raises those of `plane_numbers`
    """
    pattern = definition["key"]
    path = query_path(next(iter(pattern)))
    grid = plane_grid(definition)
    return _beside(pattern, lambda document: [plane_numbers(document, path, grid)])


def _beside(pattern: Mapping[str, Any], numbers: Numbers) -> Callable[[Document], Iterator[Combination]]:
    """The keys of the fields beside the places, for documents that have one."""
    names = list(pattern)
    others = [place for place, kind in enumerate(pattern.values()) if type(kind) is not str]
    places = [place for place, kind in enumerate(pattern.values()) if type(kind) is str]
    paths = tuple(tuple(names[place].split(".")) for place in others)

    def found(document: Document) -> Iterator[Combination]:
        of_fields = numbers(document)
        if not any(of_fields):
            return
        several = frozenset(
            (place, names[place].count(".")) for place, found in zip(places, of_fields, strict=True) if len(found) > 1
        )
        choices: list[Sequence[Any]] = [[Int64(number) for number in found] or [None] for found in of_fields]
        for each in combinations(paths, document):
            arrays = several | {(others[at[0]], at[1]) for at in each.arrays if isinstance(at, tuple)}
            for chosen in product(*choices):
                values: list[Any] = [None] * len(names)
                for place, value in zip((*others, *places), (*each.values, *chosen), strict=True):
                    values[place] = value
                yield Combination(values, each.missing, arrays)

    return found
