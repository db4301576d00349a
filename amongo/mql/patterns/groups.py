"""Groups of a pattern: how they open, what they hold, and what they are when they close."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import regex

from amongo.mql.patterns.pieces import Branch, Piece, alternatives, check_lookbehind

OPENINGS: Final = (
    ("(?:", "(?:", "group"),
    ("(?|", "(?|", "reset"),
    ("(?>", "(?>", "group"),
    ("(?=", "(?=", "ahead"),
    ("(?!", "(?!", "ahead"),
    ("(?*", "(?=", "ahead"),
    ("(?<=", "(?<=", "behind"),
    ("(?<!", "(?<!", "behind"),
    ("(?<*", "(?<=", "behind"),
    ("(*atomic:", "(?>", "group"),
    ("(*pla:", "(?=", "ahead"),
    ("(*positive_lookahead:", "(?=", "ahead"),
    ("(*napla:", "(?=", "ahead"),
    ("(*non_atomic_positive_lookahead:", "(?=", "ahead"),
    ("(*nla:", "(?!", "ahead"),
    ("(*negative_lookahead:", "(?!", "ahead"),
    ("(*plb:", "(?<=", "behind"),
    ("(*positive_lookbehind:", "(?<=", "behind"),
    ("(*naplb:", "(?<=", "behind"),
    ("(*non_atomic_positive_lookbehind:", "(?<=", "behind"),
    ("(*nlb:", "(?<!", "behind"),
    ("(*negative_lookbehind:", "(?<!", "behind"),
)
"""PCRE2's opening, the module's, and the kind of group."""


@dataclass(slots=True)
class Groups:
    """What a walk has learnt of the capturing groups.

    names     name -> number
    lengths   number -> characters, for groups of a fixed length
    count     of them
    """

    names: dict[str, int] = field(default_factory=dict)
    lengths: dict[int, int] = field(default_factory=dict)
    count: int = 0


@dataclass(slots=True)
class Group:
    """A group that is open.

    opening, closing   what it stands between, for the module
    flags              those in force before it
    kind               "group", "reset" (its branches number their groups alike), "ahead", "behind" or "condition"
    number             of a capturing group; 0 otherwise
    """

    opening: str
    closing: str
    flags: frozenset[str]
    kind: str = "group"
    number: int = 0
    first_count: int = 0
    last_count: int = 0
    branches: list[Branch] = field(default_factory=lambda: [Branch()])

    @property
    def is_lookaround(self) -> bool:
        """Whether it matches no characters itself."""
        return self.kind in ("ahead", "behind")

    def take(self, piece: Piece) -> None:
        """Go on with this piece."""
        self.branches[-1].pieces.append(piece)

    def last(self) -> Piece | None:
        """The last piece of the branch; None at its start."""
        pieces = self.branches[-1].pieces
        return pieces[-1] if pieces else None

    def replace_last(self, piece: Piece) -> None:
        """Put a piece in place of the last one."""
        self.branches[-1].pieces[-1] = piece

    def begin_branch(self, groups: Groups) -> None:
        """A bar: the next alternative."""
        if self.kind == "condition" and (len(self.branches) > 1 or self.opening == "(?(DEFINE)"):
            raise regex.error("conditional subpattern contains more than two branches")
        if self.kind == "reset":
            self.last_count = max(self.last_count, groups.count)
            groups.count = self.first_count
        self.branches.append(Branch())


def closed(group: Group, *, is_final: bool = True) -> Piece:
    """The group as one piece.

    is_final   all lengths of groups are known
    errors     regex.error for a lookbehind without a fixed length
    """
    branches = [branch.joined() for branch in group.branches]
    if group.kind == "behind" and is_final:
        check_lookbehind(branches)
    inside = alternatives(branches)
    text = f"{group.opening}{inside.text}{group.closing}"
    size = inside.size + (8 if group.number else 6) + (3 * len(branches) if group.kind == "behind" else 0)
    if group.kind == "condition" and len(branches) == 1:  # the other branch is empty, and does not count as another
        return replace(inside, text=text, size=size, least=0, degree=inside.degree)
    if group.is_lookaround:
        return Piece(text, 0, 0, size, inside.degree, is_assertion=True)
    return replace(inside, text=text, size=size)
