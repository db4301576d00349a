"""Reading the files of a log that is being written: the commits that are no longer in memory.

The place in the file is remembered from one read to the next. Nothing is read past the last commit that the caller
knows to be there: behind it there may be zeros that are reserved, or a frame that is just being written. A file that
retention removes is gone for who has not read it yet; nobody holds it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from amongo.engine.log.format import (
    COMMIT,
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    Frame,
    LogFile,
    frame_start,
    parse_frame,
)
from amongo.engine.log.recent import Commit
from amongo.errors import storage
from amongo.errors.history import HISTORY_LOST
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import FRAME_BYTES, HISTORY_READ_BYTES

if TYPE_CHECKING:
    from amongo.engine.log.kept_files import KeptFiles

_NO_HEADER: Final = bytes(FRAME_HEADER_BYTES)


class PastCommits:
    """One reader's place in the files of a log."""

    __slots__ = ("_base", "_block", "_file", "_interrupt", "_log", "_offset", "_sequence")

    def __init__(self, log: KeptFiles) -> None:
        self._log = log
        self._file: LogFile | None = None  # None before the place has been looked for
        self._offset = 0  # of the next frame
        self._sequence = 0  # of the last commit before it
        self._block = b""  # bytes of the file, and
        self._base = 0  # where in the file they begin
        self._interrupt = Interrupt()  # of nobody: for its breaths

    def next(self, after: int, last: int, count: int) -> list[Commit]:
        """The commits with a sequence over `after`, at most `count` and about `HISTORY_READ_BYTES`, at least one.

        last     the sequence of a commit that is there, and is after `after`; nothing behind it is read
        errors   HISTORY_LOST, LOG_CORRUPT, STORE_UNREADABLE, ENTRY_MALFORMED
        """
        if self._file is None or self._sequence != after:
            self._seek(after)
        commits: list[Commit] = []
        room_bytes = HISTORY_READ_BYTES
        try:
            while self._sequence < last and len(commits) < count and room_bytes > 0:
                self._interrupt.breathe()
                frame = self._frame()
                size_bytes = FRAME_HEADER_BYTES + len(frame.payload)
                if frame.kind == COMMIT:
                    commits.append(Commit(frame.sequence, frame.wall_ms, tuple(frame.entries())))
                    self._sequence = frame.sequence
                    room_bytes -= size_bytes
                self._offset += size_bytes
        except BaseException:
            self._file = None  # what was read is not given: the place is looked for anew
            raise
        finally:
            self._block = b""  # what stands behind the last commit may be others' by the next time
        return commits

    def _seek(self, after: int) -> None:
        """Go to the first commit with a sequence over `after`. errors: HISTORY_LOST, STORE_UNREADABLE, LOG_CORRUPT."""
        file = self._log.file_behind(after)
        if file is None:
            raise HISTORY_LOST()
        self._file, self._offset, self._sequence, self._block = file, HEADER_BYTES, file.first_sequence - 1, b""
        while self._sequence < after:  # whole frames are leapt over, unseen but for their headers
            start = self._start()
            if start is None:
                if not self._go_on():
                    return  # `after` is the future's
                continue
            sequence, kind, length = start
            if kind == COMMIT and sequence > after:
                return
            if kind == COMMIT:
                self._sequence = sequence
            self._offset += FRAME_HEADER_BYTES + length
            self._interrupt.breathe()
        self._sequence = after

    def _start(self) -> tuple[int, int, int] | None:
        """(sequence, kind, length of the payload) of the frame at the place; None at the file's end."""
        at = self._offset - self._base
        if not 0 <= at <= len(self._block) - FRAME_HEADER_BYTES:
            self._load(HISTORY_READ_BYTES)
            at = 0
        header = self._block[at : at + FRAME_HEADER_BYTES]
        return None if len(header) < FRAME_HEADER_BYTES or header == _NO_HEADER else frame_start(header)

    def _frame(self) -> Frame:
        """The frame at the place, which is there; in the next file, where one ends. errors: as `next`."""
        while True:
            start = self._start()
            if start is None:
                if self._go_on():
                    continue
                self._fail("the file ends before its last commit")
            length = FRAME_HEADER_BYTES + start[2]
            if length > FRAME_HEADER_BYTES + FRAME_BYTES:
                self._fail("the frame's length is over the limit")
            if self._offset + length > self._base + len(self._block):
                self._load(max(length, HISTORY_READ_BYTES))
            frame = parse_frame(self._block, self._offset - self._base, FRAME_BYTES)
            if isinstance(frame, str):
                self._fail(frame)
            return frame

    def _go_on(self) -> bool:
        """Go to the next file; False if this is the last. errors: HISTORY_LOST."""
        assert self._file is not None
        following = self._log.file_after(self._file)
        if following is None:
            return False
        self._file, self._offset, self._block = following, HEADER_BYTES, b""
        return True

    def _load(self, size_bytes: int) -> None:
        """Read from the place on. errors: HISTORY_LOST, STORE_UNREADABLE."""
        assert self._file is not None
        self._block, self._base = self._log.read_file(self._file, size_bytes, self._offset), self._offset

    def _fail(self, reason: str) -> NoReturn:
        assert self._file is not None
        raise storage.LOG_CORRUPT(file=self._log.path_of(self._file), offset=self._offset, reason=reason)
