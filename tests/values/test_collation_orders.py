"""What collations make of strings: their order, and which of them are equal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.values.collation import SIMPLE, Collation, Options, collator, is_locale, locale_defaults, nearest_locale
from amongo.values.collation import icu_keys as icu_keys_module
from amongo.values.collation.duckdb_keys import can_compute, duckdb_collator
from amongo.values.collation.icu_keys import icu_collator
from amongo.values.collation.locales import LOCALES, VARIANTS, VARIANTS_GONE
from amongo.values.key_bytes import collated, has_strings, key_bytes
from amongo.values.order import Collator

icu = pytest.importorskip("icu", reason="the extra 'collation' is not installed")

# (name, options, groups of equal strings, each group before the next)
ORDERS: list[tuple[str, Options, list[list[str]]]] = [
    ("letters alone", Options("en", strength=1), [["a", "A", "á", "Á"], ["b", "B"]]),
    ("and accents", Options("en", strength=2), [["a", "A"], ["á", "Á"], ["b"]]),
    ("and case", Options("en", strength=3), [["a"], ["A"], ["á"], ["Á"], ["b"]]),
    ("case without accents", Options("en", case_level=True, strength=1), [["a", "á"], ["A", "Á"], ["b"]]),
    ("upper case first", Options("en", case_first="upper"), [["A"], ["a"], ["B"], ["b"]]),
    ("lower case first", Options("en", case_first="lower"), [["a"], ["A"], ["b"], ["B"]]),
    ("digits as text", Options("en"), [["1"], ["10"], ["2"]]),
    ("digits as numbers", Options("en", numeric_ordering=True), [["1", "01"], ["2"], ["10"], ["10a"]]),
    ("punctuation counts", Options("en"), [["_"], ["a b"], ["a-b"], ["ab"]]),
    ("punctuation does not", Options("en", alternate="shifted"), [["_", "", " "], ["ab", "a-b", "a b", "a_b"]]),
    ("punctuation at last", Options("en", strength=4, alternate="shifted"), [["a b"], ["a-b"], ["ab"]]),
    (
        "spaces do not, but the no-break space",
        Options("en", alternate="shifted", max_variable="space"),
        [["a\u00a0b"], ["a_b"], ["ab", "a\tb", "a b"]],
    ),
    ("accents from the left", Options("fr", strength=2), [["cote"], ["coté"], ["côte"], ["côté"]]),
    ("accents from the right", Options("fr", strength=2, backwards=True), [["cote"], ["côte"], ["coté"], ["côté"]]),
    ("what is invisible", Options("en"), [["ab", "a\u200bb", "a\0b"], ["b"]]),
    ("and code points", Options("en", strength=5), [["ab"], ["a\u200bb"], ["b"]]),
    ("composed and decomposed", Options("en"), [["\u00e9", "e\u0301"], ["f"]]),
    ("a ligature", Options("en", strength=1), [["fi", "\ufb01"], ["g"]]),
    ("Swedish", Options("sv"), [["z"], ["å"], ["ä"], ["ö"]]),
    ("German", Options("de"), [["ad"], ["ae"], ["äf"], ["z"]]),
    ("German phone books", Options("de@collation=phonebook"), [["ad"], ["ae"], ["ä"], ["af"]]),
    ("Turkish, whose i has a dot", Options("tr", strength=1), [["I", "\u0131"], ["i", "İ"]]),
    ("Spanish of old", Options("es@collation=traditional"), [["cz"], ["ch"], ["d"]]),
    ("a computer's English", Options("en_US_POSIX", strength=1), [["A"], ["B"], ["a"], ["b"]]),
]


@pytest.mark.parametrize(("name", "options", "groups"), ORDERS)
def test_order(name: str, options: Options, groups: list[list[str]]) -> None:
    key = Collation(options).collator
    assert key is not None
    keys = [{key(text) for text in group} for group in groups]
    assert [len(each) for each in keys] == [1] * len(groups)
    assert all(min(left) < min(right) for left, right in pairwise(keys))


_ALPHABET = "aAbBcChHiIİjJlLnNoOsSzZßäÄöåÅéèêœæøñçğüşőłđ -_.,'0129$+"
_ALPHABET += "\u0131юЯщґїлв\u0627أبتא中文あアカがー゛กขะ\u0300\u0301\u00ad\0😀"
_TEXTS = st.text(st.sampled_from(_ALPHABET), max_size=6)


@pytest.mark.parametrize("locale", sorted(LOCALES))
def test_duckdb_and_icu_agree(locale: str) -> None:
    words = [
        "",
        "a",
        "A",
        "á",
        "ch",
        "cz",
        "i",
        "I",
        "\u0131",
        "ll",
        "lz",
        "ö",
        "o",
        "z",
        "å",
        "aa",
        "ё",
        "\u0435",
        "中",
        "か",
        "ガ",
    ]
    words += [
        "a b",
        "a-b",
        "ab",
        "9",
        "10",
        "ng",
        "n",
        "ñ",
        "d̂",
        "đ",
        "ș",
        "ß",
        "ss",
        "\u05d9",
        "ب",
        "ก",
        "เก",
        "ङ",
        "ছ",
    ]
    for strength in (1, 2, 3):
        options = Options(locale, strength=strength, **locale_defaults(locale))
        if can_compute(options):
            assert _ranks(words, duckdb_collator(options)) == _ranks(words, icu_collator(options))
        else:
            assert locale in ("bs_Cyrl", "en_US_POSIX", "sr_Latn", "wae", "zh_Hant")


def _ranks(words: list[str], key: Collator | None) -> list[int]:
    """The place of each word among the different keys."""
    assert key is not None
    places = sorted({key(word) for word in words})
    return [places.index(key(word)) for word in words]


@settings(max_examples=150, deadline=None)
@given(st.lists(_TEXTS, max_size=5), st.sampled_from(["en", "de", "sv", "tr", "ja", "ar", "th"]), st.integers(1, 3))
def test_duckdb_and_icu_agree_on_any_text(words: list[str], locale: str, strength: int) -> None:
    options = Options(locale, strength=strength, **locale_defaults(locale))
    assert _ranks(words, duckdb_collator(options)) == _ranks(words, icu_collator(options))


@settings(max_examples=300, deadline=None)
@given(
    _TEXTS,
    _TEXTS,
    st.builds(
        Options,
        st.sampled_from(["en", "fr_CA", "da", "zh", "ja", "th", "en_US_POSIX", "de@collation=phonebook"]),
        st.booleans(),
        st.sampled_from(["off", "upper", "lower"]),
        st.integers(1, 5),
        st.booleans(),
        st.sampled_from(["non-ignorable", "shifted"]),
        st.sampled_from(["punct", "space"]),
        st.booleans(),
        st.booleans(),
    ),
)
def test_keys_compare_as_icu_does(left: str, right: str, options: Options) -> None:
    key = icu_collator(options)
    assert key is not None
    compared = icu_keys_module._configured(options).compare(left, right)
    assert (key(left) > key(right)) - (key(left) < key(right)) == compared


def test_defaults_are_those_of_icu() -> None:
    attribute, value = icu.UCollAttribute, icu.UCollAttributeValue
    for locale in LOCALES:
        collation = icu.Collator.createInstance(icu.Locale(locale))
        options = Options(locale, **locale_defaults(locale))
        assert collation.getLocale().getName() == locale
        assert (collation.getAttribute(attribute.CASE_FIRST) == value.UPPER_FIRST) == (options.case_first == "upper")
        assert (collation.getAttribute(attribute.ALTERNATE_HANDLING) == value.SHIFTED) == (
            options.alternate == "shifted"
        )
        assert (collation.getAttribute(attribute.NORMALIZATION_MODE) == value.ON) == options.normalization, locale
        assert (collation.getAttribute(attribute.FRENCH_COLLATION) == value.ON) == options.backwards
        assert collation.getAttribute(attribute.STRENGTH) == value.TERTIARY


def test_variants_are_those_of_icu() -> None:
    for locale in LOCALES:
        for variant in VARIANTS.get(locale, frozenset()) | {"search", "eor"}:
            name = f"{locale}@collation={variant}"
            found = icu.Collator.createInstance(icu.Locale(name)).getLocale().getName()
            assert is_locale(name)
            # Rules that several locales share are named after the one that asked first; `stroke` is zh_Hant's default.
            is_known = found.endswith(f"@collation={variant}") or (variant, found) == ("stroke", "zh_Hant")
            assert is_known == (variant not in VARIANTS_GONE), name


NAMES: list[tuple[str, bool, str | None]] = [
    ("en", True, "en"),
    ("en_US", True, "en_US"),
    ("en_us", False, "en_US"),
    ("en-US", False, "en_US"),
    ("EN", False, "en"),
    ("en_GB", False, "en"),
    ("pt_BR", False, "pt"),
    ("zh_TW", False, "zh_Hant"),
    ("no", False, "nb"),
    ("de@collation=phonebook", True, "de"),
    ("de@collation=unihan", False, "de"),
    ("zh@collation=pinyin", False, "zh"),
    ("en@colStrength=primary", False, "en"),
    ("zzz", False, None),
    ("", False, None),
]


@pytest.mark.parametrize(("name", "is_one", "nearest"), NAMES)
def test_names_of_locales(name: str, is_one: bool, nearest: str | None) -> None:
    assert is_locale(name) == is_one
    assert nearest_locale(name) == nearest


def test_equal_collations_have_the_same_collator() -> None:
    collation = Collation(Options("en", strength=2))
    assert collation.collator is collator(collation.document())
    assert collation.collator is not Collation(Options("en", strength=3)).collator
    assert SIMPLE.collator is None is collator(SIMPLE.document()) is collator(None)


WITHOUT_ICU: list[tuple[str, Options, bool]] = [
    ("plain", Options("en"), True),
    ("case-insensitive", Options("en", strength=2), True),
    ("a locale's own defaults", Options("da", case_first="upper", strength=3), True),
    ("other than the locale's", Options("da", strength=3), False),
    ("quaternary", Options("en", strength=4), False),
    ("numbers", Options("en", numeric_ordering=True), False),
    ("a variant", Options("de@collation=phonebook"), False),
    ("what has no data", Options("zh_Hant"), False),
    ("what is ignored, when nothing is", Options("en", max_variable="space"), True),
    ("what is ignored", Options("th", alternate="shifted", normalization=True, max_variable="space"), False),
]


@pytest.mark.parametrize(("name", "options", "is_possible"), WITHOUT_ICU)
def test_without_icu(name: str, options: Options, is_possible: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(icu_keys_module, "has_icu", lambda: False)
    assert icu_collator(options) is None
    if is_possible:
        assert duckdb_collator(options)("a") < duckdb_collator(options)("b")
        return
    with pytest.raises(ServerError) as raised:
        duckdb_collator(options)
    assert raised.value.code == 115
    assert "install amongo with its extra 'collation'" in raised.value.message


def test_a_variant_that_icu_has_given_up_is_refused_by_name() -> None:
    with pytest.raises(ServerError, match="zh@collation=big5han") as raised:
        icu_collator(Options("zh@collation=big5han"))
    assert raised.value.code == 115


@pytest.mark.parametrize("library", [icu_collator, duckdb_collator])
def test_threads_may_share_a_collator(library: Any) -> None:
    key = library(Options("sv", strength=2))
    words = [f"{first}{second}{number}" for first in "aåäöz" for second in "xyö" for number in range(8)]
    expected = [key(word) for word in words]
    with ThreadPoolExecutor(4) as pool:
        assert all(found == expected for found in pool.map(lambda _: [key(word) for word in words], range(8)))


def test_keys_of_values_under_a_collation() -> None:
    key = Collation(Options("en", strength=1)).collator
    assert key is not None
    assert key_bytes({"a": ["É", 1]}, key) == key_bytes({"a": ["e", 1]}, key)
    assert key_bytes({"A": "e"}, key) != key_bytes({"a": "e"}, key)  # names are no values
    for text in ("", "a", "a\0", "\0\0", "é"):
        assert collated(key_bytes(text), key) == key_bytes(text, key)
    assert collated(key_bytes(5), key) == key_bytes(5, key)


STRINGS: list[tuple[Any, bool]] = [
    ("", True),
    (1, False),
    (None, False),
    ({"a": [1, {"b": "x"}]}, True),
    ({"a": [1, {"b": 2}]}, False),
    ([], False),
]


@pytest.mark.parametrize(("value", "expected"), STRINGS)
def test_which_values_a_collation_can_touch(value: Any, expected: bool) -> None:
    assert has_strings(value) == expected
