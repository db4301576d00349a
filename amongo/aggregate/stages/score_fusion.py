"""$scoreFusion: the results of several pipelines as one list, by the scores that documents have in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.score import check_normalization, min_max_scaler
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import command as command_errors
from amongo.errors import stages as errors
from amongo.mql.expressions import Evaluate, Expression
from amongo.mql.expressions.functions import sigmoid
from amongo.mql.metadata import without_metadata
from amongo.values.numbers import to_double
from amongo.values.types import alias, is_number

if TYPE_CHECKING:
    from amongo.aggregate.pipeline import Pipeline

_DESCRIPTION: Final = (
    "the value calculated by combining the scores (either normalized or raw) across input pipelines from which this "
    "document is output from:"
)


@dataclass(frozen=True, slots=True)
class ScoreFusion(Stage):
    """The pipelines and the weights of their scores, by name.

    expression    what makes one score of those of the pipelines, which are variables to it; None for their mean
    has_details   whether documents can tell how their scores came about
    carries       documents carry their scores beside their fields, for `$meta`
    """

    pipelines: dict[str, Pipeline]
    weights: dict[str, float]
    normalization: str
    expression: Expression | None
    has_details: bool
    carries: bool = False

    def carrying(self) -> ScoreFusion:
        """The same stage, for stages behind it that ask for `$meta`."""
        return replace(self, carries=True)

    def bind(self) -> Run:
        runs = [carrying_runs(pipeline) for pipeline in self.pipelines.values()]
        combine = None if self.expression is None else self.expression.bind()

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            kept = Kept.of(documents, environment, "$scoreFusion")
            try:
                results = [found_by(each, kept, environment) for each in runs]
            finally:
                kept.close()
            raws = [[document[SCORE] for document in result] for result in results]
            normalized = [list(map(self._normalizer(scores), scores)) for scores in raws]
            variables = environment.variables
            scored = (self._scored(fused, raws, normalized, combine, variables) for fused in fuse(results, environment))
            yield from best_first(scored, environment)

        return run

    def _normalizer(self, scores: list[float]) -> Callable[[float], float]:
        if self.normalization == "minMaxScaler":
            return min_max_scaler(scores)
        return sigmoid if self.normalization == "sigmoid" else float

    def _scored(
        self,
        fused: Fused,
        raws: list[list[float]],
        normalized: list[list[float]],
        combine: Evaluate | None,
        variables: Mapping[str, Any],
    ) -> tuple[float, Document]:
        """A document's score, and the document with what it carries."""
        values: dict[str, float] = {}
        details = []
        for number, (name, weight) in enumerate(self.weights.items()):
            place = fused.places[number]
            values[name] = 0.0 if place is None else normalized[number][place] * weight
            raw = 0.0 if place is None else raws[number][place]
            detail: Document = {"inputPipelineName": name, "inputPipelineRawScore": raw}
            if place is not None:
                detail |= {"weight": weight, "value": values[name], "details": []}
            details.append(detail)
        document = without_metadata(fused.document)
        if combine is None:
            score = sum(values.values()) / len(values)
        else:
            combined = combine(document, {**variables, **values})
            if not is_number(combined):
                raise errors.SCORE_NOT_NUMBER(kind=alias(combined))
            score = to_double(combined)
        if self.carries:
            document[SCORE] = score
            if self.has_details:
                document[SCORE_DETAILS] = {
                    "value": score,
                    "description": _DESCRIPTION,
                    "normalization": self.normalization,
                    "combination": {"method": "average" if combine is None else "custom expression"},
                    "details": details,
                }
        return score, document


@stage("$scoreFusion")
def parse_score_fusion(spec: Any, surroundings: Surroundings) -> ScoreFusion:
    """The results of several pipelines as one list, by the scores that documents have in them.

    spec     {input: {pipelines: {name: [stages]}, normalization: "none" | "sigmoid" | "minMaxScaler"}, combination:
             {weights: {name: number}, method: "avg" | "expression", expression}, scoreDetails: bool}; the stages select
             documents, and one of them is a $score; the expression has the pipelines' scores as variables `$$name`
    result   each document once, by its score: the mean of weight times normalized score over all pipelines, 0 where a
             pipeline has not found it, or what the expression says; the score is `{$meta: "score"}`
    errors   the FUSION_, SCORE_FUSION_ and WEIGHT conditions, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE, NOT_ENUMERATED,
             those of the stages and the expression; for a document SCORE_NOT_NUMBER
    source   manual, $scoreFusion
    """
    if type(spec) is not dict:
        raise errors.FUSION_NOT_OBJECT(name="$scoreFusion", kind=alias(spec))
    types = {"input": "object", "combination": "object", "scoreDetails": "bool"}
    fields = object_fields("$scoreFusion", spec, types)
    given = object_fields(
        "$scoreFusion.input", required("$scoreFusion", fields, "input"), {"pipelines": "object", "normalization": ""}
    )
    normalization = required("$scoreFusion.input", given, "normalization")
    check_normalization("$scoreFusion.input", normalization)
    combination = object_fields(
        "$scoreFusion.combination",
        fields.get("combination", {}),
        {"weights": "object", "method": "string", "expression": ""},
    )
    specs = required("$scoreFusion.input", given, "pipelines")
    scoring = frozenset({"$score"})
    pipelines = parse_pipelines("$scoreFusion", specs, errors.SCORE_FUSION_CHANGES, scoring, surroundings)
    for name, pipeline in pipelines.items():
        if "$score" not in pipeline.names and pipeline.names[0] not in SEARCHES:
            raise errors.SCORE_FUSION_UNSCORED(pipeline=name)
    expression = _parse_expression(combination, pipelines, surroundings)
    weights = parse_weights("$scoreFusion", combination.get("weights", {}), pipelines)
    return ScoreFusion(pipelines, weights, normalization, expression, bool(fields.get("scoreDetails")))


def _parse_expression(
    combination: Document, pipelines: dict[str, Pipeline], surroundings: Surroundings
) -> Expression | None:
    """What makes one score of several; None for their mean.

    errors   NOT_ENUMERATED, SCORE_FUSION_WEIGHTS, SCORE_FUSION_EXPRESSION, those of the expression
    """
    method = combination.get("method", "avg")
    if method not in ("avg", "expression"):
        raise command_errors.NOT_ENUMERATED(value=method, field="$scoreFusion.combination.method")
    if ("expression" in combination) != (method == "expression"):
        raise errors.SCORE_FUSION_EXPRESSION()
    if method == "avg":
        return None
    if "weights" in combination:
        raise errors.SCORE_FUSION_WEIGHTS()
    scope = surroundings.scope.with_names(list(pipelines))
    return replace(surroundings, scope=scope).parse(combination["expression"])
