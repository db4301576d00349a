"""Every file system keeps the same contract; the crashing one loses what it may and nothing else."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from amongo.engine.files import LOCK_NAME, CrashingFiles, DiskFiles, Failure, MachineStopped, MemoryFiles
from amongo.errors import ErrorCode, ServerError

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["disk", "memory", "crashing"])
def place(request, tmp_path):
    """(files, an existing directory)."""
    if request.param == "disk":
        return DiskFiles(), str(tmp_path)
    files = MemoryFiles() if request.param == "memory" else CrashingFiles()
    files.make_directory("/top")
    return files, "/top"


def test_append_read_truncate(place):
    files, top = place
    file = files.open_append(f"{top}/a", create=True)
    file.write(b"one")
    file.write(bytearray(b"two"))
    file.write(memoryview(b"three"))
    file.sync()
    assert file.size == 11 and files.read(f"{top}/a") == b"onetwothree" and files.read(f"{top}/a", 4) == b"onet"
    assert files.size(f"{top}/a") == 11 and files.read(f"{top}/a", 4, 3) == b"twot"
    assert files.read(f"{top}/a", offset=6) == b"three" and files.read(f"{top}/a", offset=20) == b""
    file.truncate(4)
    file.write(b"!")
    assert files.read(f"{top}/a") == b"onet!"
    file.close()
    file.close()
    again = files.open_append(f"{top}/a")
    again.write(b"?")
    assert files.read(f"{top}/a") == b"onet!?"


def test_renewing_changes_nothing_that_is_seen(place):
    files, top = place
    files.open_append(f"{top}/a", create=True).write(bytes(range(256)) * 10)
    files.renew(f"{top}/a", 300)
    files.renew(f"{top}/a", 2560)
    assert files.read(f"{top}/a") == bytes(range(256)) * 10


def test_directories(place):
    files, top = place
    files.make_directory(f"{top}/x/y/z")
    files.make_directory(f"{top}/x/y/z")
    files.open_append(f"{top}/x/file", create=True)
    assert files.list(f"{top}/x") == ["file", "y"] and files.list(f"{top}/x/y/z") == []
    assert files.exists(f"{top}/x/y") and files.exists(f"{top}/x/file") and not files.exists(f"{top}/x/none/deep")
    files.sync_directory(f"{top}/x")


def test_rename_replaces_and_remove_removes(place):
    files, top = place
    files.open_append(f"{top}/new", create=True).write(b"new")
    files.open_append(f"{top}/old", create=True).write(b"old")
    files.rename(f"{top}/new", f"{top}/old")
    assert files.list(top) == ["old"] and files.read(f"{top}/old") == b"new"
    files.remove(f"{top}/old")
    assert files.list(top) == []


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("open", lambda files, top: files.open_append(f"{top}/none")),
        ("read", lambda files, top: files.read(f"{top}/none")),
        ("size", lambda files, top: files.size(f"{top}/none")),
        ("renew", lambda files, top: files.renew(f"{top}/none", 0)),
        ("rename", lambda files, top: files.rename(f"{top}/none", f"{top}/other")),
        ("remove", lambda files, top: files.remove(f"{top}/none")),
        ("list", lambda files, top: files.list(f"{top}/none")),
        ("create without directory", lambda files, top: files.open_append(f"{top}/none/file", create=True)),
    ],
)
def test_what_is_not_there_is_not_found(place, name, call):
    files, top = place
    with pytest.raises(FileNotFoundError):
        call(files, top)


def test_a_store_has_one_owner(place):
    files, top = place
    lock = files.lock(top)
    for shared in (False, True):
        with pytest.raises(ServerError, match=rf"in use by process {os.getpid()};") as caught:
            files.lock(top, shared=shared)
        assert caught.value.code == ErrorCode.DBPathInUse
    lock.release()
    lock.release()
    files.lock(top).release()


def test_locking_a_file_or_nothing_is_told(place):
    files, top = place
    files.open_append(f"{top}/file", create=True)
    with pytest.raises(ServerError, match="is a file") as caught:
        files.lock(f"{top}/file")
    assert caught.value.code == ErrorCode.InvalidPath
    with pytest.raises(ServerError) as caught:
        files.lock(f"{top}/none")
    assert caught.value.code == ErrorCode.NonExistentPath
    for path in (f"{top}/file", f"{top}/file/below"):
        with pytest.raises(ServerError, match="is a file") as caught:
            files.make_directory(path)
        assert caught.value.code == ErrorCode.InvalidPath


def test_readers_keep_owners_away_and_write_nothing(tmp_path):
    files, top = DiskFiles(), str(tmp_path)
    files.lock(top, shared=True).release()
    assert os.listdir(top) == []
    files.lock(top).release()
    before = os.stat(tmp_path / LOCK_NAME).st_mtime_ns
    first, second = files.lock(top, shared=True), files.lock(top, shared=True)
    with pytest.raises(ServerError, match="in use"):
        files.lock(top)
    first.release()
    second.release()
    assert os.stat(tmp_path / LOCK_NAME).st_mtime_ns == before
    files.lock(top).release()


def test_another_process_is_named_and_its_death_frees_the_store(tmp_path):
    code = "import sys; from amongo.engine.files import DiskFiles; l = DiskFiles().lock(sys.argv[1]); print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        with pytest.raises(ServerError, match=rf"in use by process {owner.pid};"):
            DiskFiles().lock(str(tmp_path))
        owner.kill()
        owner.wait()
    DiskFiles().lock(str(tmp_path)).release()


def test_a_disk_write_that_stops_short_goes_on(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, block: real(descriptor, bytes(block[:3])))
    file = DiskFiles().open_append(str(tmp_path / "a"), create=True)
    file.write(b"0123456789")
    assert DiskFiles().read(str(tmp_path / "a")) == b"0123456789"
    monkeypatch.setattr(os, "write", lambda descriptor, block: 0)
    with pytest.raises(OSError) as caught:
        file.write(b"x")
    assert caught.value.errno == errno.ENOSPC


# The crashing file system


def unsynced(seed: int) -> bytes | None:
    """What a power loss leaves of 1000 synced and 3000 unsynced bytes; None if the file is gone."""
    files = CrashingFiles()
    files.make_directory("d")
    file = files.open_append("d/a", create=True)
    file.write(b"s" * 1000)
    file.sync()
    files.sync_directory("d")
    for _ in range(3):
        file.write(b"u" * 1000)
    after = files.crash(seed)
    return after.read("d/a") if after.exists("d/a") else None


def test_a_power_loss_keeps_what_was_synced_and_any_part_of_the_rest():
    outcomes = {unsynced(seed) for seed in range(200)}
    assert all(outcome is not None and outcome[:1000] == b"s" * 1000 for outcome in outcomes)
    sizes = {len(outcome) for outcome in outcomes if outcome}
    assert 1000 in sizes and 4000 in sizes and len(sizes) > 20
    assert any(b"\0" in outcome[1000:] and outcome.endswith(b"u") for outcome in outcomes if outcome), "no hole"


def test_a_name_lasts_only_with_its_directory_synced():
    outcomes = set()
    for seed in range(50):
        files = CrashingFiles()
        files.make_directory("d")
        file = files.open_append("d/a", create=True)
        file.write(b"x")
        file.sync()
        after = files.crash(seed)
        outcomes.add(after.exists("d/a"))
    assert outcomes == {True, False}


def test_a_rename_is_seen_before_or_after():
    outcomes = set()
    for seed in range(50):
        files = CrashingFiles()
        files.make_directory("d")
        for name, content in (("d/MANIFEST", b"old"), ("d/new", b"new")):
            file = files.open_append(name, create=True)
            file.write(content)
            file.sync()
        files.sync_directory("d")
        files.rename("d/new", "d/MANIFEST")
        after = files.crash(seed)
        outcomes.add((after.read("d/MANIFEST"), after.exists("d/new")))
    assert outcomes == {(b"old", True), (b"new", False)}


def test_the_death_of_a_process_loses_nothing_and_syncs_nothing():
    files = CrashingFiles()
    files.make_directory("d")
    files.sync_directory("d")
    files.open_append("d/a", create=True).write(b"written")
    after = files.kill()
    assert after.read("d/a") == b"written"
    with pytest.raises(MachineStopped):
        files.read("d/a")
    outcomes = {after.crash(seed).exists("d/a") for seed in range(50)}
    assert outcomes == {True, False}


def test_a_failed_sync_is_not_mended_by_the_next():
    losses = 0
    for seed in range(30):
        files = CrashingFiles(seed=seed)
        files.make_directory("d")
        file = files.open_append("d/a", create=True)
        files.sync_directory("d")
        file.write(b"x" * 100)
        files._fail_at, files._failure = files.operations, Failure.IO_ERROR
        with pytest.raises(OSError):
            file.sync()
        file.sync()
        assert files.read("d/a") == b"x" * 100
        losses += files.crash(seed).read("d/a") != b"x" * 100
    assert losses > 5


def test_renewing_mends_a_failed_sync():
    for seed in range(30):
        files = CrashingFiles(seed=seed)
        files.make_directory("d")
        file = files.open_append("d/a", create=True)
        files.sync_directory("d")
        file.write(b"x" * 100)
        files._fail_at, files._failure = files.operations, Failure.IO_ERROR
        with pytest.raises(OSError):
            file.sync()
        files.renew("d/a", 0)
        assert files.crash(seed).read("d/a") == b"x" * 100


@pytest.mark.parametrize(
    ("failure", "number"), [(Failure.NO_SPACE, errno.ENOSPC), (Failure.IO_ERROR, errno.EIO), (Failure.STOP, None)]
)
def test_a_failing_write_leaves_a_part(failure, number):
    files = CrashingFiles(seed=3)
    files.make_directory("d")
    file = files.open_append("d/a", create=True)
    files._fail_at, files._failure = files.operations, failure
    with pytest.raises(MachineStopped if number is None else OSError) as caught:
        file.write(b"x" * 100)
    assert getattr(caught.value, "errno", None) == number
    assert files.kill().read("d/a").ljust(100, b"x") == b"x" * 100


def test_a_failing_write_may_leave_all():
    sizes = set()
    for seed in range(40):
        files = CrashingFiles(seed=seed, may_leave_all=True)
        files.make_directory("d")
        file = files.open_append("d/a", create=True)
        files._fail_at, files._failure = files.operations, Failure.NO_SPACE
        with pytest.raises(OSError):
            file.write(b"x" * 100)
        sizes.add(file.size)
    assert 100 in sizes and len(sizes) > 10


def test_mapping(place):
    files, top = place
    content = bytes(range(256)) * 1024
    file = files.open_append(f"{top}/a", create=True)
    file.write(content)
    file.sync()
    part = files.map(f"{top}/a", 65536, 1000)
    assert part[:] == content[65536:66536] and part[5:9] == content[65541:65545] and len(part) == 1000
    assert memoryview(part).cast("I")[1] == int.from_bytes(content[4:8], "little")
    assert files.map(f"{top}/a", 0, len(content))[:] == content
    with pytest.raises(ValueError):
        files.map(f"{top}/a", 65536, len(content))
    with pytest.raises(FileNotFoundError):
        files.map(f"{top}/b", 0, 1)
    files.remove(f"{top}/a")
    assert part[:4] == content[65536:65540]
    assert files.window_bytes >= 65536 and not files.window_bytes & (files.window_bytes - 1)
