"""Where a stage may stand: rules that are checked for the whole pipeline before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from amongo.errors import Condition
from amongo.errors import pipeline as errors
from amongo.errors import stages as stage_errors


@dataclass(frozen=True, slots=True)
class Position:
    """Where one stage may stand.

    first                 only at the start of a pipeline
    last                  only at the end of a pipeline
    in_facet, in_lookup, in_union   whether a sub-pipeline of that stage may hold it
    needs_collection      False: only in a pipeline without a collection; None: in both kinds
    nested                the error in any sub-pipeline, where it is one of the stage's own
    misplaced             the error where a stage has to be the first or the last and is not, if it is one of its own
    """

    first: bool = False
    last: bool = False
    in_facet: bool = True
    in_lookup: bool = True
    in_union: bool = True
    needs_collection: bool | None = True
    nested: Condition | None = None
    misplaced: Condition | None = None


_SOURCE: Final = Position(first=True, in_facet=False)
_FUSION: Final = Position(first=True, misplaced=stage_errors.FUSION_NOT_FIRST)
_WRITER: Final = Position(last=True, in_facet=False, in_lookup=False, in_union=False)

POSITIONS: Final[dict[str, Position]] = {
    "$changeStream": Position(first=True, in_facet=False, needs_collection=None, nested=errors.CHANGE_STREAM_NESTED),
    "$changeStreamSplitLargeEvent": Position(
        last=True,
        in_facet=False,
        needs_collection=None,
        nested=errors.ONLY_IN_CHANGE_STREAM,
        misplaced=errors.SPLIT_NOT_LAST,
    ),
    "$collStats": _SOURCE,
    "$currentOp": Position(first=True, in_facet=False, in_lookup=False, in_union=False, needs_collection=None),
    "$documents": Position(first=True, in_facet=False, needs_collection=False),
    "$facet": Position(in_facet=False),
    "$geoNear": _SOURCE,
    "$indexStats": _SOURCE,
    "$listCatalog": Position(first=True, in_facet=False, needs_collection=None),
    "$listClusterCatalog": Position(first=True, in_facet=False, needs_collection=None),
    "$listLocalSessions": Position(first=True, in_facet=False, in_lookup=False, in_union=False, needs_collection=False),
    "$listSampledQueries": Position(first=True, in_facet=False, needs_collection=None),
    "$listSessions": Position(first=True, in_facet=False, in_lookup=False, in_union=False),
    "$merge": _WRITER,
    "$out": _WRITER,
    "$planCacheStats": _SOURCE,
    "$querySettings": Position(first=True, in_facet=False, needs_collection=False),
    "$rankFusion": _FUSION,
    "$scoreFusion": _FUSION,
    "$queryStats": Position(first=True, in_facet=False, needs_collection=False),
}
"""Rules of the stages that have any; a stage that is not here may stand anywhere in a pipeline on a collection.
Source: manual, the "Restrictions" or "Behavior" section of each stage."""

ANYWHERE: Final = Position()

IN_CHANGE_STREAM: Final = frozenset(
    {
        "$addFields",
        "$changeStream",
        "$changeStreamSplitLargeEvent",
        "$match",
        "$project",
        "$redact",
        "$replaceRoot",
        "$replaceWith",
        "$set",
        "$unset",
    }
)
"""The stages that a change stream may consist of. Source: manual, Change Streams, Modify Change Stream Output."""
