"""An index in layers against a sorted set: frozen, settled and merged at any moment, it reads as one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.indexes import (
    BEHIND_ALL,
    Entries,
    EntriesView,
    entry_of,
    key_of,
    record_id_of,
    types_of,
)
from amongo.engine.indexes.chunks import Chunks
from amongo.engine.indexes.layers import EntriesLayer, FrozenLayer
from tests.engine.merged_entries import merged_layer

KEYS = st.sampled_from([bytes([first, second, 0]) for first in range(1, 6) for second in range(1, 6)])
TYPES = st.sampled_from([b"", b"", b"\x02", b"\x01\x02", bytes([3]) * 300])
RECORDS = st.integers(1, 12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), KEYS, RECORDS, TYPES),
        st.tuples(st.just("add"), KEYS, RECORDS, TYPES),
        st.tuples(st.just("discard"), st.integers(0, 100)),
        st.tuples(st.just("freeze")),
        st.tuples(st.just("settle"), st.integers(0, 5), st.integers(1, 3)),
        st.tuples(st.just("look")),
    ),
    max_size=40,
)


def run(added: list[bytes], removed: list[bytes]) -> FrozenLayer:
    """A run as a file would hold it, in memory."""
    views = []
    for entries in (added, removed):
        assert entries == sorted(set(entries))
        chunks = Chunks()
        chunks.add_all(list(entries))
        views.append(chunks.chunks_view())
    return FrozenLayer(views[0], views[1], {key_of(entry) for entry in added})


def settle(entries: Entries, first: int, count: int) -> None:
    layers = entries.layers[first : first + count]
    if layers:
        added, removed = merged_layer(layers, is_oldest=first + len(layers) == len(entries.layers))
        merged = run(list(added), list(removed))
        entries.settle(layers, merged if len(merged) or merged.removed_count else None)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, low=KEYS, high=KEYS, is_unique=st.booleans())
def test_layers_read_as_one_sorted_set(steps: list[tuple[Any, ...]], low: bytes, high: bytes, is_unique: bool) -> None:
    entries, model = Entries(is_unique=is_unique), {}
    views: list[tuple[EntriesView, list[bytes]]] = []
    for step in steps:
        if step[0] == "add":
            _, key, record_id, types = step
            if (key, record_id) not in model:
                model[key, record_id] = entry_of(key, record_id, types)
                entries.enter(key, model[key, record_id])
        elif step[0] == "discard" and model:
            entries.discard(model.pop(sorted(model)[step[1] % len(model)]))
        elif step[0] == "freeze":
            entries.freeze()
        elif step[0] == "settle":
            settle(entries, step[1], step[2])
        else:
            views.append((entries.view(), sorted(model.values())))
    for view, expected in [*views, (entries.view(), sorted(model.values()))]:
        check(view, expected, low, high)
    records = sorted(record_id_of(entry) for entry in model.values() if key_of(entry) == low)
    assert list(entries.records_with(low)) == records
    assert entries.record_with(low) in (records or [None])
    assert not (entries.is_free([low]) and records)
    while entries.layers and len(entries.layers) > 1:
        settle(entries, 0, len(entries.layers))
    check(entries.view(), sorted(model.values()), low, high)


def check(view: EntriesView, expected: list[bytes], low: bytes, high: bytes) -> None:
    assert list(view) == expected
    assert len(view) == len(expected)
    between = [entry for entry in expected if low <= entry < high]
    assert list(view.between(low, high)) == between
    assert list(view.between_backward(low, high)) == between[::-1]
    assert view.at_or_after(low) == next((entry for entry in expected if entry >= low), None)
    count = view.count_between(low, high)
    assert count == len(between) if view.is_exact(low, high) else count >= len(between)


def test_a_memory_store_has_no_marks() -> None:
    entries = Entries()
    entries.discard(entry_of(b"a\0", 1))
    frozen = entries.freeze()
    assert (len(frozen), frozen.removed_count) == (0, 0)


def test_a_frozen_layer_gives_what_a_checkpoint_writes() -> None:
    entries = Entries()
    for number in (3, 1, 2):
        entries.enter(b"a\0", entry_of(b"a\0", number))
    first = entries.freeze()
    entries.discard(entry_of(b"a\0", 2))
    entries.enter(b"b\0", entry_of(b"b\0", 1))
    second = entries.freeze()
    assert [record_id_of(entry) for entry in first.added()] == [1, 2, 3]
    assert list(first.removed()) == []
    assert list(second.added()) == [entry_of(b"b\0", 1)]
    assert list(second.removed()) == [entry_of(b"a\0", 2)]
    entries.settle([second, first], run([entry_of(b"a\0", 1), entry_of(b"a\0", 3), entry_of(b"b\0", 1)], []))
    assert len(entries.layers) == 1
    assert len(entries.view()) == 3


def test_an_entry_that_is_put_back_outlives_the_mark_of_its_removal() -> None:
    entries, entry = Entries(), entry_of(b"a\0", 1)
    entries.enter(b"a\0", entry)
    entries.freeze()
    entries.discard(entry)
    entries.freeze()
    entries.enter(b"a\0", entry)
    assert list(entries.view()) == [entry]
    settle(entries, 0, 1)
    assert list(entries.view()) == [entry]
    entries.discard(entry)
    assert (list(entries.view()), len(entries.view())) == ([], 0)


def test_only_neighbours_are_settled_together() -> None:
    entries = Entries()
    layers: list[EntriesLayer] = []
    for number in range(3):
        entries.enter(b"a\0", entry_of(b"a\0", number))
        layers.append(entries.freeze())
    for wrong in ([layers[0], layers[2]], [layers[0], layers[1]], [run([], [])], [layers[0], layers[0]]):
        with pytest.raises(ValueError, match="neighbouring"):
            entries.settle(wrong, None)
    assert len(entries.layers) == 3


def test_a_store_opens_on_layers() -> None:
    entries = Entries(is_unique=True)
    entries.stand_on([run([entry_of(b"a\0", 1)], [])])
    assert entries.record_with(b"a\0") == 1
    entries.discard(entry_of(b"a\0", 1))
    assert entries.record_with(b"a\0") is None
    assert list(entries.view().between(b"", BEHIND_ALL)) == []


@pytest.mark.parametrize("types", [b"", b"\x02", bytes(254), bytes(255), bytes(70_000)], ids=len)
def test_an_entry_gives_back_its_parts(types: bytes) -> None:
    entry = entry_of(b"key\0", 2**50 + 7, types)
    assert (key_of(entry), record_id_of(entry), types_of(entry)) == (b"key\0", 2**50 + 7, types)
