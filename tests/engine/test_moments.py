"""Moments: the whole store at one commit, cheap to take, and independent of what comes after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amongo.engine import moments
from amongo.engine.moments import Moment
from amongo.engine.records import Collection, record_key, standing_of
from amongo.engine.settings import Settings
from amongo.engine.store import Change, Store
from amongo.mql.index_keys import key_maker
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.workers import start_service
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

A = {"v": 2, "key": {"a": 1}, "name": "a_1"}
SMALL = Settings(log_file_bytes=4096, checkpoint_bytes=1 << 40, closing_checkpoint_bytes=0, log_retained_bytes=0)


def opened() -> Store:
    return Store.open(None, clock=ManualClock(), make_keys=key_maker)


def insert(store: Store, namespace: str, *documents: dict[str, Any]) -> Any:
    raws = [encode(document) for document in documents]
    return store.insert(store.create(namespace), [record_key(raw) for raw in raws], raws)


def update(store: Store, namespace: str, identity: Any, **fields: Any) -> None:
    collection = store.catalog.by_namespace[namespace]
    found = collection.find_id(id_key(identity))
    assert found is not None
    store.update(collection, [Change(*found, encode({"_id": identity, **fields}), None)])


def contents(moment: Moment | Store) -> dict[str, list[dict[str, Any]]]:
    """The documents of all collections."""
    found = moment.catalog.by_namespace.items()
    return {namespace: [decode(raw) for raw in each.view().documents()] for namespace, each in found}


def filled() -> Store:
    store = opened()
    for namespace in ("b.one", "a.two", "b.three"):
        insert(store, namespace, {"_id": 1}, {"_id": 2})
    return store


def test_a_moment_is_one_commit_of_all_collections() -> None:
    store = filled()
    expected = contents(store)
    moment = store.moment()
    assert moment.sequence == store.last_sequence
    insert(store, "b.one", {"_id": 3})
    update(store, "a.two", 1, x=1)
    store.drop("b.three")
    store.rename("b.one", "b.four")
    insert(store, "b.one", {"_id": 7})
    insert(store, "c.new", {"_id": 8})
    assert contents(moment) == expected
    assert contents(store) == {
        "a.two": [{"_id": 1, "x": 1}, {"_id": 2}],
        "b.four": [{"_id": 1}, {"_id": 2}, {"_id": 3}],
        "b.one": [{"_id": 7}],
        "c.new": [{"_id": 8}],
    }


def test_its_catalog_is_one() -> None:
    catalog = filled().moment().catalog
    assert list(catalog.by_namespace) == ["b.one", "a.two", "b.three"]
    assert catalog.databases() == ["a", "b"]
    assert [each.namespace for each in catalog.collections("b")] == ["b.one", "b.three"]
    assert (catalog.count("b.one"), catalog.count("b.none")) == (2, 0)
    collection = catalog.by_namespace["a.two"]
    assert catalog.by_uuid[collection.uuid] is collection
    assert catalog.by_uuid.get(collection.uuid) is collection
    assert "a.two" in catalog.by_namespace and "a.none" not in catalog.by_namespace
    assert catalog.get("a.none") is None
    assert (len(catalog.by_namespace), len(catalog.by_uuid)) == (3, 3)
    catalog.rename(collection, "a.two", "a.other", None)
    catalog.remove(catalog.by_namespace["b.one"])
    assert sorted(catalog.by_namespace) == ["a.other", "b.three"]
    assert len(catalog.by_uuid) == 2


def test_collections_are_forked_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled()
    moment = store.moment()
    made: list[str] = []
    forked = moments.forked

    def counted(standing: Any) -> Collection:
        made.append(standing.namespace)
        return forked(standing)

    monkeypatch.setattr(moments, "forked", counted)
    assert moment.catalog.databases() == ["a", "b"]
    assert made == []
    assert moment.catalog.get("a.two") is moment.catalog.by_namespace["a.two"]
    assert moment.catalog.collections("a") == [moment.catalog.by_namespace["a.two"]]
    assert made == ["a.two"]


def test_moments_without_writes_between_them_share_what_they_are_made_of() -> None:
    store = filled()
    one, two = store.moment(), store.moment()
    collection = store.catalog.by_namespace["a.two"]
    assert one._standings is two._standings
    standing = standing_of(collection)
    insert(store, "b.one", {"_id": 9})
    three = store.moment()
    assert three._standings is not two._standings
    assert standing_of(collection) is standing  # nothing was written there
    assert one.catalog.by_namespace["a.two"] is not two.catalog.by_namespace["a.two"]  # each may be written to
    for each in (one, two, three):
        each.close()
        each.close()
        assert not each.is_open


def test_every_kind_of_change_makes_another_standing() -> None:
    store = filled()
    collection = store.catalog.by_namespace["a.two"]
    found = [standing_of(collection)]
    update(store, "a.two", 1, a=1)
    found.append(standing_of(collection))
    insert(store, "a.two", {"_id": 5})
    found.append(standing_of(collection))
    store.delete(collection, [(1, encode({"_id": 1, "a": 1}))])
    found.append(standing_of(collection))
    store.create_indexes(collection, [A])
    found.append(standing_of(collection))
    store.set_options(collection, {"validator": {}})
    found.append(standing_of(collection))
    store.rename("a.two", "a.x")
    found.append(standing_of(collection))
    store.drop_indexes(collection, ["a_1"])
    found.append(standing_of(collection))
    assert len({id(each) for each in found}) == len(found)
    assert standing_of(collection) is found[-1]


def test_forks_live_on_when_moment_and_store_are_closed(tmp_path: Path) -> None:
    def disk() -> Store:
        return Store.open(str(tmp_path / "data"), settings=SMALL, has_service=False, make_keys=key_maker)

    store = disk()
    insert(store, "db.c", *({"_id": each, "a": each % 7} for each in range(5000)))
    store.create_indexes(store.catalog.by_namespace["db.c"], [A])
    assert store.checkpoints is not None
    store.checkpoints.checkpoint()
    fork = store.fork()
    expected = [{"_id": each, "a": each % 7} for each in range(5000)]
    for number in range(3):  # its files are merged with others, and removed
        update(store, "db.c", number, a=-1)
        insert(store, "db.c", *({"_id": 10_000 * (number + 1) + each} for each in range(100)))
        store.checkpoints.compact(store.catalog.by_namespace["db.c"], _never())
    assert contents(fork)["db.c"] == expected
    store.close()
    store = disk()
    assert store.checkpoints is not None
    store.checkpoints.compact(store.catalog.by_namespace["db.c"], _never())
    collection = fork.catalog.by_namespace["db.c"]
    assert contents(fork)["db.c"] == expected
    assert collection.find_id(id_key(4321)) == (4322, encode({"_id": 4321, "a": 4321 % 7}))
    assert collection.secondary is not None
    assert len(collection.secondary.indexes[0].view()) == 5000
    insert(fork, "db.c", {"_id": -1, "a": 3})
    assert store.catalog.by_namespace["db.c"].find_id(id_key(-1)) is None
    fork.close()
    store.close()


def _never() -> Interrupt:
    return Interrupt()


def test_a_fork_is_read_while_its_parent_is_written_to_by_another_thread() -> None:
    store = opened()
    insert(store, "db.c", *({"_id": each} for each in range(2000)))
    fork = store.fork().catalog.by_namespace["db.c"]
    parent = store.catalog.by_namespace["db.c"]
    failed: list[BaseException] = []

    def write() -> None:
        try:
            for turn in range(3):
                for identity in range(2000):
                    found = parent.find_id(id_key(identity))
                    assert found is not None
                    store.delete(parent, [found])
                    if identity % 2 or turn < 2:
                        insert(store, "db.c", {"_id": identity, "turn": turn})
                    else:
                        insert(store, "db.c", {"_id": identity})
        except BaseException as error:
            failed.append(error)

    thread = start_service("writer", write)
    keys = [id_key(identity) for identity in range(2000)]
    while thread.is_alive():
        assert [found and found[0] for found in map(fork.find_id, keys)] == list(range(1, 2001))
        assert list(fork.id_order()) and fork.count == 2000
    thread.join()
    assert not failed
    assert [record_id for record_id in fork.id_order() if fork.record(record_id) is not None] == list(range(1, 2001))
