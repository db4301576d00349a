"""Reading the log's files on a real disk while they are written, begun and removed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from amongo.engine.log.history import Reader
from amongo.engine.settings import Settings
from amongo.engine.store import Store
from amongo.errors import ErrorCode, ServerError
from amongo.values.codec import encode
from amongo.values.key_bytes import id_key

SMALL_FILES = Settings(log_file_bytes=8_000, checkpoint_bytes=10**9, closing_checkpoint_bytes=10**9)
DROPPING = Settings(log_file_bytes=8_000, checkpoint_bytes=10**9, closing_checkpoint_bytes=10**9, log_retained_bytes=0)


@pytest.fixture(autouse=True)
def nothing_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.engine.log.kept_files.LOG_HISTORY_BYTES", 1)
    monkeypatch.setattr("amongo.engine.log.recent.RECENT_PIECE_BYTES", 4096)


def insert_some(store: Store, writer: int, count: int) -> list[int]:
    """Insert documents one by one; the commits' sequences."""
    collection = store.catalog.by_namespace["db.c"]
    sequences = []
    for number in range(count):
        identity = f"{writer}-{number}"
        raw = encode({"_id": identity, "text": "x" * (number * 37 % 200)})
        sequences.append(store.insert_one(collection, id_key(identity), raw))
    return sequences


def test_reading_while_files_are_begun(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "data"), settings=SMALL_FILES)
    store.create("db.c")
    written: list[int] = [store.last_sequence]
    is_over = threading.Event()
    read: list[list[int]] = []

    def write(writer: int) -> None:
        written.extend(insert_some(store, writer, 500))

    def follow(count: int) -> None:
        reader, got = store.history.reader(0), []
        while True:
            was_over = is_over.is_set()
            commits = reader.next(count)
            got += [commit.sequence for commit in commits]
            if not commits and was_over:
                break
        reader.close()
        read.append(got)

    writers = [threading.Thread(target=write, args=(each,)) for each in range(2)]
    followers = [threading.Thread(target=follow, args=(each,)) for each in (1, 50)]
    for thread in (*followers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    is_over.set()
    for thread in followers:
        thread.join()
    assert read == [sorted(written)] * 2
    store.close()


def test_reading_while_files_are_removed(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "data"), settings=DROPPING)
    store.create("db.c")
    written = [store.last_sequence]
    assert store.checkpoints is not None
    outcomes = []
    for round in range(6):
        written += insert_some(store, round, 100)
        store.durable(written[-1]).wait_blocking()
        reader = store.history.reader(store.history.oldest)
        first = [commit.sequence for commit in reader.next(5)]
        store.checkpoints.checkpoint()
        rest, is_lost = drained(reader)
        reader.close()
        outcomes.append(is_lost)
        place = written.index(first[0])
        expected = written[place:]
        got = first + rest
        assert got == expected[: len(got)]
        assert is_lost or got == expected
    assert any(outcomes)
    store.close()


def drained(reader: Reader) -> tuple[list[int], bool]:
    """(what a reader still gives, whether the rest is lost)."""
    got: list[int] = []
    try:
        while commits := reader.next(5):
            got += [commit.sequence for commit in commits]
    except ServerError as error:
        assert error.code == ErrorCode.ChangeStreamHistoryLost
        return got, True
    return got, False


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "data"), settings=SMALL_FILES)
    store.create("db.c")
    insert_some(store, 0, 10)
    reader = store.history.reader(0)
    path = tmp_path / "data" / "log" / os.listdir(tmp_path / "data" / "log")[0]
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    with path.open("r+b") as file:
        file.write(content[:1000])
    with pytest.raises(ServerError) as caught:
        while reader.next(1):
            pass
    assert caught.value.code == ErrorCode.DataCorruptionDetected
    assert str(path) in caught.value.message
    reader.close()
    store.close()
