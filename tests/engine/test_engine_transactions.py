"""Transactions: snapshot isolation, conflicts, and a commit that is there as a whole or not at all."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import CrashingFiles, MemoryFiles
from amongo.engine.files.crashing import Failure, MachineStopped
from amongo.engine.indexes import Definition
from amongo.engine.origin import Origin
from amongo.engine.records import Collection, record_key, trail
from amongo.engine.settings import Settings
from amongo.engine.store import Change, Store
from amongo.engine.transactions import Transaction, collected
from amongo.errors import ErrorCode, ServerError
from amongo.mql.index_keys import key_maker
from amongo.runtime.clock import ManualClock
from amongo.runtime.workers import start_service
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

A: Definition = {"v": 2, "key": {"a": 1}, "name": "a_1"}
UNIQUE: Definition = {"v": 2, "key": {"u": 1}, "name": "u_1", "unique": True, "sparse": True}
ORIGIN = Origin(bytes(16), 1, is_transaction=True)
SMALL = Settings(log_file_bytes=4096, checkpoint_bytes=1 << 40, closing_checkpoint_bytes=1 << 40, log_retained_bytes=0)


def opened(files: Any = None) -> Store:
    if files is None:
        return Store.open(None, clock=ManualClock(), make_keys=key_maker)
    clock = ManualClock()
    return Store.open("data", files=files, clock=clock, settings=SMALL, has_service=False, make_keys=key_maker)


def insert(store: Store, *documents: dict[str, Any], namespace: str = "db.c") -> Any:
    collection = store.create(namespace)
    raws = [encode(document) for document in documents]
    return store.insert(collection, [record_key(raw, collection.collator) for raw in raws], raws)


def update(store: Store, identity: Any, namespace: str = "db.c", **fields: Any) -> bool:
    collection = store.catalog.by_namespace[namespace]
    found = collection.find_id(id_key(identity))
    if found is None:
        return False
    store.update(collection, [Change(*found, encode({"_id": identity, **fields}), None)])
    return True


def delete(store: Store, identity: Any, namespace: str = "db.c") -> bool:
    collection = store.catalog.by_namespace[namespace]
    found = collection.find_id(id_key(identity))
    return found is not None and bool(store.delete(collection, [found]).sequence)


def shown(store: Store) -> dict[str, Any]:
    """All that can be seen of a store: documents under their record ids, and the entries of the indexes."""
    found: dict[str, Any] = {}
    for collection in store.catalog.by_namespace.values():
        indexes = () if collection.secondary is None else collection.secondary.indexes
        found[collection.namespace] = (
            [(record_id, decode(raw)) for record_id, raw in collection.view()],
            collection.count,
            collection.data_bytes,
            {index.name: list(index.view()) for index in indexes},
            [each for each in collection.id_order() if collection.record(each) is not None],
            list(collection.indexes.values()),
        )
    return found


def documents(store: Store, namespace: str = "db.c") -> list[dict[str, Any]]:
    collection = store.catalog.get(namespace)
    return [] if collection is None else [decode(raw) for raw in store.view(collection).documents()]


def check_indexes(collection: Collection) -> None:
    """Every index holds exactly the keys of the records there are."""
    for index in () if collection.secondary is None else collection.secondary.indexes:
        found = [(record_id, set(index.maker.keys(decode(raw)).keys)) for record_id, raw in collection.view()]
        assert sum(len(keys) for _, keys in found) == len(list(index.view()))
        for record_id, keys in found:
            assert all(record_id in index.entries.records_with(key) for key in keys)


def conflicts(call: Callable[[], object]) -> bool:
    """Whether a call is a write conflict."""
    try:
        call()
    except ServerError as error:
        if error.code != ErrorCode.WriteConflict:
            raise
        return True
    return False


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest) -> Store:
    store = opened(MemoryFiles() if request.param == "disk" else None)
    store.create_indexes(store.create("db.c"), [A, UNIQUE])
    insert(store, *({"_id": each, "a": each, "u": each} for each in range(5)))
    return store


# What is seen


def test_a_transaction_sees_its_own_writes_and_nobody_elses(store: Store) -> None:
    one, two = store.transaction(), store.transaction()
    insert(one.store, {"_id": 9, "a": 1})
    update(one.store, 1, a=7)
    delete(one.store, 2)
    update(store, 3, a=8)
    insert(store, {"_id": 10})
    assert [each["_id"] for each in documents(one.store)] == [0, 1, 3, 4, 9]
    assert documents(one.store)[1] == {"_id": 1, "a": 7}
    assert documents(one.store)[2]["a"] == 3
    assert documents(two.store) == [{"_id": each, "a": each, "u": each} for each in range(5)]
    assert [each["_id"] for each in documents(store)] == [0, 1, 2, 3, 4, 10]
    check_indexes(one.store.catalog.by_namespace["db.c"])


def test_a_commit_is_visible_at_once_and_an_abort_never(store: Store) -> None:
    one, two = store.transaction(), store.transaction()
    insert(one.store, {"_id": 9}, {"_id": 10})
    insert(two.store, {"_id": 11})
    insert(store, {"_id": 12})
    assert len(store.transactions) == 2
    two.abort()
    two.abort()
    sequence = one.commit()
    assert sequence == store.last_sequence
    assert len(store.transactions) == 0
    assert [each["_id"] for each in documents(store)] == [0, 1, 2, 3, 4, 12, 9, 10]
    check_indexes(store.catalog.by_namespace["db.c"])


def test_a_transaction_that_wrote_nothing_commits_nothing(store: Store) -> None:
    before = store.last_sequence
    assert store.transaction().commit(ORIGIN) == 0
    assert store.last_sequence == before


def test_a_commit_is_one_frame_with_its_entries_in_order(store: Store) -> None:
    reader = store.history.reader(store.last_sequence)
    transaction = store.transaction()
    insert(transaction.store, {"_id": 9}, {"_id": 10})
    update(transaction.store, 10, a=1)
    delete(transaction.store, 9)
    update(transaction.store, 0, a=2)
    insert(store, {"_id": 20})
    reader.next(10)
    arrival = store.history.arrivals.expect()
    transaction.commit(ORIGIN)
    assert arrival.is_done
    [commit] = reader.next(10)
    assert [decode(each.head)["op"] for each in commit.entries] == ["s", "i", "u", "d", "u"]
    assert [each.record_id for each in commit.entries] == [0, 7, 8, 7, 1]
    assert reader.next(10) == []


def test_what_is_open_and_for_how_long(store: Store) -> None:
    clock = store.clock
    assert isinstance(clock, ManualClock)
    assert store.transactions.oldest_began_s() is None
    one = store.transaction()
    began_s = clock.monotonic()
    clock.advance(5000)
    two = store.transaction()
    assert (len(store.transactions), store.transactions.oldest_began_s()) == (2, began_s)
    assert two.began_s == began_s + 5
    one.abort()
    assert store.transactions.oldest_began_s() == began_s + 5


# Conflicts


def outside_update(store: Store) -> None:
    update(store, 1, a=100)


def outside_delete(store: Store) -> None:
    delete(store, 1)


def outside_there_and_back(store: Store) -> None:
    update(store, 1, a=100)
    update(store, 1, a=1, u=1)


def outside_checkpoint(store: Store) -> None:
    update(store, 1, a=100)
    if store.checkpoints is not None:
        store.checkpoints.checkpoint()


OUTSIDE = [outside_update, outside_delete, outside_there_and_back, outside_checkpoint]


@pytest.mark.parametrize("write", OUTSIDE)
def test_a_record_that_was_committed_to_since_cannot_be_written(store: Store, write: Callable[[Store], None]) -> None:
    transaction = store.transaction()
    write(store)
    assert conflicts(lambda: update(transaction.store, 1, a=3))
    transaction.abort()


@pytest.mark.parametrize("write", OUTSIDE)
def test_a_record_that_others_write_meanwhile_is_found_at_the_commit(
    store: Store, write: Callable[[Store], None]
) -> None:
    transaction = store.transaction()
    update(transaction.store, 1, a=3)
    insert(transaction.store, {"_id": 77})
    write(store)
    before = shown(store)
    assert conflicts(transaction.commit)
    transaction.abort()
    assert shown(store) == before


def test_a_checkpoint_meanwhile_is_no_conflict() -> None:
    store = opened(MemoryFiles())
    insert(store, *({"_id": each} for each in range(5)))
    transaction = store.transaction()
    update(transaction.store, 1, a=3)
    assert store.checkpoints is not None
    store.checkpoints.checkpoint()
    delete(transaction.store, 2)
    store.checkpoints.checkpoint()
    transaction.commit()
    assert [each["_id"] for each in documents(store)] == [0, 1, 3, 4]


def test_of_two_that_write_the_same_the_second_has_the_conflict_at_once(store: Store) -> None:
    cases: list[tuple[Callable[[Store], object], Callable[[Store], object]]] = [
        (lambda one: update(one, 1, a=2), lambda two: update(two, 1, a=3)),
        (lambda one: update(one, 1, a=2), lambda two: delete(two, 1)),
        (lambda one: insert(one, {"_id": 9}), lambda two: insert(two, {"_id": 9})),
        (lambda one: insert(one, {"_id": 8, "u": 9}), lambda two: insert(two, {"_id": 9, "u": 9})),
        (lambda one: insert(one, {"_id": 8, "u": 9}), lambda two: update(two, 1, u=9)),
        (lambda one: one.create("db.new"), lambda two: two.create("db.new")),
    ]
    for first, second in cases:
        one, two, three = store.transaction(), store.transaction(), store.transaction()
        first(one.store)
        assert conflicts(lambda second=second, two=two: second(two.store))  # type: ignore[misc]
        one.abort()
        two.abort()
        assert not conflicts(lambda second=second, three=three: second(three.store))  # type: ignore[misc]
        three.abort()
    assert len(store.transactions) == 0


def test_a_claim_ends_with_a_commit_and_what_was_committed_is_a_conflict(store: Store) -> None:
    one, two = store.transaction(), store.transaction()
    update(one.store, 1, a=2)
    one.commit()
    assert conflicts(lambda: update(two.store, 1, a=3))
    two.abort()
    three = store.transaction()
    update(three.store, 1, a=3)
    assert three.commit()


def test_a_transaction_that_slept_through_many_writes_knows_of_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "TRAIL_COUNT", 3)
    update(store, 2, a=0)
    early, late = store.transaction(), store.transaction()
    update(early.store, 1, a=3)
    for number in range(150):
        update(store, 0, a=number)
        update(store, 1, a=number)
        insert(store, {"_id": 100 + number})
        delete(store, 100 + number)
    assert conflicts(early.commit)
    assert conflicts(lambda: update(late.store, 1, a=3))
    assert not conflicts(lambda: update(late.store, 2, a=3))
    late.commit()


def test_others_inserts_are_conflicts(store: Store) -> None:
    documents_ = [{"_id": 9}, {"_id": 8, "u": 9}]
    for document in documents_:
        late, early = store.transaction(), store.transaction()
        insert(early.store, document)
        insert(store, document)
        assert conflicts(lambda late=late, document=document: insert(late.store, document))  # type: ignore[misc]
        assert conflicts(early.commit)
        early.abort()
        late.abort()
        delete(store, document["_id"])


def test_a_unique_key_that_another_record_has_come_to_have_is_a_conflict(store: Store) -> None:
    late, early = store.transaction(), store.transaction()
    insert(early.store, {"_id": 9, "u": 50})
    update(store, 1, u=50)
    assert conflicts(lambda: update(late.store, 2, u=50))
    assert conflicts(early.commit)


def test_a_key_in_its_own_view_is_a_duplicate_and_no_conflict(store: Store) -> None:
    transaction = store.transaction()
    delete(store, 1)
    assert insert(transaction.store, {"_id": 1}).duplicates == [0]
    [(_, error)] = insert(transaction.store, {"_id": 9, "u": 2}).failures
    assert error.code == ErrorCode.DuplicateKey
    assert transaction.commit() == 0


def change_catalog(store: Store, kind: str) -> None:
    collection = store.catalog.by_namespace["db.c"]
    if kind == "drop":
        store.drop("db.c")
    elif kind == "drop and create":
        store.drop("db.c")
        store.create("db.c")
    elif kind == "rename":
        store.rename("db.c", "db.d")
    elif kind == "index":
        store.create_indexes(collection, [{"v": 2, "key": {"b": 1}, "name": "b_1"}])
    elif kind == "drop index":
        store.drop_indexes(collection, ["a_1"])
    else:
        store.set_options(collection, {"validator": {"a": 1}})


@pytest.mark.parametrize("kind", ["drop", "drop and create", "rename", "index", "drop index", "options"])
def test_a_collection_that_others_have_changed_is_a_conflict(store: Store, kind: str) -> None:
    early, late, reader = store.transaction(), store.transaction(), store.transaction()
    insert(early.store, {"_id": 9})
    change_catalog(store, kind)
    before = shown(store)
    assert conflicts(early.commit)
    assert conflicts(lambda: update(late.store, 1, a=1))
    assert len(documents(reader.store)) == 5
    for each in (early, late, reader):
        each.abort()
    assert shown(store) == before


# What a commit does


def test_a_record_is_inserted_changed_and_removed_in_one(store: Store) -> None:
    transaction = store.transaction()
    for identity in range(10, 20):
        insert(transaction.store, {"_id": identity, "a": 0, "u": identity})
    for identity in (10, 13, 14, 19):
        update(transaction.store, identity, a=1)
        delete(transaction.store, identity)
    insert(transaction.store, {"_id": 13, "u": 13})
    update(transaction.store, 11, a=[1, 2])
    insert(store, {"_id": 30})
    transaction.commit()
    expected = [0, 1, 2, 3, 4, 30, 11, 12, 15, 16, 17, 18, 13]
    assert [each["_id"] for each in documents(store)] == expected
    collection = store.catalog.by_namespace["db.c"]
    check_indexes(collection)
    assert collection.secondary is not None
    assert collection.secondary.indexes[0].is_multikey


def test_unique_keys_change_hands(store: Store) -> None:
    transaction = store.transaction()
    update(transaction.store, 1, u=-1)
    update(transaction.store, 2, u=1)
    update(transaction.store, 1, u=2)
    delete(transaction.store, 3)
    insert(transaction.store, {"_id": 9, "u": 3})
    transaction.commit()
    assert [each.get("u") for each in documents(store)] == [0, 2, 1, 4, 3]
    check_indexes(store.catalog.by_namespace["db.c"])


def test_more_than_a_chunk_is_inserted_and_partly_removed(store: Store) -> None:
    transaction = store.transaction()
    insert(transaction.store, *({"_id": each} for each in range(100, 9_000)))
    for identity in range(4_000, 8_800):
        delete(transaction.store, identity)
    transaction.commit()
    assert [each["_id"] for each in documents(store)] == [*range(5), *range(100, 4_000), *range(8_800, 9_000)]
    insert(store, {"_id": -1})
    assert documents(store)[-1] == {"_id": -1}


def test_a_collection_is_created_and_indexed_within(store: Store) -> None:
    transaction, reader = store.transaction(), store.transaction()
    collection = transaction.store.create("db.new")
    transaction.store.create_indexes(collection, [UNIQUE])
    insert(transaction.store, {"_id": 1, "u": 1}, {"_id": 2}, namespace="db.new")
    delete(transaction.store, 2, namespace="db.new")
    assert store.catalog.get("db.new") is None
    transaction.commit()
    assert documents(store, "db.new") == [{"_id": 1, "u": 1}]
    assert reader.store.catalog.get("db.new") is None
    assert insert(store, {"_id": 5, "u": 1}, namespace="db.new").failures
    assert insert(store, {"_id": 5, "u": 5}, namespace="db.new").sequence


def test_an_empty_collection_is_indexed_within(store: Store) -> None:
    store.create("db.empty")
    one, two = store.transaction(), store.transaction()
    for each in (one, two):
        each.store.create_indexes(each.store.catalog.by_namespace["db.empty"], [UNIQUE])
        insert(each.store, {"_id": each.began_s, "u": 1} if each is one else {"_id": 2}, namespace="db.empty")
    one.commit()
    assert conflicts(two.commit)
    assert set(store.catalog.by_namespace["db.empty"].indexes) == {"_id_", "u_1"}
    check_indexes(store.catalog.by_namespace["db.empty"])


def test_a_collection_that_others_have_created_meanwhile_is_a_conflict(store: Store) -> None:
    early, late = store.transaction(), store.transaction()
    early.store.create("db.new")
    store.create("db.new")
    assert conflicts(lambda: late.store.create("db.new"))
    assert conflicts(early.commit)


def test_a_capped_collection_lets_its_oldest_go(store: Store) -> None:
    store.create("db.capped", {"capped": True, "size": 4096, "max": 3})
    insert(store, {"_id": 0}, {"_id": 1}, {"_id": 2}, namespace="db.capped")
    arrival = store.catalog.by_namespace["db.capped"].arrivals.expect()
    transaction = store.transaction()
    insert(transaction.store, {"_id": 3}, {"_id": 4}, namespace="db.capped")
    assert not arrival.is_done
    transaction.commit()
    assert arrival.is_done
    assert [each["_id"] for each in documents(store, "db.capped")] == [2, 3, 4]


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.drop("db.c"),
        lambda store: store.rename("db.c", "db.d"),
        lambda store: store.drop_database("db"),
        lambda store: store.drop_indexes(store.catalog.by_namespace["db.c"], ["a_1"]),
        lambda store: store.set_options(store.catalog.by_namespace["db.c"], {"validator": {}}),
    ],
)
def test_other_commands_have_no_place_in_a_transaction(store: Store, call: Callable[[Store], object]) -> None:
    transaction = store.transaction()
    with pytest.raises(ServerError) as caught:
        call(transaction.store)
    assert caught.value.code == ErrorCode.OperationNotSupportedInTransaction
    assert len(documents(transaction.store)) == 5


def test_a_transaction_has_a_size(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collected, "TRANSACTION_BYTES", 1000)
    transaction = store.transaction()
    insert(transaction.store, {"_id": 9, "x": "x" * 500})
    assert 500 < transaction.size_bytes < 1000
    with pytest.raises(ServerError) as caught:
        insert(transaction.store, {"_id": 10, "x": "x" * 500})
    assert caught.value.code == ErrorCode.TransactionTooLarge
    assert transaction.store.catalog.by_namespace["db.c"].count == 6


def test_nothing_of_a_transaction_that_is_over_is_kept(store: Store) -> None:
    transaction = store.transaction()
    update(transaction.store, 1, a=7)
    transaction.commit()
    del transaction
    update(store, 1, a=8)
    assert store.catalog.by_namespace["db.c"]._trail is None


# Recovery, crashes and full disks


def workload(store: Store, rng: random.Random, transaction: Transaction) -> None:
    """Writes of all kinds in a transaction, with others in between."""
    for number in range(12):
        choice = rng.random()
        identity = rng.randrange(30)
        if choice < 0.4:
            insert(transaction.store, {"_id": identity, "a": number, "u": rng.randrange(100)})
        elif choice < 0.6:
            update(transaction.store, identity, a=[number, -number])
        elif choice < 0.8:
            delete(transaction.store, identity)
        elif choice < 0.9:
            insert(transaction.store, {"_id": identity}, namespace=f"db.new{number % 2}")
        else:
            insert(store, {"_id": 1000 + rng.randrange(10**6)})


def test_a_reopened_store_shows_what_was_committed() -> None:
    for seed in range(40):
        rng = random.Random(seed)
        files = MemoryFiles()
        store = opened(files)
        store.create_indexes(store.create("db.c"), [A, UNIQUE])
        insert(store, *({"_id": each, "u": each} for each in range(5)))
        for number in range(3):
            transaction = store.transaction()
            workload(store, rng, transaction)
            if rng.random() < 0.3 and store.checkpoints is not None:
                store.checkpoints.checkpoint()
            if rng.random() < 0.8:
                transaction.commit(Origin(bytes(16), number, is_transaction=True))
            else:
                transaction.abort()
        before = shown(store)
        store.close()
        store = opened(files)
        assert shown(store) == before
        store.close()


def accounts(files: CrashingFiles) -> Store:
    """A store with ten accounts that hold 100 together."""
    store = opened(files)
    store.create_indexes(store.create("db.c"), [A])
    insert(store, *({"_id": each, "a": 10} for each in range(10)))
    return store


def move(store: Store, number: int) -> int:
    """Move 1 from one account to another, with a receipt in a collection that is created for it."""
    transaction = store.transaction()
    balances = {each["_id"]: each["a"] for each in documents(transaction.store)}
    update(transaction.store, number, a=balances[number] - 1)
    update(transaction.store, 9, a=balances[9] + 1)
    delete(transaction.store, 8)
    insert(transaction.store, {"_id": 8, "a": balances[8]}, {"_id": 100 + number, "a": 0})
    insert(transaction.store, {"_id": number}, namespace=f"db.receipt{number}")
    try:
        return transaction.commit(Origin(bytes(16), number, is_transaction=True))
    finally:
        transaction.abort()


def check_accounts(store: Store) -> int:
    """Whatever was committed is there as a whole; how many have been."""
    found = documents(store)
    check_indexes(store.catalog.by_namespace["db.c"])
    receipts = [number for number in range(1, 5) if documents(store, f"db.receipt{number}") == [{"_id": number}]]
    assert len(store.catalog.by_namespace) == 1 + len(receipts)
    balances = {each["_id"]: each["a"] for each in found}
    assert [number for number in range(1, 5) if 100 + number in balances] == receipts
    assert [number for number in range(1, 5) if balances[number] == 9] == receipts
    assert (balances[9], sum(balances.values())) == (10 + len(receipts), 100)
    return len(receipts)


def moved(files: CrashingFiles, fail_at: int, failure: Failure, has_checkpoint: bool) -> tuple[Store, int, bool]:
    """Move four times, with a failure at some operation: the store, how many were acknowledged, whether it stopped."""
    store = accounts(files)
    files._fail_at, files._failure = files.operations + fail_at, failure
    done = 0
    try:
        for number in range(1, 5):
            if has_checkpoint and number == 3 and store.checkpoints is not None:
                store.checkpoints.attempt()
            try:
                move(store, number)
                done += 1
            except ServerError as error:
                assert error.code in (ErrorCode.OutOfDiskSpace, ErrorCode.LogWriteFailed)
                assert check_accounts(store) == done
    except MachineStopped:
        return store, done, True
    return store, done, False


@pytest.mark.parametrize("has_checkpoint", [False, True])
def test_a_transaction_is_whole_or_absent_after_a_stop_at_any_point(has_checkpoint: bool) -> None:
    for fail_at in range(200):
        files = CrashingFiles()
        _, done, has_stopped = moved(files, fail_at, Failure.STOP, has_checkpoint)
        assert check_accounts(opened(files.kill())) in (done, done + 1)
        reopened = opened(files.crash(fail_at))
        if reopened.catalog.count("db.c"):  # not everything was synced
            check_accounts(reopened)
        if not has_stopped:
            return
    raise AssertionError("the workload takes more operations than are tried")


@pytest.mark.parametrize("failure", [Failure.NO_SPACE, Failure.IO_ERROR])
def test_a_commit_that_cannot_be_written_leaves_nothing(failure: Failure) -> None:
    failed = 0
    for fail_at in range(12):
        files = CrashingFiles()
        store, done, _ = moved(files, fail_at, failure, has_checkpoint=False)
        failed += done < 4
        assert check_accounts(store) == done
        assert check_accounts(opened(files.kill())) == done
    assert failed


def test_a_commit_may_be_tried_again_when_there_is_room() -> None:
    files = CrashingFiles()
    store = accounts(files)
    transaction = store.transaction()
    update(transaction.store, 1, a=5)
    insert(transaction.store, {"_id": 50, "a": 5})
    files._fail_at, files._failure = files.operations, Failure.NO_SPACE
    with pytest.raises(ServerError):
        transaction.commit()
    assert transaction.is_open
    assert transaction.commit()
    assert sum(each["a"] for each in documents(store)) == 100


def test_point_reads_meet_all_of_a_commit_or_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read without a lock between any two steps of the change is what was there before."""
    insert(store, {"_id": 1}, {"_id": 2}, namespace="db.d")

    def point_reads() -> list[Any]:
        found: list[Any] = []
        for namespace in ("db.c", "db.d", "db.new"):
            collection = store.catalog.get(namespace)
            for identity in range(12):
                key = id_key(identity)
                place = None if collection is None else collection.find_id(key)
                found.append(place)
                if collection is not None:
                    assert collection.get_by_key(key) == (None if place is None else place[1])
                    assert collection.has_key(key) == (place is not None)
                    assert place is None or collection.record(place[0]) == place[1]
        return found

    transaction = store.transaction()
    update(transaction.store, 1, a=7)
    delete(transaction.store, 2)
    insert(transaction.store, {"_id": 2, "a": 9}, {"_id": 10})
    update(transaction.store, 1, namespace="db.d", x=1)
    delete(transaction.store, 2, namespace="db.d")
    insert(transaction.store, {"_id": 1}, namespace="db.new")
    before, seen = point_reads(), []
    for method in ("replace", "remove", "extend", "reserve", "_record"):
        original = getattr(Collection, method)

        def watched(self: Collection, *arguments: Any, original: Any = original) -> Any:
            seen.append(point_reads())
            result = original(self, *arguments)
            seen.append(point_reads())
            return result

        monkeypatch.setattr(Collection, method, watched)
    transaction.commit()
    monkeypatch.undo()
    assert len(seen) > 10
    assert all(each == before for each in seen)
    assert point_reads() != before
    assert all(type(each) is Collection for each in store.catalog.by_namespace.values())


