"""Sort keys by the copy of ICU inside DuckDB, for an installation without PyICU.

DuckDB gives the whole key of a string under a locale's own defaults, its levels apart by a byte 01: the first level is
the key of strength 1, the first two that of strength 2, all three that of strength 3. What changes the levels
themselves (case level, case first, numeric ordering, `shifted`, backwards), what adds to them (strengths 4 and 5) and
the variants of a locale it cannot do. A key is a query, of half a millisecond, so those of short strings are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from amongo.errors import collation as errors
from amongo.runtime.limits import SLOW_KEY_LENGTH, SLOW_KEYS
from amongo.values.collation.locales import locale_defaults
from amongo.values.collation.options import Options
from amongo.values.wording import shown

if TYPE_CHECKING:
    import duckdb

_SEPARATOR: Final = b"\x01"

# What DuckDB has no data for, or reads as something else.
_MISSING: Final = frozenset({"bs_Cyrl", "en_US_POSIX", "sr_Latn", "wae", "zh_Hant"})

_idle: list[duckdb.DuckDBPyConnection] = []  # a connection is used by one thread at a time


def can_compute(options: Options) -> bool:
    """Whether DuckDB's keys are those of this collation."""
    plain = Options(options.locale, **locale_defaults(options.locale))
    return (
        "@" not in options.locale
        and options.locale not in _MISSING
        and options.strength <= 3
        and replace(plain, strength=options.strength, max_variable=options.max_variable) == options
        and (options.alternate, options.max_variable) != ("shifted", "space")
    )


def duckdb_collator(options: Options) -> Callable[[str], bytes]:
    """The sort key of a string.

    errors   NEEDS_ICU for what DuckDB cannot compute
    """
    if not can_compute(options):
        raise errors.NEEDS_ICU(collation=shown(options.document()))
    locale, levels = options.locale, options.strength

    def compute(text: str) -> bytes:
        return _SEPARATOR.join(_whole_key(text, locale).split(_SEPARATOR)[:levels])

    kept = lru_cache(maxsize=SLOW_KEYS)(compute)
    return lambda text: kept(text) if len(text) <= SLOW_KEY_LENGTH else compute(text)


def _whole_key(text: str, locale: str) -> bytes:
    try:
        connection = _idle.pop()
    except IndexError:
        connection = _connect()
    row = connection.execute("select icu_sort_key(?, ?)", [text, locale]).fetchone()
    _idle.append(connection)
    assert row is not None
    return bytes.fromhex(row[0])


def _connect() -> duckdb.DuckDBPyConnection:
    import duckdb  # late: a second library to load, which few installations need for this

    return duckdb.connect()
