"""Whose a cursor is: that of the users who were logged in where it was opened.

Its documents are given to nobody else, and to them only as long as they may still run the command that opened it.
Source: manual, getMore, "Access Control"; killCursors.
"""

from __future__ import annotations

from typing import NamedTuple

from amongo.commands.access.names import UserName
from amongo.commands.access.rules import Need


class Owner(NamedTuple):
    """The users of a cursor.

    names   theirs
    needs   what the command needed that opened it
    """

    names: frozenset[UserName]
    needs: tuple[Need, ...]

    def is_any_of(self, names: frozenset[UserName]) -> bool:
        """Whether one of these users has opened it."""
        return not self.names.isdisjoint(names)
