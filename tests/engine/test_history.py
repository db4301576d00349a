"""The log, read in order: every commit once, in memory and on disk, by readers that come and go."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import MemoryFiles
from amongo.engine.log.history import Reader
from amongo.engine.log.memory import MemoryLog
from amongo.engine.log.recent import Commit
from amongo.engine.records import record_key
from amongo.engine.settings import Settings
from amongo.engine.store import Change, Store
from amongo.errors import ErrorCode, ServerError
from amongo.runtime import limits
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

SHORT_FILES = Settings(log_file_bytes=600, closing_checkpoint_bytes=10**9, log_retained_bytes=0)
IMAGES = {"changeStreamPreAndPostImages": {"enabled": True}}

Told = tuple[int, int, list[tuple[int, dict[str, Any], list[dict[str, Any]]]]]


def in_memory() -> Store:
    return Store.open(None, clock=ManualClock())


def on_disk(files: MemoryFiles | None = None, clock: ManualClock | None = None) -> Store:
    return Store.open(
        "data", files=files or MemoryFiles(), clock=clock or ManualClock(), has_service=False, settings=SHORT_FILES
    )


@pytest.fixture(params=[in_memory, on_disk], ids=["memory", "disk"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    store: Store = request.param()
    yield store
    store.close()


def insert(store: Store, namespace: str, *identities: Any) -> None:
    raws = [encode({"_id": each}) for each in identities]
    store.insert(store.create(namespace), [record_key(raw) for raw in raws], raws)


def insert_one(store: Store, namespace: str, identity: Any, **more: Any) -> int:
    raw = encode({"_id": identity, **more})
    return store.insert_one(store.create(namespace), record_key(raw), raw)


def found(store: Store, namespace: str, identity: Any) -> tuple[int, bytes]:
    record = store.catalog.by_namespace[namespace].find_id(id_key(identity))
    assert record is not None
    return record


def replace(store: Store, namespace: str, identity: Any, **more: Any) -> int:
    with store.lock:
        record_id, _ = found(store, namespace, identity)
        raw = encode({"_id": identity, **more})
        return store.replace(store.catalog.by_namespace[namespace], record_id, raw, encode({"updatedFields": more}))


def told(commit: Commit) -> Told:
    entries = [(each.record_id, decode(each.head), [decode(raw) for raw in each.documents]) for each in commit.entries]
    return commit.sequence, commit.wall_ms, entries


def rest(reader: Reader, count: int = 100) -> list[Commit]:
    commits: list[Commit] = []
    while more := reader.next(count):
        assert len(more) <= count
        commits += more
    return commits


def everything(store: Store) -> list[Told]:
    """All commits, by a reader that comes last: on disk it reads the files alone."""
    reader = store.history.reader(0)
    try:
        return [told(commit) for commit in rest(reader)]
    finally:
        reader.close()


def lost(call: Callable[[], object]) -> bool:
    with pytest.raises(ServerError) as caught:
        call()
    return caught.value.code == ErrorCode.ChangeStreamHistoryLost


# What a commit says


def test_every_kind_of_change_is_told(store: Store) -> None:
    reader = store.history.reader(0)
    insert(store, "db.c", 1, 2)
    insert_one(store, "db.c", 3)
    replace(store, "db.c", 3, a=1)
    collection = store.catalog.by_namespace["db.c"]
    store.update(collection, [Change(*found(store, "db.c", 1), encode({"_id": 1, "b": 1}), None)])
    store.delete(collection, [found(store, "db.c", 2)])
    store.drop("db.c")
    commits = [told(commit)[2] for commit in rest(reader)]
    shown = [[(record_id, head["op"], documents) for record_id, head, documents in entries] for entries in commits]
    assert shown == [
        [(0, "c", [])],
        [(1, "i", [{"_id": 1}, {"_id": 2}])],
        [(3, "i", [{"_id": 3}])],
        [(3, "u", [{"_id": 3, "a": 1}, {"updatedFields": {"a": 1}}])],
        [(1, "u", [{"_id": 1, "b": 1}])],
        [(2, "d", [{"_id": 2}])],
        [(0, "c", [])],
    ]
    reader.close()
    assert [entries for _, _, entries in everything(store)] == commits


def test_sequence_and_wall_time_are_those_of_the_commit() -> None:
    for make in (in_memory, on_disk):
        clock = ManualClock()
        store = Store.open(None, clock=clock) if make is in_memory else on_disk(clock=clock)
        reader = store.history.reader(0)
        expected = []
        for number in range(4):
            clock.advance(700)
            expected.append((insert_one(store, "db.c", number), clock.now_ms()))
        commits = rest(reader)
        assert [(each.sequence, each.wall_ms) for each in commits[1:]] == expected
        assert [(each[0], each[1]) for each in everything(store)[1:]] == expected
        store.close()


def test_who_reads_the_same_commit_shares_it(store: Store) -> None:
    readers = [store.history.reader(0) for _ in range(3)]
    insert(store, "db.c", 1)
    firsts = [reader.next(1)[0] for reader in readers]
    assert firsts[0] is firsts[1] is firsts[2]
    firsts[0].memo["key"] = "value"
    assert firsts[1].memo == {"key": "value"}


# Where a reader stands


def test_a_reader_begins_behind_any_commit(store: Store) -> None:
    insert(store, "db.c", 0)
    for number in range(1, 30):
        insert_one(store, "db.c", number)
    all_told = everything(store)
    for place, (sequence, _, _) in enumerate(all_told):
        reader = store.history.reader(sequence)
        assert [told(each) for each in rest(reader, 7)] == all_told[place + 1 :]
        assert reader.position == store.history.last
        reader.close()
        before = store.history.reader(sequence - 1)  # no commit's sequence, perhaps
        assert told(before.next(1)[0])[0] == sequence
        before.close()


def test_a_reader_of_the_future_waits_for_it(store: Store) -> None:
    insert(store, "db.c", 1)
    future = store.history.last + 2
    reader = store.history.reader(future)
    insert_one(store, "db.c", 2)
    insert_one(store, "db.c", 3)
    assert reader.next(10) == []
    sequence = insert_one(store, "db.c", 4)
    assert [each.sequence for each in reader.next(10)] == [sequence]


def test_it_is_quick_where_nothing_is_read_from_files() -> None:
    memory, disk = in_memory(), on_disk()
    for store in (memory, disk):
        insert(store, "db.c", 1)
    assert memory.history.reader(0).is_near
    reader = disk.history.reader(0)
    assert not reader.is_near
    rest(reader)
    assert reader.is_near
    insert_one(disk, "db.c", 2)
    assert reader.is_near
    rest(reader)
    for store in (memory, disk):
        reader = store.history.reader(store.history.last)
        insert_one(store, "db.c", 3, text="x" * limits.HISTORY_QUICK_BYTES)
        other = store.history.reader(reader.position)
        assert not reader.is_near  # a long commit is parsed elsewhere,
        assert len(other.next(1)) == 1
        assert reader.is_near  # by one for all


# Who waits


def test_arrivals_are_announced_to_those_who_read_and_cost_nothing_otherwise(store: Store) -> None:
    unheard = store.history.arrivals.expect()
    insert(store, "db.c", 1)
    assert not unheard.is_done
    reader = store.history.reader(store.history.last)
    for write in (
        lambda: insert(store, "db.c", 2),
        lambda: insert_one(store, "db.c", 3),
        lambda: replace(store, "db.c", 3, a=1),
        lambda: store.drop("db.c"),
    ):
        arrival = store.history.arrivals.expect()
        write()
        assert arrival.is_done
        assert len(reader.next(10)) == 1
    reader.close()
    assert not store.history.is_watched


def test_closing_the_store_wakes_who_waits(store: Store) -> None:
    arrival = store.history.arrivals.expect()
    store.close()
    assert arrival.is_done


def test_a_commit_is_told_of_once_memory_has_been_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    insert(store, "db.c", 1)
    collection = store.catalog.by_namespace["db.c"]
    reader = store.history.reader(store.history.last)
    append, seen = type(collection).append, []

    def watched(*arguments: Any) -> None:
        seen.append(reader.next(1))  # the log has the frame by now
        append(*arguments)

    monkeypatch.setattr(type(collection), "append", watched)
    insert_one(store, "db.c", 2)
    assert seen == [[]]
    assert len(reader.next(10)) == 1


# All of it, however it is read


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.integers(1, 5), st.integers(0, 300)),
        st.tuples(st.just("one"), st.integers(0, 400)),
        st.tuples(st.just("replace"), st.integers(0, 400)),
        st.tuples(st.just("delete")),
        st.tuples(st.just("read"), st.integers(0, 2), st.integers(1, 9)),
        st.tuples(st.just("leave"), st.integers(0, 2)),
        st.tuples(st.just("reopen")),
    ),
    max_size=60,
)


class Subject:
    """A store with three readers, who resume where they were each time they have left."""

    def __init__(self, is_on_disk: bool) -> None:
        self.files = MemoryFiles() if is_on_disk else None
        self.clock = ManualClock()
        self.store = self.opened()
        self.store.create("db.c", IMAGES)
        self.readers: list[Reader | None] = [None] * 3
        self.read: list[list[Told]] = [[] for _ in range(3)]
        self.identities: list[int] = []

    def opened(self) -> Store:
        return in_memory() if self.files is None else on_disk(self.files, self.clock)

    def act(self, action: tuple[Any, ...]) -> None:
        kind, *arguments = action
        self.clock.advance(1)
        getattr(self, kind)(*arguments)

    def insert(self, count: int, size: int) -> None:
        start = len(self.identities) and max(self.identities) + 1
        new = list(range(start, start + count))
        raws = [encode({"_id": each, "text": "x" * size}) for each in new]
        self.store.insert(self.store.catalog.by_namespace["db.c"], [record_key(raw) for raw in raws], raws)
        self.identities += new

    def one(self, size: int) -> None:
        self.insert(1, size)

    def replace(self, size: int) -> None:
        if self.identities:
            replace(self.store, "db.c", self.identities[-1], text="y" * size)

    def delete(self) -> None:
        if self.identities:
            collection = self.store.catalog.by_namespace["db.c"]
            self.store.delete(collection, [found(self.store, "db.c", self.identities.pop(0))])

    def reopen(self) -> None:
        if self.files is not None:
            for number in range(3):
                self.leave(number)
            self.store.close()
            self.store = self.opened()

    def leave(self, number: int) -> None:
        reader, self.readers[number] = self.readers[number], None
        if reader is not None:
            reader.close()

    def get(self, number: int) -> Reader:
        reader = self.readers[number]
        if reader is None:
            read = self.read[number]
            reader = self.readers[number] = self.store.history.reader(read[-1][0] if read else 0)
        return reader

    def take(self, number: int, count: int) -> int:
        commits = self.get(number).next(count)
        self.read[number] += [told(commit) for commit in commits]
        return len(commits)


@settings(max_examples=60, deadline=None)
@given(ACTIONS, st.booleans(), st.sampled_from([1200, 4096, 10**6]))
def test_whoever_reads_how_and_when_gets_the_whole_log(
    actions: list[tuple[Any, ...]], is_on_disk: bool, recent_bytes: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("amongo.engine.log.recent.RECENT_PIECE_BYTES", 1200)
        patch.setattr("amongo.engine.log.kept_files.LOG_HISTORY_BYTES", recent_bytes)  # slow readers fall out of it
        patch.setattr("amongo.engine.log.past.HISTORY_READ_BYTES", 700)
        subject = Subject(is_on_disk)
        for action in actions:
            if action[0] == "read":
                subject.take(action[1], action[2])
            else:
                subject.act(action)
        for number in range(3):
            while subject.take(number, 4):
                pass
        expected = everything(subject.store)
        assert subject.read == [expected] * 3
        assert expected[-1][0] == subject.store.last_sequence == subject.store.history.last
        subject.store.close()


def test_a_reader_that_falls_out_of_memory_goes_on_in_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.engine.log.kept_files.LOG_HISTORY_BYTES", 1)  # the last piece alone
    store = on_disk()
    slow, quick = store.history.reader(0), store.history.reader(0)
    size = limits.RECENT_PIECE_BYTES // 4
    read: list[Told] = []
    for number in range(20):
        insert_one(store, "db.c", number, text="x" * size)
        rest(quick)
        if number in (1, 9):
            read += [told(commit) for commit in slow.next(2)]
    assert not slow.is_near
    read += [told(commit) for commit in rest(slow, 3)]
    assert read == everything(store)
    store.close()


def test_readers_while_other_threads_write(store: Store) -> None:
    store.create("db.c")
    stop = threading.Event()

    def write(writer: int) -> None:
        for number in range(150):
            insert_one(store, "db.c", f"{writer}-{number}", text="x" * random.randrange(300))
            if number % 10 == 0:
                insert(store, "db.c", *(f"{writer}-{number}-{each}" for each in range(5)))

    read: list[list[int]] = [[], []]
    failures: list[BaseException] = []

    def follow(number: int) -> None:
        reader = store.history.reader(0)
        try:
            while True:
                is_last = stop.is_set()
                commits = reader.next(5)
                read[number] += [commit.sequence for commit in commits]
                if not commits and is_last:
                    return
                if number and len(read[number]) % 7 == 0:  # one of them leaves and comes back
                    reader.close()
                    reader = store.history.reader(read[number][-1] if read[number] else 0)
        except BaseException as error:
            failures.append(error)
        finally:
            reader.close()

    writers = [threading.Thread(target=write, args=(each,)) for each in range(3)]
    followers = [threading.Thread(target=follow, args=(each,)) for each in range(2)]
    for thread in (*followers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in followers:
        thread.join()
    assert failures == []
    expected = [sequence for sequence, _, _ in everything(store)]
    assert len(expected) == 1 + 3 * 165
    assert read == [expected, expected]


# What is gone


def test_a_store_in_memory_forgets_the_oldest_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    store = in_memory()
    log = MemoryLog(ManualClock(), history_bytes=3 * limits.RECENT_PIECE_BYTES)
    monkeypatch.setattr(store, "_log", log)
    monkeypatch.setattr(store.history, "_log", log)
    early = store.history.reader(0)
    late: Reader | None = None
    size = limits.RECENT_PIECE_BYTES // 2
    for number in range(12):
        insert_one(store, "db.c", number, text="x" * size)
        if number == 10:
            late = store.history.reader(store.history.last - 1)
    assert 0 < store.history.oldest < store.history.last
    assert lost(lambda: early.next(1))
    assert lost(lambda: store.history.reader(0))
    assert lost(lambda: store.history.reader(store.history.oldest - 1))
    reader = store.history.reader(store.history.oldest)
    assert 2 <= len(rest(reader)) <= 6
    assert late is not None
    assert len(rest(late)) == 2
    for each in (early, late, reader):
        each.close()
    assert not store.history.is_watched


def test_a_commit_larger_than_all_that_is_kept_can_be_read_once_it_is_there() -> None:
    store = Store(MemoryLog(ManualClock(), history_bytes=limits.RECENT_PIECE_BYTES), lambda: None, None)
    reader = store.history.reader(0)
    insert_one(store, "db.c", 1, text="x" * 3 * limits.RECENT_PIECE_BYTES)
    behind = store.history.reader(store.history.oldest)
    assert len(rest(behind)) == 1
    assert lost(lambda: rest(reader))
    insert_one(store, "db.c", 2)
    insert_one(store, "db.c", 3)
    assert len(rest(behind)) == 2


def test_a_fork_begins_where_it_was_made() -> None:
    log = MemoryLog(ManualClock(), after=77)
    store = Store(log, lambda: None, None)
    assert (store.history.oldest, store.history.last) == (77, 77)
    assert lost(lambda: store.history.reader(76))
    reader = store.history.reader(77)
    insert(store, "db.c", 1)
    assert len(rest(reader)) == 2


def checkpointed(store: Store) -> None:
    assert store.checkpoints is not None
    store.durable(store.last_sequence).wait_blocking()
    store.checkpoints.checkpoint()


def fill(store: Store, first: int, count: int) -> None:
    for number in range(first, first + count):
        insert_one(store, "db.c", number, text="x" * 100)
        store.durable(store.last_sequence).wait_blocking()  # the service would begin the next file


def test_files_that_retention_drops_are_gone_for_readers() -> None:
    files = MemoryFiles()
    store = on_disk(files)
    early = store.history.reader(0)
    fill(store, 0, 20)
    between = store.history.reader(0)
    assert len(between.next(3)) == 3
    early.close()
    between.close()  # nobody keeps anything in memory from here on
    early, between = store.history.reader(0), store.history.reader(between.position)
    checkpointed(store)
    oldest = store.history.oldest
    assert 0 < oldest < store.history.last
    assert lost(lambda: early.next(1))
    assert lost(lambda: between.next(1))
    assert lost(lambda: store.history.reader(oldest - 1))
    reader = store.history.reader(oldest)
    assert rest(reader)[-1].sequence == store.history.last
    fill(store, 20, 3)
    assert len(rest(reader)) == 3  # who keeps up loses nothing
    for each in (early, between, reader):
        each.close()
    last = store.history.last
    store.close()
    store = on_disk(files)
    assert (store.history.oldest, store.history.last) == (oldest, last)
    store.close()


def test_a_file_that_goes_while_it_is_read() -> None:
    store = on_disk()
    fill(store, 0, 20)
    reader = store.history.reader(0)
    first = reader.next(1)
    checkpointed(store)
    assert len(first) == 1
    assert lost(lambda: reader.next(1))
    store.close()


def test_what_is_younger_than_the_hours_stays() -> None:
    for hours, advance_ms, is_kept in (
        (0.0, 0, False),
        (2.0, 0, True),
        (2.0, 3_600_000, True),
        (2.0, 7_200_001, False),
    ):
        clock = ManualClock()
        kept = Settings(
            log_file_bytes=600, closing_checkpoint_bytes=10**9, log_retained_bytes=0, log_retained_hours=hours
        )
        store = Store.open("data", files=MemoryFiles(), clock=clock, has_service=False, settings=kept)
        fill(store, 0, 20)
        clock.advance(advance_ms)
        insert_one(store, "db.c", "last")
        checkpointed(store)
        assert (store.history.oldest == 0) is is_kept, (hours, advance_ms)
        store.close()


def test_the_size_is_kept_however_old_it_is() -> None:
    clock = ManualClock()
    kept = Settings(
        log_file_bytes=600, closing_checkpoint_bytes=10**9, log_retained_bytes=10**6, log_retained_hours=1.0
    )
    store = Store.open("data", files=MemoryFiles(), clock=clock, has_service=False, settings=kept)
    fill(store, 0, 20)
    clock.advance(10 * 3_600_000)
    checkpointed(store)
    assert store.history.oldest == 0
    store.close()


def test_what_readers_share_is_kept_for_the_last_commits_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.engine.log.recent.RECENT_SHARED_PIECES", 2)
    store = in_memory()
    reader = store.history.reader(0)
    commits: list[Commit] = []
    for number in range(8):
        insert_one(store, "db.c", number, text="x" * (limits.RECENT_PIECE_BYTES // 2))
        commits += rest(reader)
        commits[-1].memo["made"] = number
    assert [commit.memo.get("made") for commit in commits[1:]] == [None] * 6 + [6, 7]
    late = store.history.reader(0)
    again = rest(late)
    assert [told(commit) for commit in again] == [told(commit) for commit in commits]
    assert [commit.memo.get("made") for commit in again[1:]] == [None] * 6 + [6, 7]
    again[1].memo["made"] = "by one"
    other = store.history.reader(commits[0].sequence)
    assert other.next(1)[0].memo == {}
