"""Columns that are kept: whatever happens to the records, they say what the documents of their view say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bson import Decimal128, Int64, MaxKey, MinKey, ObjectId, encode
from bson.datetime_ms import DatetimeMS
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from amongo.engine.columns import EACH, Columns, Path, cache, filing, kept
from amongo.engine.columns.cache import ColumnsRefused, columns_of, keeps_columns
from amongo.engine.columns.freshening import freshen
from amongo.engine.files import MemoryFiles
from amongo.engine.records import Collection, View, record_keys
from amongo.engine.settings import Settings
from amongo.engine.store import Change, Store
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import NEVER, OperationInterrupted
from tests.engine.column_rows import assert_exact
from tests.engine.stopping import StopsAt

BITS = 3
FILED: dict[str, Any] = {"column_file_count": 1, "closing_checkpoint_bytes": 10**9}
PATHS: tuple[Path, ...] = (("a",), ("b",), ("a", "c"), ("a", EACH), ("b", EACH, "c"), ("_id",))

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([Int64(5), Int64(2**40), Int64(-(2**63))]),
    st.sampled_from([0.0, -0.0, 0.5, -2.25, 5e-324, 1e300, float("nan"), float("inf"), -float("inf")]),
    st.sampled_from(["", "x", "yy", "zürich", "a much longer string than all the others"]),
    st.sampled_from([ObjectId(b"1" * 12), Decimal128("1.50"), b"bytes", MinKey(), MaxKey(), DatetimeMS(-5)]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.fixed_dictionaries({}, optional={"c": inner}), max_leaves=4
)
FIELDS = st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES})
WISHES = st.lists(st.sampled_from(PATHS), unique=True, max_size=3)


def narrow(store: Store, limit_bytes: int = 1 << 30) -> Store:
    """The store, with short segments."""
    store.columns.limit_bytes, store.columns.segment_bits = limit_bytes, BITS
    return store


def insert(store: Store, collection: Collection, documents: list[dict[str, Any]]) -> None:
    raws = [encode(document) for document in documents]
    assert store.insert(collection, record_keys(raws), raws).positions is None


def filled(count: int = 40, limit_bytes: int = 1 << 30) -> tuple[Store, Collection]:
    store = narrow(Store.open(None), limit_bytes)
    collection = store.create("test.numbers")
    insert(store, collection, [{"_id": number, "a": number, "b": f"text {number}"} for number in range(count)])
    return store, collection


def change(store: Store, collection: Collection, record_id: int, document: dict[str, Any]) -> None:
    old = collection.record(record_id)
    assert old is not None
    assert not store.update(collection, [Change(record_id, old, encode(document), None)]).conflicts


def delete(store: Store, collection: Collection, *record_ids: int) -> None:
    pairs = [(record_id, collection.record(record_id)) for record_id in record_ids]
    assert not store.delete(collection, [(record_id, raw) for record_id, raw in pairs if raw is not None]).conflicts


def asked(store: Store, collection: Collection, *paths: Path) -> Columns:
    view, columns = columns_of(store, collection, paths, NEVER)
    assert_exact(view, columns, paths)
    return columns


@pytest.fixture(autouse=True, scope="module")
def little_is_much() -> Iterator[None]:
    """Files are written anew after few changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filing, "COLUMN_FILE_STALE_COUNT", 2)
        yield


