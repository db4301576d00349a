"""From the definition of an index to the maker of its keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from amongo.mql.index_keys.cutting import bind_cut
from amongo.mql.index_keys.geographic import bind_plane, bind_sphere
from amongo.mql.index_keys.hashed import bind_hashed
from amongo.mql.index_keys.maker import Combinations, KeyMaker
from amongo.mql.index_keys.paths import NO_ARRAYS, Combination, Path, combinations
from amongo.mql.index_keys.wildcard import bind_wildcard
from amongo.mql.matcher import parse_filter
from amongo.mql.projections import parse_projection
from amongo.mql.text import bind_terms
from amongo.values.collation import collator
from amongo.values.numbers import to_double


def key_maker(definition: Mapping[str, Any]) -> KeyMaker:
    """The maker of an index's keys.

    definition   as listIndexes shows it
    errors       NEEDS_ICU and VARIANT_GONE of its collation
    """
    pattern: Mapping[str, Any] = definition["key"]
    kind = next((value for value in pattern.values() if type(value) is str), "")
    wildcard = next((name for name in pattern if name.endswith("$**")), None)
    strings = collator(definition.get("collation"))
    directions = [-1 if type(value) is not str and to_double(value) < 0 else 1 for value in pattern.values()]
    collators = [strings] * len(pattern)
    if kind == "" and wildcard is not None:
        place = list(pattern).index(wildcard)
        directions.insert(place, 1)
        collators.insert(place, None)
    partial = definition.get("partialFilterExpression")
    is_flat = not kind and wildcard is None and not any("." in name for name in pattern)
    return KeyMaker(
        definition,
        _combinations(definition, kind),
        tuple(directions),
        tuple(collators),
        parse_filter(partial, collator=strings).bind() if partial else None,
        next(iter(pattern)) if is_flat and len(pattern) == 1 else None,
        bind_cut(list(pattern), directions, is_sparse=bool(definition.get("sparse")))
        if is_flat and strings is None and not partial
        else None,
        not kind,
    )


def _combinations(definition: Mapping[str, Any], kind: str) -> Combinations:
    pattern = definition["key"]
    paths: tuple[Path, ...] = tuple(tuple(name.split(".")) for name in pattern)
    is_sparse = bool(definition.get("sparse"))
    if kind == "text":
        values = bind_terms(definition)
        return lambda document: (Combination(each, 0, NO_ARRAYS) for each in values(document))
    if kind == "2dsphere":
        return bind_sphere(pattern)
    if kind == "2d":
        return bind_plane(definition)
    if kind == "hashed":
        return bind_hashed(paths, tuple(value == "hashed" for value in pattern.values()), is_sparse)
    if not kind and any(name.endswith("$**") for name in pattern):
        projection = definition.get("wildcardProjection")
        if projection and "_id" not in projection:
            projection = {**projection, "_id": 0}
        return bind_wildcard(pattern, parse_projection(projection, is_stage=True).apply if projection else None)
    return _bind_ordered(paths, is_sparse)


def _bind_ordered(paths: tuple[Path, ...], is_sparse: bool) -> Callable[[dict[str, Any]], Iterator[Combination]]:
    """The keys of an index of plain values; a sparse one leaves out documents that have none of its fields."""
    if not is_sparse:
        return lambda document: combinations(paths, document)
    count = len(paths)
    return lambda document: (each for each in combinations(paths, document) if each.missing < count)
