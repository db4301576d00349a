"""Interrupts that come at a chosen moment."""

from __future__ import annotations

from amongo.runtime.interrupts import Interrupt


class StopsAt(Interrupt):
    """Stops at the check of this number."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def check(self) -> None:
        self.left -= 1
        if not self.left:
            self.stop("test")
        super().check()