class Broken(Exception):
    """Something that comes in between."""


@pytest.mark.parametrize("method", ["remove", "replace", "extend", "reserve"])
@pytest.mark.parametrize("is_behind", [False, True])
def test_a_commit_that_breaks_off_in_memory_is_made_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, method: str, is_behind: bool
) -> None:
    expected = opened()
    expected.create_indexes(expected.create("db.c"), [A, UNIQUE])
    insert(expected, *({"_id": each, "a": each, "u": each} for each in range(5)))
    for each in (store, expected):
        transaction = each.transaction()
        insert(transaction.store, *({"_id": identity, "u": identity} for identity in range(10, 20)))
        delete(transaction.store, 12)
        delete(transaction.store, 1)
        update(transaction.store, 2, a=[1, 2])
        transaction.store.create("db.new")
        if each is expected:
            transaction.commit()
            continue
        original, calls = getattr(Collection, method), []

        def broken(self: Collection, *arguments: Any, original: Any = original, calls: list[int] = calls) -> None:
            calls.append(1)
            if is_behind or len(calls) > 1:
                original(self, *arguments)
            if len(calls) == 1:
                raise Broken

        monkeypatch.setattr(Collection, method, broken)
        with pytest.raises(Broken):
            transaction.commit()
        monkeypatch.undo()
        assert not transaction.is_open
    assert shown(store) == shown(expected)


