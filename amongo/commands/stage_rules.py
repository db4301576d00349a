"""What the options of an aggregate command say of its stages: the Stable API, and read concerns.

Source: manual, Stable API; the pages of the stages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from amongo.errors import command as errors
from amongo.errors.diagnosis import LOCAL_READ_CONCERN, MAJORITY_READ_CONCERN

NOT_IN_API: Final = frozenset(
    {
        "$currentOp",
        "$indexStats",
        "$listCatalog",
        "$listClusterCatalog",
        "$listLocalSessions",
        "$listSampledQueries",
        "$listSearchIndexes",
        "$listSessions",
        "$planCacheStats",
        "$querySettings",
        "$queryStats",
        "$rankFusion",
        "$scoreFusion",
        "$search",
        "$searchMeta",
        "$vectorSearch",
    }
)
"""Stages that version 1 of the Stable API does not have."""

_LOCAL_ONLY: Final = frozenset(
    {
        "$currentOp",
        "$listCatalog",
        "$listClusterCatalog",
        "$listLocalSessions",
        "$listSampledQueries",
        "$planCacheStats",
        "$querySettings",
        "$queryStats",
    }
)


_STREAM_OPTIONS_NOT_IN_API: Final = ("showExpandedEvents", "showRawUpdateDescription", "showSystemEvents")


def check_stages(pipeline: list[dict[str, Any]], document: Mapping[str, Any]) -> None:
    """Refuse stages that the other options of the command do not allow.

    pipeline   as it was written, and found to be right
    document   the command document
    errors     STAGE_NOT_IN_API, STREAM_OPTION_NOT_IN_API under `apiStrict`; LOCAL_READ_CONCERN, MAJORITY_READ_CONCERN
    """
    if document.get("apiStrict") is True:
        for name, spec in _stages(pipeline):
            is_more_than_count = name == "$collStats" and spec.keys() != {"count"}
            if name in NOT_IN_API or is_more_than_count:
                raise errors.STAGE_NOT_IN_API(name=name)
            for option in _STREAM_OPTIONS_NOT_IN_API if name == "$changeStream" else ():
                if option in spec:
                    raise errors.STREAM_OPTION_NOT_IN_API(option=option)
    concern = document.get("readConcern") or {}
    level = concern.get("level") or "local"
    if "level" in concern and level != "majority" and pipeline and "$changeStream" in pipeline[0]:
        raise MAJORITY_READ_CONCERN(name="$changeStream", level=level)
    if level != "local":
        for name, _ in _stages(pipeline):
            if name in _LOCAL_ONLY:
                raise LOCAL_READ_CONCERN(name=name, level=level)


def _stages(pipeline: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for stage in pipeline:
        yield from stage.items()
