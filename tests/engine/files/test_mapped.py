"""Files written through a shared map hold what a plain file would, and zeros behind it until they are closed."""

from __future__ import annotations

import errno
import mmap
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.engine.files import CrashingFiles, DiskFiles, Failure, MachineStopped, mapped
from amongo.engine.files.disk import _DiskAppendFile
from amongo.engine.files.mapped import MappedAppendFile
from amongo.runtime.limits import (
    MAPPED_BLOCK_BYTES,
    MAPPED_WINDOW_BYTES,
    RESERVED_BYTES_LEAST,
    RESERVED_BYTES_MOST,
)
from tests.engine.files.small_disks import small_disk

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(not mapped.CAN_MAP, reason="files are mapped on Linux only")

__all__ = ["small_disk"]


@pytest.fixture(autouse=True)
def trust_every_file_system(monkeypatch):
    """So that the tests map files wherever their directory is."""
    monkeypatch.setattr(mapped, "writes_in_place", lambda descriptor: True)
    monkeypatch.setattr("amongo.engine.files.disk.writes_in_place", lambda descriptor: True)


def open_mapped(path: Path | str) -> MappedAppendFile:
    file = DiskFiles().open_append(str(path), create=True, may_reserve=True)
    assert isinstance(file, MappedAppendFile)
    return file


def seen(path: Path | str, size: int) -> bytes:
    """The first bytes of a file, once it is sure that only zeros follow."""
    content = DiskFiles().read(str(path))
    assert not any(content[size:])
    return content[:size]


def test_what_is_written_is_seen_at_once_and_closing_cuts_the_rest(tmp_path):
    file = open_mapped(tmp_path / "a")
    for block in (b"one", bytearray(b"two"), memoryview(b"three"), b""):
        file.write(block)
    assert file.size == 11 and seen(tmp_path / "a", 11) == b"onetwothree"
    assert os.path.getsize(tmp_path / "a") >= RESERVED_BYTES_LEAST
    file.sync()
    file.close()
    file.close()
    assert DiskFiles().read(str(tmp_path / "a")) == b"onetwothree"
    with pytest.raises(OSError):
        file.write(b"x")


def test_nothing_is_reserved_before_something_is_written(tmp_path):
    file = open_mapped(tmp_path / "a")
    file.write(b"")
    file.close()
    assert os.path.getsize(tmp_path / "a") == 0


def test_truncating_leaves_no_trace(tmp_path):
    file = open_mapped(tmp_path / "a")
    file.write(b"x" * 10_000)
    file.truncate(4_000)
    assert file.size == 4_000 == os.path.getsize(tmp_path / "a")
    file.write(b"y")
    assert seen(tmp_path / "a", 4_001) == b"x" * 4_000 + b"y"
    file.truncate(0)
    file.write(b"z" * (MAPPED_BLOCK_BYTES + 1))
    file.truncate(1)
    file.close()
    assert DiskFiles().read(str(tmp_path / "a")) == b"z"


def test_reopened_files_go_on_at_their_end(tmp_path):
    expected = b""
    for number in range(20):
        file = open_mapped(tmp_path / "a")
        assert file.size == len(expected)
        block = bytes([number + 1]) * (number * 700)
        file.write(block)
        expected += block
        file.close()
    assert DiskFiles().read(str(tmp_path / "a")) == expected


SIZES = (
    st.integers(0, 300)
    | st.integers(0, 3 * MAPPED_BLOCK_BYTES)
    | st.sampled_from([MAPPED_BLOCK_BYTES, MAPPED_BLOCK_BYTES + 1, MAPPED_WINDOW_BYTES, RESERVED_BYTES_LEAST])
)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.just("write"), SIZES)
        | st.tuples(st.just("truncate"), st.floats(0, 1))
        | st.tuples(st.sampled_from(["sync", "reopen", "renew"]), st.none()),
        max_size=25,
    )
)
def test_mapped_files_hold_what_plain_files_hold(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("mapped") / "a"
    file, expected = open_mapped(path), bytearray()
    for number, (step, argument) in enumerate(steps):
        if step == "write":
            block = random.Random(number).randbytes(argument)
            file.write(block)
            expected += block
        elif step == "truncate":
            del expected[int(len(expected) * argument) :]
            file.truncate(len(expected))
        elif step == "sync":
            file.sync()
        elif step == "renew":
            DiskFiles().renew(str(path), len(expected) // 2)
        else:
            file.close()
            file = open_mapped(path)
        assert file.size == len(expected) and seen(path, file.size) == expected
    file.close()
    assert DiskFiles().read(str(path)) == expected


def test_reserves_grow_with_the_file_and_stay_bounded(tmp_path):
    file = open_mapped(tmp_path / "a")
    reserves = []
    for _ in range(40):
        file.write(b"x" * 1_000_000)
        file.write(b"y")
        reserves.append(os.path.getsize(tmp_path / "a") - file.size)
    file.close()
    assert reserves[0] < 2 * RESERVED_BYTES_LEAST and max(reserves) > 4 * RESERVED_BYTES_LEAST
    assert max(reserves) <= RESERVED_BYTES_MOST + mmap.ALLOCATIONGRANULARITY


def test_syncing_while_another_thread_appends(tmp_path):
    file = open_mapped(tmp_path / "a")
    chance, done, failures = random.Random(1), threading.Event(), []

    def sync() -> None:
        try:
            while not done.is_set():
                file.sync()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=sync) for _ in range(2)]
    for thread in threads:
        thread.start()
    expected = bytearray()
    for number in range(4_000):
        block = bytes([number % 255 + 1]) * chance.choice((10, 200, 3_000, 70_000 if number % 40 == 0 else 1))
        file.write(block)
        expected += block
        if number % 500 == 499:
            del expected[-1_000:]
            file.truncate(len(expected))
    done.set()
    for thread in threads:
        thread.join()
    file.close()
    assert not failures and DiskFiles().read(str(tmp_path / "a")) == expected


