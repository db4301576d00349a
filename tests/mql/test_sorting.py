"""Sorting in buckets: the same as `sorted`, ties included."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongo.mql import sorting
from amongo.mql.sorting import in_order
from amongo.runtime.interrupts import NEVER, Interrupt, OperationInterrupted


@given(keys=st.lists(st.binary(max_size=2), max_size=300), bucket_count=st.integers(2, 40))
def test_as_sorted(keys: list[bytes], bucket_count: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "SORT_BUCKET_COUNT", bucket_count)
        expected = sorted(range(len(keys)), key=keys.__getitem__)
        assert list(in_order([(key, place) for place, key in enumerate(keys)], NEVER)) == expected


@pytest.mark.parametrize("kind", ["ascending", "descending", "all equal", "two values", "shuffled"])
def test_many(kind: str) -> None:
    count = 30_000
    numbers = {
        "ascending": range(count),
        "descending": range(count, 0, -1),
        "all equal": [7] * count,
        "two values": [number % 2 for number in range(count)],
        "shuffled": [number * 7919 % count for number in range(count)],
    }[kind]
    keyed = [(number.to_bytes(4, "big"), (number, place)) for place, number in enumerate(numbers)]
    assert list(in_order(keyed, NEVER)) == sorted(item for _, item in keyed)


def test_interrupted_between_two_items() -> None:
    interrupt = Interrupt()
    ordered = in_order([(number.to_bytes(4, "big"), number) for number in range(5000)], interrupt)
    assert next(ordered) == 0
    interrupt.stop()
    with pytest.raises(OperationInterrupted):
        list(ordered)
