"""The locales that MongoDB's collations know, as data, with the defaults in which they differ.

Source: manual, Collation Locales and Default Parameters. The names are ICU's and are taken exactly: `en_US` is one,
`en_us`, `en-US` and `en_GB` (which has no rules of its own) are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SIMPLE_LOCALE: Final = "simple"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


LOCALES: Final = _names(
    "af am ar as az be bg bn bo bs bs_Cyrl ca chr cs cy da de de_AT dsb dz ee el en en_US en_US_POSIX eo es et fa "
    "fa_AF fi fil fo fr fr_CA ga gl gu ha haw he hi hr hsb hu hy id ig is it ja ka kk kl km kn ko kok ky lb lkt ln lo "
    "lt lv mk ml mn mr ms mt my nb ne nl nn om or pa pl ps pt ro ru se si sk sl smn sq sr sr_Latn sv sw ta te th to "
    "tr ug uk ur vi wae yi yo zh zh_Hant zu"
)

# Further rules of a locale, asked for as `de@collation=phonebook`. Those of `_EVERYWHERE` belong to the root.
VARIANTS: Final[Mapping[str, frozenset[str]]] = {
    "ar": frozenset({"compat"}),
    "bn": frozenset({"traditional"}),
    "de": frozenset({"phonebook"}),
    "de_AT": frozenset({"phonebook"}),
    "es": frozenset({"traditional"}),
    "fi": frozenset({"traditional"}),
    "ja": frozenset({"unihan"}),
    "kn": frozenset({"traditional"}),
    "ko": frozenset({"searchjl", "unihan"}),
    "ln": frozenset({"phonetic"}),
    "si": frozenset({"dictionary"}),
    "vi": frozenset({"traditional"}),
    "zh": frozenset({"big5han", "gb2312han", "stroke", "unihan", "zhuyin"}),
    "zh_Hant": frozenset({"big5han", "gb2312han", "pinyin", "unihan", "zhuyin"}),
}
_EVERYWHERE: Final = frozenset({"search", "eor"})
_VARIANT: Final = "@collation="

# Orders by encodings of another age. Later versions of ICU have them no more.
VARIANTS_GONE: Final = frozenset({"big5han", "gb2312han"})

_NORMALIZED: Final = _names("as bn bo el fa fa_AF gu he hi ig km kn kok mr my or pa ps si ta te th vi yi yo")

# Names of old, or of places, and what ICU takes them for.
_TAKEN_FOR: Final = {"no": "nb", "iw": "he", "in": "id", "sh": "sr_Latn", "tl": "fil", "zh_TW": "zh_Hant"}


def is_locale(name: str) -> bool:
    """Whether MongoDB has this locale, its variant included."""
    base, has_variant, variant = name.partition(_VARIANT)
    if base not in LOCALES:
        return False
    return not has_variant or variant in _EVERYWHERE or variant in VARIANTS.get(base, ())


def base_and_variant(name: str) -> tuple[str, str]:
    """The two parts of a locale's name; the second is "" where there is none."""
    base, _, variant = name.partition(_VARIANT)
    return base, variant


def nearest_locale(name: str) -> str | None:
    """The locale that ICU would take instead of one that is none; None if it knows nothing of the kind."""
    parts = name.partition("@")[0].replace("-", "_").split("_")
    cased = [parts[0].lower(), *(part.title() if len(part) == 4 else part.upper() for part in parts[1:])]
    while cased:
        candidate = "_".join(cased)
        candidate = _TAKEN_FOR.get(candidate, candidate)
        if candidate in LOCALES:
            return candidate
        cased.pop()
    return None


def locale_defaults(name: str) -> dict[str, Any]:
    """The options in which a locale differs from `Options`' own defaults."""
    base = name.partition("@")[0]
    defaults: dict[str, Any] = {}
    if base in ("da", "mt"):
        defaults["case_first"] = "upper"
    if base == "th":
        defaults["alternate"] = "shifted"
    if base in _NORMALIZED:
        defaults["normalization"] = True
    if base == "fr_CA":
        defaults["backwards"] = True
    return defaults
