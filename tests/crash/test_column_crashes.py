"""Columns in files, when the machine or the disk fails around a checkpoint: they are right, or they are not used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from amongo.engine.columns import EACH, Path, filing
from amongo.engine.columns.cache import columns_of
from amongo.engine.files.crashing import CrashingFiles, Failure
from amongo.errors import ServerError
from amongo.runtime.interrupts import NEVER
from tests.crash.checkpoint_workload import SHORT_LOG, State, Subject, shown
from tests.engine.column_rows import assert_exact

SETTINGS = replace(SHORT_LOG, column_file_count=1)
PATHS: tuple[Path, ...] = (("n",), ("u",), ("n", EACH))


@pytest.fixture(autouse=True)
def little_is_much() -> Iterator[None]:
    """Files are written anew after few changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filing, "COLUMN_FILE_STALE_COUNT", 1)
        yield


def subject_of(files: CrashingFiles, states: tuple[State, ...] = ({},), durable: int = 0) -> Subject:
    subject = Subject(files, SETTINGS, states, durable)
    subject.store.columns.segment_bits = 2
    return subject


def ask(subject: Subject) -> None:
    """Queries of all collections, whose answers are right."""
    for collection in subject.store.catalog.by_namespace.values():
        for paths in (PATHS[:1], PATHS):
            try:
                view, columns = columns_of(subject.store, collection, paths, NEVER)
            except (OSError, ServerError):
                continue
            assert_exact(view, columns, paths)


def script(subject: Subject) -> None:
    subject.insert("db.a", [{"_id": n, "n": n, "u": n} for n in range(14)])
    ask(subject)
    subject.checkpoint()
    subject.update("db.a", [1, 2, 3, 9], n="changed")
    subject.insert("db.a", [{"_id": n, "n": [n, None], "u": n} for n in range(14, 20)])
    subject.delete("db.a", [5, 6])
    ask(subject)
    subject.insert("db.b", [{"_id": n, "n": n} for n in range(3)])
    subject.checkpoint()
    subject.update("db.a", [10, 12], n=0.5)
    ask(subject)
    subject.checkpoint()
    subject.rename("db.a", "db.c")
    subject.update("db.c", [0, 1], u="after")


def test_the_script_writes_files_and_removes_them() -> None:
    subject = subject_of(CrashingFiles())
    script(subject)
    assert subject.checkpoints == 3
    trace = [step for step in subject.files.trace if "columns.arrow" in step]
    assert sum(step.startswith("remove") for step in trace) > 2
    assert any(".columns." in name for name in subject.files.list("data/snapshots"))


class Moments(CrashingFiles):
    """Keeps, before every operation, what a power loss or a kill at this moment may leave."""

    def __init__(self) -> None:
        super().__init__()
        self.subject: Subject | None = None
        self.kept: list[tuple[int, int, CrashingFiles]] = []

    def step(self, name: str, path: str) -> Failure | None:
        """Count one operation."""
        if self.subject is not None:
            number, states, durable = self.operations, len(self.subject.states), self.subject.durable
            self.kept.append((states, durable, self.crash(number)))
            if number % 4 == 0:
                self.kept.append((states, states - 1, self.kill()))
            self._is_off = False
        return super().step(name, path)


def test_the_machine_stops_at_every_moment() -> None:
    files = Moments()
    subject = files.subject = subject_of(files)
    script(subject)
    assert len(files.kept) > 200
    for states, durable, left in files.kept[::15]:
        found = subject_of(left, tuple(subject.states[: states + 1]), durable)
        ask(found)
        found.update("db.a", [1, 2, 11], n="later")
        ask(found)
        found.checkpoint()
        found.reopen(found.files.kill())
        assert shown(found.store) == found.states[-1]
        found.store.columns.segment_bits = 2
        ask(found)


@pytest.mark.parametrize("failure", [Failure.NO_SPACE, Failure.IO_ERROR], ids=["no space", "an error"])
@pytest.mark.parametrize("keeps_failing", [False, True], ids=["once", "from then on"])
def test_every_write_point(failure: Failure, keeps_failing: bool) -> None:
    untroubled = subject_of(CrashingFiles())
    script(untroubled)
    for number in range(3, untroubled.files.operations, 61):
        files = CrashingFiles(fail_at=number, failure=failure, keeps_failing=keeps_failing, seed=number)
        try:
            subject = subject_of(files)
        except (ServerError, OSError):
            continue  # the store could not be made
        script(subject)
        ask(subject)
        subject.reopen(subject.files.crash(number) if number % 2 else subject.files.kill())
        subject.states = [shown(subject.store)]
        subject.store.columns.segment_bits = 2
        ask(subject)
