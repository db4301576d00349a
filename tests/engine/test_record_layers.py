"""A collection on layers says what one in memory says, whatever was frozen, written down or merged in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.indexes import entry_of, key_of, record_id_of
from amongo.engine.records import BELOW, Collection, FrozenRecords, Slot, View
from amongo.engine.records import collection as collection_module
from amongo.engine.records import frozen as frozen_module
from amongo.engine.records import view as view_module

UUID = bytes(16)


class File:
    """Stands for a snapshot file: a layer of records and of their `_id`s, made of others."""

    def __init__(self, records: dict[int, bytes | None], entries: Iterable[bytes]) -> None:
        self._records = records
        self._entries = sorted(set(entries))
        self.first_id = min(records, default=0)
        self.last_id = max(records, default=-1)

    @classmethod
    def of(cls, layers: Sequence[FrozenRecords | File], older: tuple[Any, ...]) -> File:
        records: dict[int, bytes | None] = {}
        entries: list[bytes] = []
        for layer in reversed(layers):  # the oldest first
            if isinstance(layer, File):
                records |= layer._records
                entries += layer._entries
            else:
                for ids, documents in layer.batches(older):
                    records |= dict(zip(ids, documents, strict=True))
                entries += layer.id_entries()
        if not older:
            records = {record_id: raw for record_id, raw in records.items() if raw is not None}
        return cls(records, entries)

    def record(self, record_id: int) -> Slot:
        return self._records.get(record_id, BELOW)

    def find(self, record_ids: Sequence[int], slots: list[Slot]) -> int:
        before = slots.count(BELOW)
        slots[:] = [
            self.record(record_id) if slot is BELOW else slot for record_id, slot in zip(record_ids, slots, strict=True)
        ]
        return before - slots.count(BELOW)

    def fill(self, base: int, slots: list[bytes | None]) -> None:
        for record_id in range(base, base + len(slots)):
            if record_id in self._records:
                slots[record_id - base] = self._records[record_id]

    def has_key(self, key: bytes) -> Iterable[int]:
        return [record_id_of(entry) for entry in self._entries if key_of(entry) == key]

    def lacks_all(self, keys: Sequence[bytes]) -> bool:
        return not any(self.has_key(key) for key in keys)

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        return (entry for entry in self._entries if low <= entry < high)

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        return reversed(list(self.between(low, high)))

    def count_between(self, low: bytes, high: bytes) -> int:
        return len(list(self.between(low, high)))


def id_of(number: int) -> bytes:
    return b"\x10" + number.to_bytes(2)


NUMBERS = st.integers(0, 30)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.lists(NUMBERS, min_size=1, max_size=6, unique=True)),
        st.tuples(st.just("update"), NUMBERS),
        st.tuples(st.just("delete"), NUMBERS),
        st.tuples(st.just("freeze"), st.none()),
        st.tuples(st.just("write"), st.none()),
        st.tuples(st.just("merge"), st.none()),
        st.tuples(st.just("look"), st.none()),
    ),
    max_size=40,
)


def contents(view: View) -> dict[int, bytes]:
    found = dict(view)
    assert dict(reversed(list(reversed(view)))) == found
    assert list(view.documents()) == list(found.values())
    assert list(found) == sorted(found)
    assert len(found) == view.count
    return found


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> Iterator[None]:
    """Chunks of four records, so that a few of them fill several."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (view_module, collection_module, frozen_module):
            for name, value in (("CHUNK_BITS", 2), ("CHUNK_SIZE", 4), ("CHUNK_MASK", 3)):
                patch.setattr(module, name, value, raising=False)
        yield


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, window=st.sampled_from([1, 2, 4]))
def test_layers_change_nothing(steps: list[tuple[str, Any]], window: int) -> None:
    collection = Collection("db.c", UUID, {})
    model: dict[int, tuple[int, bytes]] = {}  # number -> (record id, document)
    looked: list[tuple[View, dict[int, bytes]]] = []
    frozen: list[FrozenRecords | File] = []  # the newest first
    for version, (name, argument) in enumerate(steps):
        if name == "insert":
            keys = [id_of(number) for number in argument]
            taken = [number in model for number in argument]
            assert collection.first_duplicate(keys) == (taken.index(True) if any(taken) else None)
            numbers = [number for number in argument if number not in model]
            first = collection.next_record_id
            raws = [b"%d.%d" % (number, version) for number in numbers]
            collection.extend(first, [id_of(number) for number in numbers], raws)
            model |= {
                number: (record_id, raw)
                for record_id, (number, raw) in enumerate(zip(numbers, raws, strict=True), first)
            }
        elif name == "update" and argument in model:
            record_id, _ = model[argument]
            raw = b"%d.%d" % (argument, version)
            collection.replace(record_id, raw)
            model[argument] = record_id, raw
        elif name == "delete" and argument in model:
            record_id, _ = model.pop(argument)
            collection.remove([(record_id, id_of(argument))])
        elif name == "freeze":
            layer = collection.freeze()
            frozen = frozen if layer is None else [layer, *frozen]
        elif name == "write" and any(isinstance(each, FrozenRecords) for each in frozen):
            place = max(index for index, each in enumerate(frozen) if isinstance(each, FrozenRecords))
            file = File.of([frozen[place]], tuple(frozen[place + 1 :]))
            collection.settle([frozen[place]], [file])
            collection.settle_ids([frozen[place]], [file])
            frozen[place] = file
        elif name == "merge" and len(frozen) > 1 and all(isinstance(each, File) for each in frozen[-2:]):
            file = File.of(frozen[-2:], ())
            collection.settle(frozen[-2:], [file])
            collection.settle_ids(frozen[-2:], [file])
            frozen[-2:] = [file]
        elif name == "look":
            looked.append((collection.view(), dict(sorted(model.values()))))
            looked[-1][0]._window_count = window
    view = collection.view()
    view._window_count = window
    now = dict(sorted(model.values()))
    assert contents(view) == now
    assert collection.data_bytes == sum(map(len, now.values()))
    for number in range(31):
        record_id, raw = model.get(number, (None, None))
        assert collection.find_id(id_of(number)) == (None if raw is None else (record_id, raw))
        assert collection.get_by_key(id_of(number)) == raw
        assert collection.has_key(id_of(number)) == (raw is not None)
    order = collection.id_order()
    in_order = [model[number][0] for number in sorted(model)]
    assert [each for each in order if view.record(each) is not None] == in_order
    assert list(view.documents_of(in_order)) == [view.record(each) for each in in_order]
    assert [each for each in reversed(order) if view.record(each) is not None] == in_order[::-1]
    some = [model[number][0] for number in sorted(model) if 5 <= number < 20]
    low, high = id_of(5), id_of(20)
    assert [each for each in order.between(low, high) if view.record(each) is not None] == some
    assert [each for each in order.between_backward(low, high) if view.record(each) is not None] == some[::-1]
    for earlier, then in looked:
        assert contents(earlier) == then
        assert [earlier.record(record_id) for record_id in then] == list(then.values())
        ids = sorted(then.keys() | now.keys())
        changed = [(each, then.get(each), now.get(each)) for each in ids if then.get(each) != now.get(each)]
        assert list(view.differences(earlier)) == changed
    if now:
        middle = sorted(now)[len(now) // 2]
        assert list(view.after(middle)) == [each for each in now.items() if each[0] > middle]
        assert list(view.before(middle)) == [each for each in reversed(now.items()) if each[0] < middle]
        assert list(view.documents_after(middle)) == [raw for each, raw in now.items() if each > middle]


def test_entries_are_keys_with_record_ids() -> None:
    collection = Collection("db.c", UUID, {})
    collection.extend(1, [id_of(2), id_of(1)], [b"two", b"one"])
    frozen = collection.freeze()
    assert frozen is not None
    assert sorted(frozen.id_entries()) == [entry_of(id_of(1), 2), entry_of(id_of(2), 1)]
    assert collection.freeze() is None  # nothing was written since
