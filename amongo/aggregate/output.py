"""Where $merge and $out write: what the stages ask for, and what has to be there to do it.

The stages say which documents go where, and how; the writing itself is the business of the commands above, which know
validators, indexes and time series. A pipeline is given them as its environment's `output`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from amongo.values.paths import FieldPath

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MergeTarget:
    """What a $merge asks for.

    database          None for that of the pipeline
    on                the fields that say which documents match; None for `_id`
    when_matched      "replace", "keepExisting", "merge", "fail", or "pipeline"
    when_not_matched  "insert", "discard", "fail"
    stages            of "pipeline", as they were written
    """

    database: str | None
    collection: str
    on: tuple[FieldPath, ...] | None = None
    when_matched: str = "merge"
    when_not_matched: str = "insert"
    stages: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OutTarget:
    """What a $out asks for.

    database     None for that of the pipeline
    timeseries   the options of a time series collection; None for a plain one, or for what is there
    """

    database: str | None
    collection: str
    timeseries: Document | None = None


class Output(Protocol):
    """Writes the documents that come out of a pipeline."""

    def check(self, target: MergeTarget | OutTarget) -> None:
        """Refuse a target before any document is read."""
        ...

    def merge(self, target: MergeTarget, documents: Iterable[tuple[Document, Mapping[str, Any]]]) -> None:
        """Write each document, with the values of `let` for it, as the target says."""
        ...

    def replace(self, target: OutTarget, documents: Iterable[Document]) -> None:
        """Put the documents in place of everything in the target, all at once."""
        ...
