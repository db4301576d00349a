"""Runs of elements that many documents have, and what is learned of documents while they are walked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from amongo.engine.columns.buffer import FIXED, Buffer, Mask, Words, name_at, sizes_of_values
from amongo.runtime.limits import STEP_BYTES

_TILE: Final = 32  # rows that are compared in one stride
_MISSES: Final = 3  # times that a few documents may not fit a run
_MISS_SHARE: Final = 1 / 64
_KNOWN_NAMES: Final = 10_000  # whose order is remembered
_MOVES: Final = 256  # times that the order is put right; documents in which there is none would never end it
_LAST: Final = 2**31


class Member(NamedTuple):
    """An element of a run.

    number   of the name among those wanted; None if it is not
    kind     type byte, where the run was learned
    start    where it begins, from the beginning of the run
    offset   where its value does
    """

    name: bytes
    number: int | None
    kind: int
    start: int
    offset: int


@dataclass(slots=True, eq=False)
class Run:
    """Elements that follow one another in many documents.

    members     all but the last are of the type given, which has one size; the last is of any type, unless `ends`
    ends        whether the document ends behind the last, which is of the type given too
    size        bytes up to the end of the document, or to the last one's value
    width       words that are looked at: up to and with the first eight bytes of the last value
    following   the name that comes next, as far as is known; None for the end of the document
    misses      how often some documents did not fit
    """

    members: tuple[Member, ...]
    ends: bool
    size: int
    width: int
    following: bytes | None
    misses: int = 0
    _want: Words = field(init=False)
    _mask: Words = field(init=False)

    def __post_init__(self) -> None:
        want, mask = bytearray(8 * self.width), bytearray(8 * self.width)
        for member in self.members:
            want[member.start : member.offset] = bytes([member.kind]) + member.name + b"\0"
            mask[member.start : member.offset] = b"\xff" * (len(member.name) + 2)
        if self.ends:
            mask[self.size] = 0xFF
        else:
            want[self.members[-1].start] = mask[self.members[-1].start] = 0
        self._want = np.frombuffer(bytes(want), np.uint64)
        self._mask = np.frombuffer(bytes(mask), np.uint64)

    def fitting(self, words: Words) -> tuple[Mask | None, int | None]:
        """(which rows are of this run; None if all are, the type of the last member if all rows have the same).

        What all rows have in common is seen in the bits that are set in any row and those that are set in all; rows
        are compared one by one only where that says that they differ.

        words   `width` of each row
        """
        rows, width = words.shape
        even = rows - rows % _TILE
        tiles, rest = words[:even].reshape(-1, _TILE * width), words[even:]
        want, mask = self._want, self._mask
        some = np.bitwise_or.reduce(np.bitwise_or.reduce(tiles, axis=0).reshape(_TILE, width), axis=0)
        every = np.bitwise_and.reduce(np.bitwise_and.reduce(tiles, axis=0).reshape(_TILE, width), axis=0)
        some |= np.bitwise_or.reduce(rest, axis=0)
        every &= np.bitwise_and.reduce(rest, axis=0)
        suspects = np.flatnonzero(((some ^ want) | (every ^ want)) & mask)
        if not len(suspects):
            at = self.members[-1].start
            kind, other = int(some.view(np.uint8)[at]), int(every.view(np.uint8)[at])
            return None, kind if kind == other else None
        differing = np.zeros(rows, np.uint64)
        for column in suspects.tolist():
            differing |= (words[:, column] ^ want[column]) & mask[column]
        fits: Mask = differing == 0
        return fits, None


def alone(name: bytes, number: int | None = None) -> Run:
    """A run of one element of this name, of whatever type."""
    member = Member(name, number, 0, 0, len(name) + 2)
    return Run((member,), False, member.offset, -(-(member.offset + 8) // 8), None)


class Plan:
    """What is known of the documents of one level, and what is wanted of them.

    numbers   of the wanted names
    first     the name that most begin with
    runs      by the name that they begin with
    """

    def __init__(self, wanted: tuple[bytes, ...]) -> None:
        """wanted: names of fields as they stand in the bytes."""
        self.numbers = {name: number for number, name in enumerate(wanted)}
        self.first: bytes | None = None
        self.runs: dict[bytes, Run] = {}
        self._alone: dict[bytes, Run] = {}
        self._varying: set[bytes] = set()  # names whose type differs from document to document: a run ends with them
        self._cuts: set[bytes] = set()  # names that are often missing: a run begins with them
        self._learned_again: set[bytes] = set()  # names whose run did not fit most documents
        self._next: dict[bytes, bytes | None] = {}  # name -> the one behind it in some document
        self._order: list[bytes] = []
        self._ranks: dict[bytes, int] = {}
        self._moves = 0

    # The order of names

    def rank(self, name: bytes | None) -> int:
        """Where the name stands in the order of names; the end, and what is not known, is behind all."""
        return _LAST if name is None else self._ranks.get(name, _LAST)

    def knows(self, name: bytes) -> bool:
        """Whether the name has its place in the order."""
        return name in self._ranks

    def place(self, names: list[bytes]) -> None:
        """New names, which stand one behind the other in a document: each run of them goes in front of the next name
        that is known, or to the end."""
        fresh: list[bytes] = []
        for name in [*dict.fromkeys(names), None]:
            if name is not None and name not in self._ranks:
                fresh.append(name)
            elif fresh:
                self._insert(fresh, self.rank(name))
                fresh = []

    def move_before(self, name: bytes, other: bytes) -> None:
        """A name stands in front of another: if the order says otherwise, the order was wrong."""
        if self._moves < _MOVES and self._ranks.get(other, _LAST) < self._ranks.get(name, -1):
            self._moves += 1
            self._order.remove(name)
            self._insert([name], self._order.index(other))

    def _insert(self, names: list[bytes], at: int) -> None:
        if len(self._order) < _KNOWN_NAMES:
            self._order[at:at] = names
            self._ranks = {name: rank for rank, name in enumerate(self._order)}

    # Runs

    def alone(self, name: bytes) -> Run:
        """The run of one element of this name, of whatever type."""
        run = self._alone.get(name)
        if run is None:
            run = self._alone[name] = alone(name, self.numbers.get(name))
        run.following = run.following or self._next.get(name)
        return run

    def learn(self, buffer: Buffer, at: int, end: int) -> Run | None:
        """The run of the document that has its next element at `at` and ends at `end`; None if it has none there."""
        raw = buffer.slice(at, min(at + STEP_BYTES, end + 1))
        members: list[Member] = []
        start, ends = 0, False
        while start < len(raw):
            kind, name_end = raw[start], raw.find(b"\0", start + 1)
            if not kind:
                ends = at + start == end
                break
            name, offset = raw[start + 1 : name_end], name_end + 1
            if name_end < 0 or offset + 8 > STEP_BYTES or (members and name in self._cuts):
                break
            members.append(Member(name, self.numbers.get(name), kind, start, offset))
            start = offset + FIXED.get(kind, 0)
            if kind not in FIXED or name in self._varying:
                break
        if not members:
            return None
        last = members[-1]
        following = None if ends else _name_behind(buffer, at, end, last)
        size = start if ends else last.offset
        run = Run(tuple(members), ends, size, -(-(size + 8) // 8), following)
        names = [member.name for member in members]
        self._next.update(zip(names, [*names[1:], following], strict=True))
        self.place(names if following is None else [*names, following])
        self.runs[members[0].name] = run
        return run

    def learn_of_misfits(self, run: Run, buffer: Buffer, at: int, end: int, share: float) -> None:
        """Learn from documents that do not fit a run: where they are many, another run; where they are many again, or
        few again and again, a shorter one. (A run that all fit, and one more behind it, are quicker than one that some
        do not fit.)

        at, end   of one that does not fit
        share     of the documents that do not
        """
        name = run.members[0].name
        if name_at(buffer, at) != name:
            return
        if share > 1 / 2 and name not in self._learned_again:
            self._learned_again.add(name)
            self.learn(buffer, at, end)
            return
        run.misses += 1
        if run.misses < _MISSES and share < _MISS_SHARE:
            return
        raw = buffer.slice(at, min(at + STEP_BYTES, end + 1))
        for member in run.members:
            if raw[member.start + 1 : member.offset] != member.name + b"\0":
                self._cuts.add(member.name)
            elif raw[member.start] != member.kind:
                self._varying.add(member.name)
            else:
                continue
            self.runs.pop(name, None)
            return


def _name_behind(buffer: Buffer, at: int, end: int, last: Member) -> bytes | None:
    """The name that comes behind the last member of a run in one document."""
    place = np.array([at + last.offset])
    size = int(np.max(sizes_of_values(buffer, last.kind, place, buffer.words(place, 1)[:, 0])))
    following = at + last.offset + size
    return name_at(buffer, following) if size >= 0 and following < end else None
