"""Walking many arrays in step, to find their elements.

The elements of an array are named "0", "1", … and so all arrays that have a k-th element have it under the same name;
its type is looked up array by array. An array with other names, which only a broken program writes, is read one element
after the other, by position.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from amongo.engine.columns.buffer import Buffer, Bytes, Positions, Words
from amongo.engine.columns.decoded import elements_between
from amongo.engine.columns.runs import Run, alone
from amongo.engine.columns.walking import Batch, Found, behind, found_slowly, word_at
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import STEP_ROWS, STEPS_OF_FEW


class _Part(NamedTuple):
    """Some elements: the rows of their arrays, their positions in these, and what was found."""

    rows: Positions
    positions: Positions
    kinds: Bytes
    places: Positions
    words: Words


def walk_arrays(buffer: Buffer, at: Positions, end: Positions, interrupt: Interrupt) -> tuple[Found, Positions]:
    """(the elements of the arrays, one array's behind those of the one before, how many each array has).

    at       where the first elements begin
    end      where the closing NULs stand
    errors   InvalidBSON of `bson.errors`; whatever the interrupt raises
    """
    parts: list[_Part] = []
    batch, position = Batch(np.arange(len(at)), at, end), 0
    while True:
        interrupt.check()
        going = batch.at != batch.end
        if not going.all():
            batch = batch.part(going)
        few = len(batch.at) < STEP_ROWS and position >= STEPS_OF_FEW
        if few or not len(batch.at):
            _go_slowly(buffer, batch, position, parts, interrupt)
            return _ordered(parts, len(at))
        run = alone(b"%d" % position)
        batch = _step(buffer, run, batch, position, parts, interrupt)
        position += 1


def _step(buffer: Buffer, run: Run, batch: Batch, position: int, parts: list[_Part], interrupt: Interrupt) -> Batch:
    """Take one element of each array: what is left of them."""
    words = buffer.words(batch.at, run.width)
    fits, kind = run.fitting(words)
    if fits is not None:
        _go_slowly(buffer, batch.part(~fits), position, parts, interrupt)
        batch, words = batch.part(fits), words[fits]
    rows, at, end = batch
    assert rows is not None
    if not len(rows):
        return batch
    contents = words.view(np.uint8).reshape(len(at), -1)
    kinds, places, word = contents[:, 0].copy(), at + run.size, word_at(contents, run.size)
    following, fits = behind(buffer, kinds if kind is None else kind, places, word, end)
    if fits is not None:
        _go_slowly(buffer, batch.part(~fits), position, parts, interrupt)
        rows, kinds, places, word = rows[fits], kinds[fits], places[fits], word[fits]
        following, end = following[fits], end[fits]
    parts.append(_Part(rows, np.full(len(rows), position), kinds, places, word))
    return Batch(rows, following, end)


def _go_slowly(buffer: Buffer, batch: Batch, position: int, parts: list[_Part], interrupt: Interrupt) -> None:
    """Walk each of these arrays to its end, one element after the other."""
    rows = np.arange(len(batch.at)) if batch.rows is None else batch.rows
    for row, at, end in zip(rows.tolist(), batch.at.tolist(), batch.end.tolist(), strict=True):
        raw = buffer.slice(at, end + 1)
        elements = list(interrupt.watch(elements_between(raw, 0, end - at)))
        positions = np.arange(position, position + len(elements))
        parts.append(_Part(np.full(len(elements), row), positions, *found_slowly(raw, at, elements)))


def _ordered(parts: list[_Part], arrays: int) -> tuple[Found, Positions]:
    """The elements, array by array."""
    if not parts:
        return Found.nothing(0), np.zeros(arrays, np.int64)
    rows, positions, kinds, places, words = (np.concatenate(each) for each in zip(*parts, strict=True))
    counts = np.bincount(rows, minlength=arrays)
    order = (np.cumsum(counts) - counts)[rows] + positions
    found = Found.nothing(len(rows))
    found.tags[order] = kinds.view(np.int8)
    found.places[order] = places
    found.words[order] = words
    return found, counts
