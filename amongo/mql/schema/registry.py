"""Every keyword of `$jsonSchema`, registered where it is defined.

A keyword is a function from its clause to a rule; None when the clause says nothing of its own (`exclusiveMinimum`,
which belongs to `minimum`). Keywords that JSON Schema has and the server refuses stand in `UNSUPPORTED`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from amongo.mql.schema.rule import Rule


@dataclass(frozen=True, slots=True)
class KeywordClause:
    """One keyword as it was written.

    keyword    its name
    operand    a canonical value
    siblings   the whole schema that it stands in
    is_root    whether that schema describes whole documents, and not the value of a property or an item
    """

    keyword: str
    operand: Any
    siblings: dict[str, Any]
    is_root: bool

    @property
    def specified(self) -> dict[str, Any]:
        """Keyword and operand, as an account repeats them."""
        return {self.keyword: self.operand}


Parse = Callable[[KeywordClause], Rule | None]

KEYWORDS: dict[str, Parse] = {}

UNSUPPORTED: Final = frozenset({"$ref", "$schema", "default", "definitions", "format", "id"})
"""Keywords of JSON Schema that the server knows and refuses (source: manual, $jsonSchema, "Omissions")."""

ANNOTATIONS: Final = ("title", "description")
"""Keywords that test nothing and stand in the accounts."""


def keyword(name: str) -> Callable[[Parse], Parse]:
    """Register a keyword; a second definition of a name is a programming error."""

    def enter(parse: Parse) -> Parse:
        if name in KEYWORDS:
            raise RuntimeError(f"the keyword {name} is defined twice")
        KEYWORDS[name] = parse
        return parse

    return enter
