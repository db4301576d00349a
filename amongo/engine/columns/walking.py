"""Walking many documents in step, to find where the values of wanted fields stand.

The documents of a collection are much alike. What one of them has next is taken as what all have next: a run of
elements, up to and with the first whose size is not its type's. One indexing operation brings the bytes of the run from
every document, one comparison says which documents have these names and types there; they go on together. The others
are sorted by the name that they have next, and wait until the rest comes to that name: so documents that lack a field
here and there fall into step again, however many combinations of fields there are.

What is learned of the documents is kept from piece to piece (`runs.Plan`). Rows that keep no step go the slow way of
`decoded`, element by element. What is read behind a document's end is compared or thrown away, never believed: every
position is checked when it is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from amongo.engine.columns.buffer import Buffer, Bytes, Mask, Positions, Words, name_at, sizes_of_values
from amongo.engine.columns.decoded import Element, elements_between
from amongo.engine.columns.runs import Plan, Run
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import STEP_ROWS, STEPS_OF_FEW

_NAMES_AHEAD: Final = 100  # of a document with a new name, that are put in their order
_ONES: Final = np.uint64(0x0101010101010101)
_HIGHS: Final = np.uint64(0x8080808080808080)
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(slots=True, eq=False)
class Found:
    """What was found of one wanted field, or of elements of arrays.

    tags     int8: the number of the type, 0 where the field is missing
    places   where the values begin
    words    the first eight bytes that stand there
    tag      that of all rows, if it is known that they have the same
    """

    tags: npt.NDArray[np.int8]
    places: Positions
    words: Words
    tag: int | None = None

    @classmethod
    def nothing(cls, rows: int) -> Found:
        """No value in so many rows."""
        return cls(np.zeros(rows, np.int8), np.zeros(rows, np.int64), np.zeros(rows, np.uint64))


class Batch(NamedTuple):
    """Documents that go in step.

    rows   their numbers; None for all
    at     where the next element of each begins
    end    where the closing NUL of each stands
    """

    rows: Positions | None
    at: Positions
    end: Positions

    def part(self, chosen: Mask | Positions) -> Batch:
        """Those of the chosen rows, or at the chosen positions."""
        all_rows = np.arange(len(self.at)) if self.rows is None else self.rows
        return Batch(all_rows[chosen], self.at[chosen], self.end[chosen])

    def slice(self, start: int, stop: int) -> Batch:
        """Those from one position to another."""
        return Batch(None if self.rows is None else self.rows[start:stop], self.at[start:stop], self.end[start:stop])


class Walk:
    """One walk through documents of one level."""

    def __init__(self, buffer: Buffer, plan: Plan, rows: int, interrupt: Interrupt) -> None:
        self._found: list[Found | None] = [None] * len(plan.numbers)
        self._buffer = buffer
        self._plan = plan
        self._rows = rows
        self._interrupt = interrupt
        self._waiting: dict[bytes | None, list[tuple[Batch, Run | None]]] = {}
        self._steps_of_few = 0

    def go(self, at: Positions, end: Positions) -> list[Found]:
        """Walk to the ends: what is found of each wanted field, the last where a document has it twice.

        at       where the first elements begin
        end      where the closing NULs stand
        errors   InvalidBSON of `bson.errors`; whatever the interrupt raises
        """
        if self._rows:
            if self._plan.first is None:
                self._plan.first = name_at(self._buffer, int(at[0]))
            self._waiting[self._plan.first] = [(Batch(None, at, end), None)]
        while self._waiting:
            self._interrupt.check()
            name = min(self._waiting, key=self._plan.rank)
            arrived = self._waiting.pop(name)
            batch, sources = _together([each for each, _ in arrived]), [run for _, run in arrived if run is not None]
            if len(batch.at) < STEP_ROWS:
                self._steps_of_few += 1
            if len(batch.at) < STEP_ROWS and self._steps_of_few > STEPS_OF_FEW:
                self._go_slowly(batch)
            else:
                self._step(name, batch, sources)
        return [Found.nothing(self._rows) if found is None else found for found in self._found]

    def _step(self, name: bytes | None, batch: Batch, sources: list[Run]) -> None:
        """Take the next run of documents that should have this name next."""
        run = None
        if name is not None:
            run = self._plan.runs.get(name) or self._plan.learn(self._buffer, int(batch.at[0]), int(batch.end[0]))
        if run is None or run.members[0].name != name:
            self._sort(name, batch, sources, len(batch.at))
            return
        words = self._buffer.words(batch.at, run.width)
        fits, kind = run.fitting(words)
        if fits is not None:
            others, arrived = batch.part(~fits), len(batch.at)
            share = len(others.at) / arrived
            self._plan.learn_of_misfits(run, self._buffer, int(others.at[0]), int(others.end[0]), share)
            batch, words = batch.part(fits), words[fits]
            self._sort(name, others, sources, arrived)
        if len(batch.at):
            self._advance(run, batch, words, kind)

    def _sort(self, name: bytes | None, batch: Batch, sources: list[Run], arrived: int) -> None:
        """Sort documents by the name that they have next; with the name that was tried, they take one element.

        The runs that they come from should say which name follows: the first in the order that often does. To be too
        early costs a comparison, to be too late keeps documents from going with the others.

        sources   the runs that they come from
        arrived   how many documents came from these, with those that fit
        """
        going = batch.at != batch.end
        batch = batch if going.all() else batch.part(going)
        if not len(batch.at):
            return
        order, bounds = _by_names(self._buffer, batch.at)
        batch = batch.part(order)
        if len(bounds) > STEPS_OF_FEW:
            batch, bounds = self._without_few(batch, bounds)
        for start, stop in pairwise(bounds):
            part = batch.slice(start, stop)
            own = name_at(self._buffer, int(part.at[0]))
            if own is None or own == name:
                self._step_alone(own, part)
                continue
            if not self._plan.knows(own):
                self._plan.place(names_from(self._buffer, int(part.at[0]), int(part.end[0])))
            rank = self._plan.rank
            is_before = rank(own) < rank(name) and stop - start >= STEP_ROWS
            for source in sources:
                last = source.members[-1].name
                self._plan.move_before(last, own)
                if (is_before or 16 * (stop - start) > 15 * arrived) and rank(last) < rank(own):
                    source.following = own
            self._waiting.setdefault(own, []).append((part, None))

    def _without_few(self, batch: Batch, bounds: list[int]) -> tuple[Batch, list[int]]:
        """A batch in groups without the small ones, which go the slow way."""
        groups = list(pairwise(bounds))
        sizes = np.diff(bounds)
        is_kept = np.repeat(sizes >= STEP_ROWS, sizes)
        self._go_slowly(batch.part(~is_kept))
        kept = [stop - start for start, stop in groups if stop - start >= STEP_ROWS]
        return batch.part(is_kept), [0, *accumulate(kept)]

    def _step_alone(self, name: bytes | None, batch: Batch) -> None:
        """Take one element of documents most of which have this name next; None is a name too long to go in step."""
        if name is None:
            self._go_slowly(batch)
            return
        alone = self._plan.alone(name)
        words = self._buffer.words(batch.at, alone.width)
        fits, kind = alone.fitting(words)
        if fits is not None:
            self._go_slowly(batch.part(~fits))
            batch, words = batch.part(fits), words[fits]
        self._advance(alone, batch, words, kind)

    def _advance(self, run: Run, batch: Batch, words: Words, kind: int | None) -> None:
        """Take a run that these documents have, and let them wait where they come to.

        kind   type of the last value, if it is known that all have the same
        """
        rows, at, end = batch
        contents = words.view(np.uint8).reshape(len(at), -1)
        last = run.members[-1]
        for member in run.members if run.ends else run.members[:-1]:
            if member.number is not None:
                word = word_at(contents, member.offset)
                self._record(member.number, rows, member.kind, at + member.offset, word)
        if run.ends:
            broken = at + run.size != end
            if broken.any():
                self._go_slowly(batch.part(broken))
            return
        kinds = contents[:, last.start].copy() if kind is None else kind
        places, word = at + last.offset, word_at(contents, last.offset)
        following, fits = behind(self._buffer, kinds, places, word, end)
        if fits is not None:
            self._go_slowly(batch.part(~fits))
            rows = np.flatnonzero(fits) if rows is None else rows[fits]
            kinds = kinds if isinstance(kinds, int) else kinds[fits]
            places, word, following, end = places[fits], word[fits], following[fits], end[fits]
            if not len(places):
                return
        if last.number is not None:
            self._record(last.number, rows, kinds, places, word)
        self._waiting.setdefault(run.following, []).append((Batch(rows, following, end), run))

    def _record(self, number: int, rows: Positions | None, kinds: Bytes | int, places: Positions, words: Words) -> None:
        """Note values of a wanted field; kinds: a type byte for each, or one for all."""
        tag = None
        if isinstance(kinds, int):
            tag = kinds if kinds < 128 else kinds - 256
            tags = np.full(len(places), tag, np.int8)
        else:
            tags = kinds.view(np.int8)
        if rows is None:
            self._found[number] = Found(tags, places, words, tag)
            return
        found = self._found[number]
        if found is None:
            found = self._found[number] = Found.nothing(self._rows)
        found.tags[rows], found.places[rows], found.words[rows], found.tag = tags, places, words, None

    def _go_slowly(self, batch: Batch) -> None:
        """Walk each of these documents to its end, one element after the other."""
        rows = range(len(batch.at)) if batch.rows is None else batch.rows.tolist()
        numbers = self._plan.numbers
        for row, at, end in zip(rows, batch.at.tolist(), batch.end.tolist(), strict=True):
            raw = self._buffer.slice(at, end + 1)
            elements = self._interrupt.watch(elements_between(raw, 0, end - at))
            last = {numbers[each[1]]: each for each in elements if each[1] in numbers}
            for number, element in last.items():
                self._record(number, np.array([row]), *found_slowly(raw, at, [element]))


def names_from(buffer: Buffer, at: int, end: int) -> list[bytes]:
    """The names of a document's next elements, some of them. errors: InvalidBSON."""
    raw = buffer.slice(at, end + 1)
    return [name for _, name, _, _ in islice(elements_between(raw, 0, end - at), _NAMES_AHEAD)]


