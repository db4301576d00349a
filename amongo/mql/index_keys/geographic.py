"""The keys of geospatial indexes. Source: manual, 2dsphere Indexes, 2d Indexes.

An entry says which documents have a place and what their other fields hold. Which cells of the sphere or the plane the
place lies in comes with index-backed geospatial plans (the Scale issue): until then the place stands as null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from amongo.mql.geo.index_values import has_plane_place, has_sphere_place
from amongo.mql.geo.near_index import DEFAULT_BOUNDS
from amongo.mql.index_keys.paths import Combination, combinations
from amongo.values.paths import query_path

Document = dict[str, Any]


def bind_sphere(pattern: Mapping[str, Any]) -> Callable[[Document], Iterator[Combination]]:
    """The keys of a 2dsphere index: none for a document without a place in any of its geospatial fields.

    errors   the function raises SPHERE_KEYS
    """
    paths = [query_path(name) for name, kind in pattern.items() if kind == "2dsphere"]

    def has_place(document: Document) -> bool:
        found = [has_sphere_place(document, path) for path in paths]  # all are looked at, for what they refuse
        return any(found)

    return _beside(pattern, has_place)


def bind_plane(definition: Mapping[str, Any]) -> Callable[[Document], Iterator[Combination]]:
    """The keys of a 2d index: none for a document without a place.

    errors   the function raises those of `has_plane_place`
    """
    pattern = definition["key"]
    path = query_path(next(iter(pattern)))
    low, high = definition.get("min", DEFAULT_BOUNDS[0]), definition.get("max", DEFAULT_BOUNDS[1])
    return _beside(pattern, lambda document: has_plane_place(document, path, low, high))


def _beside(
    pattern: Mapping[str, Any], has_place: Callable[[Document], bool]
) -> Callable[[Document], Iterator[Combination]]:
    """The keys of the fields beside the places, for documents that have one."""
    others = [number for number, kind in enumerate(pattern.values()) if type(kind) is not str]
    names = list(pattern)
    paths = tuple(tuple(names[number].split(".")) for number in others)

    def found(document: Document) -> Iterator[Combination]:
        if not has_place(document):
            return
        for each in combinations(paths, document):
            values: list[Any] = [None] * len(names)
            for number, value in zip(others, each.values, strict=True):
                values[number] = value
            yield Combination(values, each.missing, each.arrays)

    return found
