"""Documents that are kept to be read again: in memory as long as they fit there, then on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.spilling.documents import DOCUMENTS
from amongo.aggregate.spilling.runs import Spill
from amongo.aggregate.spilling.shelf import Shelf
from amongo.aggregate.stages.memory import MemoryGauge
from amongo.runtime.limits import KEPT_RECENT


class Kept(Sequence[Document]):
    """A growing sequence of documents.

    environment   says how much may be held in memory, and whether the rest may go to disk
    stage         whose they are, for the message
    spills        False for what may never go to disk
    """

    def __init__(self, environment: Environment, stage: str, *, spills: bool = True) -> None:
        self._environment = environment
        self._stage = stage
        self._may_spill = spills and environment.temporary is not None
        self._gauge = MemoryGauge(environment.held_bytes)
        self._held: list[Document] = []
        self._shelf: Shelf[Document] | None = None
        self._recent: dict[int, Document] = {}

    @classmethod
    def of(cls, documents: Iterable[Document], environment: Environment, stage: str) -> Kept:
        """All the documents.

        errors   MEMORY_EXCEEDED where they do not fit and `allowDiskUse` is false, SPILL_TOO_LARGE, SPILL_DISK_FULL,
                 OSError
        """
        kept = cls(environment, stage)
        try:
            for document in environment.interrupt.watch(documents):
                kept.add(document)
        except BaseException:
            kept.close()
            raise
        return kept

    def add(self, document: Document) -> None:
        """Keep one more. errors: those of `of`."""
        if not self.takes(document):
            Spill.of(self._environment, self._stage)  # which it may not: this raises

    def takes(self, document: Document) -> bool:
        """Keep one more; False if it is not kept since it does not fit and nothing may go to disk."""
        if self._shelf is not None:
            self._shelf.add(document)
            return True
        if self._gauge.is_full_with(document):
            if not self._may_spill:
                return False
            self._shelf = Shelf.of(self._environment, self._stage, DOCUMENTS)
            for each in self._environment.interrupt.watch(self._held):
                self._shelf.add(each)
            self._held = []
            self._shelf.add(document)
        else:
            self._held.append(document)
        return True

    @property
    def documents(self) -> Sequence[Document]:
        """The same sequence, as a plain list where it is in memory."""
        return self._held if self._shelf is None else self

    def __len__(self) -> int:
        return len(self._held) if self._shelf is None else len(self._shelf)

    def __iter__(self) -> Iterator[Document]:
        return iter(self._held) if self._shelf is None else iter(self._shelf)

    def __getitem__(self, place: Any) -> Any:
        if self._shelf is None:
            return self._held[place]
        document = self._recent.get(place)
        if document is None:
            if len(self._recent) >= KEPT_RECENT:
                self._recent.clear()
            document = self._recent[place] = self._shelf.get(place)
        return document

    def close(self) -> None:
        """Give back the file. A second call does nothing."""
        if self._shelf is not None:
            self._shelf.close()
