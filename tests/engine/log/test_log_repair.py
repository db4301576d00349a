"""`check` reports and changes nothing; `repair` salvages what verifies; the command line shows both."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from amongo import cli
from amongo.engine.files import DiskFiles, MemoryFiles
from amongo.engine.log import Log, entry
from amongo.engine.log.format import HEADER_BYTES
from amongo.engine.repair import check, repair
from amongo.engine.settings import Settings
from amongo.errors import ErrorCode, ServerError
from amongo.runtime.clock import ManualClock

HEAD = bson.encode({"op": "i", "ns": "test.things"})
UUID = b"the store's uuid"
FIRST, SECOND = "store/log/0000000001.log", "store/log/0000000002.log"


def commit(number: int) -> bytes:
    return entry(2 * number, HEAD, [bson.encode({"_id": number})]) + entry(2 * number + 1, HEAD, [])


FRAME = 29 + len(commit(0))
MARK = 29 + 32
COMMITS = 9
ROOT = Path(__file__).parents[3]


def open_log(files, directory="store"):
    log = Log.open(
        directory,
        files,
        ManualClock(),
        settings=Settings(log_file_bytes=3 * FRAME),
        has_service=False,
        new_uuid=lambda: UUID,
    )
    return log, [(frame.sequence, frame.entries()[0].record_id // 2) for frame in log.replay()]


def make_store(files, directory="store", closes=True) -> None:
    log, _ = open_log(files, directory)
    for number in range(COMMITS):
        log.append(commit(number))
        if number % 3 == 2:
            log.sync_now()
    if closes:
        log.close()


@pytest.fixture
def files() -> MemoryFiles:
    files = MemoryFiles()
    make_store(files)
    return files


def content_of(files: MemoryFiles) -> dict[str, bytes]:
    return {name: files.read(f"store/log/{name}") for name in files.list("store/log")}


def alter(files: MemoryFiles, path: str, content: bytes) -> None:
    file = files.open_append(path, create=True)
    file.truncate(0)
    file.write(content)


def flip(files: MemoryFiles, path: str, offset: int) -> None:
    content = bytearray(files.read(path))
    content[offset] ^= 0x20
    alter(files, path, bytes(content))


def test_check_counts_what_is_there(files):
    report = check("store", files=files)
    assert report.is_sound and report.refusal is None and report.cut is None
    assert sum(file.frames for file in report.files) == COMMITS
    assert sum(file.entries for file in report.files) == 2 * COMMITS
    assert [file.name for file in report.files] == files.list("store/log")
    assert [file.file_bytes for file in report.files] == [len(raw) for raw in content_of(files).values()]
    sequences = [(file.first_sequence, file.last_sequence) for file in report.files if file.frames]
    assert sequences == sorted(sequences) and sequences[0][0] % (1 << 32) == 1
    assert all(file.damage is None and file.damaged_bytes == 0 for file in report.files)


def test_check_names_the_first_damage_and_what_verifies_behind_it(files):
    flip(files, FIRST, HEADER_BYTES + FRAME + 30)
    before = content_of(files)
    report = check("store", files=files)
    assert not report.is_sound and f"at byte {HEADER_BYTES + FRAME}" in (report.refusal or "")
    damage = report.files[0].damage
    assert damage is not None and (damage.file, damage.offset) == ("0000000001.log", HEADER_BYTES + FRAME)
    assert "checksum" in damage.reason
    assert report.files[0].frames == 2 and report.files[0].damaged_bytes == FRAME
    assert report.files[1].damage is None
    assert content_of(files) == before


def test_check_tells_a_torn_tail_from_damage(files):
    last = "store/log/" + files.list("store/log")[-1]
    files.open_append(last).write(b"half a frame")
    report = check("store", files=files)
    assert report.is_sound and report.cut is not None and report.cut.lost_bytes == len(b"half a frame")


@pytest.mark.parametrize("zeros", [1, 30, 5000])
def test_zeros_behind_the_last_frames_are_neither_damage_nor_loss(files, zeros):
    for name in files.list("store/log"):
        files.open_append(f"store/log/{name}").write(bytes(zeros))
    report = check("store", files=files)
    assert report.is_sound and report.cut is None
    assert all(file.damage is None and file.damaged_bytes == 0 for file in report.files)
    repaired = repair("store", "out", files=files)
    assert repaired.losses == () and repaired.frames == COMMITS


def test_zeros_behind_a_torn_frame_are_not_counted(files):
    last = "store/log/" + files.list("store/log")[-1]
    files.open_append(last).write(b"half a frame" + bytes(5000))
    report = check("store", files=files)
    assert report.is_sound and report.cut is not None and report.cut.lost_bytes == len(b"half a frame")
    assert report.files[-1].damaged_bytes == len(b"half a frame")
    assert [loss.lost_bytes for loss in repair("store", "out", files=files).losses] == [len(b"half a frame")]


def test_frames_turned_to_zeros_are_a_loss(files):
    content = files.read(FIRST)
    start = HEADER_BYTES + FRAME
    alter(files, FIRST, content[:start] + bytes(len(content) - start))
    report = check("store", files=files)
    assert not report.is_sound and f"at byte {start}" in (report.refusal or "")
    (loss,) = repair("store", "out", files=files).losses
    assert (loss.file, loss.offset, loss.lost_bytes) == ("0000000001.log", start, len(content) - start)
    assert "ends early" in loss.reason


def test_check_of_a_store_in_use_is_refused(files):
    lock = files.lock("store")
    with pytest.raises(ServerError) as caught:
        check("store", files=files)
    assert caught.value.code == ErrorCode.DBPathInUse
    lock.release()


@pytest.mark.parametrize("path", ["none", "empty"])
def test_what_is_no_store_is_told(files, path):
    files.make_directory("empty")
    for call in (lambda: check(path, files=files), lambda: repair(path, "out", files=files)):
        with pytest.raises(ServerError) as caught:
            call()
        assert caught.value.code == ErrorCode.NonExistentPath
    assert not files.exists("out")


def test_repair_of_a_sound_store_copies_it(files):
    before = content_of(files)
    report = repair("store", "out", files=files, settings=Settings(log_file_bytes=2 * FRAME))
    assert (report.frames, report.entries, report.losses, report.not_copied) == (COMMITS, 2 * COMMITS, (), ())
    assert content_of(files) == before
    original, copy = open_log(files), open_log(files, "out")
    assert copy[1] == original[1] and len(copy[1]) == COMMITS
    assert copy[0].store_uuid == UUID and copy[0].cut is None
    assert check("out", files=files).is_sound


DAMAGES = [
    # name, change, commits lost
    ("a payload", lambda files: flip(files, FIRST, HEADER_BYTES + FRAME + 40), {1}),
    ("a length", lambda files: flip(files, FIRST, HEADER_BYTES + FRAME + 1), {1}),
    ("a length made huge", lambda files: flip(files, FIRST, HEADER_BYTES + FRAME + 3), {1}),
    ("a sequence", lambda files: flip(files, FIRST, HEADER_BYTES + 12), {0}),
    ("the first header", lambda files: flip(files, FIRST, 3), set()),
    ("a later header", lambda files: flip(files, SECOND, 30), set()),
    ("a mark", lambda files: flip(files, SECOND, HEADER_BYTES + 30), set()),
    (
        "the first two commits",
        lambda files: [flip(files, FIRST, HEADER_BYTES + n * FRAME + 50) for n in (0, 1)],
        {0, 1},
    ),
    ("zeros", lambda files: alter(files, FIRST, files.read(FIRST)[:100] + bytes(FRAME)), {0, 1, 2}),
    ("nothing left of a file", lambda files: alter(files, FIRST, b""), {0, 1, 2}),
]


@pytest.mark.parametrize(("change", "lost"), [case[1:] for case in DAMAGES], ids=[case[0] for case in DAMAGES])
def test_repair_salvages_all_that_verifies(files, change, lost):
    sequences = dict(map(reversed, open_log(files)[1]))
    change(files)
    with pytest.raises(ServerError):
        open_log(files)
    before = content_of(files)
    report = repair("store", "out", files=files)
    assert content_of(files) == before
    assert report.losses and report.frames == COMMITS - len(lost)
    log, replayed = open_log(files, "out")
    assert replayed == [(sequences[number], number) for number in range(COMMITS) if number not in lost]
    assert log.store_uuid == UUID
    log.append(commit(99))


def test_repair_reports_a_missing_file(files):
    files.remove(SECOND)
    report = repair("store", "out", files=files)
    assert [(loss.file, loss.reason) for loss in report.losses] == [("0000000002.log", "the file is missing")]
    _, replayed = open_log(files, "out")
    assert [number for _, number in replayed] == [0, 1, 2, 6, 7, 8]


def test_repair_refuses_a_directory_with_something_in_it(files):
    files.make_directory("out")
    files.open_append("out/precious", create=True)
    with pytest.raises(ServerError, match="not empty") as caught:
        repair("store", "out", files=files)
    assert caught.value.code == ErrorCode.InvalidPath
    assert files.list("out") == ["precious"]


def test_repair_names_what_it_does_not_copy(files):
    files.open_append("store/MANIFEST", create=True)
    assert repair("store", "out", files=files).not_copied == ("MANIFEST",)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_repair_opens_whatever_was_damaged(data):
    """Any bytes written over any place: repair makes a store that opens and holds whole commits, in order."""
    files = MemoryFiles()
    make_store(files)
    for _ in range(data.draw(st.integers(1, 4))):
        path = "store/log/" + data.draw(st.sampled_from(files.list("store/log")))
        raw = bytearray(files.read(path))
        place = data.draw(st.integers(0, len(raw)))
        raw[place : place + data.draw(st.integers(0, 80))] = data.draw(st.binary(max_size=80))
        alter(files, path, bytes(raw))
    report = repair("store", "out", files=files)
    _, replayed = open_log(files, "out")
    assert len(replayed) == report.frames
    numbers = [number for _, number in replayed]
    assert numbers == sorted(set(numbers)) and set(numbers) <= set(range(COMMITS))


# The command line


def invoke(*arguments: str):
    return CliRunner().invoke(cli.build(), list(arguments), env={"COLUMNS": "200"})


@pytest.fixture
def store(tmp_path) -> str:
    path = str(tmp_path / "store")
    make_store(DiskFiles(), path)
    return path


def test_command_check(store):
    result = invoke("check", store)
    assert result.exit_code == cli.DONE and "sound" in result.output and "0000000001.log" in result.output


def test_commands_on_a_damaged_store(store, tmp_path):
    path = os.path.join(store, "log", "0000000001.log")
    raw = bytearray(DiskFiles().read(path))
    raw[HEADER_BYTES + FRAME + 40] ^= 1
    with open(path, "wb") as file:
        file.write(raw)
    result = invoke("check", store)
    assert result.exit_code == cli.DAMAGED and f"byte {HEADER_BYTES + FRAME}" in result.output
    result = invoke("repair", store, str(tmp_path / "out"))
    assert result.exit_code == cli.DAMAGED and f"salvaged {COMMITS - 1} commits" in result.output
    result = invoke("check", str(tmp_path / "out"))
    assert result.exit_code == cli.DONE
    result = invoke("repair", store, str(tmp_path / "out"))
    assert result.exit_code == cli.IMPOSSIBLE and "not empty" in result.output.replace("\n", " ")


def test_command_on_nothing(tmp_path):
    assert invoke("check", str(tmp_path / "none")).exit_code == cli.IMPOSSIBLE


def test_command_shows_a_torn_tail(store):
    last = os.path.join(store, "log", sorted(os.listdir(os.path.join(store, "log")))[-1])
    with open(last, "ab") as file:
        file.write(b"half")
    result = invoke("check", store)
    assert result.exit_code == cli.DONE and "torn tail" in result.output and "4 bytes" in result.output


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_the_command_says_what_to_install(missing):
    code = f"import sys; sys.modules[{missing!r}] = None; from amongo.cli import main; main()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == cli.IMPOSSIBLE
    assert "pip install amongo[cli]" in result.stderr and "Traceback" not in result.stderr