class Kept_(RuleBasedStateMachine):
    """A collection that changes, and queries of its columns."""

    def __init__(self) -> None:
        super().__init__()
        self.files = MemoryFiles()
        self.store = self.opened()
        self.collection = self.store.create("test.kept")
        self.next_id = 0
        self.asked: list[tuple[View, Columns, list[Path]]] = []

    def opened(self) -> Store:
        return narrow(
            Store.open("data", files=self.files, clock=ManualClock(), has_service=False, settings=Settings(**FILED))
        )

    @rule(documents=st.lists(FIELDS, min_size=1, max_size=12))
    def insert(self, documents: list[dict[str, Any]]) -> None:
        insert(self.store, self.collection, [{"_id": self.next_id + n, **each} for n, each in enumerate(documents)])
        self.next_id += len(documents)

    def there(self, numbers: list[int]) -> list[int]:
        """The record ids of some documents that are there."""
        ids = [record_id for record_id, _ in self.collection.view()]
        return sorted({ids[number % len(ids)] for number in numbers}) if ids else []

    @rule(numbers=st.lists(st.integers(0, 50), min_size=1, max_size=5), fields=FIELDS)
    def update(self, numbers: list[int], fields: dict[str, Any]) -> None:
        changes = []
        for record_id in self.there(numbers):
            old = self.collection.record(record_id)
            assert old is not None
            changes.append(Change(record_id, old, encode({"_id": record_id, **fields}), None))
        self.store.update(self.collection, changes)

    @rule(number=st.integers(0, 50), fields=FIELDS)
    def update_one(self, number: int, fields: dict[str, Any]) -> None:
        for record_id in self.there([number]):
            with self.store.lock:
                self.store.replace(self.collection, record_id, encode({"_id": record_id, **fields}), encode({}))

    @rule(numbers=st.lists(st.integers(0, 50), min_size=1, max_size=9))
    def delete(self, numbers: list[int]) -> None:
        delete(self.store, self.collection, *self.there(numbers))

    @rule(paths=WISHES)
    def query(self, paths: list[Path]) -> None:
        view, columns = columns_of(self.store, self.collection, paths, NEVER)
        assert_exact(view, columns, paths)
        self.asked = [*self.asked[-2:], (view, columns, paths)]

    @rule(paths=WISHES, checks=st.integers(1, 12))
    def query_that_is_stopped(self, paths: list[Path], checks: int) -> None:
        try:
            columns_of(self.store, self.collection, paths, StopsAt(checks))
        except OperationInterrupted:
            pass

    @rule(checks=st.integers(1, 12) | st.none())
    def freshen(self, checks: int | None) -> None:
        freshen(self.store, self.collection, NEVER if checks is None else StopsAt(checks))

    @rule()
    def checkpoint(self) -> None:
        assert self.store.checkpoints is not None
        self.store.checkpoints.checkpoint()

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = self.opened()
        collection = self.store.catalog.get("test.kept")
        assert collection is not None
        self.collection = collection

    def teardown(self) -> None:
        for view, columns, paths in self.asked:  # what queries were given does not change
            assert_exact(view, columns, paths)
        for path in PATHS:
            asked(self.store, self.collection, path)
        self.store.close()


TestKept = Kept_.TestCase
TestKept.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


# What is built, and what is kept


def test_what_has_not_changed_is_not_looked_at_again() -> None:
    store, collection = filled()
    assert asked(store, collection, ("a",), ("b",)).built == 40
    first = asked(store, collection, ("a",))
    assert first.built == 0
    change(store, collection, 9, {"_id": 8, "a": "new"})
    second = asked(store, collection, ("a",))
    assert second.built == 1
    same = [one is other for one, other in zip(first.segments, second.segments, strict=True)]
    columns = [
        one.columns["a",] is other.columns["a",] for one, other in zip(first.segments, second.segments, strict=True)
    ]
    assert not any(same)
    assert columns.count(False) == 1
    assert asked(store, collection, ("b",)).built == 1


def test_new_records_come_behind_those_that_are_there() -> None:
    store, collection = filled(5)
    asked(store, collection, ("a",))
    insert(store, collection, [{"_id": "x", "a": [1]}, {"_id": "y"}])
    assert asked(store, collection, ("a",)).built == 2
    insert(store, collection, [{"_id": 100 + n, "a": n} for n in range(20)])
    columns = asked(store, collection, ("a",))
    assert columns.built == 20
    assert len(columns.segments) == 4


def test_segments_without_records_are_left_out_and_not_looked_at_again() -> None:
    store, collection = filled(40)
    asked(store, collection, ("a",))
    delete(store, collection, *range(8, 24))
    assert [len(each.record_ids) for each in asked(store, collection, ("a",)).segments] == [7, 8, 8, 1]
    assert asked(store, collection, ("a",)).built == 0