WRITER = """
import os, sys
from amongo.engine.files import DiskFiles, disk
disk.writes_in_place = lambda descriptor: True
file = DiskFiles().open_append(sys.argv[1], create=True, may_reserve=True)
for number in range(10_000_000):
    file.write(b"%09d\\n" % number)
    if number % 100 == 0:
        os.write(1, b"%09d\\n" % number)
"""


def test_what_was_written_outlives_sigkill(tmp_path):
    path = tmp_path / "a"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=ROOT) as writer:
        assert writer.stdout is not None
        for _ in range(400):
            told = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    content = DiskFiles().read(str(path)).rstrip(b"\0")
    numbers = [int(line) for line in content.split(b"\n")[: told + 1]]
    assert numbers == list(range(told + 1))


# What the system refuses


def failing(monkeypatch, *errors: int):
    """Let posix_fallocate reserve a half and fail with these errors, one a call; it succeeds from then on."""
    real, upcoming, calls = os.posix_fallocate, list(errors), []

    def fallocate(descriptor: int, offset: int, length: int) -> None:
        calls.append((offset, length))
        real(descriptor, offset, length if not upcoming else length // 2)
        if upcoming:
            number = upcoming.pop(0)
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", fallocate)
    return calls


def test_only_file_systems_that_write_in_place_are_mapped(tmp_path, monkeypatch):
    monkeypatch.undo()
    descriptor = os.open(tmp_path, os.O_RDONLY)
    assert mapped.file_system(descriptor) != ""
    for kinds, expected in ((frozenset({mapped.file_system(descriptor)}), MappedAppendFile), ((), _DiskAppendFile)):
        monkeypatch.setattr(mapped, "IN_PLACE", kinds)
        file = DiskFiles().open_append(str(tmp_path / "a"), create=True, may_reserve=True)
        assert type(file) is expected
        file.close()
    os.close(descriptor)


@pytest.mark.parametrize(("name", "expected"), [("mountinfo", "strange"), ("none", "")])
def test_the_file_system_is_told_by_the_table_of_mounts(tmp_path, monkeypatch, name, expected):
    device = os.stat(tmp_path).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    table = f"20 1 999:1 / / rw - ext4 /dev/a rw\n21 20 {number} / /x rw,relatime shared:3 - strange /dev/b rw\n"
    (tmp_path / "mountinfo").write_text(table)
    monkeypatch.setattr(mapped, "_MOUNTS", str(tmp_path / name))
    descriptor = os.open(tmp_path, os.O_RDONLY)
    assert mapped.file_system(descriptor) == expected
    os.close(descriptor)


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EINVAL])
def test_without_reserving_the_file_is_written_by_system_calls(tmp_path, monkeypatch, number):
    calls = failing(monkeypatch, number)
    file = open_mapped(tmp_path / "a")
    file.write(b"one")
    file.write(b"two")
    assert seen(tmp_path / "a", 6) == b"onetwo" and len(calls) == 1
    file.truncate(3)
    file.write(b"!")
    file.close()
    assert DiskFiles().read(str(tmp_path / "a")) == b"one!"


def test_without_mapping_the_file_is_written_by_system_calls(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    monkeypatch.setattr(mmap, "mmap", refuse)
    file = open_mapped(tmp_path / "a")
    file.write(b"one")
    file.write(b"two")
    assert seen(tmp_path / "a", 6) == b"onetwo"
    file.close()
    assert DiskFiles().read(str(tmp_path / "a")) == b"onetwo"


def test_where_space_is_scarce_no_more_is_reserved_than_needed(tmp_path, monkeypatch):
    calls = failing(monkeypatch, errno.ENOSPC)
    file = open_mapped(tmp_path / "a")
    for _ in range(3 * mmap.ALLOCATIONGRANULARITY // 1000):
        file.write(b"x" * 1000)
    assert os.path.getsize(tmp_path / "a") - file.size < mmap.ALLOCATIONGRANULARITY
    assert max(length for _, length in calls[1:]) <= 2 * mmap.ALLOCATIONGRANULARITY
    file.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG])
