"""Partners: the documents of another collection that hold a value at a path, as an equality filter would find them.

The values of the whole collection are hashed once: key -> places. Where they do not fit in memory they are sorted on
disk, and a page of them is read for a value; where that is not allowed, the collection is read anew for every
document, as a server does that may not use its disk.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, Final, Protocol

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.joining.sources import Source
from amongo.aggregate.spilling import RAW, Form, Shelf, in_order_within
from amongo.runtime.limits import JOIN_PAGE_ENTRIES
from amongo.values.codec import decode, encode
from amongo.values.deprecated import Undefined
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.order import Collator
from amongo.values.paths import FieldPath, expand

_ENTRY_BYTES: Final = 160  # what an entry costs in memory besides its key


class Partners(Protocol):
    """What finds partners."""

    def find(self, values: Iterable[Any]) -> Iterable[Document]:
        """The documents that hold any of the values, each once, in natural order; they are not to be changed."""
        ...

    def close(self) -> None:
        """Give back files. A second call does nothing."""
        ...


def local_values(document: Document, path: FieldPath) -> Iterator[Any]:
    """The values that $lookup looks for: what the path reaches, an array at its end element by element; else null."""
    is_empty = True
    for value in expand(document, path, leaf_arrays=False):
        if type(value) is list:
            yield from value
            is_empty = is_empty and not value
        elif value is not MISSING:
            yield value
            is_empty = False
    if is_empty:
        yield None


def value_key(value: Any, collator: Collator | None) -> bytes:
    """The key of a value; what is missing or undefined is found by null."""
    return key_bytes(None if value is MISSING or type(value) is Undefined else value, collator)


def bind_keys(path: FieldPath, collator: Collator | None) -> Callable[[Document], Iterable[bytes]]:
    """What gives the different keys by which a document is found."""
    name = path.first if len(path.parts) == 1 else None

    def keys(document: Document) -> Iterable[bytes]:
        if name is not None:
            value = document.get(name, MISSING)
            if type(value) is not list:
                return (value_key(value, collator),)
        return {value_key(value, collator) for value in expand(document, path)}

    return keys


Places = dict[bytes, int | list[int]]


def hashed_partners(source: Source, path: FieldPath, collator: Collator | None, environment: Environment) -> Partners:
    """Read the source once and hash what it holds at the path.

    errors   those of the source, SPILL_TOO_LARGE, SPILL_DISK_FULL, OSError
    """
    keys = bind_keys(path, collator)
    places: Places = {}
    left_bytes = environment.held_bytes
    stream = source.stream()
    for place, document in stream:
        for key in keys(document):
            known = places.get(key)
            if known is None:
                places[key] = place
                left_bytes -= _ENTRY_BYTES + len(key)
            elif type(known) is list:
                known.append(place)
                left_bytes -= 40
            else:
                places[key] = [known, place]  # type: ignore[list-item]
                left_bytes -= 130
        if left_bytes < 0:
            if environment.temporary is None:
                return _Scanned(source, path, collator)
            rest = ((key, place) for place, document in stream for key in keys(document))
            return _Sorted(source, chain(_entries(places), rest), collator, environment)
    if not getattr(source, "is_kept", True):
        return _Scanned(source, path, collator)
    return _Hashed(source, places, collator)


def _entries(places: Places) -> Iterator[tuple[bytes, int]]:
    while places:
        key, known = places.popitem()
        for place in known if type(known) is list else (known,):
            yield key, place  # type: ignore[misc]


class _Found:
    """Partners by places, however these are found."""

    def __init__(self, source: Source, collator: Collator | None) -> None:
        self._source = source
        self._collator = collator

    def find(self, values: Iterable[Any]) -> Iterable[Document]:
        """The documents that hold any of the values."""
        get, places = self._source.get, [*map(self._places, values)]
        if len(places) == 1:
            return map(get, places[0])
        return map(get, sorted(set(chain.from_iterable(places))))

    def _places(self, value: Any) -> Iterable[int]:
        raise NotImplementedError

    def close(self) -> None:
        """Give back files."""
        self._source.close()


class _Hashed(_Found):
    """All in memory."""

    def __init__(self, source: Source, places: Places, collator: Collator | None) -> None:
        super().__init__(source, collator)
        self._by_key = places

    def _places(self, value: Any) -> Iterable[int]:
        found = self._by_key.get(value_key(value, self._collator), ())
        return (found,) if type(found) is int else found  # type: ignore[return-value]


Page = list[tuple[bytes, int]]
_PAGES: Final[Form[Page]] = Form(
    lambda page: encode({"k": [key for key, _ in page], "p": [place for _, place in page]}),
    lambda raw: list(zip((held := decode(raw))["k"], held["p"], strict=True)),
)


class _Sorted(_Found):
    """Entries in order on disk, in pages; the first key of each page is in memory.

    entries   (key, place) in no order
    """

    def __init__(
        self,
        source: Source,
        entries: Iterable[tuple[bytes, int]],
        collator: Collator | None,
        environment: Environment,
    ) -> None:
        super().__init__(source, collator)
        self._firsts: list[bytes] = []
        self._pages: Shelf[Page] = Shelf.of(environment, "$lookup", _PAGES)
        self._last: tuple[int, Page] = (-1, [])
        packed = ((key + place.to_bytes(8, "big"), key + place.to_bytes(8, "big")) for key, place in entries)
        ordered = in_order_within(packed, environment, "$lookup", RAW)
        while few := list(islice(ordered, JOIN_PAGE_ENTRIES)):
            page = [(entry[:-8], int.from_bytes(entry[-8:], "big")) for entry in few]
            self._firsts.append(page[0][0])
            self._pages.add(page)

    def _places(self, value: Any) -> Iterable[int]:
        key = value_key(value, self._collator)
        first = max(bisect_left(self._firsts, key) - 1, 0)
        for number in range(first, bisect_right(self._firsts, key)):
            page = self._page(number)
            start = bisect_left(page, (key, -1))
            for found, place in islice(page, start, None):
                if found != key:
                    return
                yield place

    def _page(self, number: int) -> Page:
        if self._last[0] != number:
            self._last = (number, self._pages.get(number))
        return self._last[1]

    def close(self) -> None:
        """Give back files."""
        self._pages.close()
        super().close()


class _Scanned:
    """Nothing is held: all documents are looked at for each question."""

    def __init__(self, source: Source, path: FieldPath, collator: Collator | None) -> None:
        self._source = source
        self._keys = bind_keys(path, collator)
        self._collator = collator

    def find(self, values: Iterable[Any]) -> Iterable[Document]:
        """The documents that hold any of the values."""
        wanted = {value_key(value, self._collator) for value in values}
        for place, document in self._source.stream():
            if not wanted.isdisjoint(self._keys(document)):
                yield self._source.whole(place, document)

    def close(self) -> None:
        """Give back files."""
        self._source.close()