def found_slowly(raw: bytes, at: int, elements: list[Element]) -> tuple[Bytes, Positions, Words]:
    """Elements that were found one by one, as (type bytes, places, words).

    raw   the bytes that stand at `at`, in which the elements are
    """
    words = b"".join([raw[start : start + 8].ljust(8, b"\0") for _, _, start, _ in elements])
    kinds = np.array([tag & 0xFF for tag, *_ in elements], np.uint8)
    return kinds, np.array([at + start for _, _, start, _ in elements], np.int64), np.frombuffer(words, np.uint64)


def _by_names(buffer: Buffer, at: Positions) -> tuple[Positions, list[int]]:
    """Rows sorted so that those stand together whose next names begin with the same 15 bytes: (their order, bounds of
    the groups).

    A name ends with NUL, and what stands behind is not compared. The lowest bit that `zeros` has set belongs to the
    first byte that is NUL.
    """
    words = buffer.words(at, 2)
    first, second = words[:, 0] >> np.uint64(8), words[:, 1]
    first |= np.uint64(0xFF << 56)
    zeros = (first - _ONES) & ~first & _HIGHS
    is_short = zeros != 0
    first &= zeros ^ (zeros - np.uint64(1))
    more = (second - _ONES) & ~second & _HIGHS
    second = second & (more ^ (more - np.uint64(1)))
    second[is_short] = 0
    keys = first * _MULTIPLIER + second
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    bounds = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return order, [0, *bounds.tolist(), len(at)]


def _together(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    rows, at, end = zip(*batches, strict=True)
    return Batch(np.concatenate(rows), np.concatenate(at), np.concatenate(end))


def word_at(contents: Bytes, offset: int) -> Words:
    """The eight bytes from there on in each row."""
    rows, width = contents.shape
    return np.ndarray((rows,), np.uint64, contents, offset, (width,)).copy()


def behind(
    buffer: Buffer, kinds: Bytes | int, places: Positions, words: Words, end: Positions
) -> tuple[Positions, Mask | None]:
    """(where the next elements begin, which values fit into their documents; None if all do).

    kinds   a type byte for each, or one for all
    """
    sizes = sizes_of_values(buffer, kinds, places, words)
    if isinstance(sizes, int):
        if sizes < 0:
            return places, np.zeros(len(places), np.bool_)
        following = places + sizes
        return following, None if (following <= end).all() else following <= end
    following = places + sizes
    if (following <= end).all() and int(sizes.min()) >= 0:
        return following, None
    return following, (sizes >= 0) & (following <= end)
