"""A collation as a value: which language, which differences count, and the collator that follows from it.

A collator turns a string into its sort key: two strings compare as the bytes of their keys do. Whatever compares
values (matcher, expressions, sort, groups, index keys) takes a collator or None; see `values.order`,
`values.key_bytes`. ICU computes the keys where it is installed (the extra `collation`); without it DuckDB's copy of ICU
computes those of the plain collations, and the others are refused by name; see docs/decisions/0007.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from amongo.runtime.limits import COLLATORS
from amongo.values.collation.duckdb_keys import duckdb_collator
from amongo.values.collation.icu_keys import has_icu, icu_collator
from amongo.values.collation.locales import SIMPLE_LOCALE
from amongo.values.collation.options import Options
from amongo.values.order import Collator


@dataclass(frozen=True, slots=True)
class Collation:
    """A valid collation with everything that its document left to the locale.

    options   None for the simple collation, which compares the bytes of strings
    """

    options: Options | None

    @property
    def is_simple(self) -> bool:
        """Whether strings compare by their bytes."""
        return self.options is None

    @property
    def collator(self) -> Collator | None:
        """The key of a string; None for the simple collation. Equal collations have the same collator.

        errors   NEEDS_ICU, VARIANT_GONE
        """
        return None if self.options is None else _collator(self.options)

    def document(self) -> dict[str, Any]:
        """All fields, as listCollections and listIndexes show them."""
        return {"locale": SIMPLE_LOCALE} if self.options is None else self.options.document()


SIMPLE: Final = Collation(None)

KEYS_ARE_QUICK: Final = has_icu()
"""Whether a sort key takes no more time than a look at a document."""


def collator(document: Mapping[str, Any] | None) -> Collator | None:
    """The collator of a collation that stands in the catalog: of a collection, a view or an index.

    document   as `Collation.document` gives it; None and {locale: "simple"} for comparison by bytes
    errors     NEEDS_ICU, VARIANT_GONE
    """
    if document is None or document["locale"] == SIMPLE_LOCALE:
        return None
    return _collator(
        Options(
            document["locale"],
            document["caseLevel"],
            document["caseFirst"],
            document["strength"],
            document["numericOrdering"],
            document["alternate"],
            document["maxVariable"],
            document["normalization"],
            document["backwards"],
        )
    )


def hidden(value: Any, collator: Collator | None) -> Any:
    """A value of an index with a collation, as errors show it: of a string the sort key, in hexadecimal digits."""
    if type(value) is not str or collator is None:
        return value
    return "0x" + collator(value).rstrip(b"\0").hex()


@lru_cache(maxsize=COLLATORS)
def _collator(options: Options) -> Collator:
    return icu_collator(options) or duckdb_collator(options)
