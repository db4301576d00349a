"""$rankFusion: the results of several pipelines as one list, by the ranks that documents have in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.spilling import Kept
from amongo.aggregate.stages.fusion import (
    SCORE,
    SCORE_DETAILS,
    SEARCHES,
    Fused,
    best_first,
    carrying_runs,
    found_by,
    fuse,
    object_fields,
    parse_pipelines,
    parse_weights,
    required,
)
from amongo.aggregate.stages.geo_near import GeoNear
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.sample import Sample
from amongo.aggregate.stages.sort import Sort
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import stages as errors
from amongo.mql.metadata import metadata_field, without_metadata
from amongo.values.key_bytes import key_bytes
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.aggregate.pipeline import Pipeline

_RANK_CONSTANT: Final = 60  # manual, $rankFusion, "Reciprocal Rank Fusion (RRF) Formula"
_DISTANCE: Final = metadata_field("geoNearDistance")
_DESCRIPTION: Final = (
    "value output by reciprocal rank fusion algorithm, computed as sum of (weight * (1 / (60 + rank))) across input "
    "pipelines from which this document is output, from:"
)


@dataclass(frozen=True, slots=True)
class RankFusion(Stage):
    """The pipelines and the weights of their ranks, by name.

    has_details   whether documents can tell how their scores came about
    carries       documents carry their scores beside their fields, for `$meta`
    """

    pipelines: dict[str, Pipeline]
    weights: dict[str, float]
    has_details: bool
    carries: bool = False

    def carrying(self) -> RankFusion:
        """The same stage, for stages behind it that ask for `$meta`."""
        return replace(self, carries=True)

    def bind(self) -> Run:
        runs = [carrying_runs(pipeline) for pipeline in self.pipelines.values()]
        orders = [_last_order(pipeline) for pipeline in self.pipelines.values()]

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            kept = Kept.of(documents, environment, "$rankFusion")
            try:
                results = [found_by(each, kept, environment) for each in runs]
            finally:
                kept.close()
            ranks = [_ranks(order, result) for order, result in zip(orders, results, strict=True)]
            scored = (self._scored(fused, ranks) for fused in fuse(results, environment))
            yield from best_first(scored, environment)

        return run

    def _scored(self, fused: Fused, ranks: list[list[int]]) -> tuple[float, Document]:
        """A document's score, and the document with what it carries."""
        score = 0.0
        details: list[Document] = []
        for number, (name, weight) in enumerate(self.weights.items()):
            place = fused.places[number]
            if place is None:
                details.append({"inputPipelineName": name, "rank": "NA"})
                continue
            rank = ranks[number][place]
            score += weight * (1 / (_RANK_CONSTANT + rank))
            details.append({"inputPipelineName": name, "rank": rank, "weight": weight, "details": []})
        document = without_metadata(fused.document)
        if self.carries:
            document[SCORE] = score
            if self.has_details:
                document[SCORE_DETAILS] = {"value": score, "description": _DESCRIPTION, "details": details}
        return score, document


def _last_order(pipeline: Pipeline) -> Stage:
    """The stage that says in which order documents come out."""
    return next(stage for stage in reversed(pipeline.stages) if isinstance(stage, Sort | Sample | GeoNear))


def _ranks(order: Stage, documents: list[Document]) -> list[int]:
    """The rank of each document, from 1; what the order does not tell apart has one rank, and the next ranks are left
    out."""
    if isinstance(order, Sample):
        return list(range(1, len(documents) + 1))
    ranks: list[int] = []
    last = None
    for place, document in enumerate(documents, 1):
        if isinstance(order, Sort):
            key = order.pattern.key(document, order.collator)
        else:
            key = key_bytes(document.get(_DISTANCE))
        ranks.append(ranks[-1] if key == last else place)
        last = key
    return ranks


@stage("$rankFusion")
def parse_rank_fusion(spec: Any, surroundings: Surroundings) -> RankFusion:
    """The results of several pipelines as one list, by the ranks that documents have in them.

    spec     {input: {pipelines: {name: [stages]}}, combination: {weights: {name: number}}, scoreDetails: bool}; the
             stages select documents and order them
    result   each document once, by its score: the sum of weight / (60 + rank) over the pipelines that found it; the
             score is `{$meta: "score"}`, with scoreDetails how it came about is `{$meta: "scoreDetails"}`
    errors   the FUSION_, RANK_FUSION_ and WEIGHT conditions, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE, those of the
             stages
    source   manual, $rankFusion
    """
    if type(spec) is not dict:
        raise errors.FUSION_NOT_OBJECT(name="$rankFusion", kind=alias(spec))
    types = {"input": "object", "combination": "object", "scoreDetails": "bool"}
    fields = object_fields("$rankFusion", spec, types)
    given = object_fields("$rankFusion.input", required("$rankFusion", fields, "input"), {"pipelines": "object"})
    combination = object_fields("$rankFusion.combination", fields.get("combination", {}), {"weights": "object"})
    specs = required("$rankFusion.input", given, "pipelines")
    pipelines = parse_pipelines("$rankFusion", specs, errors.RANK_FUSION_CHANGES, frozenset(), surroundings)
    for name, pipeline in pipelines.items():
        if "$sort" not in pipeline.names and pipeline.names[0] not in (*SEARCHES, "$geoNear"):
            raise errors.RANK_FUSION_UNRANKED(pipeline=name)
    weights = parse_weights("$rankFusion", combination.get("weights", {}), pipelines)
    return RankFusion(pipelines, weights, bool(fields.get("scoreDetails")))