# Snapshot isolation


class Model:
    """What transactions should see: a dictionary for each, and who has written what since when."""

    def __init__(self) -> None:
        self.committed: dict[int, int] = {}
        self.last_commit: dict[int, int] = {}
        self.time = 0
        self.open: list[Modelled] = []

    def write_outside(self, identity: int, value: int | None) -> None:
        self.time += 1
        self.last_commit[identity] = self.time
        self.put(self.committed, identity, value)

    @staticmethod
    def put(values: dict[int, int], identity: int, value: int | None) -> None:
        if value is None:
            values.pop(identity, None)
        else:
            values[identity] = value


class Modelled:
    """One transaction, and what it should see."""

    def __init__(self, model: Model, transaction: Transaction) -> None:
        self.model = model
        self.transaction = transaction
        self.begun = model.time
        self.values = dict(model.committed)
        self.start = dict(model.committed)
        self.written: dict[int, int | None] = {}

    def may_write(self, identity: int) -> bool:
        """Whether writing this is no conflict. Of one that another has written, whose own commit is in vain already,
        either may be said."""
        others = [each for each in self.model.open if each is not self and identity in each.written]
        return not self.is_stale(identity) and all(each.is_stale(identity) for each in others)

    def is_free(self, identity: int) -> bool:
        """Whether nobody has written this since."""
        others = (each for each in self.model.open if each is not self)
        return not self.is_stale(identity) and not any(identity in each.written for each in others)

    def is_stale(self, identity: int) -> bool:
        """Whether others have committed to this. What came and went since has left nothing that could be in the way."""
        if identity in self.start:
            return self.model.last_commit.get(identity, 0) > self.begun
        return identity in self.model.committed

    def write(self, identity: int, value: int | None) -> None:
        self.written[identity] = value
        Model.put(self.values, identity, value)

    def commit(self) -> None:
        if self.written:
            self.model.time += 1
        for identity, value in self.written.items():
            self.model.last_commit[identity] = self.model.time
            Model.put(self.model.committed, identity, value)


