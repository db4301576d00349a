"""$score: each document with a score that an expression computes from it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.spilling import Kept
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import command as command_errors
from amongo.errors import stages as errors
from amongo.mql.expressions import Expression
from amongo.mql.expressions.functions import sigmoid
from amongo.mql.metadata import metadata_field
from amongo.values.numbers import is_nan, to_double
from amongo.values.types import alias, is_number

NORMALIZATIONS: Final = ("none", "sigmoid", "minMaxScaler")
_FIELDS: Final = ("score", "normalization", "weight", "scoreDetails")
_DESCRIPTION: Final = (
    "the score calculated from multiplying a weight in the range [0,1] with either a normalized or nonnormalized value:"
)


@dataclass(frozen=True, slots=True)
class Score(Stage):
    """A score for each document.

    normalization   one of `NORMALIZATIONS`; the last of them has to see all scores
    has_details     whether documents can tell how their scores came about
    spec            the expression as it was written
    carries         documents carry their scores beside their fields, for `$meta`
    """

    score: Expression
    normalization: str
    weight: float
    has_details: bool
    spec: Any
    carries: bool = False

    def carrying(self) -> Score:
        """The same stage, for stages behind it that ask for `$meta`."""
        return replace(self, carries=True)

    def bind(self) -> Run:
        evaluate = self.score.bind()

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            def score_of(document: Document) -> float:
                score = evaluate(document, environment.variables)
                if not is_number(score):
                    raise errors.SCORE_NOT_NUMBER(kind=alias(score))
                return to_double(score)

            if self.normalization != "minMaxScaler":
                normalized: Callable[[float], float] = sigmoid if self.normalization == "sigmoid" else float
                for document in environment.interrupt.watch(documents):
                    score = score_of(document)
                    yield self._shown(document, score, normalized(score)) if self.carries else document
                return
            kept = Kept(environment, "$score")
            try:
                scores = array("d")
                for document in environment.interrupt.watch(documents):
                    scores.append(score_of(document))
                    kept.add(document)
                normalized = min_max_scaler(scores)
                for score, document in zip(scores, kept, strict=True):
                    yield self._shown(document, score, normalized(score)) if self.carries else document
            finally:
                kept.close()

        return run

    def _shown(self, document: Document, raw: float, normalized: float) -> Document:
        """The document with what it carries."""
        value = normalized * self.weight
        shown = {**document, metadata_field("score"): value}
        if self.has_details:
            shown[metadata_field("scoreDetails")] = {
                "value": value,
                "description": _DESCRIPTION,
                "rawScore": raw,
                "normalization": self.normalization,
                "weight": self.weight,
                "expression": str(self.spec),
                "details": [],
            }
        return shown


def min_max_scaler(scores: Sequence[float]) -> Callable[[float], float]:
    """Where a score stands between the lowest, 0, and the highest, 1; 0 where all are the same."""
    lowest, highest = min(scores, default=0.0), max(scores, default=0.0)
    if lowest == highest:
        return lambda score: 0.0
    return lambda score: (score - lowest) / (highest - lowest)


@stage("$score")
def parse_score(spec: Any, surroundings: Surroundings) -> Score:
    """Each document with a score that an expression computes from it.

    spec     {score: expression, normalization: "none" | "sigmoid" | "minMaxScaler", weight: number from 0 to 1,
             scoreDetails: bool}
    result   the documents as they are; the normalized score times the weight is `{$meta: "score"}`, a double
    errors   FUSION_NOT_OBJECT, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE, NOT_ENUMERATED, SCORE_WEIGHT, those of the
             expression; for a document SCORE_NOT_NUMBER
    source   manual, $score
    """
    if type(spec) is not dict:
        raise errors.FUSION_NOT_OBJECT(name="$score", kind=alias(spec))
    for field in spec:
        if field not in _FIELDS:
            raise command_errors.UNKNOWN_FIELD(command="$score", field=field)
    if "score" not in spec:
        raise command_errors.MISSING_FIELD(command="$score", field="score")
    normalization = spec.get("normalization")
    if normalization is not None:
        check_normalization("$score", normalization)
    weight = spec.get("weight")
    if weight is not None and not is_number(weight):
        raise _wrong_type("weight", weight, "types '[long, int, decimal, double]'")
    if weight is not None and (is_nan(weight) or not 0 <= to_double(weight) <= 1):
        raise errors.SCORE_WEIGHT(value=weight)
    has_details = spec.get("scoreDetails")
    if has_details is not None and type(has_details) is not bool:
        raise _wrong_type("scoreDetails", has_details, "type 'bool'")
    return Score(
        surroundings.parse(spec["score"]),
        normalization or "none",
        1.0 if weight is None else to_double(weight),
        bool(has_details),
        spec["score"],
    )


def check_normalization(name: str, value: Any) -> None:
    """Refuse what is not one of `NORMALIZATIONS`.

    errors   WRONG_TYPE, NOT_ENUMERATED
    """
    if type(value) is not str:
        raise command_errors.WRONG_TYPE(
            command=name, field="normalization", actual=alias(value), expected="type 'string'"
        )
    if value not in NORMALIZATIONS:
        raise command_errors.NOT_ENUMERATED(value=value, field=f"{name}.normalization")


def _wrong_type(field: str, value: Any, expected: str) -> Exception:
    return command_errors.WRONG_TYPE(command="$score", field=field, actual=alias(value), expected=expected)
