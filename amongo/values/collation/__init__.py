"""Collations: strings compared as a language compares them, by Unicode's algorithm with the data of ICU."""

from amongo.values.collation.collation import KEYS_ARE_QUICK, SIMPLE, Collation, collator, hidden
from amongo.values.collation.locales import is_locale, locale_defaults, nearest_locale
from amongo.values.collation.options import VERSION, Options

__all__ = [
    "KEYS_ARE_QUICK",
    "SIMPLE",
    "VERSION",
    "Collation",
    "Options",
    "collator",
    "hidden",
    "is_locale",
    "locale_defaults",
    "nearest_locale",
]
