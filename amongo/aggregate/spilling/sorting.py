"""Sorting more than fits in memory: sorted runs on disk, merged."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Final, TypeVar

from amongo.aggregate.environment import Environment
from amongo.aggregate.spilling.documents import Form
from amongo.aggregate.spilling.runs import Run, Spill
from amongo.aggregate.stages.memory import MemoryGauge
from amongo.mql.sorting import in_order
from amongo.runtime.limits import SPILL_RUNS

T = TypeVar("T")

_key_of: Final[Callable[[tuple[bytes, object]], bytes]] = itemgetter(0)


def in_order_within(
    keyed: Iterable[tuple[bytes, T]], environment: Environment, stage: str, form: Form[T]
) -> Iterator[T]:
    """The things of (key, thing) pairs, ascending by key; ties keep the order in which they came.

    environment   says how much may be held in memory, and where the rest goes
    stage         whose things they are, for the message
    form          how they are put aside
    errors        MEMORY_EXCEEDED past what may be held where nothing may be put aside, SPILL_TOO_LARGE,
                  SPILL_DISK_FULL, OSError
    """
    interrupt = environment.interrupt
    gauge = MemoryGauge(environment.held_bytes)
    held: list[tuple[bytes, T]] = []
    runs: list[Run[T]] = []
    spill: Spill | None = None
    try:
        for pair in interrupt.watch(keyed):
            held.append(pair)
            if gauge.is_full_with(pair[1]):
                if spill is None:
                    spill = Spill.of(environment, stage)
                if len(runs) == SPILL_RUNS:
                    runs = [_written(spill, form, _merged(runs))]
                runs.append(_written(spill, form, _sorted(held, environment)))
                held = []
                gauge = MemoryGauge(environment.held_bytes)
        if not runs:
            yield from interrupt.watch(in_order(held, interrupt))
            return
        sources = [*(run.pairs() for run in runs), _sorted(held, environment)]
        for _, thing in interrupt.watch(heapq.merge(*sources, key=_key_of)):
            yield thing
    finally:
        if spill is not None:
            spill.close()


def _sorted(held: list[tuple[bytes, T]], environment: Environment) -> Iterator[tuple[bytes, T]]:
    return in_order(((pair[0], pair) for pair in held), environment.interrupt)


def _merged(runs: list[Run[T]]) -> Iterator[tuple[bytes, T]]:
    return heapq.merge(*(run.pairs() for run in runs), key=_key_of)


def _written(spill: Spill, form: Form[T], pairs: Iterable[tuple[bytes, T]]) -> Run[T]:
    run = spill.run(form)
    run.add_all(pairs)
    return run
