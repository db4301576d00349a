"""What a store promises when the machine, the disk or the process fails around a checkpoint, against a plain model."""

from __future__ import annotations

import pytest

from amongo.engine.files.crashing import CrashingFiles, Failure, MachineStopped
from amongo.errors import ServerError
from tests.crash.checkpoint_workload import SHORT_LOG, WHOLE_LOG, Subject, script, shown


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


CASES = [
    ("the machine stops", Failure.STOP, False, 1),
    ("no space, once", Failure.NO_SPACE, False, 7),
    ("no space from then on", Failure.NO_SPACE, True, 7),
    ("an error, once", Failure.IO_ERROR, False, 7),
    ("errors from then on", Failure.IO_ERROR, True, 7),
]


@pytest.mark.parametrize(("name", "failure", "keeps_failing", "step"), CASES, ids=[name for name, *_ in CASES])
def test_every_write_point(name: str, failure: Failure, keeps_failing: bool, step: int) -> None:
    untroubled = Subject(CrashingFiles())
    script(untroubled)
    for number in range(0, untroubled.files.operations, step):
        for loses_power in (False, True):
            files = CrashingFiles(fail_at=number, failure=failure, keeps_failing=keeps_failing, seed=number)
            try:
                subject = Subject(files)
            except (ServerError, OSError, MachineStopped):
                continue  # the store could not be made; nothing was promised
            try:
                script(subject)
                assert shown(subject.store) == subject.states[-1]
            except MachineStopped:
                pass
            if loses_power:
                subject.reopen_after_power_loss(number, untroubled.states)
            else:
                subject.reopen_after_kill(untroubled.states)
            subject.insert("db.z", [{"_id": 1}])  # what is written from here on counts as well
            subject.reopen_after_kill()


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


@pytest.mark.parametrize("settings", [SHORT_LOG, WHOLE_LOG], ids=["short log", "whole log"])
def test_closed_and_opened(settings) -> None:
    subject = Subject(CrashingFiles(), settings)
    script(subject)
    for _ in range(3):
        subject.store.close()
        subject.reopen(subject.files)
        assert shown(subject.store) == subject.states[-1]
        subject.insert("db.z", [{"_id": len(subject.states)}])
