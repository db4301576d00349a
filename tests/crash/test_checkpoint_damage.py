"""Damaged snapshot files and MANIFESTs: told by name, never served, and written anew where the log covers them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from amongo.engine.files.crashing import CrashingFiles
from amongo.errors import ErrorCode, ServerError
from tests.crash.checkpoint_workload import ANY, SHORT_LOG, WHOLE_LOG, State, Subject, opened, shown


def filled(subject: Subject) -> Subject:
    """A store whose every document and key is in snapshot files, in more than one of each kind."""
    for first, end in ((0, 300), (300, 400)):
        subject.insert("db.a", [{"_id": n, "n": n % 7, "t": "x" * 40} for n in range(first, end)])
        subject.create_index("db.a", ANY)
        subject.checkpoint()
    assert subject.checkpoints == 2
    return subject


@pytest.fixture(scope="module")
def short() -> Subject:
    """Its log has nothing that the checkpoint has."""
    return filled(Subject(CrashingFiles(), SHORT_LOG))


@pytest.fixture(scope="module")
def whole() -> Subject:
    """Its log has everything from the beginning."""
    return filled(Subject(CrashingFiles(), replace(WHOLE_LOG, log_file_bytes=1_000_000)))


def snapshot_files(subject: Subject) -> list[str]:
    """The MANIFEST and what it names."""
    return ["data/MANIFEST", *(f"data/snapshots/{name}" for name in subject.files.list("data/snapshots"))]


def damaged(subject: Subject, path: str, way: str) -> CrashingFiles:
    """The store's files after the death of the process, one of them damaged."""
    files = subject.files.kill()
    subject.files._is_off = False
    content = files._inode(path).content
    if way == "gone":
        files.remove(path)
    elif way == "empty":
        del content[:]
    elif way == "cut short":
        del content[-(len(content) // 3) :]
    else:
        position = {"first bit": 0, "a bit in the middle": len(content) // 2, "last bit": len(content) - 1}[way]
        files.damage(path, position, 0x10)
    return files


WAYS = ["first bit", "a bit in the middle", "last bit", "cut short", "empty", "gone"]


def read_or_told(subject: Subject, files: CrashingFiles, path: str) -> State | None:
    """What the store shows; None if it says that the damaged file is damaged, at the opening or later."""
    try:
        return shown(opened(files, subject.clock, subject.settings))
    except ServerError as error:
        assert error.code == ErrorCode.DataCorruptionDetected
        assert path in error.message
        return None


@pytest.mark.parametrize("way", WAYS)
def test_damage_is_told_or_does_no_harm(short: Subject, way: str) -> None:
    told = 0
    for path in snapshot_files(short):
        state = read_or_told(short, damaged(short, path, way), path)
        if state is None:
            told += 1
        else:
            assert state == short.states[-1], path
    assert told == len(snapshot_files(short))


@pytest.mark.parametrize("way", WAYS)
def test_what_the_log_covers_is_written_anew(whole: Subject, way: str) -> None:
    rebuilt = 0
    for path in snapshot_files(whole):
        files = damaged(whole, path, way)
        state = read_or_told(whole, files, path)
        if state is None:
            continue  # a page that is found to be damaged when it is read, long after the opening
        assert state == whole.states[-1], path
        again = opened(files.kill(), whole.clock, whole.settings)
        assert shown(again) == whole.states[-1], path
        rebuilt += 1
    assert rebuilt >= (1 if "bit" in way else len(snapshot_files(whole)) // 2)
