"""The options of a collation, each with a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

VERSION: Final = "57.1"  # of ICU in MongoDB's servers; nothing else is accepted, or shown


@dataclass(frozen=True, slots=True)
class Options:
    """What ICU's collator is given. Source: manual, Collation Document.

    locale            an ICU locale, with a variant behind "@collation="
    case_level        case counts beside the levels of `strength` 1 or 2
    case_first        "upper", "lower" or "off"
    strength          1 base letters, 2 and accents, 3 and case, 4 and what is ignored otherwise, 5 and code points
    numeric_ordering  digits compare as the numbers they write
    alternate         "shifted" ignores spaces and punctuation below strength 4; else "non-ignorable"
    max_variable      what `alternate` is about: "punct" for both, "space" for spaces alone
    normalization     normalize text whose combining marks are out of order
    backwards         accents count from the end of the string
    """

    locale: str
    case_level: bool = False
    case_first: str = "off"
    strength: int = 3
    numeric_ordering: bool = False
    alternate: str = "non-ignorable"
    max_variable: str = "punct"
    normalization: bool = False
    backwards: bool = False

    def document(self) -> dict[str, Any]:
        """All fields, as listCollections and listIndexes show them."""
        return {
            "locale": self.locale,
            "caseLevel": self.case_level,
            "caseFirst": self.case_first,
            "strength": self.strength,
            "numericOrdering": self.numeric_ordering,
            "alternate": self.alternate,
            "maxVariable": self.max_variable,
            "normalization": self.normalization,
            "backwards": self.backwards,
            "version": VERSION,
        }
