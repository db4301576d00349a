"""The keys of hashed indexes: a 64-bit hash in the place of one value. Source: manual, Hashed Indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from amongo.errors import index as errors
from amongo.mql.index_keys.paths import NO_ARRAYS, Combination, Path, walk
from amongo.values.hashes import hashed_value
from amongo.values.missing import MISSING


def bind_hashed(
    paths: tuple[Path, ...], hashed: tuple[bool, ...], is_sparse: bool
) -> Callable[[dict[str, Any]], Iterator[Combination]]:
    """The keys of a hashed index.

    hashed    for each path, whether its value is hashed
    errors    the function raises HASHED_ARRAY
    """

    def combinations(document: dict[str, Any]) -> Iterator[Combination]:
        values: list[Any] = []
        missing = 0
        for path, is_hashed in zip(paths, hashed, strict=True):
            value, _ = walk(document, path)
            if type(value) is list:
                raise errors.HASHED_ARRAY(path=".".join(path))
            missing += value is MISSING
            plain = None if value is MISSING else value
            values.append(hashed_value(plain) if is_hashed else plain)
        if not (is_sparse and missing == len(paths)):
            yield Combination(values, missing, NO_ARRAYS)

    return combinations