def write_one(store: Store, values: dict[int, int], identity: int, value: int | None) -> None:
    """Bring one document to a value, by what is there now."""
    if value is None:
        assert delete(store, identity)
    elif identity in values:
        assert update(store, identity, a=value)
    else:
        assert insert(store, {"_id": identity, "a": value}).sequence


def check_values(store: Store, values: dict[int, int], rng: random.Random) -> None:
    collection = store.catalog.by_namespace["db.c"]
    identity = rng.randrange(8)
    found = collection.find_id(id_key(identity))
    assert (None if found is None else decode(found[1])["a"]) == values.get(identity)
    if rng.random() < 0.3:
        assert {each["_id"]: each["a"] for each in documents(store)} == values
        check_indexes(collection)


def history(rng: random.Random, on_disk: bool) -> int:
    """Run random transactions that come and go beside each other, and compare; how many conflicts there were."""
    files = MemoryFiles() if on_disk else None
    store, model, conflicts_met = opened(files), Model(), 0
    store.create_indexes(store.create("db.c"), [A])
    for step in range(rng.randrange(20, 60)):
        choice, identity, value = rng.random(), rng.randrange(8), rng.choice([None, step, step])
        one = rng.choice(model.open) if model.open else None
        if one is None or (choice < 0.15 and len(model.open) < 4):
            model.open.append(Modelled(model, store.transaction()))
        elif choice < 0.3:
            if value is not None or identity in model.committed:
                write_one(store, model.committed, identity, value)
                model.write_outside(identity, value)
        elif choice < 0.65:
            if value is None and identity not in one.values:
                continue
            found = conflicts(lambda: write_one(one.transaction.store, one.values, identity, value))  # noqa: B023
            assert not (found and one.is_free(identity))
            assert found or one.may_write(identity) or identity in one.written  # its own: the commit will find it
            if found:
                conflicts_met += 1
                one.transaction.abort()
                model.open.remove(one)
            else:
                one.write(identity, value)
        elif choice < 0.75:
            must = any(map(one.is_stale, one.written))
            assert conflicts(one.transaction.commit) == must
            conflicts_met += must
            model.open.remove(one)
            if must:
                one.transaction.abort()
            else:
                one.commit()
        elif choice < 0.8:
            one.transaction.abort()
            model.open.remove(one)
        elif choice < 0.83 and store.checkpoints is not None:
            store.checkpoints.checkpoint()
        for each in model.open:
            check_values(each.transaction.store, each.values, rng)
        check_values(store, model.committed, rng)
    if files is not None:
        store.close()
        check_values(opened(files), model.committed, rng)
    return conflicts_met


