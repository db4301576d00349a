"""Letting go of what was frozen, once its files have taken its place.

To free millions of small objects in one go holds every thread up, the event loop's among them: a set of a million keys
takes 50 ms. So the layers are taken apart first: their tables and lists are emptied in parts. Whatever somebody else
still holds (a fork reads the tables of the collection it was made of) is left as it is, for its last holder to free.
"""

from __future__ import annotations

from collections.abc import Iterable
from sys import getrefcount
from typing import Final

from amongo.engine.checkpoints.freezing import FrozenCollection
from amongo.engine.indexes import FrozenLayer
from amongo.engine.records import FrozenRecords
from amongo.runtime.interrupts import Interrupt

_PART_COUNT: Final = 1024  # things that are freed at a time, in less than half a millisecond


def holdings_of(parts: Iterable[FrozenCollection]) -> list[object]:
    """The tables and lists of what was frozen: hand them to `release` when nothing else of the layers is held."""
    holdings: list[object] = []
    for part in parts:
        layers = (*part.layers, *(layer for index in part.indexes for layer in index.layers))
        for layer in layers:
            if isinstance(layer, FrozenRecords | FrozenLayer):
                holdings += layer.holdings()
    return holdings


def release(holdings: list[object], interrupt: Interrupt) -> None:
    """Free tables and lists, part by part, and let other threads have their turn between; the list is empty after it.

    One that anybody else holds is not touched: whoever is alone with it stays so, since nobody else can reach it. (What
    a count of one holder looks like is found with an object of this function's own: interpreters differ in it.)
    """
    while holdings:
        held = holdings.pop()
        alone: set[object] = set()
        if isinstance(held, dict) and getrefcount(held) <= getrefcount(alone):
            while held:
                for _ in range(min(len(held), _PART_COUNT)):
                    held.popitem()
                interrupt.breathe()
        elif isinstance(held, set) and getrefcount(held) <= getrefcount(alone):
            while held:
                for _ in range(min(len(held), _PART_COUNT)):
                    held.pop()
                interrupt.breathe()
        elif isinstance(held, list) and getrefcount(held) <= getrefcount(alone):
            while held:
                del held[-_PART_COUNT:]
                interrupt.breathe()
        del held
        interrupt.breathe()
