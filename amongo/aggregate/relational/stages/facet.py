"""$facet: a statement for each of its pipelines, all over the same rows; the interpreter does what is left of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.relational.frame import Frame
from amongo.aggregate.relational.lowering import Lowered, Lowering
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import lowers_stage, reads
from amongo.aggregate.relational.values import NotLowered
from amongo.aggregate.stages.facet import Facet, facet_document


@dataclass(frozen=True, slots=True)
class Branch:
    """One pipeline of a $facet.

    name      of the field that it fills
    stage     the $facet
    lowered   the beginning of the pipeline
    """

    name: str
    stage: Facet
    lowered: Lowered


@reads(Facet)
def read_facet(stage: Facet, reading: Reading) -> None:
    """What each of the pipelines reads."""
    for _, pipeline in stage.pipelines:
        inside = reading.copy()
        inside.stages(pipeline.stages)
        reading.paths.update(inside.paths)
    reading.is_open = False


@lowers_stage(Facet)
def lower_facet(stage: Facet, frame: Frame, lowering: Lowering) -> Frame:
    """The rows, and what each pipeline makes of them."""
    branches = []
    for name, pipeline in stage.pipelines:
        lowered = lowering.lower_onto(frame, pipeline.stages)
        if lowered.frame.held or (pipeline.stages and not lowered.stages):
            raise NotLowered(f"in a pipeline of a $facet: {lowered.reason or lowered.frame.held}")
        branches.append(Branch(name, stage, lowered))
    return replace(frame, branches=tuple(branches))


def branched_document(
    frame: Frame, documents_of: Callable[[Frame], Iterable[Document]], environment: Environment
) -> Document:
    """The one document that comes out.

    documents_of   gives those of a frame
    errors         RESULT_TOO_LARGE, FACET_TOO_LARGE, those of the stages that are left
    """
    results = []
    for branch, (name, pipeline) in zip(frame.branches, frame.branches[0].stage.pipelines, strict=True):
        rest = pipeline.after(branch.lowered.stages)
        documents = documents_of(branch.lowered.frame)
        results.append((name, rest.run(documents, environment) if rest.stages else documents))
    return facet_document(results, environment)
