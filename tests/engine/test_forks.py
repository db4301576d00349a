"""A fork is a copy: whatever its parent and it do afterwards, each holds what a deep copy would."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import MemoryFiles
from amongo.engine.indexes import Definition, entry_of
from amongo.engine.records import Collection, record_key
from amongo.engine.records import trail as trail_module
from amongo.engine.settings import Settings
from amongo.engine.store import Change, Store
from amongo.errors import ErrorCode, ServerError
from amongo.mql.index_keys import key_maker
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode
from amongo.values.collation.options import Options
from amongo.values.key_bytes import id_key

A: Definition = {"v": 2, "key": {"a": 1}, "name": "a_1"}
UNIQUE: Definition = {"v": 2, "key": {"u": 1}, "name": "u_1", "unique": True, "sparse": True}
SMALL = Settings(log_file_bytes=4096, checkpoint_bytes=1 << 40, closing_checkpoint_bytes=1 << 40, log_retained_bytes=0)


def opened(on_disk: bool, files: MemoryFiles | None = None) -> Store:
    if not on_disk:
        return Store.open(None, clock=ManualClock(), make_keys=key_maker)
    return Store.open(
        "data",
        files=files or MemoryFiles(),
        clock=ManualClock(),
        settings=SMALL,
        has_service=False,
        make_keys=key_maker,
    )


def insert(store: Store, collection: Collection, *documents: dict[str, Any], ordered: bool = True) -> Any:
    raws = [encode(document) for document in documents]
    return store.insert(collection, [record_key(raw, collection.collator) for raw in raws], raws, ordered=ordered)


def update(store: Store, collection: Collection, identity: Any, fields: dict[str, Any]) -> bool:
    found = collection.find_id(id_key(identity))
    if found is None:
        return False
    change = Change(found[0], found[1], encode({"_id": identity, **fields}), None)
    return not store.update(collection, [change]).conflicts


def delete(store: Store, collection: Collection, identity: Any) -> bool:
    found = collection.find_id(id_key(identity))
    return found is not None and not store.delete(collection, [found]).conflicts


def documents(collection: Collection) -> list[dict[str, Any]]:
    return [decode(raw) for raw in collection.view().documents()]


@dataclass
class Model:
    """What a collection should hold, and the collection."""

    store: Store
    collection: Collection
    records: dict[int, bytes] = field(default_factory=dict)

    @property
    def identities(self) -> dict[Any, int]:
        return {decode(raw)["_id"]: record_id for record_id, raw in self.records.items()}

    def holders(self) -> dict[Any, int]:
        if "u_1" not in self.collection.indexes:
            return {}
        found = {record_id: decode(raw) for record_id, raw in self.records.items()}
        return {each["u"]: record_id for record_id, each in found.items() if "u" in each}

    def fork(self) -> Model:
        store = self.store.fork()
        collection = store.catalog.get(self.collection.namespace)
        assert collection is not None
        return Model(store, collection, dict(self.records))

    def insert(self, identity: int, fields: dict[str, Any]) -> None:
        taken = self.holders().get(fields["u"]) if "u" in fields else None
        document = {"_id": identity, **fields}
        record_id = self.collection.next_record_id
        done = insert(self.store, self.collection, document)
        if identity in self.identities:
            assert done.duplicates == [0]
        elif taken is not None:
            assert [error.code for _, error in done.failures] == [ErrorCode.DuplicateKey]
        else:
            assert done.sequence
            self.records[record_id] = encode(document)

    def update(self, identity: int, fields: dict[str, Any]) -> None:
        record_id = self.identities.get(identity)
        taken = self.holders().get(fields["u"]) if "u" in fields else None
        if taken is not None and taken != record_id and record_id is not None:
            with pytest.raises(ServerError) as caught:
                update(self.store, self.collection, identity, fields)
            assert caught.value.code == ErrorCode.DuplicateKey
            return
        assert update(self.store, self.collection, identity, fields) == (record_id is not None)
        if record_id is not None:
            self.records[record_id] = encode({"_id": identity, **fields})

    def delete(self, identity: int) -> None:
        record_id = self.identities.get(identity)
        assert delete(self.store, self.collection, identity) == (record_id is not None)
        self.records.pop(record_id or 0, None)

    def check(self) -> None:
        collection, records = self.collection, dict(sorted(self.records.items()))
        view = collection.view()
        assert list(view) == list(records.items())
        assert list(reversed(view)) == list(reversed(records.items()))
        assert (collection.count, view.count) == (len(records), len(records))
        assert collection.data_bytes == sum(map(len, records.values()))
        identities = self.identities
        for identity in range(12):
            found = collection.find_id(id_key(identity))
            expected = identities.get(identity)
            assert found == (None if expected is None else (expected, records[expected]))
            assert collection.has_key(id_key(identity)) == (expected is not None)
        in_order = [each for each in collection.id_order() if collection.record(each) is not None]
        assert in_order == [record_id for _, record_id in sorted(identities.items())]
        backward = [each for each in reversed(collection.id_order()) if collection.record(each) is not None]
        assert backward == in_order[::-1]
        secondary = collection.secondary
        for index in () if secondary is None else secondary.indexes:
            expected_entries = sorted(
                entry_of(key, record_id, types)
                for record_id, raw in records.items()
                for key, types in index.maker.keys(decode(raw)).keys.items()
            )
            view_of = index.view()
            assert list(view_of) == expected_entries
            assert list(view_of.between_backward(b"", b"\xff")) == expected_entries[::-1]


steps = st.lists(
    st.tuples(
        st.sampled_from(["insert", "insert", "update", "delete", "fork", "checkpoint", "check"]),
        st.integers(0, 3),
        st.integers(0, 11),
        st.sampled_from([{}, {"a": 1}, {"a": [1, 2]}, {"u": 1}, {"u": 2, "a": 3}, {"u": 3}]),
    ),
    max_size=60,
)


@pytest.mark.parametrize("has_indexes", [False, True])
@pytest.mark.parametrize("on_disk", [False, True])
@settings(max_examples=40, deadline=None)
@given(steps)
def test_a_fork_equals_a_deep_copy(on_disk: bool, has_indexes: bool, steps: list[Any]) -> None:
    store = opened(on_disk)
    collection = store.create("db.c")
    if has_indexes:
        store.create_indexes(collection, [A, UNIQUE])
    models = [Model(store, collection)]
    for kind, which, identity, fields in steps:
        model = models[which % len(models)]
        if kind == "insert":
            model.insert(identity, fields)
        elif kind == "update":
            model.update(identity, fields)
        elif kind == "delete":
            model.delete(identity)
        elif kind == "fork" and len(models) < 4:
            models.append(model.fork())
        elif kind == "checkpoint" and store.checkpoints is not None:
            store.checkpoints.checkpoint()
        elif kind == "check":
            model.check()
    for each in models:
        each.check()
    store.close()
    for each in models[1:]:
        each.check()


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_fork_of_many_chunks_sees_nothing_of_later_writes(on_disk: bool) -> None:
    rng = random.Random(7)
    store = opened(on_disk)
    collection = store.create("db.c")
    store.create_indexes(collection, [A])
    insert(store, collection, *({"_id": each, "a": each % 10} for each in range(10_000)))
    if store.checkpoints is not None:
        store.checkpoints.checkpoint()
    insert(store, collection, *({"_id": each, "a": each % 10} for each in range(10_000, 14_000)))
    before = list(collection.view())
    fork = store.fork().catalog.get("db.c")
    assert fork is not None
    for identity in rng.sample(range(14_000), 3_000):  # past several trails
        if rng.random() < 0.5:
            delete(store, collection, identity)
        else:
            update(store, collection, identity, {"a": 99})
    insert(store, collection, *({"_id": each} for each in range(14_000, 20_000)))
    if store.checkpoints is not None:
        store.checkpoints.checkpoint()
    assert list(fork.view()) == before
    assert all(fork.find_id(record_key(raw)) == (record_id, raw) for record_id, raw in before)
    assert fork.find_id(id_key(14_000)) is None
    assert [record_id for record_id, _ in before] == [each for each in fork.id_order() if fork.record(each) is not None]
    assert fork.secondary is not None
    assert len(fork.secondary.indexes[0].view()) == 14_000


def test_a_key_that_was_removed_comes_back_and_is_removed_again() -> None:
    store = opened(False)
    collection = store.create("db.c")
    insert(store, collection, {"_id": 1, "n": 0})
    first = store.fork().catalog.by_namespace["db.c"]
    delete(store, collection, 1)
    empty = store.fork().catalog.by_namespace["db.c"]
    insert(store, collection, {"_id": 1, "n": 1})
    second = store.fork().catalog.by_namespace["db.c"]
    delete(store, collection, 1)
    insert(store, collection, {"_id": 1, "n": 2})
    found = [documents(each) for each in (first, empty, second, collection)]
    assert found == [[{"_id": 1, "n": 0}], [], [{"_id": 1, "n": 1}], [{"_id": 1, "n": 2}]]
    found_ids = [each.find_id(id_key(1)) for each in (first, empty, second, collection)]
    assert [each and decode(each[1])["n"] for each in found_ids] == [0, None, 1, 2]


def test_a_capped_fork_pushes_its_own_oldest_out() -> None:
    store = opened(False)
    collection = store.create("db.c", {"capped": True, "size": 4096, "max": 3})
    insert(store, collection, *({"_id": each} for each in range(5)))
    private = store.fork()
    fork = private.catalog.by_namespace["db.c"]
    insert(private, fork, {"_id": 10}, {"_id": 2})
    insert(store, collection, {"_id": 20})
    assert [each["_id"] for each in documents(fork)] == [4, 10, 2]
    assert [each["_id"] for each in documents(collection)] == [3, 4, 20]


def test_a_clustered_fork_keeps_the_order_of_its_ids() -> None:
    store = opened(False)
    collection = store.create("db.c", {"clusteredIndex": {"key": {"_id": 1}, "unique": True}})
    insert(store, collection, {"_id": 3}, {"_id": 1})
    private = store.fork()
    fork = private.catalog.by_namespace["db.c"]
    insert(private, fork, {"_id": 2})
    delete(store, collection, 1)
    insert(store, collection, {"_id": 0})
    assert [each["_id"] for each in documents(fork)] == [1, 2, 3]
    assert [each["_id"] for each in documents(collection)] == [0, 3]


def test_a_fork_with_a_collation_finds_by_it() -> None:
    store = opened(False)
    collection = store.create("db.c", {"collation": Options("en", strength=2).document()})
    insert(store, collection, {"_id": "A"})
    private = store.fork()
    fork = private.catalog.by_namespace["db.c"]
    assert insert(private, fork, {"_id": "a"}).duplicates == [0]


def test_the_order_of_the_ids_is_shared_where_it_is_at_hand() -> None:
    store = opened(False)
    collection = store.create("db.c")
    insert(store, collection, *({"_id": each} for each in (3, 1, 2)))
    assert not store.fork().catalog.by_namespace["db.c"].has_id_order
    assert list(collection.id_order()) == [2, 3, 1]
    private = store.fork()
    fork = private.catalog.by_namespace["db.c"]
    assert fork.has_id_order
    delete(store, collection, 1)
    insert(store, collection, {"_id": 0})
    assert list(fork.id_order()) == [2, 3, 1]
    insert(private, fork, {"_id": 0}, {"_id": 9})
    delete(private, fork, 3)
    assert [fork.record(each) and each for each in fork.id_order()] == [4, 2, 3, None, 5]


def test_forks_of_forks_go_their_own_ways() -> None:
    store = opened(True)
    insert(store, store.create("db.c"), {"_id": 1})
    one = store.fork()
    insert(one, one.create("db.c"), {"_id": 2})
    two = one.fork()
    insert(two, two.create("db.c"), {"_id": 3})
    two.drop("db.gone")
    one.drop("db.c")
    store.close()
    assert one.catalog.get("db.c") is None
    assert [each["_id"] for each in documents(two.catalog.by_namespace["db.c"])] == [1, 2, 3]


def test_indexes_of_a_fork_come_and_go_alone() -> None:
    store = opened(False)
    collection = store.create("db.c")
    store.create_indexes(collection, [A])
    insert(store, collection, *({"_id": each, "a": [each]} for each in range(5)))
    private = store.fork()
    fork = private.catalog.by_namespace["db.c"]
    private.create_indexes(fork, [UNIQUE])
    private.drop_indexes(fork, ["a_1"])
    assert set(collection.indexes) == {"_id_", "a_1"}
    assert set(fork.indexes) == {"_id_", "u_1"}
    assert store.fork().catalog.by_namespace["db.c"].secondary.indexes[0].is_multikey  # type: ignore[union-attr]


def test_nothing_is_written_down_for_nobody() -> None:
    store = opened(False)
    collection = store.create("db.c")
    insert(store, collection, {"_id": 1}, {"_id": 2})
    fork = store.fork()
    update(store, collection, 1, {"a": 1})
    assert collection._trail is not None
    trail = collection._trail()
    assert trail is not None and trail.changed
    del fork, trail
    delete(store, collection, 1)
    assert collection._trail is None


def test_a_sleeping_fork_does_not_make_the_trail_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_module, "TRAIL_COUNT", 50)
    store = opened(False)
    collection = store.create("db.c")
    insert(store, collection, *({"_id": each} for each in range(10)))
    fork = store.fork().catalog.by_namespace["db.c"]
    [follower] = [layer._follower for layer in fork.id_layers]  # type: ignore[attr-defined]
    for number in range(60):  # each time on new records: what is written down concerns nobody
        insert(store, collection, *({"_id": 10 + each, "n": number} for each in range(51)))
        for each in range(51):
            delete(store, collection, 10 + each)
    assert collection._trail is not None
    trail = collection._trail()
    assert trail is not None
    assert trail.number - follower.number <= 34
    assert not follower._gone
    assert len(documents(fork)) == 10
