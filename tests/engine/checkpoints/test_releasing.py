"""What a checkpoint has frozen is let go of in parts, and only by who is alone with it."""

from __future__ import annotations

from typing import Any

import pytest

from amongo.engine.checkpoints.freezing import freeze
from amongo.engine.checkpoints.releasing import holdings_of, release
from amongo.engine.checkpoints.writing import in_order
from amongo.engine.files import MemoryFiles
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.values.key_bytes import id_key
from tests.engine.checkpoints.test_checkpoints import UNIQUE, insert, opened

COUNT = 10_000


class Breaths(Interrupt):
    """Counts how often others have their turn."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def breathe(self) -> None:
        self.count += 1


class Entry(bytes):
    """An entry that says when it goes."""

    gone = 0

    def __del__(self) -> None:
        Entry.gone += 1


def made(kind: str) -> Any:
    entries = [number.to_bytes(4, "big") for number in range(COUNT)]
    return {"dict": dict.fromkeys(entries, 1), "set": set(entries), "list": entries}[kind]


KINDS = pytest.mark.parametrize("kind", ["dict", "set", "list"])


@KINDS
def test_others_have_their_turn_while_much_is_freed(kind: str) -> None:
    breaths = Breaths()
    holdings = [made(kind)]
    release(holdings, breaths)
    assert holdings == []
    assert breaths.count >= COUNT // 1024


@KINDS
def test_what_somebody_else_holds_is_left_alone(kind: str) -> None:
    held = made(kind)
    release([held], NEVER)
    assert held == made(kind)


@pytest.mark.parametrize("step", [1, -1])
def test_entries_are_let_go_of_on_the_way(step: int) -> None:
    Entry.gone = 0
    ordered = in_order((Entry(number.to_bytes(4, "big")) for number in range(5000)[::step]), NEVER)
    assert [int.from_bytes(next(ordered), "big") for _ in range(4000)] == list(range(4000))
    assert Entry.gone > 3900
    assert len(list(ordered)) == 1000


def test_a_view_and_a_fork_from_before_read_on_behind_a_checkpoint() -> None:
    files = MemoryFiles()
    store = opened(files)
    insert(store, "db.c", {"_id": 0, "u": 0})
    collection = store.catalog.by_namespace["db.c"]
    store.create_indexes(collection, [UNIQUE])
    insert(store, "db.c", *({"_id": number, "u": number} for number in range(1, 3000)))
    with store.lock:
        view, order = store.ordered_view(collection)
        assert collection.secondary is not None
        entries = collection.secondary.indexes[0].view()
    fork = store.fork()
    assert store.checkpoints is not None
    store.checkpoints.checkpoint()
    assert len(dict(view)) == len(list(order)) == 3000
    assert len(list(entries)) == 3000
    forked = fork.catalog.by_namespace["db.c"]
    assert all(forked.has_key(id_key(number)) for number in range(0, 3000, 97))
    assert all(collection.has_key(id_key(number)) for number in range(0, 3000, 97))


def test_the_tables_of_a_unique_index_are_among_what_is_released() -> None:
    store = opened(MemoryFiles())
    insert(store, "db.c", {"_id": 0, "u": 0})
    store.create_indexes(store.catalog.by_namespace["db.c"], [UNIQUE])
    assert store.checkpoints is not None
    store.checkpoints.checkpoint()
    insert(store, "db.c", *({"_id": number, "u": number} for number in range(1, 50)))
    with store.lock:
        parts = freeze(store.catalog.by_namespace.values())
    tables = [len(each) for each in holdings_of(parts) if isinstance(each, dict | set)]
    assert sorted(tables) == [49, 49]
