"""Pipelines that speak of what is known of documents beside their fields: scores, the distance and the place.

A document carries its metadata under names that no field can have (`mql.metadata`), from the search, the $geoNear or
the fusion at the start of the pipeline, or a $score in it, to the last stage that asks for it; behind that it is taken
away. Stages that give one document for one keep it, whatever becomes of the fields. Other stages in between are
refused. Source: manual, $meta; Text Search in the Aggregation Pipeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.pipeline import Pipeline
from amongo.aggregate.stages.geo_near import GeoNear
from amongo.aggregate.stages.match import Match
from amongo.aggregate.stages.rank_fusion import RankFusion
from amongo.aggregate.stages.score import Score
from amongo.aggregate.stages.score_fusion import ScoreFusion
from amongo.errors import query as errors
from amongo.mql.matcher import searches
from amongo.mql.metadata import CARRIED, asked_keywords, metadata_field, without_metadata

_FIELDS: Final = tuple(map(metadata_field, CARRIED))
_BROUGHT_BY_NEAR: Final = {"geoNearDistance": "$geoNear distance", "geoNearPoint": "$geoNear point"}

# Stages that pass documents on as they are, or copy all of their fields, and those that give another one for each.
_PASSING: Final = frozenset(
    {"$match", "$sort", "$limit", "$skip", "$unwind", "$group", "$setWindowFields", "$fill", "$densify"}
)
_CHANGING: Final = frozenset({"$project", "$addFields", "$set", "$unset", "$replaceRoot", "$replaceWith"})


def carried_keywords(pipeline: Pipeline, specs: list[Any]) -> frozenset[str]:
    """The metadata that a pipeline asks for, which its first stage has to bring.

    specs    its stages as they were written
    errors   META_NOT_AVAILABLE
    """
    asked = asked_keywords(specs) & CARRIED.keys()
    if not asked:
        return asked
    first = pipeline.stages[0] if pipeline.stages else None
    if "textScore" in asked and not (isinstance(first, Match) and any(True for _ in searches(first.filter))):
        raise errors.META_NOT_AVAILABLE(what="text score")
    if not isinstance(first, GeoNear):
        for keyword in asked & _BROUGHT_BY_NEAR.keys():
            raise errors.META_NOT_AVAILABLE(what=_BROUGHT_BY_NEAR[keyword])
    scoring = [stage for stage in pipeline.stages if isinstance(stage, RankFusion | ScoreFusion | Score)]
    if "score" in asked and not scoring:
        raise errors.META_NOT_AVAILABLE(what="score")
    if "scoreDetails" in asked and not any(stage.has_details for stage in scoring):
        raise errors.META_NOT_AVAILABLE(what="scoreDetails")
    return asked


def run_with_metadata(
    pipeline: Pipeline, specs: list[Any], source: Iterable[Document], environment: Environment
) -> Iterator[Document]:
    """The documents that come out of a pipeline, lazily.

    pipeline   it begins with the stage that brings the metadata, or behind the search that did
    specs      its stages as they were written
    source     the documents that go in; behind a search, with their metadata
    errors     META_NOT_AVAILABLE behind a $group, NOT_SUPPORTED_YET for a stage that metadata does not pass through
    """
    first = pipeline.stages[0] if pipeline.stages else None
    if isinstance(first, GeoNear | RankFusion | ScoreFusion):
        source = first.carrying().bind()(source, environment)
        pipeline, specs = pipeline.after(1), specs[1:]
    last = max((place for place, spec in enumerate(specs) if asked_keywords(spec) & CARRIED.keys()), default=-1)
    for place in range(last + 1):
        name = pipeline.names[place]
        stage = pipeline.only(place)
        whole = _speaks_of_whole(specs[place])
        scoring = pipeline.stages[place]
        if isinstance(scoring, Score):
            source = scoring.carrying().bind()(source, environment)
            continue
        if name == "$group" and place < last:
            raise errors.META_NOT_AVAILABLE(what="document")
        if name in _PASSING and not whole:
            source = stage.run(source, environment)
        elif name in _CHANGING and not whole:
            source = _each(stage, source, environment)
        else:
            raise errors.NOT_SUPPORTED_YET(name="$meta", reason=f"metadata does not pass through {name} yet")
    return pipeline.after(last + 1).run(map(without_metadata, source), environment)


def _each(stage: Pipeline, source: Iterable[Document], environment: Environment) -> Iterator[Document]:
    """The documents of a stage that gives one for each, with the metadata of those it came from."""
    for document in source:
        (changed,) = stage.run((document,), environment)
        yield changed | {name: document[name] for name in _FIELDS if name in document}


def _speaks_of_whole(spec: Any) -> bool:
    """Whether a stage puts the whole document somewhere, and the metadata with it."""
    if type(spec) is str:
        return spec in ("$$ROOT", "$$CURRENT")
    inner = spec if type(spec) is list else spec.values() if type(spec) is dict else ()
    return any(map(_speaks_of_whole, inner))