def test_the_record_ids_alone() -> None:
    store, collection = filled(20)
    delete(store, collection, 3, 17)
    columns = asked(store, collection)
    assert columns.count == 18
    assert columns.segments[0].columns == {}


def test_an_empty_collection_has_no_segments() -> None:
    store = narrow(Store.open(None))
    columns = asked(store, store.create("test.empty"), ("a",), ("b", EACH))
    assert columns.segments == ()
    assert columns.facts(("a",)).rows == 0


def test_what_a_query_was_given_stays_as_it_was() -> None:
    store, collection = filled()
    view, columns = columns_of(store, collection, [("a",), ("b",)], NEVER)
    change(store, collection, 1, {"_id": 0, "a": 5.5})
    delete(store, collection, 2)
    asked(store, collection, ("a",), ("b",))
    assert_exact(view, columns, [("a",), ("b",)])


def test_a_capped_collection_has_columns_and_a_clustered_one_has_not() -> None:
    store = narrow(Store.open(None))
    capped = store.create("test.capped", {"capped": True, "size": 4096, "max": 10})
    for start in range(0, 60, 6):
        raws = [encode({"_id": n, "a": n}) for n in range(start, start + 6)]
        store.insert(capped, record_keys(raws), raws)
        assert asked(store, capped, ("a",)).count == min(start + 6, 10)
    clustered = store.create("test.clustered", {"clusteredIndex": {"key": {"_id": 1}, "unique": True}})
    assert not keeps_columns(clustered)
    with pytest.raises(ColumnsRefused, match="clustered"):
        columns_of(store, clustered, [("a",)], NEVER)


CATALOG_CHANGES: dict[str, Callable[[Store, Collection], object]] = {
    "rename": lambda store, collection: store.rename("test.numbers", "test.other"),
    "rename over another": lambda store, collection: (
        store.create("test.other"),
        store.rename("test.numbers", "test.other"),
    ),
    "new options": lambda store, collection: store.set_options(collection, {"validator": {"a": 1}}),
    "convert to capped": lambda store, collection: store.convert_to_capped(
        collection, {"capped": True, "size": 1024, "max": 7}
    ),
    "drop and create": lambda store, collection: (
        store.drop("test.numbers"),
        insert(store, store.create("test.numbers"), [{"_id": 1, "a": "other"}]),
    ),
}


@pytest.mark.parametrize("name", CATALOG_CHANGES)
def test_the_catalog_changes(name: str) -> None:
    store, collection = filled()
    asked(store, collection, ("a",))
    CATALOG_CHANGES[name](store, collection)
    (now,) = store.catalog.by_namespace.values()
    asked(store, now, ("a",))
    insert(store, now, [{"_id": "new", "a": "new"}])
    asked(store, now, ("a",))


# Room


def test_what_was_not_used_for_the_longest_goes_first() -> None:
    store, collection = filled(64)
    asked(store, collection, ("a",))
    before = store.columns.used_bytes
    asked(store, collection, ("b",))
    asked(store, collection, ("_id",))
    asked(store, collection, ("a",))
    store.columns.limit_bytes = store.columns.used_bytes
    assert asked(store, collection, ("a",), ("missing",)).built == 64
    assert store.columns.used_bytes <= store.columns.limit_bytes
    assert asked(store, collection, ("a",)).built == 0
    assert asked(store, collection, ("_id",)).built == 0
    assert before > 0
    assert asked(store, collection, ("b",)).built == 64


def test_a_query_that_wants_more_than_there_is_room_for_is_refused() -> None:
    store, collection = filled(64, limit_bytes=900)
    with pytest.raises(ColumnsRefused, match="there is room for 900"):
        columns_of(store, collection, [("a",), ("b",)], NEVER)
    assert asked(store, collection, ("missing",)).count == 64
    store.columns.limit_bytes = 1 << 20
    asked(store, collection, ("a",), ("b",))