@pytest.mark.parametrize("trail_count", [2, trail.TRAIL_COUNT])
@pytest.mark.parametrize("on_disk", [False, True])
def test_histories_have_snapshot_isolation(monkeypatch: pytest.MonkeyPatch, on_disk: bool, trail_count: int) -> None:
    monkeypatch.setattr(trail, "TRAIL_COUNT", trail_count)
    met = sum(history(random.Random(seed), on_disk) for seed in range(40))
    assert met > 30


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("iudc"), st.integers(0, 5), st.integers(0, 5)), max_size=40)
)
def test_unique_keys_stay_unique(steps: list[tuple[int, str, int, int]]) -> None:
    store = opened()
    store.create_indexes(store.create("db.c"), [UNIQUE])
    insert(store, *({"_id": each, "u": each} for each in range(3)))
    transactions: list[Transaction | None] = [None, None, None]
    for which, kind, identity, key in steps:
        transaction = transactions[which]
        if which and transaction is None:
            transaction = transactions[which] = store.transaction()
        private = store if transaction is None else transaction.store
        try:
            if kind == "i":
                insert(private, {"_id": identity, "u": key})
            elif kind == "u":
                update(private, identity, u=key)
            elif kind == "d":
                delete(private, identity)
            elif transaction is not None:
                transactions[which] = None
                transaction.commit()
        except ServerError as error:
            assert error.code in (ErrorCode.WriteConflict, ErrorCode.DuplicateKey)
            if transaction is not None and error.code == ErrorCode.WriteConflict:
                transaction.abort()
                transactions[which] = None
        keys = [each["u"] for each in documents(store)]
        assert len(set(keys)) == len(keys)
        check_indexes(store.catalog.by_namespace["db.c"])


