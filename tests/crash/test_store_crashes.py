"""What a store promises when the machine, the disk or the process fails, checked against a plain model.

The model is a list of states, one after each commit: {namespace: {_id: document}}. After the death of the process the
reopened store shows the last state. After a power loss it shows a state, whole, that is not older than the last
commit known to be durable.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from amongo.engine.files.crashing import CrashingFiles, Failure, MachineStopped
from amongo.engine.records import record_key
from amongo.engine.settings import Settings
from amongo.engine.store import Change, Store
from amongo.errors import ServerError
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

State = dict[str, dict[Any, dict[str, Any]]]
NAMESPACES = ("db.a", "db.b", "other.a")
SETTINGS = Settings(log_file_bytes=2_000)  # so that files rotate often


def shown(store: Store) -> State:
    state: State = {}
    for namespace, collection in store.catalog.by_namespace.items():
        documents = [decode(raw) for _, raw in store.view(collection)]
        state[namespace] = {document["_id"]: document for document in documents}
        assert len(state[namespace]) == len(documents) == collection.count
    return state


class Subject:
    """A store on a crashing file system, with its model beside it."""

    def __init__(self, files: CrashingFiles) -> None:
        self.files = files
        self.clock = ManualClock()
        self.states: list[State] = [{}]
        self.durable = 0
        self.store = self.open()

    def open(self) -> Store:
        return Store.open("data", files=self.files, clock=self.clock, settings=SETTINGS, has_service=False)

    def commit(self, change: Any, state: State) -> None:
        """Make a change that leads to `state`; if it fails, everything stays as it was."""
        self.clock.advance(7)
        try:
            change()
        except ServerError:
            return
        if state != self.states[-1]:
            self.states.append(state)

    def now(self) -> State:
        return copy.deepcopy(self.states[-1])

    def insert(self, namespace: str, documents: list[dict[str, Any]]) -> None:
        try:
            collection = self.store.create(namespace)
        except ServerError:
            return
        if namespace not in self.states[-1]:
            self.states.append({**self.now(), namespace: {}})
        state = self.now()
        fresh = {document["_id"]: document for document in documents if document["_id"] not in state[namespace]}
        state[namespace].update({identity: fresh[identity] for identity in fresh})
        raws = [encode(document) for document in fresh.values()]
        self.commit(lambda: self.store.insert(collection, [record_key(raw) for raw in raws], raws), state)

    def update(self, namespace: str, identities: list[int], value: int) -> None:
        state = self.now()
        collection = self.store.catalog.get(namespace)
        if collection is None:
            return
        changes = []
        for identity in identities:
            found = collection.find_id(id_key(identity))
            if found is not None:
                document = {"_id": identity, "value": value}
                state[namespace][identity] = document
                changes.append(Change(found[0], found[1], encode(document), encode({"updatedFields": document})))
        self.commit(lambda: self.store.update(collection, changes), state)

    def delete(self, namespace: str, identities: list[int]) -> None:
        state = self.now()
        collection = self.store.catalog.get(namespace)
        if collection is None:
            return
        found = [each for each in (collection.find_id(id_key(identity)) for identity in identities) if each]
        for identity in identities:
            state[namespace].pop(identity, None)
        self.commit(lambda: self.store.delete(collection, found), state)

    def drop(self, namespace: str) -> None:
        state = self.now()
        state.pop(namespace, None)
        self.commit(lambda: self.store.drop(namespace), state)

    def rename(self, source: str, target: str) -> None:
        state = self.now()
        if source not in state or source == target:
            return
        state[target] = state.pop(source)
        self.commit(lambda: self.store.rename(source, target), state)

    def make_durable(self) -> None:
        """What `j: true` waits for."""
        try:
            self.store.durable(self.store.last_sequence).wait_blocking()
        except ServerError:
            return
        self.durable = len(self.states) - 1

    def reopen_after_kill(self) -> None:
        self.files = self.files.kill()
        self.store = self.open()
        assert shown(self.store) == self.states[-1]

    def reopen_after_power_loss(self, seed: int) -> None:
        self.files = self.files.crash(seed)
        self.store = self.open()
        found = shown(self.store)
        allowed = self.states[self.durable :]
        assert found in allowed
        self.states = [found]
        self.durable = 0


def script(subject: Subject) -> None:
    """A bit of everything."""
    subject.insert("db.a", [{"_id": number} for number in range(5)])
    subject.make_durable()
    subject.insert("db.b", [{"_id": number, "text": "x" * 300} for number in range(5)])
    subject.update("db.a", [1, 2], 7)
    subject.delete("db.a", [0, 4])
    subject.make_durable()
    subject.insert("other.a", [{"_id": 1, "text": "y" * 900}])
    subject.rename("db.b", "db.c")
    subject.insert("db.b", [{"_id": "new"}])
    subject.make_durable()
    subject.drop("db.c")
    subject.update("db.b", [1], 2)
    subject.delete("other.a", [1])


@pytest.mark.parametrize("keeps_failing", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("failure", Failure, ids=lambda failure: failure.name)
def test_every_write_point(failure: Failure, keeps_failing: bool) -> None:
    untroubled = Subject(CrashingFiles())
    script(untroubled)
    assert untroubled.files.operations > 20
    for number in range(untroubled.files.operations):
        for seed in range(4):
            files = CrashingFiles(fail_at=number, failure=failure, keeps_failing=keeps_failing, seed=seed)
            try:
                subject = Subject(files)
            except (ServerError, OSError, MachineStopped):
                continue  # the store could not be made; nothing was promised
            try:
                script(subject)
            except MachineStopped:
                accept_untold_commit(subject, untroubled.states)
            assert shown(subject.store) == subject.states[-1]
            subject.reopen_after_kill()
            subject.reopen_after_power_loss(seed)


def accept_untold_commit(subject: Subject, script_states: list[State]) -> None:
    """Reopen; the commit during which the machine stopped may have reached the file although nobody was told."""
    subject.files = subject.files.kill()
    subject.store = subject.open()
    found, last = shown(subject.store), subject.states[-1]
    if found != last:
        assert (last, found) in list(itertools.pairwise(script_states))
        subject.states.append(found)


class StoreMachine(RuleBasedStateMachine):
    """Random operations, failures, reopenings and crashes against the model."""

    namespaces = st.sampled_from(NAMESPACES)
    identities = st.lists(st.integers(0, 12), min_size=1, max_size=6, unique=True)

    @initialize()
    def begin(self) -> None:
        self.subject = Subject(CrashingFiles())

    @rule(namespace=namespaces, identities=identities, size=st.integers(0, 400))
    def insert(self, namespace: str, identities: list[int], size: int) -> None:
        self.subject.insert(namespace, [{"_id": identity, "text": "z" * size} for identity in identities])

    @rule(namespace=namespaces, identities=identities, value=st.integers(0, 3))
    def update(self, namespace: str, identities: list[int], value: int) -> None:
        self.subject.update(namespace, identities, value)

    @rule(namespace=namespaces, identities=identities)
    def delete(self, namespace: str, identities: list[int]) -> None:
        self.subject.delete(namespace, identities)

    @rule(namespace=namespaces)
    def drop(self, namespace: str) -> None:
        self.subject.drop(namespace)

    @rule(source=namespaces, new_name=namespaces)
    def rename(self, source: str, new_name: str) -> None:
        self.subject.rename(source, new_name)

    @rule()
    def make_durable(self) -> None:
        self.subject.make_durable()

    @rule(after=st.integers(0, 3), failure=st.sampled_from([Failure.NO_SPACE, Failure.IO_ERROR]))
    def fail_soon(self, after: int, failure: Failure) -> None:
        files = self.subject.files
        files._fail_at, files._failure = files.operations + after, failure

    @rule()
    def close_and_reopen(self) -> None:
        self.subject.files._fail_at = None
        try:
            self.subject.store.close()
        except ServerError:
            return self.subject.reopen_after_kill()
        self.subject.durable = len(self.subject.states) - 1
        self.subject.store = self.subject.open()
        return None

    @rule()
    def kill_and_reopen(self) -> None:
        self.subject.reopen_after_kill()

    @rule(seed=st.integers(0, 1_000))
    def lose_power_and_reopen(self, seed: int) -> None:
        self.subject.reopen_after_power_loss(seed)

    @invariant()
    def memory_shows_the_last_state(self) -> None:
        if hasattr(self, "subject"):
            assert shown(self.subject.store) == self.subject.states[-1]


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=60, stateful_step_count=40)
