"""An exception out of nowhere (Ctrl-C) at every line of a change: log and memory never part.

A tracer raises KeyboardInterrupt at the n-th line that the engine executes, for every n. Whatever was going on then
has happened as a whole or not at all, the store goes on working, and a reopened store shows the same as memory.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

import amongo.engine
from amongo.engine.files import MemoryFiles
from amongo.engine.records import record_key
from amongo.engine.records.view import CHUNK_SIZE
from amongo.engine.store import Change, Store
from amongo.errors import ErrorCode, ServerError
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

ENGINE = amongo.engine.__path__[0]
State = dict[str, tuple[dict[str, Any], list[tuple[int, dict[str, Any]]]]]


@contextmanager
def interrupted_at(line: int) -> Iterator[None]:
    """Raise KeyboardInterrupt when the engine begins the line that it executes as its `line`-th."""
    remaining = line

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal remaining
        if not frame.f_code.co_filename.startswith(ENGINE):
            return None
        if event == "line" and not _takes_no_signal(frame):
            remaining -= 1
            if remaining == 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def _takes_no_signal(frame: FrameType) -> bool:
    """Lines that trace where Python takes no signal: the end of a `with`, before the lock is free, and a `try`."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    return line.startswith("with ") or line == "try:"


def opened(files: MemoryFiles) -> Store:
    return Store.open("data", files=files, clock=ManualClock(), has_service=False)


def insert(store: Store, namespace: str, *documents: dict[str, Any]) -> None:
    raws = [encode(document) for document in documents]
    store.insert(store.create(namespace), [record_key(raw) for raw in raws], raws)


def state(store: Store) -> State:
    """Everything that can be seen: options, and documents by record id; both ways of counting agree with them."""
    shown: State = {}
    for namespace, collection in store.catalog.by_namespace.items():
        assert collection.namespace == namespace
        assert store.catalog.by_uuid[collection.uuid] is collection
        records = list(store.view(collection))
        assert collection.count == len(records)
        assert collection.data_bytes == sum(len(raw) for _, raw in records)
        for record_id, raw in records:
            assert collection.find_id(record_key(raw)) == (record_id, raw)
        assert len(collection._by_id) == len(records)
        shown[namespace] = (collection.options, [(record_id, decode(raw)) for record_id, raw in records])
    return shown


def found(store: Store, identity: Any) -> tuple[int, bytes]:
    record = store.catalog.by_namespace["db.c"].find_id(id_key(identity))
    assert record is not None
    return record


def insert_one(store: Store) -> None:
    raw = encode({"_id": "new"})
    store.insert_one(store.catalog.by_namespace["db.c"], record_key(raw), raw)


def update(store: Store) -> None:
    changes = [Change(*found(store, each), encode({"_id": each, "longer": each}), None) for each in (1, 3)]
    store.update(store.catalog.by_namespace["db.c"], changes)


def replace(store: Store) -> None:
    with store.lock:
        record_id, _ = found(store, 2)
        store.replace(store.catalog.by_namespace["db.c"], record_id, encode({"_id": 2, "x": 1}), encode({}))


def delete(store: Store) -> None:
    store.delete(store.catalog.by_namespace["db.c"], [found(store, each) for each in (1, 3)])


def set_options(store: Store) -> None:
    store.set_options(store.catalog.by_namespace["db.c"], {"validator": {"a": 1}})


CHANGES: list[tuple[str, Callable[[Store], object]]] = [
    ("insert one", insert_one),
    ("insert some", lambda store: insert(store, "db.c", {"_id": "x"}, {"_id": "y"})),
    ("update", update),
    ("replace", replace),
    ("delete", delete),
    ("create", lambda store: store.create("db.created", {"x": 1})),
    ("change options", set_options),
    ("drop", lambda store: store.drop("db.c")),
    ("rename", lambda store: store.rename("db.c", "db.renamed")),
    ("rename over another", lambda store: store.rename("db.c", "db.other")),
    ("drop the database", lambda store: store.drop_database("db")),
]


def prepared() -> tuple[MemoryFiles, Store]:
    files = MemoryFiles()
    store = opened(files)
    insert(store, "db.c", *({"_id": number} for number in range(5)))
    insert(store, "db.other", {"_id": "other"})
    for collection in store.catalog.by_namespace.values():
        store.view(collection)  # the chunks are shared from here on
    return files, store


def check(files: MemoryFiles, store: Store, before: State, after: State) -> None:
    """After an interruption: all or nothing, now and after more work and a reopening."""
    assert state(store) in (before, after)
    insert(store, "db.more", {"_id": "more"})
    insert(store, "db.c", {"_id": "later"})
    store.update(
        store.catalog.by_namespace["db.c"], [Change(*found(store, "later"), encode({"_id": "later", "z": 1}), None)]
    )
    expected = state(store)
    store.close()
    assert state(opened(files)) == expected


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=[name for name, _ in CHANGES])
def test_every_line(name: str, change: Callable[[Store], object]) -> None:
    _, store = prepared()
    before = state(store)
    change(store)
    after = state(store)
    assert before != after
    outcomes = set()
    for line in range(1, 500):
        files, store = prepared()
        try:
            with interrupted_at(line):
                change(store)
        except KeyboardInterrupt:
            outcomes.add(state(store) == after)
            check(files, store, before, after)
        else:
            assert outcomes == {False, True}, "no interruption came before, or none behind the commit"
            return
    pytest.fail("the change never came to its end")


def test_a_batch_over_the_end_of_a_chunk() -> None:
    raws = [encode({"_id": f"b{number}"}) for number in range(4)]
    keys = [record_key(raw) for raw in raws]
    for line in range(1, 500):
        files, store = prepared()
        collection = store.catalog.by_namespace["db.c"]
        collection.reserve(CHUNK_SIZE - 2)
        try:
            with interrupted_at(line):
                store.insert(collection, keys, raws)
        except KeyboardInterrupt:
            assert collection.count in (5, 9)
            insert_one(store)
            expected = state(store)
            store.close()
            assert state(opened(files)) == expected
        else:
            return
    pytest.fail("the insert never came to its end")


def test_what_cannot_be_made_up_for_stops_the_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    files, store = prepared()
    collection = store.catalog.by_namespace["db.c"]

    def fail(*arguments: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(type(collection), "append", fail)
    with pytest.raises(MemoryError):
        insert_one(store)
    monkeypatch.undo()
    with pytest.raises(ServerError) as caught:
        insert(store, "db.c", {"_id": "x"})
    assert caught.value.code == ErrorCode.InternalError
    assert collection.find_id(id_key(2)) is not None
    store.close()
    assert opened(files).catalog.by_namespace["db.c"].find_id(id_key("new")) is not None
