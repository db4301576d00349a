"""$unionWith: behind the documents of this pipeline, those of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.foreign import check_collection_name
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Rewrite, Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.aggregate.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class UnionWith(Stage):
    """First the documents that come in, then what the pipeline makes of the collection."""

    collection: str | None
    pipeline: Pipeline

    def rewritten(self, rewrite: Rewrite) -> UnionWith:
        pipeline = rewrite(self.pipeline)
        return self if pipeline is self.pipeline else replace(self, pipeline=pipeline)

    def bind(self) -> Run:
        collection, pipeline = self.collection, self.pipeline

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            yield from documents
            source = environment.read(environment.database, collection) if collection is not None else ()
            yield from pipeline.run(source, environment.on(collection))

        return run


@stage("$unionWith")
def parse_union_with(spec: Any, surroundings: Surroundings) -> UnionWith:
    """Behind the documents of this pipeline, those of another.

    spec     a collection's name, or {coll: name, pipeline: [stages]}; without `coll` the pipeline begins with
             $documents
    result   all documents of the first, then all of the second; duplicates stay
    errors   UNION_INVALID, UNION_TYPE, UNION_UNKNOWN_FIELD, INVALID_NAMESPACE, NOT_IN_UNION, those of the pipeline
    source   manual, $unionWith
    """
    if type(spec) is str:
        spec = {"coll": spec}
    elif type(spec) is not dict:
        raise errors.UNION_INVALID(
            message=f"the $unionWith stage specification must be an object or string, but found {alias(spec)}"
        )
    for field, value in spec.items():
        if field not in ("coll", "pipeline"):
            raise errors.UNION_UNKNOWN_FIELD(field=field)
        if field == "coll" and type(value) is not str:
            raise errors.UNION_TYPE(field=field, kind=alias(value), expected="string")
    stages = spec.get("pipeline", [])
    collection = spec.get("coll")
    if collection is not None:
        check_collection_name(collection)
    elif not (type(stages) is list and stages and type(stages[0]) is dict and "$documents" in stages[0]):
        raise errors.UNION_INVALID(
            message="$unionWith stage without explicit collection must have a pipeline with $documents as first stage"
        )
    inside = surroundings.inside("$unionWith", has_collection=collection is not None)
    return UnionWith(collection, surroundings.parse_pipeline(stages, inside))
