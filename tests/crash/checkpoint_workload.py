"""A store with indexes that makes checkpoints, on any file system, and a plain model beside it.

The model is a list of states, one after each commit: {namespace: ({_id: document}, names of secondary indexes)}. A
checkpoint changes no state; once it is made, the state is durable.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from amongo.engine.files import Files
from amongo.engine.files.crashing import CrashingFiles
from amongo.engine.indexes import Definition, entry_of
from amongo.engine.records import Collection, record_key
from amongo.engine.settings import Settings
from amongo.engine.store import Change, Store
from amongo.errors import ServerError
from amongo.mql.index_keys import key_maker
from amongo.runtime.clock import Clock, ManualClock
from amongo.runtime.interrupts import NEVER
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

State = dict[str, tuple[dict[Any, dict[str, Any]], tuple[str, ...]]]
ANY: Definition = {"v": 2, "key": {"n": 1}, "name": "n_1"}
UNIQUE: Definition = {"v": 2, "key": {"u": -1}, "name": "u_-1", "unique": True}

# The log goes on in a new file all the time, and none of it is kept that a checkpoint covers.
SHORT_LOG = Settings(log_file_bytes=1_500, closing_checkpoint_bytes=1, log_retained_bytes=0)
# All of the log is kept: it covers whatever a checkpoint has.
WHOLE_LOG = Settings(log_file_bytes=1_500, closing_checkpoint_bytes=1, log_retained_bytes=1_000_000_000)


def opened(files: Files, clock: Clock, settings: Settings) -> Store:
    """The store, without threads of its own."""
    return Store.open("data", files=files, clock=clock, settings=settings, has_service=False, make_keys=key_maker)


def shown(store: Store) -> State:
    """What the store holds. By every way to it: in natural order, by `_id`, by every index."""
    state: State = {}
    for namespace, collection in store.catalog.by_namespace.items():
        records = list(store.view(collection))
        documents = {decode(raw)["_id"]: decode(raw) for _, raw in records}
        assert len(documents) == len(records) == collection.count
        assert collection.data_bytes == sum(len(raw) for _, raw in records)
        assert [record_id for record_id, _ in records] == sorted(record_id for record_id, _ in records)
        for record_id, raw in records:
            assert collection.find_id(record_key(raw)) == (record_id, raw)
        secondary = collection.secondary
        indexes = () if secondary is None else secondary.indexes
        for index in indexes:
            expected = {
                entry_of(key, record_id, types)
                for record_id, raw in records
                for key, types in index.maker.keys(decode(raw)).keys.items()
            }
            assert list(index.entries.view()) == sorted(expected)
        state[namespace] = documents, tuple(sorted(index.name for index in indexes))
    return state


class Subject:
    """A store on a crashing file system, with its model beside it."""

    def __init__(
        self, files: CrashingFiles, settings: Settings = SHORT_LOG, states: Sequence[State] = ({},), durable: int = 0
    ) -> None:
        """states: what the store in `files` may show, from the `durable`-th on; one without files shows nothing."""
        self.files = files
        self.settings = settings
        self.clock = ManualClock()
        self.states = list(states)
        self.durable = durable
        self.checkpoints = 0
        self.store = opened(files, self.clock, settings)
        found = shown(self.store)
        assert found in self.states[durable:]
        self.states, self.durable = [found], 0

    def commit(self, change: Callable[[], object], state: State) -> None:
        """Make a change that leads to `state`; if it fails, everything stays as it was."""
        self.clock.advance(7)
        try:
            change()
        except ServerError:
            return
        if state != self.states[-1]:
            self.states.append(state)

    def now(self) -> State:
        """The last state, to be changed."""
        return copy.deepcopy(self.states[-1])

    def found(self, namespace: str, identity: Any) -> tuple[int, bytes]:
        """(record id, bytes) of a document."""
        found = self.collection(namespace).find_id(id_key(identity))
        assert found is not None
        return found

    def collection(self, namespace: str) -> Collection:
        """The collection of this name."""
        return self.store.catalog.by_namespace[namespace]

    def insert(self, namespace: str, documents: Sequence[dict[str, Any]]) -> None:
        """Insert those of the documents whose `_id`s are free."""
        if namespace not in self.states[-1]:
            state = self.now()
            state[namespace] = {}, ()
            self.commit(lambda: self.store.create(namespace), state)
            if namespace not in self.states[-1]:
                return
        state = self.now()
        fresh = [document for document in documents if document["_id"] not in state[namespace][0]]
        state[namespace][0].update({document["_id"]: document for document in fresh})
        raws = [encode(document) for document in fresh]
        keys = [record_key(raw) for raw in raws]
        self.commit(lambda: self.store.insert(self.collection(namespace), keys, raws), state)

    def update(self, namespace: str, identities: Sequence[Any], **fields: Any) -> None:
        """Set fields of those of the documents that are there."""
        state = self.now()
        if namespace not in state:
            return
        changes = []
        for identity in identities:
            if identity in state[namespace][0]:
                record_id, raw = self.found(namespace, identity)
                document = {**decode(raw), **fields}
                state[namespace][0][identity] = document
                changes.append(Change(record_id, raw, encode(document), None))
        self.commit(lambda: self.store.update(self.collection(namespace), changes), state)

    def delete(self, namespace: str, identities: Sequence[Any]) -> None:
        """Delete those of the documents that are there."""
        state = self.now()
        if namespace not in state:
            return
        there = [identity for identity in identities if state[namespace][0].pop(identity, None)]
        removals = [self.found(namespace, identity) for identity in there]
        self.commit(lambda: self.store.delete(self.collection(namespace), removals), state)

    def create_index(self, namespace: str, definition: Definition) -> None:
        """Build an index."""
        state = self.now()
        if namespace not in state or definition["name"] in state[namespace][1]:
            return
        state[namespace] = state[namespace][0], tuple(sorted((*state[namespace][1], definition["name"])))
        self.commit(lambda: self.store.create_indexes(self.collection(namespace), [definition]), state)

    def drop_index(self, namespace: str, name: str) -> None:
        """Drop an index if it is there."""
        state = self.now()
        if namespace not in state or name not in state[namespace][1]:
            return
        state[namespace] = state[namespace][0], tuple(each for each in state[namespace][1] if each != name)
        self.commit(lambda: self.store.drop_indexes(self.collection(namespace), [name]), state)

    def drop(self, namespace: str) -> None:
        """Drop a collection if it is there."""
        state = self.now()
        if state.pop(namespace, None):
            self.commit(lambda: self.store.drop(namespace), state)

    def rename(self, source: str, target: str) -> None:
        """Rename a collection, onto another perhaps."""
        state = self.now()
        if source in state and target not in state:
            state[target] = state.pop(source)
            self.commit(lambda: self.store.rename(source, target), state)

    def checkpoint(self) -> None:
        """Make a checkpoint, if the disk lets us."""
        assert self.store.checkpoints is not None
        try:
            self.store.checkpoints.checkpoint(NEVER)
        except (OSError, ServerError):
            return
        self.checkpoints += 1
        self.durable = len(self.states) - 1

    def reopen(self, files: CrashingFiles) -> None:
        """Let go of the store as it is, and open it on other files."""
        self.files = files
        self.store = opened(files, self.clock, self.settings)

    def reopen_after_kill(self) -> None:
        """The process has died; the store shows the last state."""
        self.reopen(self.files.kill())
        assert shown(self.store) == self.states[-1]

    def reopen_after_power_loss(self, seed: int) -> None:
        """The power went; the store shows a state, whole, that is not older than what was durable."""
        self.reopen(self.files.crash(seed))
        found = shown(self.store)
        assert found in self.states[self.durable :]
        self.states = [found]
        self.durable = 0


def script(subject: Subject) -> None:
    """A bit of everything between checkpoints: of these the first is of everything, the third leaves few files."""
    subject.insert("db.a", [{"_id": number, "n": number % 3, "u": number} for number in range(8)])
    subject.create_index("db.a", ANY)
    subject.insert("db.b", [{"_id": number, "text": "x" * 300} for number in range(3)])
    subject.checkpoint()
    subject.update("db.a", [1, 2], n=[7, 8])
    subject.delete("db.a", [0, 4])
    subject.insert("db.a", [{"_id": "later", "n": 1, "u": "later"}, {"_id": 0, "n": 2, "u": "again"}])
    subject.create_index("db.a", UNIQUE)
    subject.rename("db.b", "db.c")
    subject.checkpoint()
    subject.delete("db.a", [1])
    subject.update("db.c", [2], text="y" * 500)
    subject.drop_index("db.a", "n_1")
    subject.insert("db.b", [{"_id": "new"}])
    subject.checkpoint()
    subject.drop("db.c")
    subject.create_index("db.a", ANY)
    subject.update("db.a", [3], u="three")
    subject.checkpoint()
    subject.delete("db.a", [5])
