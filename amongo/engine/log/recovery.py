"""Reading the whole log after a stop, and judging what does not verify.

After a power loss everything that was not synced may be missing, partly there, or there with a hole before it. After
damage (a flipped bit, a lost block) something that *was* synced does not verify. The first must be cut off silently,
the second must never be. Marks tell them apart: a mark says how far the log had been synced when it was written, so

    a bad place is **corruption** if a mark behind it, in its file or a later one, says that it had been synced,
    and a **torn tail** otherwise: it and everything behind it was never acknowledged as durable, and is cut.

Two more facts follow from how files are begun (`log.Log`): a file is synced before the file after the next is begun,
and the header of a store's first file is synced before the first frame. So a bad place in a file with two files behind
it, and a bad first header with frames behind it, are corruption without asking a mark.

A file may end in zeros: space that was reserved and is cut off when the file is closed. They are no bad place; whether
frames are missing there, the next file's `first_sequence` tells.

What this cannot see: damage behind the last mark that reached the disk looks like a torn tail, or, if it left nothing
but zeros, like the end. A mark is written right after each fsync and synced when the log closes, so that is at most the
last commits before a stop.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from amongo.engine.files.interface import Files
from amongo.engine.log.format import (
    HEADER_BYTES,
    LOG_DIRECTORY,
    MARK,
    MARK_FRAME_BYTES,
    BadHeader,
    Frame,
    LogFile,
    Mark,
    file_name,
    file_number,
    parse_header,
    written_end,
)
from amongo.engine.log.reader import Damage, FileReader, find_marks
from amongo.errors import storage


@dataclass(frozen=True, slots=True)
class Cut:
    """A torn tail: what a stop left behind the last commit that is whole.

    damage       where it begins, and why
    lost_bytes   from there to the end of the log, without the zeros at the ends of its files
    """

    damage: Damage
    lost_bytes: int


@dataclass(frozen=True, slots=True)
class Ending:
    """Where the log goes on after recovery.

    number, size         the last file, and its bytes that stay; number 0 if there is no file. Behind them there may be
                         zeros to remove, also without a torn tail
    last_sequence        of the last commit; 0 if there is none
    store_uuid           None if there is no file
    files                those that stay, oldest first
    obsolete             names of files to remove
    cut                  the torn tail to remove; None if there is none
    is_synced            whether a mark proves that everything up to here is durable
    mark                 the furthest mark: everything before it is known to be durable; None if there is none
    """

    number: int
    size: int
    last_sequence: int
    store_uuid: bytes | None
    files: tuple[LogFile, ...]
    obsolete: tuple[str, ...]
    cut: Cut | None
    is_synced: bool
    mark: Mark | None


class Recovery:
    """One pass over a store's log, or over what a checkpoint does not cover. It changes nothing: the log, or `amongo
    check`, does with `ending` what is to do.

    `frames` yields the commits and, when it is exhausted, has set `ending`.
    """

    def __init__(self, directory: str, files: Files) -> None:
        """errors: STORE_FORMAT_NEWER, STORE_UNREADABLE."""
        self.directory = os.path.join(directory, LOG_DIRECTORY)
        self.ending: Ending | None = None
        self._files = files
        self.numbers = self._list()
        self._number = 0  # the file read last, and what is known at its end:
        self._size = 0
        self._last_sequence = 0
        self._uuid: bytes | None = None
        self._mark: Mark | None = None
        self._is_synced = False
        self._read: dict[int, LogFile] = {}
        for number in self.numbers:
            self._check_version(number)

    def path(self, number: int) -> str:
        """Path of a log file."""
        return os.path.join(self.directory, file_name(number))

    def _list(self) -> list[int]:
        if not self._files.exists(self.directory):
            return []
        try:
            names = self._files.list(self.directory)
        except OSError as error:
            raise storage.STORE_UNREADABLE(path=self.directory, reason=reason_of(error)) from error
        return sorted(number for number in map(file_number, names) if number is not None)

    def _check_version(self, number: int) -> None:
        """Refuse a file of a newer format before anything is read. errors: STORE_FORMAT_NEWER, STORE_UNREADABLE."""
        try:
            parse_header(self.read(number, HEADER_BYTES), self.path(number))
        except BadHeader:
            pass  # judged when its turn comes

    def read(self, number: int, length: int | None = None, offset: int = 0) -> bytes:
        """The bytes of a log file. errors: STORE_UNREADABLE."""
        try:
            return self._files.read(self.path(number), length, offset)
        except OSError as error:
            raise storage.STORE_UNREADABLE(path=self.path(number), reason=reason_of(error)) from error

    def _size_of(self, number: int) -> int:
        try:
            return self._files.size(self.path(number))
        except OSError as error:
            raise storage.STORE_UNREADABLE(path=self.path(number), reason=reason_of(error)) from error

    def frames(self, after: int = 0, start: Mark | None = None) -> Iterator[Frame]:
        """The commits with a sequence over `after`, in order.

        start    where the commit `after` ended (`Log.place`), known to be durable: nothing before it is read. The file
                 that it is in may have been dropped since
        errors   LOG_CORRUPT, LOG_FILE_MISSING, LOG_BEGINS_LATE, LOG_ENDS_EARLY, STORE_UNREADABLE
        """
        start = self._check_row(start)
        self._mark = start
        for index, number in enumerate(self.numbers):
            if start is not None and number <= start.file_number:
                reader = self._read_from(start, number, after)
                if number < start.file_number:
                    continue
            else:
                reader = FileReader(self.path(number), self.read(number), number, self._last_sequence)
                if not self._continues(reader, after):
                    reason = "the file ends early, frames that the next file follows on are missing"
                    self._end_torn(Damage(self.path(self._number), self._size, reason), None, self.numbers[index:])
                    break
            is_mark = False
            for frame in reader:
                is_mark = frame.kind == MARK
                if not is_mark and frame.sequence > after:
                    yield frame
            self._take(reader, number, is_mark)
            if reader.damage is not None:
                self._end_torn(reader.damage, reader, self.numbers[index + 1 :])
                break
        else:
            self._end((), None)
        if self._last_sequence < after:
            self.ending = None
            raise storage.LOG_ENDS_EARLY(last=self._last_sequence, path=self.directory, needed=after)

    def _check_row(self, start: Mark | None) -> Mark | None:
        """Find no file missing; `start`, if its file is still there. errors: LOG_FILE_MISSING."""
        numbers = self.numbers
        for before, number in pairwise(numbers):
            if number != before + 1:
                raise storage.LOG_FILE_MISSING(file=self.path(before + 1))
        if start is None or (numbers and start.file_number < numbers[0]):
            return None
        if not numbers or start.file_number > numbers[-1]:
            raise storage.LOG_FILE_MISSING(file=self.path(start.file_number))
        return start

    def _read_from(self, start: Mark, number: int, after: int) -> FileReader:
        """What is to be read of a file up to that of `start`; of one before it, nothing but the header.

        errors   LOG_CORRUPT, LOG_BEGINS_LATE, STORE_UNREADABLE
        """
        path, size = self.path(number), self._size_of(number)
        block, raw = self.read(number, HEADER_BYTES), b""
        base = max(HEADER_BYTES, size)
        if number == start.file_number:
            raw, base = self.read(number, offset=start.offset), start.offset
        reader = FileReader(path, raw, number, self._last_sequence, base=base, block=block)
        if reader.damage is not None:
            raise storage.LOG_CORRUPT(file=path, offset=0, reason=reader.damage.reason)
        if number == start.file_number and size < start.offset:
            reason = f"the file ends here and had been synced up to byte {start.offset}"
            raise storage.LOG_CORRUPT(file=path, offset=size, reason=reason)
        self._continues(reader, after)
        if number == start.file_number:
            reader.last_sequence = after
        else:
            assert reader.header is not None
            reader.last_sequence = reader.header.first_sequence - 1  # at least
            self._take(reader, number, ends_with_mark=False)
        return reader

    def _continues(self, reader: FileReader, after: int) -> bool:
        """Whether the file follows on the files before it. errors: LOG_BEGINS_LATE, LOG_CORRUPT."""
        header = reader.header
        if header is None:
            return True
        if self._uuid is None:
            if header.first_sequence > after + 1:
                raise storage.LOG_BEGINS_LATE(first=header.first_sequence, file=reader.name, needed=after + 1)
            reader.last_sequence = header.first_sequence - 1
            self._uuid = header.store_uuid
        elif header.store_uuid != self._uuid:
            raise storage.LOG_CORRUPT(file=reader.name, offset=0, reason="the file belongs to another store")
        elif header.first_sequence <= self._last_sequence:
            reason = f"it claims to begin at sequence {header.first_sequence}, which the file before it holds"
            raise storage.LOG_CORRUPT(file=reader.name, offset=0, reason=reason)
        return header.first_sequence == reader.last_sequence + 1

    def _take(self, reader: FileReader, number: int, ends_with_mark: bool) -> None:
        """Remember what is known at the end of a file."""
        self._last_sequence = reader.last_sequence
        self._mark = reader.mark or self._mark
        self._number, self._size = number, reader.position
        end = Mark(number, reader.position - MARK_FRAME_BYTES)
        self._is_synced = ends_with_mark and self._mark == end
        header = reader.header
        if header is not None:
            self._read[number] = LogFile(number, header.first_sequence, header.created_ms, reader.position)

    def _end_torn(self, damage: Damage, reader: FileReader | None, later: list[int]) -> None:
        """End at a bad place. errors: LOG_CORRUPT if it is no torn tail.

        reader   of the file with the bad place; None if that is the file's end
        later    numbers of the files behind it
        """
        if self._is_corruption(damage.offset, reader, later):
            raise storage.LOG_CORRUPT(file=damage.file, offset=damage.offset, reason=damage.reason)
        lost_bytes = sum(written_end(self.read(each)) for each in later)
        if reader is not None:
            lost_bytes += max(0, reader.end - damage.offset)
        obsolete = [file_name(number) for number in reversed(later)]
        if damage.offset == 0:  # not even its header stays
            obsolete.append(file_name(self._number))
            self._number -= 1
            before = self._read.get(self._number)
            self._number, self._size = (before.number, before.file_bytes) if before is not None else (0, 0)
        self._is_synced = False
        self._end(tuple(obsolete), Cut(damage, lost_bytes))

    def _is_corruption(self, offset: int, reader: FileReader | None, later: list[int]) -> bool:
        """Whether the bad place had been synced, so that no stop explains it; see the module's text."""
        if len(later) > 1:
            return True
        if offset == 0 and self._number == self.numbers[0]:
            return self._number > 1 or bool(later) or (reader is not None and reader.end > HEADER_BYTES)
        assert self._uuid is not None
        place = Mark(self._number, offset)
        if reader is not None and any(
            mark > place for mark in find_marks(reader.raw, offset - reader.base, self._uuid)
        ):
            return True
        return any(mark > place for each in later for mark in find_marks(self.read(each), 0, self._uuid))

    def _end(self, obsolete: tuple[str, ...], cut: Cut | None) -> None:
        self.ending = Ending(
            self._number,
            self._size,
            self._last_sequence,
            self._uuid,
            tuple(file for file in self._read.values() if file.number <= self._number),
            obsolete,
            cut,
            self._is_synced,
            self._mark,
        )


def reason_of(error: OSError) -> str:
    """What the operating system says, without our path twice."""
    return error.strerror or str(error)
