"""What $rankFusion and $scoreFusion share: several pipelines over one collection, whose results become one list.

The pipelines only select documents and order or score them. Documents are known by their `_id`; each comes out once,
the best first, and of equals the one with the lower `_id`. Source: manual, $rankFusion, $scoreFusion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.geo_near import GeoNear
from amongo.aggregate.stages.score import Score
from amongo.aggregate.stages.stage import Run, Surroundings
from amongo.errors import Condition
from amongo.errors import command as command_errors
from amongo.errors import expression as expression_errors
from amongo.errors import stages as errors
from amongo.mql.metadata import metadata_field
from amongo.mql.sorting import in_order
from amongo.values.key_bytes import descending, key_bytes
from amongo.values.numbers import is_nan, to_double
from amongo.values.paths import field_path
from amongo.values.types import alias, is_number

if TYPE_CHECKING:
    from amongo.aggregate.pipeline import Pipeline

_FUSIONS: Final = frozenset({"$rankFusion", "$scoreFusion"})
SELECTING: Final = frozenset({"$match", "$sort", "$limit", "$skip", "$sample", "$geoNear", "$search", "$vectorSearch"})
SEARCHES: Final = frozenset({"$search", "$vectorSearch"})
SCORE: Final = metadata_field("score")
SCORE_DETAILS: Final = metadata_field("scoreDetails")


@dataclass(frozen=True, slots=True)
class Fused:
    """A document that some of the pipelines have found.

    places   of each pipeline: where the document stands among those that it found; None if it did not
    """

    document: Document
    places: list[int | None]


def object_fields(name: str, spec: Any, fields: dict[str, str]) -> Document:
    """The fields of an object of the specification; null counts as absent.

    name     of the object, in errors
    fields   name -> the type that the server asks for
    errors   WRONG_TYPE, UNKNOWN_FIELD
    """
    if type(spec) is not dict:
        where, _, field = name.rpartition(".")
        raise command_errors.WRONG_TYPE(command=where, field=field, actual=alias(spec), expected="type 'object'")
    found = {}
    for field, value in spec.items():
        if field not in fields:
            raise command_errors.UNKNOWN_FIELD(command=name, field=field)
        if value is None:
            continue
        if fields[field] and alias(value) != fields[field]:
            expected = f"type '{fields[field]}'"
            raise command_errors.WRONG_TYPE(command=name, field=field, actual=alias(value), expected=expected)
        found[field] = value
    return found


def required(name: str, fields: Document, field: str) -> Any:
    """The value of a field that has to be there.

    errors   MISSING_FIELD
    """
    if field not in fields:
        raise command_errors.MISSING_FIELD(command=name, field=field)
    return fields[field]


def parse_pipelines(
    name: str, pipelines: Document, changes: Condition, more: frozenset[str], surroundings: Surroundings
) -> dict[str, Pipeline]:
    """The input pipelines by name.

    changes   the error for a stage that does more than select
    more      stages that may be there beside those that select
    errors    FUSION_NO_PIPELINES, FUSION_EMPTY_PIPELINE, FUSION_NESTED, FUSION_NOT_FIRST, name errors, those of the
              stages
    """
    if not pipelines:
        raise errors.FUSION_NO_PIPELINES(name=name)
    inside = surroundings.inside(name, has_collection=surroundings.has_collection)
    parsed = {}
    for key, specs in pipelines.items():
        if "." in key:
            raise expression_errors.DOT_IN_FIELD_NAME()
        field_path(key or ".x")
        if type(specs) is list:
            if not specs:
                raise errors.FUSION_EMPTY_PIPELINE(name=name, pipeline=key)
            _check_stages(name, key, specs, changes, more)
        parsed[key] = surroundings.parse_pipeline(specs, inside)
    return parsed


def _check_stages(name: str, key: str, specs: list[Any], changes: Condition, more: frozenset[str]) -> None:
    """Refuse stages that have no place in an input pipeline, wherever they stand. What is no stage is left alone.

    errors   FUSION_NESTED, FUSION_NOT_FIRST, `changes`
    """
    known = [next(iter(spec)) for spec in specs if type(spec) is dict and len(spec) == 1]
    for place, stage in enumerate(known):
        if stage in _FUSIONS and place:
            raise errors.FUSION_NOT_FIRST(name=stage)
        if stage in _FUSIONS:
            raise errors.FUSION_NESTED(name=name, nested=stage)
    for spec in specs:
        stage = next(iter(spec), "") if type(spec) is dict and len(spec) == 1 else ""
        is_plain = stage in SELECTING or stage in more or not stage.startswith("$")
        shows = (
            stage == "$geoNear" and type(spec[stage]) is dict and {"distanceField", "includeLocs"} & spec[stage].keys()
        )
        if not is_plain or shows:
            raise changes(pipeline=key, stage=stage)


def parse_weights(name: str, weights: Document, pipelines: Iterable[str]) -> dict[str, float]:
    """The weight of each pipeline; 1 where none is given.

    errors   WEIGHTS_TOO_MANY, WEIGHT_UNKNOWN, WEIGHT_NOT_NUMBER, WEIGHT_NEGATIVE
    """
    found = dict.fromkeys(pipelines, 1.0)
    if len(weights) > len(found):
        raise errors.WEIGHTS_TOO_MANY(name=name, weights=len(weights), pipelines=len(found))
    for key, value in weights.items():
        if key not in found:
            raise errors.WEIGHT_UNKNOWN(name=name, pipeline=key)
        if not is_number(value):
            raise errors.WEIGHT_NOT_NUMBER(name=name, pipeline=key, kind=alias(value))
        if is_nan(value) or to_double(value) < 0:
            raise errors.WEIGHT_NEGATIVE(name=name, pipeline=key, value=value)
        found[key] = to_double(value)
    return found


def carrying_runs(pipeline: Pipeline) -> list[Run]:
    """The runs of an input pipeline whose documents carry what its stages find out beside their fields."""
    stages = (stage.carrying() if isinstance(stage, GeoNear | Score) else stage for stage in pipeline.stages)
    return [stage.bind() for stage in stages]


def found_by(runs: list[Run], documents: Iterable[Document], environment: Environment) -> list[Document]:
    """What an input pipeline finds, in its order."""
    found: Iterable[Document] = documents
    for run in runs:
        found = run(found, environment)
    return list(environment.interrupt.watch(found))


def fuse(results: list[list[Document]], environment: Environment) -> list[Fused]:
    """The documents of all pipelines, each once, in the order in which they were first found."""
    by_id: dict[bytes, Fused] = {}
    for number, documents in enumerate(results):
        for place, document in enumerate(environment.interrupt.watch(documents)):
            key = key_bytes(document.get("_id"))
            if key not in by_id:
                by_id[key] = Fused(document, [None] * len(results))
            by_id[key].places[number] = place
    return list(by_id.values())


def best_first(scored: Iterable[tuple[float, Document]], environment: Environment) -> Iterator[Document]:
    """The documents by their scores; of equals the one with the lower `_id`."""
    keyed = ((descending(key_bytes(score)) + key_bytes(document.get("_id")), document) for score, document in scored)
    return in_order(keyed, environment.interrupt)
