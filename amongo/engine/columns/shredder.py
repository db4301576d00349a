"""BSON documents to typed columns, many documents at a time and without making Python objects of them.

    walking         where the values of the wanted fields stand in each document
    array_walking   where the elements of arrays do
    gathering       from there to arrays and facts
    joining         the columns of pieces to one
    decoded         the slow way, for few documents and for those that are like no other

Documents are handled in pieces, small enough that other threads have their turn between, and that what is looked at
stays near the processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from bson.errors import InvalidBSON

from amongo.engine.columns.array_walking import walk_arrays
from amongo.engine.columns.buffer import PADDING, Buffer, Bytes, Positions, lengths_in
from amongo.engine.columns.column import CROSSED, EACH, Column, Path
from amongo.engine.columns.decoded import check_path, columns_of_documents, name_bytes
from amongo.engine.columns.gathering import Gatherer
from amongo.engine.columns.joining import joined
from amongo.engine.columns.runs import Plan
from amongo.engine.columns.walking import Found, Walk
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import PIECE_BYTES, PIECE_COUNT, PIECE_SPAN_BYTES, STEP_ROWS
from amongo.values.types import BsonType

_PADDING: Final = bytes(PADDING)


def shred(documents: Sequence[bytes], paths: Sequence[Path], interrupt: Interrupt) -> tuple[Column, ...]:
    """The columns of some documents, in the order of the paths.

    documents   BSON
    errors      InvalidBSON of `bson.errors` for bytes on the way that are no BSON; ValueError for a path without a name
                in front or with two EACH; whatever the interrupt raises
    """
    shredding = _Shredding(paths, interrupt)
    shredding.add_documents(documents)
    return shredding.columns()


def shred_buffer(
    buffer: npt.NDArray[np.uint8] | bytes | bytearray | memoryview | Any,
    starts: Positions,
    paths: Sequence[Path],
    interrupt: Interrupt,
) -> tuple[Column, ...]:
    """The columns of documents that stand anywhere in a buffer, in the order of the paths.

    buffer   uint8, or what gives its bytes; nothing of it is copied but the values
    starts   int64: where the documents begin; each says itself how long it is
    errors   as of `shred`; InvalidBSON for a document that reaches beyond the buffer
    """
    contents = np.frombuffer(buffer, np.uint8)
    shredding = _Shredding(paths, interrupt)
    start = 0
    while start < len(starts):
        interrupt.check()
        begins = starts[start : start + PIECE_COUNT].astype(np.int64, copy=False)
        sizes = _sizes(contents, begins)
        ends = begins + sizes
        beyond = (ends - ends[0] > PIECE_SPAN_BYTES) | (np.cumsum(sizes) > PIECE_BYTES)
        count = max(int(np.argmax(beyond)), 1) if beyond.any() else len(begins)
        begins, sizes, ends = begins[:count], sizes[:count], ends[:count]
        if (begins[1:] < ends[:-1]).any() or ends[-1] > len(contents) - PADDING:
            places = zip(begins.tolist(), ends.tolist(), strict=True)
            shredding.add_documents([contents[at:end].tobytes() for at, end in places])
        else:
            shredding.add(contents, begins, sizes)
        start += count
    return shredding.columns()


def _sizes(contents: Bytes, starts: Positions) -> npt.NDArray[np.int64]:
    """What the documents say how long they are."""
    if len(starts) and (int(starts.min()) < 0 or int(starts.max()) + 5 > len(contents)):
        raise InvalidBSON("a document outside of its bytes")
    lengths = np.ndarray((max(len(contents) - 3, 0),), "<i4", contents, 0, (1,))
    sizes = lengths[starts].astype(np.int64)
    if len(sizes) and (int(sizes.min()) < 5 or bool((starts + sizes > len(contents)).any())):
        raise InvalidBSON("a document whose length does not fit")
    return sizes


class _Node:
    """What is wanted of the values at one path: themselves, fields of theirs, their elements.

    paths    numbers of the paths that end here
    fields   by their names, in the order of the plan
    """

    def __init__(self) -> None:
        self.paths: list[int] = []
        self.fields: dict[bytes, _Node] = {}
        self.each: _Node | None = None
        self.plan: Plan

    def add(self, path: Path, number: int) -> None:
        """Want one path more, from here on."""
        if not path:
            self.paths.append(number)
        elif path[0] is EACH:
            self.each = self.each or _Node()
            self.each.add(path[1:], number)
        else:
            self.fields.setdefault(name_bytes(path[0]), _Node()).add(path[1:], number)

    def plan_all(self) -> None:
        """Begin the plans of all levels."""
        self.plan = Plan(tuple(self.fields))
        for node in [*self.fields.values(), *([] if self.each is None else [self.each])]:
            node.plan_all()


Results = dict[int, tuple[Found, Positions | None]]
"""Number of a path -> (what was found, how many elements each record has, for a path with EACH)."""


class _Shredding:
    """The columns of some paths, as they grow piece by piece."""

    def __init__(self, paths: Sequence[Path], interrupt: Interrupt) -> None:
        self._paths = paths
        self._interrupt = interrupt
        self._root = _Node()
        for number, path in enumerate(paths):
            check_path(path)
            self._root.add(path, number)
        self._root.plan_all()
        self._gatherers = [Gatherer() for _ in paths]
        self._pieces: list[list[Column]] = [[] for _ in paths]

    def add_documents(self, documents: Sequence[bytes]) -> None:
        """Add documents, in pieces."""
        start = 0
        while start < len(documents):
            self._interrupt.check()
            piece = documents[start : start + PIECE_COUNT]
            sizes = np.fromiter(map(len, piece), np.int64, len(piece))
            ends = np.cumsum(sizes)
            if ends[-1] > PIECE_BYTES:
                count = max(int(np.searchsorted(ends, PIECE_BYTES, "right")), 1)
                piece, sizes, ends = piece[:count], sizes[:count], ends[:count]
            start += len(piece)
            if len(piece) < STEP_ROWS:
                self._add_slowly(piece)
            else:
                self.add(np.frombuffer(b"".join([*piece, _PADDING]), np.uint8), ends - sizes, sizes)

    def _add_slowly(self, documents: Sequence[bytes]) -> None:
        columns = columns_of_documents(documents, self._paths, self._interrupt)
        for pieces, column in zip(self._pieces, columns, strict=True):
            pieces.append(column)

    def add(self, contents: Bytes, starts: Positions, sizes: npt.NDArray[np.int64]) -> None:
        """Add documents that stand in ascending order in a buffer.

        sizes   bytes of each document
        """
        buffer = Buffer(contents)
        lengths = lengths_in(buffer.words(starts, 1)[:, 0])
        if int(sizes.min()) < 5 or (lengths != sizes).any():
            raise InvalidBSON("a document whose length is not that of its bytes")
        results = self._fields(buffer, self._root, starts, sizes)
        for number, (pieces, gatherer) in enumerate(zip(self._pieces, self._gatherers, strict=True)):
            self._interrupt.check()
            pieces.append(gatherer.column(buffer, *results[number]))

    def columns(self) -> tuple[Column, ...]:
        """The columns of all that was added."""
        if not self._pieces or not self._pieces[0]:
            self._add_slowly([])
        columns = []
        for pieces in self._pieces:
            self._interrupt.check()
            columns.append(joined(pieces))
        return tuple(columns)

    def _fields(self, buffer: Buffer, node: _Node, starts: Positions, sizes: npt.NDArray[np.int64]) -> Results:
        """What is found in documents."""
        ends = starts + sizes - 1
        if buffer.contents[ends].any():
            raise InvalidBSON("a document that does not end with NUL")
        found = Walk(buffer, node.plan, len(starts), self._interrupt).go(starts + 4, ends)
        results: Results = {}
        for child, each in zip(node.fields.values(), found, strict=True):
            results.update(self._at(buffer, child, each))
        return results

    def _at(self, buffer: Buffer, node: _Node, found: Found) -> Results:
        """What is found at the place of a node and below."""
        results: Results = dict.fromkeys(node.paths, (found, None))
        if node.fields:
            rows, starts, sizes = _framed(found, BsonType.OBJECT)
            crossed = found.tags == BsonType.ARRAY
            for number, (inner, counts) in self._fields(buffer, node, starts, sizes).items():
                results[number] = _spread(inner, counts, rows, crossed)
        if node.each is not None:
            rows, starts, sizes = _framed(found, BsonType.ARRAY)
            ends = starts + sizes - 1
            if buffer.contents[ends].any():
                raise InvalidBSON("an array that does not end with NUL")
            elements, lengths = walk_arrays(buffer, starts + 4, ends, self._interrupt)
            counts = np.zeros(len(found.tags), np.int64)
            counts[rows] = lengths
            for number, (inner, _) in self._at(buffer, node.each, elements).items():
                results[number] = inner, counts
        return results


def _framed(found: Found, tag: BsonType) -> tuple[Positions, Positions, npt.NDArray[np.int64]]:
    """The documents or arrays among what was found: (rows, where they begin, bytes of each)."""
    rows = np.flatnonzero(found.tags == tag)
    return rows, found.places[rows], lengths_in(found.words[rows]).astype(np.int64)


def _spread(
    inner: Found, counts: Positions | None, rows: Positions, crossed: npt.NDArray[np.bool_]
) -> tuple[Found, Positions | None]:
    """What was found in the documents of some rows, for all rows: nothing in the others.

    rows      of the documents
    crossed   rows in which an array stands instead
    """
    if counts is not None:
        whole = np.zeros(len(crossed), np.int64)
        whole[rows] = counts
        return inner, whole
    if len(rows) == len(crossed):
        return inner, None
    found = Found.nothing(len(crossed))
    found.tags[rows], found.places[rows], found.words[rows] = inner.tags, inner.places, inner.words
    found.tags[crossed] = CROSSED
    return found, None
