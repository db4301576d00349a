"""File descriptors that are of one process: a forked child closes its copies, and so keeps nothing of its parent's."""

from __future__ import annotations

import os


class OwnDescriptor:
    """A file descriptor that a forked child does not keep."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number
        _held.add(self)

    def give_up(self) -> int:
        """The number, for who closes it; -1 where that has been done, here or in a fork."""
        _held.discard(self)
        number, self._number = self._number, -1
        return number


_held: set[OwnDescriptor] = set()


def _let_go() -> None:
    for each in list(_held):
        if (number := each.give_up()) >= 0:
            os.close(number)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
