"""Large batches: one commit, in slices, that can be ended before it and never after."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import MemoryFiles
from amongo.engine.log import entry
from amongo.engine.log.format import entry_pieces
from amongo.engine.records import Collection, object_id_keys, record_key, record_keys
from amongo.engine.records.view import CHUNK_SIZE
from amongo.engine.store import Store
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import NEVER, Interrupt, OperationInterrupted
from amongo.values.codec import decode, encode

COUNT = 3 * CHUNK_SIZE - 7


class Counting(Interrupt):
    """Stops at the check of this number; counts checks and breaths."""

    __slots__ = ("breaths", "checks", "stops_at")

    def __init__(self, stops_at: int = -1) -> None:
        super().__init__()
        self.stops_at = stops_at
        self.checks = self.breaths = 0

    def check(self) -> None:
        self.checks += 1
        if self.checks == self.stops_at:
            self.stop("test")
        super().check()

    def breathe(self) -> None:
        self.breaths += 1


def opened(files: MemoryFiles | None) -> Store:
    directory = None if files is None else "data"
    return Store.open(directory, files=files, clock=ManualClock())


def numbered(start: int, count: int) -> tuple[list[bytes], list[bytes]]:
    raws = [encode({"_id": number}) for number in range(start, start + count)]
    return record_keys(raws), raws


def contents(store: Store, namespace: str) -> list[Any]:
    collection = store.catalog.get(namespace)
    return [] if collection is None else [decode(raw)["_id"] for _, raw in store.view(collection)]


@pytest.mark.parametrize("files", [None, MemoryFiles()], ids=["memory", "files"])
def test_a_large_batch_lies_in_natural_order(files: MemoryFiles | None) -> None:
    store = opened(files)
    collection = store.create("db.c")
    store.insert(collection, *numbered(0, 5))
    interrupt = Counting()
    done = store.insert(collection, *numbered(5, COUNT), interrupt=interrupt)
    assert done.positions is None
    assert done.duplicates == []
    assert interrupt.checks >= 3
    assert interrupt.breaths >= 3
    assert contents(store, "db.c") == list(range(COUNT + 5))
    assert collection.count == COUNT + 5
    assert collection.data_bytes == (COUNT + 5) * len(encode({"_id": 1}))
    assert all(collection.get_by_key(key) == raw for key, raw in zip(*numbered(0, COUNT + 5), strict=True))
    if files is not None:
        store.close()
        assert contents(opened(files), "db.c") == list(range(COUNT + 5))


def test_a_batch_stopped_before_its_commit_has_not_happened() -> None:
    files = MemoryFiles()
    store = opened(files)
    collection = store.create("db.c")
    before = store.last_sequence
    probe = Counting()
    probe_store = opened(MemoryFiles())
    probe_store.insert(probe_store.create("db.c"), *numbered(0, COUNT), interrupt=probe)
    for stops_at in range(1, probe.checks + 1):
        with pytest.raises(OperationInterrupted):
            store.insert(collection, *numbered(0, COUNT), interrupt=Counting(stops_at))
        assert contents(store, "db.c") == []
        assert store.last_sequence == before
    store.insert(collection, *numbered(0, COUNT), interrupt=Counting(probe.checks + 1))
    assert contents(store, "db.c") == list(range(COUNT))
    store.close()
    assert contents(opened(files), "db.c") == list(range(COUNT))


DUPLICATES = [
    ("none", [], None),
    ("of the first chunk", [3], 3),
    ("of a later chunk", [2 * CHUNK_SIZE + 1], 2 * CHUNK_SIZE + 1),
    ("in two chunks", [CHUNK_SIZE - 1, CHUNK_SIZE], CHUNK_SIZE - 1),
]


@pytest.mark.parametrize(("places", "first"), [case[1:] for case in DUPLICATES], ids=[case[0] for case in DUPLICATES])
@pytest.mark.parametrize("kind", ["stored", "earlier in the batch"])
def test_the_first_duplicate_of_a_large_batch(kind: str, places: list[int], first: int | None) -> None:
    collection = Collection("db.c", bytes(16), {})
    keys, raws = numbered(0, COUNT)
    for place in places:
        if kind == "stored":
            collection.append(collection.next_record_id, keys[place], raws[place])
        else:
            keys[place] = keys[0]
    assert collection.first_duplicate(keys) == first


@given(st.lists(st.binary(max_size=40), max_size=9))
def test_pieces_make_the_entry(documents: list[bytes]) -> None:
    assert b"".join(entry_pieces(7, b"head", documents, NEVER)) == entry(7, b"head", documents)


identities = st.one_of(st.builds(ObjectId), st.integers(-9, 9), st.text(max_size=3), st.none(), st.booleans())


@given(st.lists(identities, min_size=1, max_size=6))
@settings(max_examples=60)
def test_keys_of_many_are_the_keys_of_each(values: list[Any]) -> None:
    raws = [encode({"_id": value, "n": 1}) for value in values]
    each = list(map(record_key, raws))
    assert record_keys(raws) == each
    are_all = all(type(value) is ObjectId for value in values)
    assert object_id_keys(raws) == (each if are_all else None)


def test_no_keys_of_no_documents() -> None:
    assert record_keys([]) == []
