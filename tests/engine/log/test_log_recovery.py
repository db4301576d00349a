"""Opening after a stop: a torn tail is cut, damage is refused, and which is which."""

from __future__ import annotations

import itertools

import bson
import pytest

from amongo.engine.files import MemoryFiles
from amongo.engine.log import Log, entry
from amongo.engine.log.format import FORMAT_VERSION, HEADER_BYTES, Header, pack_header
from amongo.engine.settings import Settings
from amongo.errors import ErrorCode, ServerError
from amongo.runtime.clock import ManualClock

HEAD = bson.encode({"op": "i", "ns": "test.things"})
UUID = b"the store's uuid"
FIRST, SECOND, THIRD = (f"store/log/{number:010d}.log" for number in (1, 2, 3))


def commit(number: int) -> bytes:
    return entry(number, HEAD, [bson.encode({"_id": number, "text": "x" * 20})])


def open_log(files: MemoryFiles, log_file_bytes: int = 1 << 20, new_uuid=lambda: UUID):
    settings = Settings(log_file_bytes=log_file_bytes)
    log = Log.open("store", files, ManualClock(), settings=settings, has_service=False, new_uuid=new_uuid)
    return log, [frame.entries()[0].record_id for frame in log.replay()]


def written(*, commits: int, sync_after: tuple[int, ...] = (), log_file_bytes: int = 1 << 20, closes: bool = False):
    """Files with a log of so many commits; fsyncs come after the commits named."""
    files = MemoryFiles()
    log, _ = open_log(files, log_file_bytes)
    for number in range(commits):
        log.append(commit(number))
        if number in sync_after:
            log.sync_now()
    if closes:
        log.close()
    return files


def alter(files: MemoryFiles, path: str, content: bytes) -> None:
    file = files.open_append(path, create=True)
    file.truncate(0)
    file.write(content)


def flip(files: MemoryFiles, path: str, offset: int, mask: int = 0x10) -> None:
    content = bytearray(files.read(path))
    content[offset] ^= mask
    alter(files, path, bytes(content))


def refusal(files: MemoryFiles) -> str:
    with pytest.raises(ServerError) as caught:
        open_log(files)
    assert caught.value.code == ErrorCode.DataCorruptionDetected
    return caught.value.message


FRAME = 29 + len(commit(0))
MARK = 29 + 32


def test_a_flipped_bit_anywhere_in_a_closed_log_is_noticed():
    """Whatever byte is hit: the store is refused, or it is the last mark, which holds nothing."""
    files = written(commits=8, sync_after=(1, 3, 5), log_file_bytes=3 * FRAME, closes=True)
    names = files.list("store/log")
    assert len(names) >= 3
    for name in names:
        path = "store/log/" + name
        size = len(files.read(path))
        for offset in range(size):
            damaged = MemoryFiles()
            damaged.make_directory("store/log")
            for each in names:
                alter(damaged, "store/log/" + each, files.read("store/log/" + each))
            flip(damaged, path, offset, 1 << offset % 8)
            if name == names[-1] and offset >= size - MARK:
                log, replayed = open_log(damaged)
                assert replayed == list(range(8)) and log.cut is not None
            else:
                message = refusal(damaged)
                assert path in message or "belongs to another store" in message