def test_a_failed_reservation_is_an_error_of_the_write(tmp_path, monkeypatch, number):
    file = open_mapped(tmp_path / "a")
    file.write(b"kept")
    file.truncate(4)
    failing(monkeypatch, number, number)
    with pytest.raises(OSError) as caught:
        file.write(b"refused")
    assert caught.value.errno == number
    assert file.size == 4 and DiskFiles().read(str(tmp_path / "a")) == b"kept"
    file.write(b" and more")
    file.close()
    assert DiskFiles().read(str(tmp_path / "a")) == b"kept and more"


def test_a_failed_reservation_takes_nothing_of_what_system_calls_wrote(tmp_path, monkeypatch):
    file, block = open_mapped(tmp_path / "a"), random.Random(1).randbytes(2 * RESERVED_BYTES_LEAST)
    file.write(b"before")
    file.write(block)
    failing(monkeypatch, errno.ENOSPC, errno.ENOSPC)
    with pytest.raises(OSError):
        file.write(b"refused")
    file.write(b"behind")
    assert seen(tmp_path / "a", file.size) == b"before" + block + b"behind"
    file.close()


def test_a_long_block_that_stops_short_goes_on(tmp_path, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, block, at: real(descriptor, bytes(block[:30_000]), at))
    file, block = open_mapped(tmp_path / "a"), random.Random(1).randbytes(MAPPED_WINDOW_BYTES + 1)
    file.write(b"before")
    file.write(block)
    file.write(b"behind")
    assert seen(tmp_path / "a", file.size) == b"before" + block + b"behind"
    monkeypatch.setattr(os, "pwrite", lambda descriptor, block, at: 0)
    with pytest.raises(OSError) as caught:
        file.write(block)
    assert caught.value.errno == errno.ENOSPC
    file.close()


FILLER = """
import sys
from amongo.engine.files import DiskFiles
path, size = sys.argv[1], int(sys.argv[2])
file = DiskFiles().open_append(path, create=True, may_reserve=True)
print(type(file).__name__)
written = 0
try:
    while True:
        file.write(b"x" * size)
        written += size
except OSError as error:
    print(error.errno)
file.truncate(written)
file.sync()
assert DiskFiles().read(path) == b"x" * written
file.truncate(1000)
file.write(b"y" * size)
file.close()
assert DiskFiles().read(path) == b"x" * 1000 + b"y" * size
print(written)
"""


@pytest.mark.parametrize("size", [300, 50_000, 300_000])
def test_a_full_disk_is_an_error_and_never_a_signal(small_disk, size):
    result = subprocess.run(
        [sys.executable, "-c", FILLER, str(small_disk.path / "a"), str(size)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert result.returncode == 0, result.stderr
    kind, number, written = result.stdout.split()
    assert kind == "MappedAppendFile" and int(number) == errno.ENOSPC
    assert int(written) > 0.95 * small_disk.free_bytes - size  # the rest is for what the file system notes


# The crashing double reserves as well


def reserved_file(**options) -> tuple[CrashingFiles, object]:
    files = CrashingFiles(**options)
    files.make_directory("d")
    file = files.open_append("d/a", create=True, may_reserve=True)
    files.sync_directory("d")
    return files, file


def test_the_double_leaves_zeros_when_the_process_dies():
    files, file = reserved_file()
    file.write(b"written")
    assert file.size == 7
    content = files.kill().read("d/a")
    assert content[:7] == b"written" and len(content) > 7 and not any(content[7:])


def test_the_double_cuts_the_zeros_when_closed():
    files, file = reserved_file()
    file.write(b"written")
    file.close()
    file.close()
    assert files.read("d/a") == b"written"
    again = files.open_append("d/a", may_reserve=True)
    again.write(b" again")
    again.close()
    assert files.read("d/a") == b"written again"


def test_the_double_loses_any_unsynced_part_behind_zeros():
    outcomes = set()
    for seed in range(200):
        files, file = reserved_file()
        file.write(b"s" * 600)
        file.sync()
        for _ in range(3):
            file.write(b"u" * 600)
        outcomes.add(files.crash(seed).read("d/a"))
    assert all(outcome[:600] == b"s" * 600 for outcome in outcomes)
    assert any(not any(outcome[600:]) and len(outcome) > 600 for outcome in outcomes), "no zeros alone"
    assert any(b"u\0" in outcome[600:] for outcome in outcomes), "no zeros behind frames"
    assert any(b"\0u" in outcome[600:] for outcome in outcomes), "no zeros before frames"


@pytest.mark.parametrize("failure", [Failure.NO_SPACE, Failure.STOP])
def test_the_double_fails_to_reserve(failure):
    files, file = reserved_file()
    files._fail_at, files._failure = files.operations, failure
    with pytest.raises(OSError if failure is Failure.NO_SPACE else MachineStopped):
        file.write(b"x")
    assert files.trace[-1] == "reserve d/a" and file.size == 0 and not any(files.kill().read("d/a"))