def test_threads_that_move_money_lose_none() -> None:
    store = opened()
    store.create_indexes(store.create("db.c"), [A])
    insert(store, *({"_id": each, "a": 100} for each in range(6)))
    failed: list[BaseException] = []

    def teller(seed: int) -> None:
        rng = random.Random(seed)
        try:
            for number in range(60):
                one, other = rng.sample(range(6), 2)
                while not attempt(one, other, number):
                    pass
        except BaseException as error:
            failed.append(error)

    def attempt(one: int, other: int, number: int) -> bool:
        transaction = store.transaction()
        try:
            balances = {each["_id"]: each["a"] for each in documents(transaction.store)}
            assert sum(balances.values()) == 600
            update(transaction.store, one, a=balances[one] - 1, n=number)
            update(transaction.store, other, a=balances[other] + 1, n=number)
            transaction.commit()
        except ServerError as error:
            assert error.code == ErrorCode.WriteConflict
            return False
        finally:
            transaction.abort()
        return True

    threads = [start_service(f"teller {seed}", lambda seed=seed: teller(seed)) for seed in range(4)]  # type: ignore[misc]
    while any(thread.is_alive() for thread in threads):
        assert sum(each["a"] for each in documents(store)) == 600
        insert(store, {"_id": 100 + random.getrandbits(60), "a": 0})
    for thread in threads:
        thread.join()
    assert not failed
    assert sum(each["a"] for each in documents(store)) == 600
    with store.lock:
        check_indexes(store.catalog.by_namespace["db.c"])
    assert len(store.transactions) == 0