def test_a_cut_log_shows_its_first_commits():
    """Cut at every byte: what opens shows a part from the start, and never more bytes than stand there."""
    files = written(commits=5)  # never synced
    content = files.read(FIRST)
    for size in range(len(content)):
        cut = MemoryFiles()
        cut.make_directory("store/log")
        alter(cut, FIRST, content[:size])
        log, replayed = open_log(cut)
        assert replayed == list(range(max(0, size - HEADER_BYTES) // FRAME))
        assert (log.cut is None) == (size >= HEADER_BYTES and (size - HEADER_BYTES) % FRAME == 0)
        log.append(commit(99))
        log.close()
        assert open_log(cut)[1] == [*replayed, 99]


CASES = [
    # name, offset of the damage, commits, fsyncs after commit, commits that stay (None: the store is refused)
    ("unsynced last commit", HEADER_BYTES + 2 * FRAME, 3, (), 2),
    ("unsynced commit before others", HEADER_BYTES + 30, 3, (), 0),
    ("the last mark", HEADER_BYTES + 3 * FRAME, 3, (2,), 3),
    ("synced commit with its mark behind", HEADER_BYTES + 2 * FRAME, 3, (2,), None),
    ("unsynced commit behind a mark", HEADER_BYTES + 2 * FRAME + MARK, 3, (1,), 2),
    ("first of unsynced commits behind a mark", HEADER_BYTES + 2 * FRAME + MARK, 5, (1,), 2),
    ("synced commit, unsynced ones behind", HEADER_BYTES + FRAME, 5, (1,), None),
    ("first header with commits behind", 3, 3, (), None),
]


@pytest.mark.parametrize(
    ("offset", "commits", "sync_after", "stay"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_torn_or_damaged(offset, commits, sync_after, stay):
    files = written(commits=commits, sync_after=sync_after)
    flip(files, FIRST, offset)
    if stay is None:
        message = refusal(files)
        assert FIRST in message and "damaged at byte" in message and "amongo check" in message
    else:
        log, replayed = open_log(files)
        assert replayed == list(range(stay))
        assert log.cut is not None and log.cut.damage.file == FIRST and log.cut.damage.offset <= offset


def test_the_refusal_names_the_first_byte_of_the_bad_frame():
    files = written(commits=4, sync_after=(3,))
    flip(files, FIRST, HEADER_BYTES + FRAME + 40)
    assert f"at byte {HEADER_BYTES + FRAME}: the checksum of the frame does not match" in refusal(files)


def test_refused_files_are_left_as_they_are():
    files = written(commits=4, sync_after=(3,))
    flip(files, FIRST, HEADER_BYTES + 40)
    before = files.read(FIRST)
    refusal(files)
    assert files.read(FIRST) == before and files.list("store/log") == ["0000000001.log"]


def two_files(*, is_first_synced: bool) -> MemoryFiles:
    """A log that has just gone on in its second file, with a commit there."""
    files = written(commits=3, log_file_bytes=2 * FRAME, sync_after=(1,))
    assert len(files.list("store/log")) == 2
    if not is_first_synced:  # the moment before the mark: the second file is a header and a commit
        content = files.read(SECOND)
        alter(files, SECOND, content[:HEADER_BYTES] + content[HEADER_BYTES + MARK :])
    return files


@pytest.mark.parametrize("damage", ["flip", "cut at a frame", "cut in a frame"])
def test_tail_of_the_file_before_the_last(damage):
    """Torn as long as no mark in the last file says that it was synced; then the last file goes with it."""
    for is_first_synced in (False, True):
        files = two_files(is_first_synced=is_first_synced)
        content, second = files.read(FIRST), files.read(SECOND)
        if damage == "flip":
            flip(files, FIRST, HEADER_BYTES + FRAME + 30)
        else:
            alter(files, FIRST, content[: HEADER_BYTES + FRAME + (0 if damage == "cut at a frame" else 30)])
        if is_first_synced:
            assert FIRST in refusal(files)
            continue
        log, replayed = open_log(files)
        assert replayed == [0]
        assert files.list("store/log") == ["0000000001.log"]
        assert log.cut is not None and log.cut.lost_bytes >= len(second.rstrip(b"\0"))
        log.append(commit(7))
        log.close()
        assert open_log(files)[1] == [0, 7]


def test_a_torn_header_of_the_last_file_is_cut_with_the_file():
    for size in range(HEADER_BYTES):
        files = two_files(is_first_synced=False)
        left = files.read(SECOND)[:size]
        alter(files, SECOND, left)
        log, replayed = open_log(files)
        assert replayed == [0, 1] and files.list("store/log") == ["0000000001.log"]
        assert log.cut is not None and log.cut.lost_bytes == len(left.rstrip(b"\0"))


def test_two_files_behind_a_bad_place_prove_damage_without_a_mark():
    files = written(commits=9, log_file_bytes=2 * FRAME, sync_after=(1, 3, 5, 7))
    for name in files.list("store/log"):
        content = files.read(f"store/log/{name}")
        alter(files, f"store/log/{name}", content[:HEADER_BYTES] + content[HEADER_BYTES:].replace(UUID, bytes(16)))
    assert f"{FIRST}' is damaged at byte {HEADER_BYTES + 2 * FRAME}" in refusal(two_frames_and_a_bad_third(files))


def two_frames_and_a_bad_third(files: MemoryFiles) -> MemoryFiles:
    files.open_append(FIRST).write(b"\xff" * 60)
    return files


def test_a_missing_file_is_named():
    files = written(commits=9, log_file_bytes=2 * FRAME, sync_after=(1, 3, 5, 7))
    files.remove(SECOND)
    assert f"'{SECOND}' is missing" in refusal(files)


def test_a_file_of_another_store_is_refused():
    files = two_files(is_first_synced=True)
    alter(files, SECOND, pack_header(Header(FORMAT_VERSION, 2, b"another store id", 1, 0)))
    assert "belongs to another store" in refusal(files)


def test_a_file_under_another_number_is_refused():
    files = written(commits=9, log_file_bytes=2 * FRAME, sync_after=(1, 3, 5, 7))
    first, second = files.read(FIRST), files.read(SECOND)
    alter(files, FIRST, second)
    alter(files, SECOND, first)
    assert "file number 2" in refusal(files)


def test_a_repeated_frame_is_damage():
    files = written(commits=2, sync_after=(1,))
    content = files.read(FIRST)
    frame = content[HEADER_BYTES : HEADER_BYTES + FRAME]
    alter(files, FIRST, content[:HEADER_BYTES] + frame + content[HEADER_BYTES:])
    assert "is not after" in refusal(files)


def test_a_newer_format_is_refused_before_anything_is_read():
    files = written(commits=9, log_file_bytes=2 * FRAME, sync_after=(1, 3, 5, 7))
    alter(files, THIRD, pack_header(Header(FORMAT_VERSION + 1, 3, UUID, 5, 0)) + b"of another shape")
    flip(files, FIRST, HEADER_BYTES + 3)
    with pytest.raises(ServerError, match=f"version {FORMAT_VERSION + 1}") as caught:
        Log.open("store", files, ManualClock())
    assert caught.value.code == ErrorCode.UnsupportedFormat


def test_a_document_that_looks_like_a_mark_condemns_nothing():
    """Only a mark that verifies, with this store's identity, counts."""
    files = MemoryFiles()
    log, _ = open_log(files)
    log.append(commit(0))
    log.append(entry(1, HEAD, [bson.encode({"_id": UUID * 3, "text": UUID + b"\xff" * 40})]))
    flip(files, FIRST, HEADER_BYTES + 40)
    log, replayed = open_log(files)
    assert replayed == [] and log.cut is not None


def test_an_empty_first_file_begins_a_new_store():
    files = MemoryFiles()
    files.make_directory("store/log")
    files.open_append(FIRST, create=True)
    log, replayed = open_log(files)
    assert replayed == [] and files.read(FIRST)[:8] == b"amongoLG"
    log.append(commit(0))
    assert open_log(files)[1] == [0]


def test_other_files_in_the_directory_are_left_alone():
    files = written(commits=2)
    files.open_append("store/log/notes.txt", create=True)
    assert open_log(files)[1] == [0, 1]
    assert "notes.txt" in files.list("store/log")


def test_unsynced_commits_survive_any_number_of_openings():
    files = written(commits=3)
    for number in itertools.count(3):
        log, replayed = open_log(files, 4 * FRAME)
        assert replayed == list(range(number))
        log.append(commit(number))
        if number == 9:
            break


# Zeros: space that was reserved

ZEROS = [1, 28, 29, 60, 61, 4096, (1 << 20) + 3]


def pad(files: MemoryFiles, path: str, zeros: int) -> None:
    files.open_append(path).write(bytes(zeros))


@pytest.mark.parametrize("zeros", ZEROS)
@pytest.mark.parametrize("sync_after", [(), (1,), (2,)], ids=["never synced", "synced before the end", "synced"])
def test_zeros_behind_the_last_frame_are_the_end(zeros, sync_after):
    files = written(commits=3, sync_after=sync_after)
    size = len(files.read(FIRST))
    pad(files, FIRST, zeros)
    log, replayed = open_log(files)
    assert replayed == [0, 1, 2] and log.cut is None
    assert len(files.read(FIRST)) in (size, size + MARK)  # the zeros are cut off, a mark may follow
    log.append(commit(3))
    log.close()
    assert open_log(files)[1] == [0, 1, 2, 3]


def test_zeros_behind_the_header_are_the_end():
    files = written(commits=0)
    pad(files, FIRST, 5000)
    log, replayed = open_log(files)
    assert replayed == [] and log.cut is None
    log.append(commit(0))
    assert open_log(files)[1] == [0]


@pytest.mark.parametrize("zeros", ZEROS)
def test_a_torn_frame_with_zeros_behind_is_a_torn_tail(zeros):
    """Cut at every byte of the frame: where nothing but zeros is left of it, it was never begun."""
    files = written(commits=3)
    content = files.read(FIRST)
    for size in range(len(content) - FRAME, len(content)):
        torn = MemoryFiles()
        torn.make_directory("store/log")
        alter(torn, FIRST, content[:size] + bytes(zeros))
        log, replayed = open_log(torn)
        if zeros + size >= len(content) and not any(content[size:]):  # the zeros stand for the frame's own
            assert replayed == [0, 1, 2] and log.cut is None
            continue
        assert replayed == [0, 1]
        left = content[len(content) - FRAME : size].rstrip(b"\0")
        assert (log.cut is None) == (not left)
        if log.cut is not None:
            assert log.cut.damage.offset == len(content) - FRAME and log.cut.lost_bytes == len(left)
        log.append(commit(9))
        log.close()
        assert open_log(torn)[1] == [0, 1, 9]


def test_zeros_before_a_frame_are_a_hole():
    for sync_after, is_refused in (((), False), ((3,), True)):
        files = written(commits=4, sync_after=sync_after)
        content = files.read(FIRST)
        start = HEADER_BYTES + FRAME
        alter(files, FIRST, content[:start] + bytes(FRAME) + content[start + FRAME :])
        if is_refused:
            assert f"at byte {start}" in refusal(files)
        else:
            log, replayed = open_log(files)
            assert replayed == [0]
            assert log.cut is not None and (log.cut.damage.offset, log.cut.damage.file) == (start, FIRST)


@pytest.mark.parametrize("is_first_synced", [False, True])
def test_zeros_at_the_end_of_an_earlier_file_are_no_damage(is_first_synced):
    files = two_files(is_first_synced=is_first_synced)
    pad(files, FIRST, 4096)
    pad(files, SECOND, 4096)
    log, replayed = open_log(files)
    assert replayed == [0, 1, 2] and log.cut is None
    log.append(commit(3))
    log.close()
    assert open_log(files)[1] == [0, 1, 2, 3]


def test_frames_of_a_synced_file_turned_to_zeros_are_missed():
    """Nothing but zeros is the end of a file only if the next file does not go on from later."""
    files = two_files(is_first_synced=True)
    content = files.read(FIRST)
    alter(files, FIRST, content[: HEADER_BYTES + FRAME] + bytes(len(content) - HEADER_BYTES - FRAME))
    assert f"{FIRST}' is damaged at byte {HEADER_BYTES + FRAME}: the file ends early" in refusal(files)


@pytest.mark.parametrize("zeros", [0, 10, 64, 65, 5000])
def test_a_last_file_of_zeros_is_one_that_was_never_begun(zeros):
    files = two_files(is_first_synced=False)
    size = len(files.read(FIRST))
    pad(files, FIRST, 4096)
    alter(files, SECOND, bytes(zeros))
    log, replayed = open_log(files)
    assert replayed == [0, 1] and files.list("store/log") == ["0000000001.log"]
    assert log.cut is not None and log.cut.lost_bytes == 0
    assert len(files.read(FIRST)) in (size, size + MARK)


def test_a_first_file_of_zeros_begins_a_new_store():
    files = MemoryFiles()
    files.make_directory("store/log")
    alter(files, FIRST, bytes(5000))
    log, replayed = open_log(files)
    assert replayed == []
    log.append(commit(0))
    assert open_log(files)[1] == [0]
