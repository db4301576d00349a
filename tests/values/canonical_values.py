"""Hypothesis strategies for canonical values: every BSON type, with the corners where types meet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import strategies as st

from amongo.values.deprecated import UNDEFINED, DBPointer, Symbol
from amongo.values.missing import MISSING

LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["", "a", "a\0", "a\0b", "ab", "é"]
)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3)
ints = st.integers(-(2**31), 2**31 - 1) | st.sampled_from([0, 1, -1, 2, 10])
longs = (st.integers(LONG_MIN, LONG_MAX) | st.integers(-5, 5) | st.integers(2**53 - 3, 2**53 + 3)).map(Int64)
doubles = st.floats() | st.sampled_from([0.0, -0.0, 1.0, 0.1, 2.0**53, 2.0**63, 5e-324, 1.7976931348623157e308])


@st.composite
def _decimals(draw: st.DrawFn) -> Decimal128:
    digits = draw(st.integers(0, 10**34 - 1) | st.integers(0, 200))
    exponent = draw(st.integers(-6176, 6111) | st.integers(-20, 5))
    return Decimal128(Decimal(f"{draw(st.sampled_from(['', '-']))}{digits}E{exponent}"))


decimals = _decimals() | st.sampled_from(
    [
        Decimal128(each)
        for each in ("NaN", "Infinity", "-Infinity", "0", "-0.0", "1.00", "0.1", "0.5", "1E-6176", "9E+6144")
    ]
)
numbers: st.SearchStrategy[Any] = ints | longs | doubles | decimals

object_ids = st.binary(min_size=12, max_size=12).map(ObjectId)
binaries = st.binary(max_size=5) | st.builds(
    Binary, st.binary(max_size=5), st.sampled_from([1, 2, 3, 4, 5, 6, 128, 255])
)
dates = st.integers(LONG_MIN, LONG_MAX).map(DatetimeMS)
timestamps = st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
regexes = st.builds(Regex, names, st.sampled_from([0, 2, 8, 10, 16, 64, 126]))

# What the C codec of bson keeps as it is.
kept_scalars: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | numbers
    | text
    | binaries
    | object_ids
    | dates
    | timestamps
    | regexes
    | st.sampled_from([MinKey(), MaxKey()])
    | text.map(Code)
)
deprecated: st.SearchStrategy[Any] = st.just(UNDEFINED) | text.map(Symbol) | st.builds(DBPointer, text, object_ids)


def nested(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The scalars, and documents, arrays and scopes of them."""
    return st.recursive(
        scalars,
        lambda inner: (
            st.dictionaries(names, inner, max_size=3)
            | st.lists(inner, max_size=3)
            | st.builds(Code, text, st.dictionaries(names, inner, max_size=2))
        ),
        max_leaves=5,
    )


kept_values = nested(kept_scalars)
stored_values = nested(kept_scalars | deprecated)
values = stored_values | st.just(MISSING)
