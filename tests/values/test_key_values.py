"""Key bytes give back the very values they were made of, with the help of their type bits."""

from __future__ import annotations

import math
from typing import Any

import canonical_values as canonical
import pytest
from bson import Code, Decimal128, Int64, Regex
from hypothesis import given
from hypothesis import strategies as st

from amongo.values.codec import encode
from amongo.values.deprecated import UNDEFINED, Symbol
from amongo.values.key_bytes import compound
from amongo.values.key_values import NOT_KEPT, key_values, type_bits

DIRECTIONS = st.sampled_from([1, -1])


def shown(values: list[Any]) -> bytes:
    return encode({"values": values})


@given(pairs=st.lists(st.tuples(canonical.stored_values, DIRECTIONS), min_size=1, max_size=3))
def test_a_key_gives_back_its_values(pairs: list[tuple[Any, int]]) -> None:
    values, directions = [value for value, _ in pairs], [direction for _, direction in pairs]
    types = type_bits(values)
    found = key_values(compound(values, directions), directions, types)
    if types == NOT_KEPT:
        assert found is None
    else:
        assert found is not None
        assert shown(found) == shown(values)


# (case, value, type bits)
TYPES: list[tuple[str, Any, bytes]] = [
    ("int32", 5, b""),
    ("int64", Int64(5), b"\x01"),
    ("long int64", Int64(2**53 + 1), b"\x01"),
    ("double", 5.0, b"\x02"),
    ("minus zero", -0.0, b"\x04"),
    ("NaN", math.nan, b"\x02"),
    ("infinity", -math.inf, b"\x02"),
    ("text", "a\0b", b""),
    ("nothing", None, b""),
    ("no value", UNDEFINED, b""),
    ("numbers inside", {"a": [1, 2.0, 3]}, b"\x00\x02"),
    ("decimal", Decimal128("1.00"), b"\x03" + Decimal128("1.00").bid.rstrip(b"\0")),
    ("regex", Regex("a"), NOT_KEPT),
    ("code inside", [1.0, Code("x")], NOT_KEPT),
    ("symbol", Symbol("a"), NOT_KEPT),
]


@pytest.mark.parametrize(("value", "types"), [case[1:] for case in TYPES], ids=[case[0] for case in TYPES])
def test_type_bits(value: Any, types: bytes) -> None:
    assert type_bits([value]) == types
    found = key_values(compound([value, 7], [-1, 1]), [-1, 1], types)
    assert found is None if types == NOT_KEPT else shown(found or []) == shown([value, 7])


def test_texts_under_a_collation_are_not_given_back() -> None:
    def collate(text: str) -> bytes:
        return text.upper().encode()

    assert key_values(compound(["a"], [1], collate), [1], b"", [True]) is None
    assert key_values(compound([5], [1], collate), [1], b"", [True]) == [5]
