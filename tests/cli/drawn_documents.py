"""What the tests of files draw: documents with values of every BSON type, as canonical values."""

from __future__ import annotations

import math
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import strategies as st

from amongo.values.deprecated import UNDEFINED, DBPointer, Symbol

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
NAMES = TEXTS.map(lambda text: text.lstrip("$"))
OBJECT_IDS = st.binary(min_size=12, max_size=12).map(ObjectId)
INT64S = st.integers(-(2**63), 2**63 - 1).map(Int64)
DOUBLES = st.floats(allow_nan=False) | st.just(math.nan)
DATES = st.integers(-(2**63), 2**63 - 1).map(DatetimeMS)
DECIMALS = st.sampled_from(["0", "-0", "1.10", "NaN", "Infinity", "-Infinity", "9.99E+6144", "1E-6176"]).map(Decimal128)
TIMESTAMPS = st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
BINARIES = st.builds(Binary, st.binary(max_size=6), st.sampled_from([0, 1, 2, 4, 5, 6, 128, 255])).map(
    lambda value: bytes(value) if value.subtype == 0 else value  # as they are decoded
)
REGEXES = st.builds(Regex, TEXTS, st.integers(0, 0).map(lambda _: 0) | st.sampled_from([2, 8, 2 | 8 | 16 | 64]))
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**31), 2**31 - 1), INT64S, DOUBLES, TEXTS, OBJECT_IDS, DATES, DECIMALS,
    TIMESTAMPS, BINARIES, REGEXES, st.just(MinKey()), st.just(MaxKey()), st.just(UNDEFINED), TEXTS.map(Symbol),
    TEXTS.map(Code), st.builds(Code, TEXTS, st.just({"a": 1})), st.builds(DBPointer, TEXTS, OBJECT_IDS),
    st.builds(lambda name, identity: {"$ref": name, "$id": identity}, TEXTS, OBJECT_IDS),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
DOCUMENTS = st.dictionaries(NAMES.filter(lambda name: name != "_id"), VALUES, max_size=4)


def numbered(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The documents, each with an `_id`."""
    return [{"_id": at} | document for at, document in enumerate(documents)]
