"""Sort keys by ICU itself, through PyICU: all of what a collation can say.

A collator of ICU that nobody changes any more may be used by any thread. One key takes half a microsecond, so none is
kept.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

from amongo.errors import collation as errors
from amongo.values.collation.locales import VARIANTS_GONE, base_and_variant
from amongo.values.collation.options import Options

_NO_BREAK_SPACE: Final = "\u00a0"
_LOWEST: Final = "\ufffe"  # a character that comes before all that count


def has_icu() -> bool:
    """Whether PyICU is installed."""
    return find_spec("icu") is not None


def icu_collator(options: Options) -> Callable[[str], bytes] | None:
    """The sort key of a string; None where PyICU is not installed.

    errors   VARIANT_GONE
    """
    if not has_icu():
        return None
    if base_and_variant(options.locale)[1] in VARIANTS_GONE:
        raise errors.VARIANT_GONE(locale=options.locale)
    collator = _configured(options)
    key: Callable[[str], bytes] = collator.getSortKey
    if collator.compare(_NO_BREAK_SPACE, "") and key(_NO_BREAK_SPACE) == key(""):
        # Where only spaces are ignored, ICU's comparison counts this one and its sort key does not. Servers compare.
        return lambda text: key(text.replace(_NO_BREAK_SPACE, _LOWEST))
    return key


def _configured(options: Options) -> Any:
    """ICU's collator with every attribute set, so that nothing depends on the data of one version of ICU."""
    import icu  # late: it takes 30 ms and 40 MB, which only collations need

    attribute, value = icu.UCollAttribute, icu.UCollAttributeValue
    separator = ";" if "@" in options.locale else "@"
    collator = icu.Collator.createInstance(icu.Locale(f"{options.locale}{separator}kv={options.max_variable}"))

    def switch(name: Any, is_on: bool) -> None:
        collator.setAttribute(name, value.ON if is_on else value.OFF)

    strengths = (value.PRIMARY, value.SECONDARY, value.TERTIARY, value.QUATERNARY, value.IDENTICAL)
    cases = {"upper": value.UPPER_FIRST, "lower": value.LOWER_FIRST, "off": value.OFF}
    collator.setAttribute(attribute.STRENGTH, strengths[options.strength - 1])
    collator.setAttribute(attribute.CASE_FIRST, cases[options.case_first])
    collator.setAttribute(
        attribute.ALTERNATE_HANDLING, value.SHIFTED if options.alternate == "shifted" else value.NON_IGNORABLE
    )
    switch(attribute.CASE_LEVEL, options.case_level)
    switch(attribute.NUMERIC_COLLATION, options.numeric_ordering)
    switch(attribute.NORMALIZATION_MODE, options.normalization)
    switch(attribute.FRENCH_COLLATION, options.backwards)
    return collator
