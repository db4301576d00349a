"""Where partners come from: a stored collection, whose documents are fetched by record id, or the documents of a view.

A source gives all its documents in turn, each with its place, and any one of them by its place again. Places ascend in
the order in which partners come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from amongo.aggregate.environment import Document, Environment, Stored
from amongo.aggregate.spilling import Kept
from amongo.runtime.limits import JOIN_KEPT_DOCUMENTS
from amongo.values.codec import decode
from amongo.values.wanted_fields import field_reader

Accepts = Callable[[Document], Any]


class Source(Protocol):
    """The documents of the other collection."""

    def stream(self) -> Iterator[tuple[int, Document]]:
        """(place, document with at least the fields that were asked for) of each, in order."""
        ...

    def get(self, place: int) -> Document:
        """The whole document in a place that `stream` has given, not to be changed."""
        ...

    def whole(self, place: int, document: Document) -> Document:
        """The whole document of what `stream` has just given."""
        ...

    def close(self) -> None:
        """Give back files."""
        ...


class StoredSource:
    """A stored collection at one moment. Places are record ids; nothing is held but some decoded documents.

    names     the fields that `stream` has to decode; None for all
    accepts   what a document has to satisfy; None for nothing
    """

    def __init__(
        self, stored: Stored, environment: Environment, names: frozenset[str] | None, accepts: Accepts | None
    ) -> None:
        self.view = stored.store.view(stored.collection)
        self._interrupt = environment.interrupt
        self._names = names
        self._accepts = accepts
        self._kept: dict[int, Document] = {}

    def stream(self) -> Iterator[tuple[int, Document]]:
        """(record id, document) of each."""
        read = decode if self._names is None else field_reader(self._names)
        accepts = self._accepts
        for record_id, raw in self._interrupt.watch(self.view):
            document = read(raw)
            if accepts is None or accepts(document):
                yield record_id, document

    def get(self, place: int) -> Document:
        """The document with a record id; those asked for lately are kept decoded."""
        document = self._kept.get(place)
        if document is None:
            raw = self.view.record(place)
            assert raw is not None
            document = decode(raw)
            if len(self._kept) >= JOIN_KEPT_DOCUMENTS:
                self._kept.clear()
            self._kept[place] = document
        return document

    def whole(self, place: int, document: Document) -> Document:
        """The whole document."""
        return document if self._names is None else self.get(place)

    def close(self) -> None:
        """There are no files."""


class KeptSource:
    """Documents that are read once and kept: in memory, on disk, or, where that is not allowed, nowhere.

    read       gives the documents; it is called again for each `stream` if they cannot be kept
    spills     whether they may be kept on disk: not what is as quickly read again
    is_kept    whether `get` can be asked; known behind a whole `stream`
    """

    def __init__(
        self,
        read: Callable[[], Iterable[Document]],
        environment: Environment,
        accepts: Accepts | None = None,
        *,
        spills: bool = True,
    ) -> None:
        self._read = read
        self._environment = environment
        self._accepts = accepts
        self._spills = spills
        self._kept: Kept | None = None
        self._fits = True
        self.is_kept = False

    def stream(self) -> Iterator[tuple[int, Document]]:
        """(place, whole document) of each."""
        if self.is_kept and self._kept is not None:
            return enumerate(self._kept)
        self.close()
        return enumerate(self._keeping() if self._fits else self._reading())

    def _reading(self) -> Iterator[Document]:
        documents: Iterator[Document] = self._environment.interrupt.watch(self._read())
        return documents if self._accepts is None else filter(self._accepts, documents)

    def _keeping(self) -> Iterator[Document]:
        """The documents while they are read and kept."""
        kept = self._kept = Kept(self._environment, "$lookup", spills=self._spills)
        for document in self._reading():
            if self._fits and not kept.takes(document):
                self._fits = False
                self.close()
            yield document
        self.is_kept = self._fits

    def get(self, place: int) -> Document:
        """The document in a place."""
        assert self._kept is not None
        document: Document = self._kept[place]
        return document

    def whole(self, place: int, document: Document) -> Document:
        """The document itself."""
        return document

    def close(self) -> None:
        """Give back what is kept."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
