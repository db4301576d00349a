"""Capped and clustered collections in the store: what is kept, in which order, now and after a reopening."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from bson import Int64
from hypothesis import given
from hypothesis import strategies as st

from amongo.engine.files import MemoryFiles
from amongo.engine.files.crashing import CrashingFiles, Failure, MachineStopped
from amongo.engine.records import Cap, Collection, record_key
from amongo.engine.records.view import CHUNK_SIZE
from amongo.engine.store import Change, CollectionDropped, Store
from amongo.errors import ServerError
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key


def opened(files: MemoryFiles | CrashingFiles, has_service: bool = True) -> Store:
    return Store.open("/data", files=files, clock=ManualClock(), has_service=has_service)  # type: ignore[arg-type]


def capped(store: Store, size: int = 10_000, **options: Any) -> Collection:
    return store.create("db.c", {"capped": True, "size": size, **options})


def insert(store: Store, collection: Collection, *documents: dict[str, Any], ordered: bool = True) -> Any:
    raws = [encode(document) for document in documents]
    return store.insert(collection, [record_key(raw) for raw in raws], raws, ordered=ordered)


def numbered(*identities: Any) -> list[dict[str, Any]]:
    return [{"_id": identity} for identity in identities]


def identities(store: Store, namespace: str = "db.c") -> list[Any]:
    collection = store.catalog.get(namespace)
    return [] if collection is None else [decode(raw)["_id"] for _, raw in store.view(collection)]


# What is kept

SMALL = len(encode({"_id": 1}))

KEPT: list[tuple[str, dict[str, Any], list[int], list[int]]] = [
    ("the newest by number", {"size": 10_000, "max": 3}, [SMALL] * 7, [4, 5, 6]),
    ("the newest by size", {"size": 3 * SMALL}, [SMALL] * 7, [4, 5, 6]),
    ("one byte too few for the third", {"size": 3 * SMALL - 1}, [SMALL] * 7, [5, 6]),
    ("whichever limit is met first", {"size": 2 * SMALL, "max": 3}, [SMALL] * 7, [5, 6]),
    ("a document larger than everything", {"size": 100}, [SMALL, 1000], [1]),
    ("which the next one pushes out", {"size": 100}, [SMALL, 1000, SMALL], [2]),
    ("a large one pushes out many", {"size": 100}, [SMALL] * 6 + [60], [4, 5, 6]),
]


def sized(identity: int, size: int) -> dict[str, Any]:
    return {"_id": identity} if size == SMALL else {"_id": identity, "x": "x" * (size - SMALL - 8)}


@pytest.mark.parametrize(("name", "options", "sizes", "kept"), KEPT, ids=[case[0] for case in KEPT])
@pytest.mark.parametrize("is_batch", [False, True], ids=["one by one", "as a batch"])
def test_the_oldest_make_room(
    name: str, options: dict[str, Any], sizes: list[int], kept: list[int], is_batch: bool
) -> None:
    documents = [sized(number, size) for number, size in enumerate(sizes)]
    assert [len(encode(each)) for each in documents] == sizes
    files = MemoryFiles()
    store = opened(files)
    collection = capped(store, **options)
    if is_batch:
        insert(store, collection, *documents)
    else:
        for each in documents:
            assert store.insert_one(collection, id_key(each["_id"]), encode(each))
    assert identities(store) == kept
    expected = (len(kept), sum(sizes[each] for each in kept))
    assert (collection.count, collection.data_bytes) == expected
    store.close()
    store = opened(files)
    again = store.catalog.by_namespace["db.c"]
    assert identities(store) == kept
    assert (again.count, again.data_bytes) == expected


def test_an_id_is_free_again_once_its_document_was_pushed_out() -> None:
    store = opened(MemoryFiles())
    collection = capped(store, max=2)
    done = insert(store, collection, *numbered(1, 2, 3, 1))
    assert (done.positions, done.duplicates, identities(store)) == (None, [], [3, 1])
    assert collection.find_id(id_key(2)) is None
    assert collection.find_id(id_key(1)) == (4, encode({"_id": 1}))


@pytest.mark.parametrize(
    ("ordered", "positions", "duplicates", "kept"), [(True, [0, 1], [2], [1, 2]), (False, [0, 1, 3], [2], [2, 3])]
)
def test_duplicates_of_a_batch(ordered: bool, positions: list[int], duplicates: list[int], kept: list[int]) -> None:
    store = opened(MemoryFiles())
    done = insert(store, capped(store, max=2), *numbered(1, 2, 2, 3), ordered=ordered)
    assert (done.positions, done.duplicates, identities(store)) == (positions, duplicates, kept)


def test_a_view_goes_on_showing_what_was_pushed_out() -> None:
    store = opened(MemoryFiles())
    collection = capped(store, max=2)
    insert(store, collection, *numbered(1, 2))
    before = store.view(collection)
    insert(store, collection, *numbered(3, 4))
    assert [decode(raw)["_id"] for raw in before.documents()] == [1, 2]
    assert identities(store) == [3, 4]


def test_lower_limits_count_with_the_next_insert() -> None:
    files = MemoryFiles()
    store = opened(files)
    collection = capped(store)
    insert(store, collection, *numbered(*range(5)))
    store.set_options(collection, {**collection.options, "max": 3})
    assert identities(store) == [0, 1, 2, 3, 4]
    insert(store, collection, *numbered(5))
    assert identities(store) == [3, 4, 5]
    store.close()
    store = opened(files)
    collection = store.catalog.by_namespace["db.c"]
    insert(store, collection, *numbered(6))
    assert identities(store) == [4, 5, 6]


def test_what_is_pushed_out_is_let_go_of() -> None:
    files = MemoryFiles()
    store = opened(files)
    collection = capped(store, max=10)
    count = 3 * CHUNK_SIZE + 7
    insert(store, collection, *numbered(*range(count)))
    expected = list(range(count - 10, count))
    assert identities(store) == expected
    assert collection.view().chunks[:2] == (None, None)
    store.close()
    store = opened(files)
    assert identities(store) == expected
    assert store.catalog.by_namespace["db.c"].view().chunks[:2] == (None, None)


def test_a_collection_that_is_full_to_the_end_of_a_chunk() -> None:
    files = MemoryFiles()
    store = opened(files)
    collection = capped(store)
    store.set_options(collection, {**collection.options, "max": 1})
    insert(store, collection, *numbered(*range(CHUNK_SIZE - 1)))
    store.delete(collection, list(store.view(collection)))
    assert (collection.next_record_id, identities(store)) == (CHUNK_SIZE, [])
    insert(store, collection, {"_id": "a"}, {"_id": "b"})
    assert identities(store) == ["b"]
    store.close()
    assert identities(opened(files)) == ["b"]


def test_a_batch_into_a_dropped_collection() -> None:
    store = opened(MemoryFiles())
    collection = capped(store)
    store.drop("db.c")
    with pytest.raises(CollectionDropped):
        insert(store, collection, {"_id": 1})


# Against a model: a queue

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 120)), max_size=4)),
        st.tuples(st.just("delete"), st.integers(0, 9)),
        st.tuples(st.just("grow"), st.tuples(st.integers(0, 9), st.integers(0, 120))),
        st.tuples(st.just("limit"), st.tuples(st.integers(1, 300), st.integers(0, 6))),
        st.tuples(st.just("reopen"), st.none()),
    ),
    max_size=25,
)


@given(size=st.integers(1, 300), limit=st.integers(0, 6), operations=OPERATIONS)
def test_it_is_a_queue(size: int, limit: int, operations: list[tuple[str, Any]]) -> None:
    files = MemoryFiles()
    store = opened(files)
    collection = capped(store, size=size, max=limit)
    model: deque[dict[str, Any]] = deque()

    def over() -> bool:
        return sum(len(encode(each)) for each in model) > size or 0 < limit < len(model)

    for name, argument in operations:
        collection = store.catalog.by_namespace["db.c"]
        if name == "insert":
            documents = [{"_id": identity, "x": "x" * length} for identity, length in argument]
            insert(store, collection, *documents, ordered=False)
            for document in documents:
                if all(each["_id"] != document["_id"] for each in model):
                    model.append(document)
                    while len(model) > 1 and over():
                        model.popleft()
        elif name == "delete":
            found = collection.find_id(id_key(argument))
            if found is not None:
                store.delete(collection, [found])
                model = deque(each for each in model if each["_id"] != argument)
        elif name == "grow":
            identity, length = argument
            found = collection.find_id(id_key(identity))
            if found is not None:
                document = {"_id": identity, "x": "x" * length}
                store.update(collection, [Change(*found, encode(document), None)])
                model = deque(document if each["_id"] == identity else each for each in model)
        elif name == "limit":
            size, limit = argument
            store.set_options(collection, {"capped": True, "size": size, "max": limit})
        else:
            store.close()
            store = opened(files)
            collection = store.catalog.by_namespace["db.c"]
        assert [decode(raw) for _, raw in store.view(collection)] == list(model)
        assert collection.count == len(model)
        assert collection.data_bytes == sum(len(encode(each)) for each in model)


# Crashes


def run_capped_workload(store: Store) -> None:
    collection = capped(store, max=3)
    for start in range(0, 8, 2):
        insert(store, collection, *numbered(start, start + 1))
    store.convert_to_capped(collection, {"capped": True, "size": 2 * SMALL})
    insert(store, store.catalog.by_namespace["db.c"], {"_id": 8})


def workload_states() -> list[list[int]]:
    """What may be there after a crash: the state after each commit."""
    windows = [list(range(max(0, count - 3), count)) for count in range(9)]
    return [*windows, [6, 7], [7, 8]]


def crash_points() -> int:
    files = CrashingFiles()
    store = opened(files, has_service=False)
    run_capped_workload(store)
    store.close()
    return files.operations


@pytest.mark.parametrize("ending", ["kill", "crash"])
def test_a_crash_anywhere_leaves_a_state_that_was_there(ending: str) -> None:
    states, seen = workload_states(), set()
    for point in range(crash_points()):
        files = CrashingFiles(fail_at=point, failure=Failure.STOP, seed=point)
        try:
            store = opened(files, has_service=False)
            run_capped_workload(store)
            store.close()
        except (MachineStopped, ServerError):
            pass
        found = identities(opened(files.kill() if ending == "kill" else files.crash(point), has_service=False))
        assert found in states
        seen.add(tuple(found))
    assert len(seen) > 5 or ending == "crash"


# Conversion

CONVERSIONS: list[tuple[str, dict[str, Any], list[int]]] = [
    ("everything fits", {"size": 10_000}, [5, 2, 8, 1]),
    ("the newest by size", {"size": 2 * SMALL}, [8, 1]),
    ("the newest by number", {"size": 10_000, "max": 1}, [1]),
    ("nothing fits, one stays", {"size": 1}, [1]),
]


@pytest.mark.parametrize(("name", "options", "kept"), CONVERSIONS, ids=[case[0] for case in CONVERSIONS])
def test_conversion_keeps_the_newest(name: str, options: dict[str, Any], kept: list[int]) -> None:
    files = MemoryFiles()
    store = opened(files)
    plain = store.create("db.c")
    insert(store, plain, *numbered(5, 2, 8, 1))
    old = plain.uuid
    store.convert_to_capped(plain, {"capped": True, **options})
    for reopened in (False, True):
        if reopened:
            store.close()
            store = opened(files)
        new = store.catalog.by_namespace["db.c"]
        assert identities(store) == kept
        assert (new.uuid != old, new.cap, list(new.indexes)) == (True, Cap.of({"capped": True, **options}), ["_id_"])
        assert store.catalog.by_uuid == {new.uuid: new}
    assert plain.is_dropped


def test_converting_a_clustered_collection_keeps_its_order() -> None:
    files = MemoryFiles()
    store = opened(files)
    clustered = store.create("db.c", {"clusteredIndex": {"v": 2, "key": {"_id": 1}, "name": "_id_", "unique": True}})
    insert(store, clustered, *numbered(3, 1, 2))
    store.convert_to_capped(clustered, {"capped": True, "size": 2 * SMALL})
    store.close()
    assert identities(opened(files)) == [2, 3]


# Clustered collections


def test_the_natural_order_of_a_clustered_collection_is_that_of_the_ids() -> None:
    files = MemoryFiles()
    store = opened(files)
    collection = store.create("db.c", {"clusteredIndex": {"v": 2, "key": {"_id": 1}, "name": "_id_", "unique": True}})
    insert(store, collection, *numbered("b", 3, Int64(1), None))
    insert(store, collection, *numbered("a", 2))
    expected = [None, 1, 2, 3, "a", "b"]
    assert identities(store) == expected
    assert [decode(raw)["_id"] for _, raw in reversed(store.view(collection))] == expected[::-1]
    assert [decode(raw)["_id"] for raw in store.view(collection).documents()] == expected
    found = collection.find_id(id_key(2))
    assert found is not None
    store.delete(collection, [found])
    store.close()
    assert identities(opened(files)) == [None, 1, 3, "a", "b"]


# Waiting


def test_an_arrival_is_announced_after_it_can_be_seen() -> None:
    store = opened(MemoryFiles())
    collection = capped(store)
    arrival = collection.arrivals.expect()
    assert collection.arrivals.expect() is arrival
    seen: list[list[int]] = []
    arrival._callbacks.append(lambda: seen.append(identities(store)))
    insert(store, collection, {"_id": 1}, {"_id": 2})
    assert arrival.is_done
    assert seen == [[1]]
    assert not collection.arrivals.expect().is_done


ENDINGS = {
    "drop": lambda store: store.drop("db.c"),
    "rename": lambda store: store.rename("db.c", "db.d"),
    "drop of the database": lambda store: store.drop_database("db"),
    "conversion": lambda store: store.convert_to_capped(
        store.catalog.by_namespace["db.c"], {"capped": True, "size": 4096}
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_who_waits_hears_of_the_end(name: str) -> None:
    store = opened(MemoryFiles())
    arrival = capped(store).arrivals.expect()
    ENDINGS[name](store)
    assert arrival.is_done
