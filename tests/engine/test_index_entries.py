"""The ordered entries of an index against a sorted set; views do not change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongo.engine.indexes import Entries, EntriesView, entry_of, key_of, record_id_of
from amongo.runtime.interrupts import NEVER, Interrupt, OperationInterrupted

KEYS = st.sampled_from([bytes([first, second, 0]) for first in range(1, 12) for second in range(1, 12)])
STEPS = st.lists(st.tuples(st.sampled_from(["add", "add", "add", "discard", "look"]), KEYS, st.integers(1, 40)))


def test_an_entry_is_its_key_and_its_record() -> None:
    entry = entry_of(b"key\0", 7)
    assert (key_of(entry), record_id_of(entry)) == (b"key\0", 7)


@given(steps=STEPS, low=KEYS, high=KEYS)
def test_entries_are_a_sorted_set(steps: list[tuple[str, bytes, int]], low: bytes, high: bytes) -> None:
    entries, model = Entries(), set()
    views: list[tuple[EntriesView, list[bytes]]] = []
    for step, key, record_id in steps:
        entry = entry_of(key, record_id)
        if step == "add":
            if entry in model:
                entries.doubt()
            entries.enter(key, entry)
            model.add(entry)
        elif step == "discard":
            entries.discard(entry)
            model.discard(entry)
        else:
            views.append((entries.view(), sorted(model)))
    for view, expected in [*views, (entries.view(), sorted(model))]:
        assert list(view) == expected
        assert len(view) == len(expected)
        between = [entry for entry in expected if low <= entry < high]
        assert list(view.between(low, high)) == between
        assert list(view.between_backward(low, high)) == between[::-1]
    records = sorted(record_id_of(entry) for entry in model if key_of(entry) == low)
    assert list(entries.records_with(low)) == records
    assert entries.record_with(low) == (records[0] if records else None)


def test_many_entries_in_any_order_fill_chunks_that_stay_sorted() -> None:
    entries = Entries()
    numbers = [(number * 7919) % 20_011 for number in range(20_011)]
    for number in numbers:
        entries.enter(number.to_bytes(4) + b"\0", entry_of(number.to_bytes(4) + b"\0", number))
    assert [record_id_of(entry) for entry in entries.view()] == sorted(numbers)
    for number in numbers[::2]:
        entries.discard(entry_of(number.to_bytes(4) + b"\0", number))
    assert [record_id_of(entry) for entry in entries.view()] == sorted(numbers[1::2])


def test_a_repeated_change_changes_nothing() -> None:
    entries = Entries()
    for _ in range(2):
        entries.doubt()
        entries.enter(b"a\0", entry_of(b"a\0", 1))
    assert len(entries.view()) == 1
    for _ in range(2):
        entries.discard(entry_of(b"a\0", 1))
    assert len(entries.view()) == 0


@pytest.mark.parametrize("is_one_by_one", [True, False])
def test_views_of_many_entries_do_not_change(is_one_by_one: bool) -> None:
    entries, model = Entries(), set()
    views: list[tuple[EntriesView, list[bytes]]] = []
    for turn in range(60):
        items = [entry_of(((turn * 500 + n) * 7919 % 30_011).to_bytes(4) + b"\0", turn * 500 + n) for n in range(500)]
        if is_one_by_one:
            for item in items:
                entries.enter(key_of(item), item)
        else:
            entries.extend(list(map(key_of, items)), items)
        for item in items[::7]:
            assert entries.discard(item)
            assert not entries.discard(item)
        model |= set(items) - set(items[::7])
        if turn % 6 == 0:
            views.append((entries.view(), sorted(model)))
    for view, expected in views:
        low, high = expected[len(expected) // 3], expected[2 * len(expected) // 3]
        assert view.count_between(low, high) == len(list(view.between(low, high)))
        assert list(view.between_backward(low, high)) == list(view.between(low, high))[::-1]
        assert list(view) == expected
        assert len(view) == len(expected)


@pytest.mark.parametrize("count", [0, 1, 100, 1024, 5000, 30_011])
@pytest.mark.parametrize("order", ["ascending", "scattered"])
def test_loaded_entries_are_sorted_in_chunks(count: int, order: str) -> None:
    entries = Entries()
    numbers = range(count) if order == "ascending" else [(number * 7919) % 30_011 for number in range(count)]
    items = [entry_of(number.to_bytes(4) + b"\0", number) for number in numbers]
    entries.load(list(items), NEVER)
    assert list(entries.view()) == sorted(items)
    for item in items[::3]:
        entries.discard(item)
    later = entry_of((9).to_bytes(4) + b"\0", 10**6)
    entries.enter(key_of(later), later)
    assert list(entries.view()) == sorted({*items, later} - set(items[::3]))


def test_a_load_can_be_stopped() -> None:
    interrupt = Interrupt()
    interrupt.stop()
    with pytest.raises(OperationInterrupted):
        Entries().load([number.to_bytes(12) for number in range(5000)], interrupt)
