"""What a store promises when the machine, the disk or the process fails around a checkpoint, against a plain model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from amongo.engine.files.crashing import CrashingFiles, Failure, MachineStopped
from amongo.engine.indexes import Definition
from amongo.engine.settings import Settings
from amongo.errors import ServerError
from tests.crash.checkpoint_workload import ANY, SHORT_LOG, UNIQUE, WHOLE_LOG, Subject, script, shown


@pytest.fixture(scope="module")
def untroubled() -> Subject:
    """The script without a failure."""
    subject = Subject(CrashingFiles())
    script(subject)
    assert subject.checkpoints == 4
    return subject


def test_the_script_makes_everything(untroubled: Subject) -> None:
    trace = [step.replace("data/", "") for step in untroubled.files.trace]
    assert sum(step == "rename MANIFEST.new" for step in trace) > 4  # a merge of files publishes one more
    assert any(step.startswith("remove snapshots/") for step in trace)
    assert any(step.startswith("remove log/") for step in trace)
    subject = untroubled
    subject.reopen_after_kill()
    assert len(subject.files.list("data/snapshots")) > 4


class Moments(CrashingFiles):
    """Keeps, before every operation, what a power loss at this moment may leave, and now and then what a kill does.

    kept   (number of the operation, states so far, durable ones, files)
    """

    def __init__(self) -> None:
        super().__init__()
        self.subject: Subject | None = None
        self.kept: list[tuple[int, int, int, CrashingFiles]] = []

    def step(self, name: str, path: str) -> Failure | None:
        """Count one operation."""
        if self.subject is not None:
            number, states, durable = self.operations, len(self.subject.states), self.subject.durable
            self.kept.append((number, states, durable, self.crash(number)))
            if number % 4 == 0:
                self.kept.append((number, states, states - 1, self.kill()))
            self._is_off = False
        return super().step(name, path)


def test_the_machine_stops_at_every_moment() -> None:
    files = Moments()
    subject = files.subject = Subject(files)
    script(subject)
    assert len(files.kept) > 300
    for number, states, durable, left in files.kept:
        found = Subject(left, states=subject.states[: states + 1], durable=durable)  # with the commit under way
        found.insert("db.z", [{"_id": number}])  # what is written from here on counts as well
        found.reopen_after_kill()


CASES = [
    ("no space, once", Failure.NO_SPACE, False, 13),
    ("no space from then on", Failure.NO_SPACE, True, 13),
    ("an error, once", Failure.IO_ERROR, False, 13),
    ("errors from then on", Failure.IO_ERROR, True, 13),
]


@pytest.mark.parametrize(("name", "failure", "keeps_failing", "step"), CASES, ids=[name for name, *_ in CASES])
def test_every_write_point(name: str, failure: Failure, keeps_failing: bool, step: int) -> None:
    untroubled = Subject(CrashingFiles())
    script(untroubled)
    for number in range(0, untroubled.files.operations, step):
        files = CrashingFiles(fail_at=number, failure=failure, keeps_failing=keeps_failing, seed=number)
        try:
            subject = Subject(files)
        except (ServerError, OSError):
            continue  # the store could not be made; nothing was promised
        script(subject)
        assert shown(subject.store) == subject.states[-1]
        if number % 2:
            subject.reopen_after_power_loss(number)
        else:
            subject.reopen_after_kill()
        subject.insert("db.z", [{"_id": 1}])  # what is written from here on counts as well
        subject.reopen_after_kill()


class CheckpointMachine(RuleBasedStateMachine):
    """Random operations, checkpoints, failures and crashes against the model."""

    namespaces = st.sampled_from(("db.a", "db.b", "other.a"))
    identities = st.lists(st.integers(0, 12), min_size=1, max_size=6, unique=True)

    @initialize(settings=st.sampled_from([SHORT_LOG, WHOLE_LOG]))
    def begin(self, settings: Settings) -> None:
        self.subject = Subject(CrashingFiles(), settings)

    @rule(namespace=namespaces, identities=identities, n=st.integers(0, 3))
    def insert(self, namespace: str, identities: list[int], n: int) -> None:
        self.subject.insert(namespace, [{"_id": identity, "n": n, "u": identity} for identity in identities])

    @rule(namespace=namespaces, identities=identities, n=st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2))
    def update(self, namespace: str, identities: list[int], n: Any) -> None:
        self.subject.update(namespace, identities, n=n)

    @rule(namespace=namespaces, identities=identities)
    def delete(self, namespace: str, identities: list[int]) -> None:
        self.subject.delete(namespace, identities)

    @rule(namespace=namespaces, definition=st.sampled_from([ANY, UNIQUE]))
    def create_index(self, namespace: str, definition: Definition) -> None:
        self.subject.create_index(namespace, definition)

    @rule(namespace=namespaces, definition=st.sampled_from([ANY, UNIQUE]))
    def drop_index(self, namespace: str, definition: Definition) -> None:
        self.subject.drop_index(namespace, definition["name"])

    @rule(namespace=namespaces)
    def drop(self, namespace: str) -> None:
        self.subject.drop(namespace)

    @rule(source=namespaces, new_name=namespaces)
    def rename(self, source: str, new_name: str) -> None:
        self.subject.rename(source, new_name)

    @rule()
    def checkpoint(self) -> None:
        self.subject.checkpoint()

    @rule(after=st.integers(0, 20), failure=st.sampled_from([Failure.NO_SPACE, Failure.IO_ERROR]))
    def fail_soon(self, after: int, failure: Failure) -> None:
        files = self.subject.files
        files._fail_at, files._failure = files.operations + after, failure

    @rule()
    def kill_and_reopen(self) -> None:
        self.subject.reopen_after_kill()

    @rule(seed=st.integers(0, 1_000))
    def lose_power_and_reopen(self, seed: int) -> None:
        self.subject.reopen_after_power_loss(seed)

    @precondition(lambda self: self.subject.settings is WHOLE_LOG)
    @rule()
    def replay_without_the_checkpoint(self) -> None:
        files = self.subject.files.kill()
        if files.exists("data/MANIFEST"):
            files.remove("data/MANIFEST")
        self.subject.reopen(files)
        assert shown(self.subject.store) == self.subject.states[-1]

    @invariant()
    def memory_shows_the_last_state(self) -> None:
        if hasattr(self, "subject"):
            assert shown(self.subject.store) == self.subject.states[-1]


TestCheckpointMachine = CheckpointMachine.TestCase
TestCheckpointMachine.settings = settings(max_examples=40, stateful_step_count=30)


def test_a_crash_while_it_recovers() -> None:
    """The first opening after a power loss stops at every step; the second one succeeds."""
    subject = Subject(CrashingFiles())
    script(subject)
    for seed in range(3):
        left = subject.files.crash(seed)
        for number in range(200):
            files = left.kill()
            files._fail_at, files._failure = number, Failure.STOP
            recovering = Subject.__new__(Subject)
            recovering.__dict__ |= {**subject.__dict__, "files": files}
            try:
                recovering.reopen(files)
                recovering.checkpoint()
            except MachineStopped:
                recovering.reopen(files.crash(number))
                assert shown(recovering.store) in subject.states[subject.durable :]
                continue
            break
        else:
            raise AssertionError("it never gets to its end")


@pytest.mark.parametrize("chosen", [SHORT_LOG, WHOLE_LOG], ids=["short log", "whole log"])
def test_closed_and_opened(chosen: Settings) -> None:
    subject = Subject(CrashingFiles(), chosen)
    script(subject)
    for _ in range(3):
        subject.store.close()
        subject.reopen(subject.files)
        assert shown(subject.store) == subject.states[-1]
        subject.insert("db.z", [{"_id": len(subject.states)}])
