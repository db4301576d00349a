"""Whoever reads the history sees what memory has, and nothing else, whatever fails, stops or comes in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from followers import Follower
from test_store_crashes import Subject, script
from test_store_interrupted import CHANGES, insert, insert_one, interrupted_at, prepared, state

from amongo.engine.files import MemoryFiles
from amongo.engine.files.crashing import CrashingFiles, Failure, MachineStopped
from amongo.engine.store import Store
from amongo.errors import ServerError
from amongo.runtime.clock import ManualClock


class Followed(Subject):
    """A store on a crashing file system; after every change, somebody reads what is new."""

    def __init__(self, files: CrashingFiles) -> None:
        super().__init__(files)
        self.follower = Follower(self.store)

    def commit(self, change: Callable[[], object], state: Any) -> None:
        super().commit(change, state)
        self.follow()

    def follow(self) -> None:
        """Nothing that is read from files fails here: only what the store does is to."""
        files = self.files
        fail_at, files._fail_at = files._fail_at, None
        self.follower.check()
        if fail_at is not None:
            files._fail_at = fail_at

    def reopened(self) -> None:
        """From the beginning, in the files alone."""
        again = Follower(self.store, patience=2)
        again.check()
        again.close()
        self.follower = Follower(self.store)


@pytest.mark.parametrize("failure", Failure, ids=lambda failure: failure.name)
def test_a_reader_never_sees_a_commit_that_memory_lacks(failure: Failure) -> None:
    untroubled = Followed(CrashingFiles())
    script(untroubled)
    assert len(untroubled.follower.sequences) > 10
    for number in range(0, untroubled.files.operations, 3):
        files = CrashingFiles(fail_at=number, failure=failure, keeps_failing=False, seed=number)
        try:
            subject = Followed(files)
        except (ServerError, OSError, MachineStopped):
            continue
        try:
            script(subject)
        except MachineStopped:
            subject.files = subject.files.kill()
            subject.store = subject.open()
        else:
            subject.follower.check()
            subject.reopen_after_kill()
        subject.reopened()
        subject.files = subject.files.crash(number)
        subject.store = subject.open()
        subject.reopened()


@pytest.mark.parametrize("is_on_disk", [True, False], ids=["disk", "memory"])
@pytest.mark.parametrize(("name", "change"), CHANGES, ids=[name for name, _ in CHANGES])
def test_an_interruption_at_every_line(name: str, change: Callable[[Store], object], is_on_disk: bool) -> None:
    outcomes = set()
    for line in range(1, 500):
        store = _prepared(is_on_disk)
        before = state(store)
        follower = Follower(store, patience=1000)
        follower.catch_up()
        arrival = store.history.arrivals.expect()
        try:
            with interrupted_at(line):
                change(store)
        except KeyboardInterrupt:
            has_happened = state(store) != before
            outcomes.add(has_happened)
            assert arrival.is_done is has_happened
            assert follower.catch_up() == has_happened
            follower.check()
            insert(store, "db.later", {"_id": 1})
            follower.check()
        else:
            assert outcomes == {False, True}
            return
    pytest.fail("the change never came to its end")


def _prepared(is_on_disk: bool) -> Store:
    if is_on_disk:
        return prepared()[1]
    store = Store.open(None, clock=ManualClock())
    insert(store, "db.c", *({"_id": number} for number in range(5)))
    insert(store, "db.other", {"_id": "other"})
    return store


def test_what_cannot_be_made_up_for_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    files, store = prepared()
    follower = Follower(store)
    follower.check()
    last = store.history.last

    def fail(*arguments: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(type(store.catalog.by_namespace["db.c"]), "append", fail)
    with pytest.raises(MemoryError):
        insert_one(store)
    monkeypatch.undo()
    assert follower.catch_up() == 0
    assert store.history.last == last < store.last_sequence
    store.close()
    store = Store.open("data", files=files, clock=ManualClock(), has_service=False)
    again = Follower(store)
    again.check()
    assert again.sequences[:-1] == follower.sequences


def test_the_history_goes_on_where_it_was_after_a_reopening() -> None:
    files = MemoryFiles()
    read: list[int] = []
    for round in range(4):
        store = Store.open("data", files=files, clock=ManualClock(), has_service=False)
        assert store.history.oldest == 0
        reader = store.history.reader(read[-1] if read else 0)
        insert(store, "db.c", {"_id": round}, {"_id": f"{round}"})
        insert(store, "db.c", {"_id": f"unread {round}"})
        read += [commit.sequence for commit in reader.next(2)]  # the rest comes first the next time
        follower = Follower(store)
        follower.check()
        assert read == follower.sequences[: len(read)]
        store.close()
    assert len(read) == 8
