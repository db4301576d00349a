"""Beginning at a checkpoint's place, and letting go of the files before it."""

from __future__ import annotations

import errno

import bson
import pytest

from amongo.engine.files import MemoryFiles
from amongo.engine.log import Log, LogFile, Mark, MemoryLog, entry
from amongo.engine.log.format import HEADER_BYTES
from amongo.engine.settings import Settings
from amongo.errors import ErrorCode, ServerError
from amongo.runtime.clock import ManualClock

HEAD = bson.encode({"op": "i", "ns": "test.things"})
UUID = b"the store's uuid"
FRAME = 29 + len(entry(0, HEAD, [bson.encode({"_id": 0})]))
MARK = 29 + 32


def commit(number: int) -> bytes:
    return entry(number, HEAD, [bson.encode({"_id": number})])


class Watched(MemoryFiles):
    """Files that note what is read of them, and fail to remove when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[str, int]] = []
        self.fails = ""

    def read(self, path, /, length=None, offset=0):
        content = super().read(path, length, offset)
        self.reads.append((path.rpartition("/")[2], len(content)))
        return content

    def remove(self, path, /):
        if self.fails == "remove":
            raise OSError(errno.EIO, "broken")
        super().remove(path)

    def sync_directory(self, path, /):
        if self.fails == "sync_directory":
            raise OSError(errno.EIO, "broken")
        super().sync_directory(path)


def open_log(files, after=0, start=None, log_file_bytes=3 * FRAME, has_service=False):
    settings = Settings(log_file_bytes=log_file_bytes)
    log = Log.open("store", files, ManualClock(), settings=settings, has_service=has_service, new_uuid=lambda: UUID)
    return log, [frame.entries()[0].record_id for frame in log.replay(after, start)]


def fill(log: Log, numbers: range) -> list[tuple[int, Mark]]:
    """(sequence, place behind it) of each commit; every one is synced."""
    ends = []
    for number in numbers:
        sequence = log.append(commit(number))
        ends.append((sequence, log.place()))
        log.sync_now()
    return ends


def names(files) -> list[str]:
    return files.list("store/log")


def damage(files, path: str, offset: int) -> None:
    content = bytearray(files.read(path))
    content[offset] ^= 1
    alter(files, path, bytes(content))


def alter(files, path: str, content: bytes) -> None:
    file = files.open_append(path, create=True)
    file.truncate(0)
    file.write(content)


def test_files_are_listed_with_their_sizes():
    files = MemoryFiles()
    log, _ = open_log(files)
    ends = fill(log, range(10))
    listed = log.log_files()
    assert [file.number for file in listed] == list(range(1, len(names(files)) + 1)) and len(listed) > 3
    assert [file.file_bytes for file in listed] == [files.size(f"store/log/{name}") for name in names(files)]
    assert log.total_bytes == sum(file.file_bytes for file in listed)
    assert listed[0] == LogFile(1, 1, ManualClock().now_ms(), listed[0].file_bytes)
    assert listed[1].first_sequence in [sequence + 1 for sequence, _ in ends]
    log.close()
    assert open_log(files)[0].log_files()[:-1] == listed[:-1]
    assert open_log(files, *ends[-1])[0].log_files()[:-1] == listed[:-1]


@pytest.mark.parametrize("closes", [True, False], ids=["closed", "killed"])
def test_replay_from_every_place_gives_what_follows_it(closes):
    files = MemoryFiles()
    log, _ = open_log(files)
    ends = [(0, log.place()), *fill(log, range(10))]
    if closes:
        log.close()
    for number, (sequence, place) in enumerate(ends):
        log, replayed = open_log(files, sequence, place)
        assert replayed == list(range(number, 10))
        assert log.last_sequence == ends[-1][0] and log.store_uuid == UUID and log.cut is None


def test_a_log_that_began_at_a_place_goes_on():
    files = MemoryFiles()
    ends = fill(open_log(files)[0], range(4))
    for number in range(4, 12):
        log, replayed = open_log(files, *ends[1])
        assert replayed == list(range(2, number))
        assert log.append(commit(number)) > ends[-1][0]
        log.close()
    assert open_log(files)[1] == list(range(12))


def test_what_stands_before_the_place_is_not_read():
    files = Watched()
    log, _ = open_log(files)
    ends = fill(log, range(10))
    log.close()
    files.reads.clear()
    assert open_log(files, *ends[-1])[1] == []
    assert max(size for name, size in files.reads if name != names(files)[-1]) == HEADER_BYTES
    assert sum(size for _, size in files.reads) < 3 * HEADER_BYTES * len(names(files)) + FRAME


def test_reopening_at_the_place_of_a_closed_log_lets_nothing_grow():
    files = MemoryFiles()
    log, _ = open_log(files)
    sequence = log.append(commit(0))
    log.sync_now()
    place = log.place()
    log.sync_to(place)
    log.close()
    sizes = set()
    for _ in range(4):
        log, replayed = open_log(files, sequence, place)
        assert replayed == []
        log.close()
        sizes.add(files.size("store/log/0000000001.log"))
    assert len(sizes) == 1


def test_a_place_is_durable_only_when_its_file_has_been_synced_that_far():
    """Marks and headers of files are written without an fsync of their own."""
    files = MemoryFiles()
    log, _ = open_log(files)
    log.sync_to(log.place())  # an empty log is
    log.append(commit(0))
    log.sync_now()
    behind_mark = log.place()
    assert log._synced_place == Mark(1, HEADER_BYTES + FRAME) < behind_mark
    log.sync_to(behind_mark)
    assert log._synced_place == behind_mark == log.place()  # there was nothing to make a mark for


def test_the_service_syncs_a_place():
    log, _ = open_log(MemoryFiles(), has_service=True, log_file_bytes=1 << 20)
    try:
        for number in range(3):
            log.append(commit(number))
            place = log.place()
            log.sync_to(place)
            assert log._synced_place >= place
            log.sync_to(log.place())
    finally:
        log.close()


def test_after_a_failed_sync_no_place_is_durable():
    files = MemoryFiles()
    log, _ = open_log(files)
    before = log.place()
    log.append(commit(0))
    log._fail_sync("broken", None)
    for _ in range(2):
        with pytest.raises(ServerError) as caught:
            log.sync_to(log.place())
        assert caught.value.code == ErrorCode.LogWriteFailed
    log.sync_to(before)


def test_every_file_before_a_checkpoint_may_go():
    """Whatever is dropped, the log opens at the checkpoint and at every later one, and refuses every earlier need."""
    source = MemoryFiles()
    log, _ = open_log(source)
    ends = [(0, log.place()), *fill(log, range(10))]
    log.close()
    contents = {name: source.read(f"store/log/{name}") for name in names(source)}
    for kept in range(len(ends)):
        files = MemoryFiles()
        files.make_directory("store/log")
        for name, content in contents.items():
            alter(files, f"store/log/{name}", content)
        log, _ = open_log(files, *ends[kept])
        dropped = log.drop_before(ends[kept][0] + 1)
        assert [file.number for file in dropped] == list(range(1, len(contents) - len(names(files)) + 1))
        assert log.log_files()[0].number == len(dropped) + 1
        log.close()
        first = log.log_files()[0].first_sequence
        for number, (sequence, place) in enumerate(ends):
            for start in (place, None):
                if first <= sequence + 1:
                    assert open_log(files, sequence, start)[1] == list(range(number, 10))
                else:
                    assert number < kept
                    with pytest.raises(ServerError, match="begins at sequence"):
                        open_log(files, sequence, start)


@pytest.mark.parametrize("failing", ["remove", "sync_directory"])
def test_a_drop_that_fails_may_be_tried_again(failing):
    files = Watched()
    log, _ = open_log(files)
    ends = fill(log, range(10))
    files.fails = failing
    listed = log.log_files()
    with pytest.raises(ServerError) as caught:
        log.drop_before(ends[7][0])
    assert caught.value.code == ErrorCode.LogWriteFailed and log.log_files() == listed
    files.fails = ""
    assert [file.number for file in log.drop_before(ends[7][0])] == [1, 2, 3]
    assert names(files)[0] == "0000000004.log" == f"{log.log_files()[0].number:010d}.log"


def test_damage_before_the_place_is_not_seen_and_behind_it_is():
    files = MemoryFiles()
    log, _ = open_log(files, log_file_bytes=1 << 20)
    ends = fill(log, range(6))
    log.close()
    path = "store/log/0000000001.log"
    damage(files, path, ends[2][1].offset - 5)
    assert open_log(files, *ends[2])[1] == [3, 4, 5]
    damage(files, path, ends[3][1].offset - 5)
    with pytest.raises(ServerError, match=f"damaged at byte {ends[2][1].offset + MARK}") as caught:
        open_log(files, *ends[2])
    assert caught.value.code == ErrorCode.DataCorruptionDetected


def test_a_torn_tail_behind_the_place_is_cut():
    files = MemoryFiles()
    log, _ = open_log(files, log_file_bytes=1 << 20)
    ends = fill(log, range(2))
    log.append(commit(2))
    log.append(commit(3))
    path = "store/log/0000000001.log"
    content = files.read(path)
    for size in range(ends[1][1].offset, len(content)):
        torn = MemoryFiles()
        torn.make_directory("store/log")
        alter(torn, path, content[:size])
        log, replayed = open_log(torn, *ends[1])
        tail = size - ends[1][1].offset - MARK
        assert replayed == [2, 3][: max(0, tail) // FRAME] and log.last_sequence == ends[1][0] + len(replayed)
        assert (log.cut is None) == (tail == -MARK or (tail >= 0 and tail % FRAME == 0))
        log.append(commit(9))
        log.close()
        assert open_log(torn)[1] == [0, 1, *replayed, 9]


CASES = [
    # name, what happens to the files, part of the message
    ("the place's file ends before it", lambda files: alter(files, LAST, files.read(LAST)[: -2 * MARK]), "ends here"),
    ("the place's file is missing", lambda files: files.remove(LAST), "'{last}' is missing"),
    ("all files are missing", lambda files: [files.remove(f"store/log/{name}") for name in names(files)], "is missing"),
    (
        "an earlier file is missing",
        lambda files: files.remove("store/log/0000000002.log"),
        "0000000002.log' is missing",
    ),
    ("the header of the place's file", lambda files: damage(files, LAST, 20), "damaged at byte 0"),
    ("the header of an earlier file", lambda files: damage(files, "store/log/0000000002.log", 20), "damaged at byte 0"),
]
LAST = "store/log/0000000005.log"


@pytest.mark.parametrize(("change", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_files_that_are_not_what_they_were_at_the_checkpoint(change, message):
    files = MemoryFiles()
    log, _ = open_log(files)
    sequence, _ = fill(log, range(8))[-1]
    place = log.place()
    log.sync_to(place)
    log.close()
    assert names(files)[-1] == LAST.rpartition("/")[2] and place.file_number == 5
    assert open_log(files, sequence, place)[1] == []
    change(files)
    with pytest.raises(ServerError, match=message.format(last=LAST)) as caught:
        open_log(files, sequence, place)
    assert caught.value.code == ErrorCode.DataCorruptionDetected


def test_a_log_that_ends_before_the_checkpoint_is_refused():
    files = MemoryFiles()
    log, _ = open_log(files)
    fill(log, range(3))
    with pytest.raises(ServerError, match="ends at sequence") as caught:
        open_log(files, after=log.last_sequence + 1)
    assert caught.value.code == ErrorCode.DataCorruptionDetected


def test_a_log_in_memory_has_no_files():
    log = MemoryLog(ManualClock())
    assert (log.log_files(), log.total_bytes, log.drop_before(log.append(b"") + 1)) == ([], 0, [])
