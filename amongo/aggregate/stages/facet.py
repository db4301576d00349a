"""$facet: several pipelines over the same documents, their results side by side in one document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.spilling import Kept
from amongo.aggregate.stages.memory import MemoryBound
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Rewrite, Run, Stage, Surroundings
from amongo.errors import expression as expression_errors
from amongo.errors import pipeline as errors
from amongo.errors import stages as stage_errors
from amongo.runtime.limits import DOCUMENT_BYTES, FACET_BYTES
from amongo.values.codec import encode
from amongo.values.paths import field_path
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.aggregate.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Facet(Stage):
    """The input is kept once, and every pipeline reads it."""

    pipelines: tuple[tuple[str, Pipeline], ...]

    def rewritten(self, rewrite: Rewrite) -> Facet:
        pipelines = tuple((name, rewrite(pipeline)) for name, pipeline in self.pipelines)
        if all(new is old for (_, new), (_, old) in zip(pipelines, self.pipelines, strict=True)):
            return self
        return replace(self, pipelines=pipelines)

    def bind(self) -> Run:
        pipelines = self.pipelines

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            kept = Kept.of(documents, environment, "$facet")
            try:
                result = facet_document(
                    ((name, pipeline.run(kept, environment)) for name, pipeline in pipelines), environment
                )
            finally:
                kept.close()
            yield result

        return run


def facet_document(results: Iterable[tuple[str, Iterable[Document]]], environment: Environment) -> Document:
    """The one document of the stage, of what each pipeline gives.

    errors   RESULT_TOO_LARGE, FACET_TOO_LARGE, those of the pipelines
    """
    bound = MemoryBound("$facet", min(environment.memory_bytes, FACET_BYTES), stage_errors.FACET_TOO_LARGE)
    result: Document = {name: list(bound.watch(documents)) for name, documents in results}
    size = len(encode(result))
    if size > DOCUMENT_BYTES:
        raise errors.RESULT_TOO_LARGE(size=size)
    return result


@stage("$facet")
def parse_facet(spec: Any, surroundings: Surroundings) -> Facet:
    """Several pipelines over the same documents.

    spec     {name: [stages], …}, at least one
    result   one document with the array of each pipeline's documents
    errors   FACET_NOT_OBJECT, FACET_NOT_ARRAY, FACET_STAGE_NOT_OBJECT, NOT_IN_FACET, name errors; when run
             RESULT_TOO_LARGE, FACET_TOO_LARGE, MEMORY_EXCEEDED, SPILL_TOO_LARGE, SPILL_DISK_FULL
    source   manual, $facet
    """
    if type(spec) is not dict or not spec:
        raise errors.FACET_NOT_OBJECT(value=spec)
    for name, stages in spec.items():
        if "." in name:
            raise expression_errors.DOT_IN_FIELD_NAME()
        field_path(name or ".x")
        if type(stages) is not list:
            raise errors.FACET_NOT_ARRAY(field=name, kind=alias(stages))
        for each in stages:
            if type(each) is not dict:
                raise errors.FACET_STAGE_NOT_OBJECT(field=name, kind=alias(each))
    inside = surroundings.inside("$facet", has_collection=surroundings.has_collection)
    return Facet(tuple((name, surroundings.parse_pipeline(stages, inside)) for name, stages in spec.items()))
