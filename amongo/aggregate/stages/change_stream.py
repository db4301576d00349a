"""$changeStream and $changeStreamSplitLargeEvent: what stands at the two ends of a change stream's pipeline.

What they ask for is the business of `amongo.streams`, and the waiting that of the commands: here they are known by
name, and parted from the stages between them, which the interpreter runs over the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import diagnosis as errors
from amongo.errors import pipeline as pipeline_errors
from amongo.values.types import alias


@dataclass(frozen=True, slots=True)
class ChangeStream(Stage):
    """The changes of a collection, a database or the deployment.

    spec   what was asked for; only its type has been checked
    """

    spec: dict[str, Any]

    def bind(self) -> Run:
        return _nothing


@dataclass(frozen=True, slots=True)
class SplitLargeEvent(Stage):
    """Cuts events that are too large into fragments."""

    def bind(self) -> Run:
        return _nothing


def _nothing(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
    """What these stages would give in an ordinary pipeline, where they never come to stand."""
    return iter(())


@stage("$changeStream")
def parse_change_stream(spec: Any, surroundings: Surroundings) -> ChangeStream:
    """The changes of a collection, a database or the deployment, as the first stage.

    spec     {fullDocument, fullDocumentBeforeChange, resumeAfter, startAfter, startAtOperationTime,
             allChangesForCluster, showExpandedEvents}, all optional
    result   change events, in the order of the changes; the cursor stays open
    errors   CHANGE_STREAM_NOT_OBJECT, NOT_IN_CHANGE_STREAM for stages that may not stand behind it; those of
             `amongo.streams` for what it asks for
    source   manual, $changeStream; Change Streams
    """
    if type(spec) is not dict:
        raise errors.CHANGE_STREAM_NOT_OBJECT(kind=alias(spec))
    return ChangeStream(spec)


@stage("$changeStreamSplitLargeEvent")
def parse_split(spec: Any, surroundings: Surroundings) -> SplitLargeEvent:
    """Cuts change events of more than 16 MB into fragments, as the last stage of a change stream.

    spec     {}
    result   events, and fragments {_id, splitEvent: {fragment, of}, …} of those that are too large
    errors   SPLIT_NOT_EMPTY, SPLIT_NOT_LAST, ONLY_IN_CHANGE_STREAM
    source   manual, $changeStreamSplitLargeEvent
    """
    if type(spec) is not dict or spec:
        raise pipeline_errors.SPLIT_NOT_EMPTY()
    return SplitLargeEvent()
