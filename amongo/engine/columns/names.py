"""The names of the fields that documents have, found without decoding them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import numpy as np

from amongo.engine.columns.buffer import PADDING, Buffer, Words
from amongo.engine.columns.decoded import elements_between
from amongo.engine.columns.runs import Plan, Run
from amongo.engine.columns.walking import Batch, Walk
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import PIECE_COUNT

_PADDING: Final = bytes(PADDING)


def field_names(documents: Iterable[bytes], interrupt: Interrupt) -> list[str]:
    """The names of all top-level fields, in the order in which documents have them.

    documents   BSON
    errors      InvalidBSON of `bson.errors`; whatever the interrupt raises
    """
    plan = Plan(())
    found: dict[bytes, None] = {}
    left = iter(documents)
    while piece := list(islice(left, PIECE_COUNT)):
        interrupt.check()
        _add_names(piece, plan, found, interrupt)
    return [name.decode() for name in sorted(found, key=plan.rank)]


def _add_names(piece: Sequence[bytes], plan: Plan, found: dict[bytes, None], interrupt: Interrupt) -> None:
    sizes = np.fromiter(map(len, piece), np.int64, len(piece))
    starts = np.cumsum(sizes) - sizes
    buffer = Buffer(np.frombuffer(b"".join([*piece, _PADDING]), np.uint8))
    _NameWalk(buffer, plan, len(piece), interrupt, found).go(starts + 4, starts + sizes - 1)


class _NameWalk(Walk):
    """A walk that wants no values and notes all names."""

    def __init__(self, buffer: Buffer, plan: Plan, rows: int, interrupt: Interrupt, found: dict[bytes, None]) -> None:
        super().__init__(buffer, plan, rows, interrupt)
        self._names = found

    def _advance(self, run: Run, batch: Batch, words: Words, kind: int | None) -> None:
        for member in run.members:
            self._names.setdefault(member.name)
        super()._advance(run, batch, words, kind)

    def _go_slowly(self, batch: Batch) -> None:
        for at, end in zip(batch.at.tolist(), batch.end.tolist(), strict=True):
            raw = self._buffer.slice(at, end + 1)
            names = [element.name for element in self._interrupt.watch(elements_between(raw, 0, end - at))]
            self._names.update(dict.fromkeys(names))
            self._plan.place(names)
