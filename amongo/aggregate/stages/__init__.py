"""The stages: one file each, entered in the registry on import."""

from amongo.aggregate.stages import (
    add_fields,
    bucket,
    bucket_auto,
    count,
    documents,
    facet,
    geo_near,
    graph_lookup,
    group,
    limit,
    lookup,
    match,
    project,
    redact,
    replace_root,
    sample,
    skip,
    sort,
    sort_by_count,
    union_with,
    unset,
    unwind,
)
from amongo.aggregate.stages.not_yet import NOT_YET
from amongo.aggregate.stages.registry import DOCUMENTATION, STAGES

__all__ = ["DOCUMENTATION", "FILES", "NOT_YET", "STAGES"]

FILES = (
    add_fields,
    bucket,
    bucket_auto,
    count,
    documents,
    facet,
    geo_near,
    graph_lookup,
    group,
    limit,
    lookup,
    match,
    project,
    redact,
    replace_root,
    sample,
    skip,
    sort,
    sort_by_count,
    union_with,
    unset,
    unwind,
)
"""The modules whose import fills the registry."""
