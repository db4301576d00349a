"""What an expression may refer to at the place where it stands: the variables in scope, and rules for their names."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from amongo.errors import expression as errors

SYSTEM_VARIABLES: Final = frozenset({"ROOT", "REMOVE", "NOW", "CLUSTER_TIME", "USER_ROLES", "SEARCH_META"})
"""Variables that are defined everywhere (CURRENT apart, which $let may bind). Source: manual, System Variables."""

REDACT_VARIABLES: Final = frozenset({"DESCEND", "PRUNE", "KEEP"})
"""Variables that only a $redact stage defines."""

_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WORD: Final = _LETTERS | frozenset("0123456789_")

MAX_DEPTH: Final = 100  # as deep as documents may be nested (source: manual, Nested Depth for BSON Documents)


@dataclass(frozen=True, slots=True)
class Scope:
    """The names an expression may use.

    names              user variables, and the ones of $redact inside $redact
    rebinds_current    a $let around this place binds CURRENT, so field paths start there and not at the document
    depth              how many expressions stand around this one
    collator           the key of a string under the collation of the command; None for binary comparison
    """

    names: frozenset[str] = frozenset()
    rebinds_current: bool = False
    depth: int = 0
    collator: Callable[[str], bytes] | None = None

    def defines(self, name: str) -> bool:
        """Whether `$$name` means something here."""
        return name in SYSTEM_VARIABLES or name == "CURRENT" or name in self.names

    def with_names(self, names: Collection[str]) -> Scope:
        """The scope inside an operator that binds `names`."""
        return replace(
            self, names=self.names | frozenset(names), rebinds_current=self.rebinds_current or "CURRENT" in names
        )

    def deeper(self) -> Scope:
        """The scope of an operand.

        errors   NESTED_TOO_DEEP past MAX_DEPTH
        """
        if self.depth >= MAX_DEPTH:
            raise errors.NESTED_TOO_DEEP(limit=MAX_DEPTH)
        return replace(self, depth=self.depth + 1)


def check_read_name(name: str) -> None:
    """Refuse what cannot be a variable's name after `$$`.

    errors   EMPTY_VARIABLE_NAME, VARIABLE_NAME_START, VARIABLE_NAME_CHARACTER
    """
    if not name:
        raise errors.EMPTY_VARIABLE_NAME()
    if name[0] not in _LETTERS and name[0].isascii():
        raise errors.VARIABLE_NAME_START(name=name)
    for character in name[1:]:
        if character not in _WORD and character.isascii():
            raise errors.VARIABLE_NAME_CHARACTER(name=name, character=character)


def check_write_name(name: str) -> None:
    """Refuse what a user may not bind with `let`, `vars` or `as`.

    A user variable starts with a lower-case letter or a character outside ASCII; CURRENT may be bound too.

    errors   EMPTY_VARIABLE_NAME, VARIABLE_NAME_START, VARIABLE_NAME_CHARACTER
    source   manual, Variables in Aggregation Expressions
    """
    if name == "CURRENT":
        return
    check_read_name(name)
    if name[0].isascii() and not name[0].islower():
        raise errors.VARIABLE_NAME_START(name=name)