def test_all_collections_share_the_room() -> None:
    store, collection = filled(64)
    other = store.create("test.other")
    insert(store, other, [{"_id": n, "a": n} for n in range(64)])
    asked(store, collection, ("a",))
    store.columns.limit_bytes = store.columns.used_bytes + 100
    asked(store, other, ("a",))
    assert asked(store, other, ("a",)).built == 0
    assert asked(store, collection, ("a",)).built == 64


def test_a_dropped_collection_and_a_closed_store_let_everything_go() -> None:
    store, collection = filled()
    asked(store, collection, ("a",))
    store.drop("test.numbers")
    del collection
    assert store.columns.used_bytes == 0
    other = store.create("test.other")
    insert(store, other, [{"_id": 1}])
    asked(store, other, ("a",))
    assert store.columns.used_bytes > 0
    store.close()
    assert other.columns is None
    assert other.changes is None
    assert store.columns.used_bytes == 0


def test_a_path_that_owes_too_much_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "COLUMN_DEBT_COUNT", 3)
    store, collection = filled(16)
    asked(store, collection, ("a",), ("b",))
    for record_id in (1, 2, 9, 10):
        change(store, collection, record_id, {"_id": record_id - 1, "a": 0})
        asked(store, collection, ("a",))
    assert asked(store, collection, ("b",)).built == 4  # four of sixteen
    for record_id in (1, 2, 3, 9, 10):
        change(store, collection, record_id, {"_id": record_id - 1, "a": 1})
        asked(store, collection, ("a",))
    assert asked(store, collection, ("b",)).built == 16


def test_the_same_record_changed_many_times_is_owed_once() -> None:
    store, collection = filled(40)
    asked(store, collection, ("a",), ("b",))
    for number in range(40):
        change(store, collection, 5, {"_id": 4, "a": number, "b": str(number)})
        assert asked(store, collection, ("a",)).built == 1
    assert asked(store, collection, ("b",)).built == 1


# Many at a time


def test_who_wants_what_another_builds_waits_and_builds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    store, collection = filled(40)
    is_building, may_go_on = threading.Event(), threading.Event()
    run, waits = cache.Renewal.run, kept.Kept.claimed

    def slow(renewal: Any) -> None:
        is_building.set()
        assert may_go_on.wait(30)
        run(renewal)

    monkeypatch.setattr(cache.Renewal, "run", slow)
    built: dict[str, int] = {}

    def ask(name: str, *paths: Path) -> None:
        built[name] = columns_of(store, collection, paths, NEVER)[1].built

    first = threading.Thread(target=ask, args=("first", ("a",)))
    first.start()
    assert is_building.wait(30)
    monkeypatch.setattr(cache.Renewal, "run", run)
    ask("others", ("b",))  # does not wait
    with pytest.raises(OperationInterrupted):
        columns_of(store, collection, [("a",), ("b",)], StopsAt(1))
    second = threading.Thread(target=ask, args=("second", ("a",)))
    second.start()
    may_go_on.set()
    first.join(30)
    second.join(30)
    assert built == {"first": 40, "others": 40, "second": 0}
    assert waits is kept.Kept.claimed


def test_queries_while_others_write() -> None:
    store, collection = filled(200)
    failures: list[BaseException] = []
    done = threading.Event()

    def query(*paths: Path) -> None:
        try:
            while not done.is_set():
                asked(store, collection, *paths)
        except BaseException as error:
            failures.append(error)

    threads = [
        threading.Thread(target=query, args=paths)
        for paths in [(("a",),), (("a",), ("b",)), (("b",), ("a", EACH)), (("b",), ("a",))]
    ]
    for thread in threads:
        thread.start()
    for number in range(150):
        change(store, collection, 1 + number * 7 % 199, {"_id": number * 7 % 199, "a": [number], "b": str(number)})
        if number % 3 == 0:
            insert(store, collection, [{"_id": 1000 + number, "a": number}])
        if number % 10 == 9:
            delete(store, collection, 200 + number // 10)
    done.set()
    for thread in threads:
        thread.join(30)
    assert not failures
    asked(store, collection, ("a",), ("b",), ("a", EACH))
