"""The way of commits to differences: what counts, what is put off, what ends it."""

from __future__ import annotations

import sys
from typing import Any

import bson
import pytest
from bson import Binary

from amongo.engine.log.format import Entry
from amongo.engine.log.recent import Commit
from amongo.engine.records import Collection
from amongo.errors import ServerError
from amongo.errors.history import HISTORY_LOST
from amongo.planner import canonical_query
from amongo.runtime.interrupts import NEVER
from amongo.streams.live import Definition, Feed, LiveResult

OURS, OTHERS = b"o" * 16, b"x" * 16


class Log:
    """What a feed reads; the double of `History`'s reader."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.is_near = True
        self.is_closed = False
        self.is_lost = False

    def next(self, count: int) -> list[Commit]:
        if self.is_lost:
            raise HISTORY_LOST()
        taken, self.commits = self.commits[:count], self.commits[count:]
        return taken

    def close(self) -> None:
        self.is_closed = True

    def add(self, *entries: Entry) -> None:
        """One commit."""
        self.commits.append(Commit(len(self.commits) + 1, 0, entries))


def insert(*numbers: int, first: int = 1, identity: bytes = OURS) -> Entry:
    head = bson.encode({"op": "i", "ns": "db.coll", "ui": Binary(identity, 4)})
    return Entry(first, head, [bson.encode({"_id": number}) for number in numbers])


def command(document: dict[str, Any], identity: bytes | None = OURS, database: str = "db") -> Entry:
    head: dict[str, Any] = {"op": "c", "ns": f"{database}.$cmd", "o": document}
    if identity is not None:
        head["ui"] = Binary(identity, 4)
    return Entry(0, bson.encode(head), [])


def feed(log: Log, identity: bytes | None = OURS) -> Feed:
    def define(options: dict[str, Any]) -> Definition:
        return Definition(canonical_query({}), Collection("db.coll", OURS, options))

    return Feed(log, "db.coll", identity, LiveResult(define({})), define)  # type: ignore[arg-type]


def told(following: Feed) -> list[tuple[str, bool]]:
    found = [(each.kind, each.is_last) for each in following.ready]
    following.ready.clear()
    return found


def test_commits_of_others_do_not_count() -> None:
    log = Log()
    following = feed(log)
    log.add(insert(1, identity=OTHERS))
    log.add(command({"create": "more"}, OTHERS), insert(1, 2))
    marker = Entry(0, bson.encode({"op": "s", "lsid": {}, "txnNumber": 1}), [])
    log.add(marker, insert(5, identity=OTHERS), insert(3, first=3))
    following.look(100, NEVER)
    assert told(following) == [("added", False), ("added", True), ("added", True)]


def test_a_large_commit_is_put_off() -> None:
    log = Log()
    following = feed(log)
    log.add(insert(1))
    log.add(insert(*range(2, 102), first=2))
    assert following.weight() == 1
    following.look(64, NEVER)
    assert len(told(following)) == 1
    assert following.is_behind and following.weight() > 64
    following.look(64, NEVER)
    assert len(told(following)) == 100 and not following.is_behind


def test_many_commits_of_others_are_put_off_as_well() -> None:
    log = Log()
    following = feed(log)
    for _ in range(500):
        log.add(insert(1, identity=OTHERS))
    looks = 0
    while following.weight() or following.is_behind or log.commits:
        following.look(64, NEVER)
        looks += 1
    assert looks >= 500 / 65


def test_large_documents_weigh_more() -> None:
    log = Log()
    following = feed(log)
    head = bson.encode({"op": "u", "ns": "db.coll", "ui": Binary(OURS, 4)})
    log.add(Entry(1, head, [bson.encode({"_id": 1, "text": "x" * 100_000})]))
    assert following.weight() > 64


def test_what_lies_in_files_is_for_a_worker() -> None:
    log = Log()
    log.is_near = False
    assert feed(log).weight() == sys.maxsize


def test_it_begins_when_the_collection_does() -> None:
    log = Log()
    following = feed(log, None)
    log.add(command({"create": "other"}, OTHERS))
    log.add(command({"create": "coll", "options": {}}), insert(1))
    log.add(command({"drop": "other"}, OTHERS))
    following.look(100, NEVER)
    assert told(following) == [("added", True)]
    assert not following.is_ended


ENDS = {
    "drop": command({"drop": "coll"}),
    "dropDatabase": command({"dropDatabase": 1}, None),
    "rename": command({"renameCollection": "db.coll", "to": "db.other"}),
    "rename over it": command({"renameCollection": "db.other", "to": "db.coll", "dropTarget": Binary(OURS, 4)}, OTHERS),
    "convertToCapped": command({"convertToCapped": "coll", "uuid": Binary(OTHERS, 4)}),
}
OTHER_ENDS = {
    "drop": command({"drop": "other"}, OTHERS),
    "dropDatabase": command({"dropDatabase": 1}, None, "other"),
    "rename": command({"renameCollection": "db.other", "to": "db.third"}, OTHERS),
    "an index": command({"dropIndexes": "coll", "index": "a_1"}),
    "options": command({"collMod": "coll", "options": {}}),
}


@pytest.mark.parametrize("entry", ENDS.values(), ids=ENDS)
def test_the_end_of_the_collection_ends_it(entry: Entry) -> None:
    log = Log()
    following = feed(log)
    log.add(insert(1), entry, insert(2, first=2))
    following.look(100, NEVER)
    assert told(following) == [("added", False), ("dropped", True)]
    assert following.is_ended and log.is_closed
    following.look(100, NEVER)
    assert not following.ready


@pytest.mark.parametrize("entry", OTHER_ENDS.values(), ids=OTHER_ENDS)
def test_the_end_of_something_else_does_not(entry: Entry) -> None:
    log = Log()
    following = feed(log)
    log.add(entry, insert(1))
    following.look(100, NEVER)
    assert told(following) == [("added", True)]


def test_a_rename_to_a_name_that_was_free_ends_it() -> None:
    log = Log()
    following = feed(log, None)
    log.add(command({"renameCollection": "db.other", "to": "db.coll"}, OTHERS))
    following.look(100, NEVER)
    assert told(following) == [("dropped", True)]


def test_lost_history_ends_it() -> None:
    log = Log()
    following = feed(log)
    log.is_lost = True
    with pytest.raises(ServerError):
        following.look(100, NEVER)
    assert following.is_ended and log.is_closed
