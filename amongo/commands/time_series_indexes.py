"""Which indexes a time series collection can have.

The server indexes buckets: of a measurement's field it knows the smallest and the largest value in a bucket, of the
metadata the value itself. So what needs single values is refused but on the metadata. Source: manual, Time Series
Secondary Indexes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from amongo.commands.index_patterns import GEO_2D, HASHED, TEXT, is_wildcard
from amongo.commands.time_series_options import SeriesOptions
from amongo.engine.indexes import Definition
from amongo.errors import index as index_errors
from amongo.errors import time_series as errors
from amongo.values.wording import shown

_ON_METADATA: Final = frozenset({HASHED, GEO_2D})


def check_series_indexes(options: SeriesOptions, definitions: Iterable[Definition]) -> None:
    """Refuse the indexes that a time series collection cannot have.

    errors   INDEX_OPTION, INDEX_KIND, TTL_INDEX, TWO_WILDCARDS, CANNOT_CREATE
    """
    for definition in definitions:
        for name in ("unique", "prepareUnique"):
            if definition.get(name):
                raise errors.INDEX_OPTION(name=name)
        pattern = definition["key"]
        is_on_metadata = all(_is_metadata(name, options) for name in pattern)
        for name, kind in pattern.items():
            if kind == TEXT:
                raise errors.INDEX_KIND(kind=TEXT)
            if kind in _ON_METADATA and not _is_metadata(name, options):
                raise index_errors.CANNOT_CREATE(
                    message=f"Invalid index spec for time-series collection: {shown(pattern)}. Indexes of kind "
                    f"'{kind}' are only supported on the metaField"
                )
            if is_wildcard(name) and not _is_metadata(name, options):
                raise index_errors.TWO_WILDCARDS()
        if definition.get("sparse") and not is_on_metadata:
            raise errors.INDEX_OPTION(name="sparse")
        if "expireAfterSeconds" in definition and not _can_expire(definition, options):
            raise errors.TTL_INDEX()


def _is_metadata(name: str, options: SeriesOptions) -> bool:
    return options.meta_field is not None and name.partition(".")[0] == options.meta_field


def _can_expire(definition: Mapping[str, Any], options: SeriesOptions) -> bool:
    """A lifetime on the time, of measurements that their metadata chooses."""
    partial = definition.get("partialFilterExpression") or {}
    return (
        list(definition["key"]) == [options.time_field] and bool(partial) and _fields(partial) <= {options.meta_field}
    )


def _fields(filter: Mapping[str, Any]) -> set[str | None]:
    """The top-level fields that a filter names."""
    names: set[str | None] = set()
    for name, condition in filter.items():
        if not name.startswith("$"):
            names.add(name.partition(".")[0])
        elif type(condition) is list:
            for each in condition:
                names |= _fields(each)
    return names
