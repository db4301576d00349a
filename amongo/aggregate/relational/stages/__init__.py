"""Stages on frames: their import fills the registry."""

from amongo.aggregate.relational.stages import (
    add_fields,
    bucket,
    bucket_auto,
    count,
    facet,
    group,
    lookup,
    match,
    order,
    project,
    replace_root,
    sample,
    set_window_fields,
    stacked,
    union_with,
    unwind,
)

__all__ = [
    "add_fields",
    "bucket",
    "bucket_auto",
    "count",
    "facet",
    "group",
    "lookup",
    "match",
    "order",
    "project",
    "replace_root",
    "sample",
    "set_window_fields",
    "stacked",
    "union_with",
    "unwind",
]
