"""The append log of a store: one frame a commit, group fsync, files of bounded size.

A commit is one `write`: when `append` returns, the operating system has the frame, and it survives the death of the
process. `durability` has what it takes to survive a power loss.

What a failure leaves behind:

- a write fails (disk full, I/O error): what got written of the frame is truncated away, the caller gets the error,
  log and memory agree, the next append may succeed;
- that truncation fails as well: the file has a torn frame at its end, nothing may follow it. The log takes no more
  frames; reads go on; reopening cuts the tail;
- an fsync fails: the operating system may have dropped the bytes and marked them clean, so that a second fsync would
  succeed and mean nothing. All who wait get the error and the log takes no more frames.

The file may reserve space ahead (`Files.open_append`), so that there may be zeros behind the last frame. They are cut
off when the file is closed, and when a log is opened whose process has died.

A file over `log_file_bytes` is followed by the next one. Its frames may be written while the old file's last ones are
still unsynced, so that no append waits for a disk; a mark in the new file says when the old one has been synced.
"""

from __future__ import annotations

import errno
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from xxhash import xxh3_64, xxh3_64_digest

from amongo.engine.files.interface import AppendFile, Files
from amongo.engine.log.file_row import FileRow
from amongo.engine.log.format import (
    COMMIT,
    ENTRY_BYTES,
    FORMAT_VERSION,
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    KINDS,
    MARK,
    MARK_FRAME_BYTES,
    Frame,
    Header,
    Mark,
    entry_pieces,
    pack_checked,
    pack_entry,
    pack_frame,
    pack_header,
    pack_mark,
    pack_start,
)
from amongo.engine.log.kept_files import KeptFiles
from amongo.engine.log.recovery import Cut, Ending, Recovery, reason_of
from amongo.engine.settings import DEFAULT_SETTINGS, Settings
from amongo.errors import ServerError, storage
from amongo.runtime.clock import Clock
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import FRAME_BYTES, MAPPED_BLOCK_BYTES
from amongo.runtime.workers import start_service

FULL_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT})
Refusal = Callable[[], ServerError]

_SMALL_BYTES = 64 * 1024  # a payload up to here is copied twice, which is faster than joining pieces
_PUT_BYTES = MAPPED_BLOCK_BYTES - FRAME_HEADER_BYTES  # a payload up to here takes the file's short way


def random_uuid() -> bytes:
    """The identity of a new store: 16 bytes."""
    return uuid.uuid4().bytes


class Log(KeptFiles):
    """The log of one store. It takes no lock on the directory; the store has done so.

    store_uuid      the store's 16 bytes, once replayed
    cut             the torn tail that replay has cut off; None if there was none
    """

    __slots__ = (
        "_file",
        "_has_failed",
        "_has_unsynced_mark",
        "_is_writing",
        "_join",
        "_limit",
        "_must_mark",
        "_new_uuid",
        "_next_second_ms",
        "_now_ns",
        "_recovery",
        "_refusal",
        "_second_sequence",
        "_settings",
        "cut",
        "store_uuid",
    )

    def __init__(
        self,
        directory: str,
        files: Files,
        clock: Clock,
        settings: Settings,
        has_service: bool,
        new_uuid: Callable[[], bytes],
    ) -> None:
        recovery = Recovery(directory, files)
        super().__init__(has_service, settings.sync_interval_s, FileRow(recovery.directory, files))
        self.store_uuid = b""
        self.cut: Cut | None = None
        self._recovery: Recovery | None = recovery
        self._now_ns = clock.now_ns
        self._settings = settings
        self._new_uuid = new_uuid
        self._join: Callable[[], None] | None = None
        # All below belongs to the guard.
        self._file: AppendFile | None = None
        self._limit = settings.log_file_bytes  # past it, the next file
        self._second_sequence = 0  # the first sequence of the second that the clock has reached
        self._next_second_ms = 0  # when the next one begins
        self._refusal: Refusal | None = storage.LOG_NOT_REPLAYED  # why no frame is taken
        self._has_failed = False  # no frame, not even a mark, may follow
        self._is_writing = False  # still set when the next write begins: an exception came in between
        self._must_mark = False  # the next trim is to write the mark of recovery again
        self._has_unsynced_mark = False

    @classmethod
    def open(
        cls,
        directory: str,
        files: Files,
        clock: Clock,
        *,
        settings: Settings = DEFAULT_SETTINGS,
        has_service: bool = True,
        new_uuid: Callable[[], bytes] = random_uuid,
    ) -> Log:
        """Open the log of the store in `directory`, in its subdirectory `log`; `replay` must follow.

        has_service   without it no thread is started, and `durable` makes its fsync itself, at once: for tests that
                      count operations
        new_uuid      gives a new store's identity
        errors        STORE_FORMAT_NEWER, STORE_UNREADABLE
        """
        return cls(directory, files, clock, settings, has_service, new_uuid)

    @property
    def is_missing(self) -> bool:
        """Whether there is no log yet; before `replay`."""
        return self._recovery is not None and not self._recovery.numbers

    # Replay

    def replay(self, after: int = 0, start: Mark | None = None) -> Iterator[Frame]:
        """Every commit with a sequence over `after`, in order; then the log takes frames. Once, and to its end.

        A torn tail is cut off when the iterator is exhausted; see `cut`. The log may begin with any file that holds
        the commit after `after`, or that follows on the commit `after`.

        start    the `place` where the commit `after` ended, if that is known to be durable: nothing before is read
        errors   LOG_CORRUPT, LOG_FILE_MISSING, LOG_BEGINS_LATE, LOG_ENDS_EARLY, STORE_UNREADABLE; what `append` raises
        """
        recovery, self._recovery = self._recovery, None
        if recovery is None:
            raise RuntimeError("a log is replayed once")
        yield from recovery.frames(after, start)
        assert recovery.ending is not None
        self._begin(recovery.ending)

    def _begin(self, ending: Ending) -> None:
        """Cut what recovery wants cut, make durable what is left, and take frames from here on."""
        self.cut = ending.cut
        self._number = ending.number
        try:
            self._row.cut(ending.obsolete)
            if ending.number == 0:
                self._create_first()
            else:
                self._continue(ending)
        except OSError as error:
            raise self._describe(error) from error
        self._refusal = None
        if self._has_service:
            self._join = start_service("log", self._serve).join

    def _create_first(self) -> None:
        self.store_uuid = self._new_uuid()
        self._file = self._row.create_first(Header(FORMAT_VERSION, 1, self.store_uuid, 1, self._now_ms()))
        self._number, self._offset = 1, HEADER_BYTES
        self._synced_place = Mark(1, HEADER_BYTES)

    def _continue(self, ending: Ending) -> None:
        assert ending.store_uuid is not None
        self.store_uuid = ending.store_uuid
        self.last_sequence = self._synced_sequence = ending.last_sequence
        self._row.adopt(ending.files)
        file = self._file = self._row.reopen(ending.number)
        self._offset = ending.size
        if file.size > ending.size:
            file.truncate(ending.size)
        if ending.is_synced:
            # The last mark proves what stands before it, but not itself: its own sync may have failed. So it counts as
            # an interrupted write, to be trimmed and written again before the next frame.
            self._offset -= MARK_FRAME_BYTES
            self._is_writing = self._must_mark = True
        else:
            self._row.renew(ending.mark or Mark(0, 0))
        self._synced_place = Mark(self._number, self._offset)
        if not ending.is_synced:
            self._write_mark(self.place())

    # Writing

    def append(self, payload: bytes | Sequence[bytes], kind: int = COMMIT) -> int:
        """Hand one frame to the operating system with one `write`; its sequence.

        payload   the entries of one commit, in one piece or several; see `format.entry`
        result    cluster time, seconds since 1970 UTC << 32 | increment; greater than every one before
        errors    OUT_OF_DISK_SPACE, LOG_WRITE_FAILED (both: nothing was written), FRAME_TOO_LARGE, LOG_READ_ONLY,
                  LOG_CLOSED, LOG_NOT_REPLAYED
        """
        length = len(payload)
        is_small = type(payload) is bytes and length <= _SMALL_BYTES and kind == COMMIT
        pieces, length = ((), length) if is_small else _checked_payload(payload, kind)
        with self.guard:
            if self._refusal is not None or self._is_writing:
                self._check_writable()
            wall_ms = self._now_ms()
            if wall_ms >= self._next_second_ms:
                self._begin_second(wall_ms)
            sequence = max(self.last_sequence + 1, self._second_sequence)
            if is_small:
                checked = pack_checked(length, sequence, wall_ms, kind) + payload  # type: ignore[operator]
                frame = xxh3_64_digest(checked) + checked
            else:
                frame = _join(pack_checked(length, sequence, wall_ms, kind), pieces)
            end = self._offset + FRAME_HEADER_BYTES + length
            self._is_writing = True
            self._write(frame)
            if self.recent is not None:
                self.recent.put((sequence, wall_ms, frame, FRAME_HEADER_BYTES), len(frame), self.last_sequence)
            # One statement without a call, in which Python takes no signal: the frame counts as a whole or not at all.
            self.last_sequence, self._offset, self._is_writing = sequence, end, False
            if self._is_idle or end >= self._limit:
                self._wake()
        return sequence

    @staticmethod
    def pieces(record_id: int, head: bytes, documents: Sequence[bytes], interrupt: Interrupt) -> list[bytes]:
        """The bytes of one entry of many documents, to be appended; see `format.entry`."""
        return entry_pieces(record_id, head, documents, interrupt)

    def append_entry(self, record_id: int, count: int, head: bytes, documents: bytes) -> int:
        """`append` for one entry, by who holds the guard: the journey of the writes of one document.

        documents   the entry's, `count` of them back to back; the rest as in `format.entry`
        """
        length = ENTRY_BYTES + len(head) + len(documents)
        if length > _PUT_BYTES:
            return self.append(pack_entry(record_id, count) + head + documents)
        if self._refusal is not None or self._is_writing:
            self._check_writable()
        # CPython is slow at calling what a slot holds, not at loading it.
        now_ns, put, end = self._now_ns, self._file.put, self._offset + FRAME_HEADER_BYTES + length  # type: ignore[union-attr]
        wall_ms = now_ns() // 1_000_000
        if wall_ms >= self._next_second_ms:
            self._begin_second(wall_ms)
        sequence = self.last_sequence + 1
        if sequence < self._second_sequence:
            sequence = self._second_sequence
        checked = pack_start(length, sequence, wall_ms, COMMIT, record_id, count) + head + documents
        frame = xxh3_64_digest(checked) + checked
        self._is_writing = True
        try:
            put(frame)
        except ValueError:
            self._write(frame)
        except OSError as error:
            raise self._undo(error) from error
        if self.recent is not None:
            self.recent.put((sequence, wall_ms, frame, FRAME_HEADER_BYTES), len(frame), self.last_sequence)
        self.last_sequence, self._offset, self._is_writing = sequence, end, False  # as in `append`
        if self._is_idle or end >= self._limit:
            self._wake()
        return sequence

    def _write(self, frame: bytes) -> None:
        try:
            self._file.write(frame)  # type: ignore[union-attr]
        except OSError as error:
            raise self._undo(error) from error

    def _now_ms(self) -> int:
        return self._now_ns() // 1_000_000

    def _begin_second(self, wall_ms: int) -> None:
        """Go on to the sequences of another second. A clock that is set back does not come here."""
        second = wall_ms // 1000
        self._second_sequence = second << 32 | 1
        self._next_second_ms = (second + 1) * 1000

    def _check_writable(self) -> None:
        """Raise if the log takes no frame; put an interrupted write in order."""
        error = self._trim() if self._refusal is None else None
        if error is not None:
            raise self._describe(error) from error
        if self._refusal is not None:
            raise self._refusal()

    def _undo(self, error: OSError) -> ServerError:
        """Take away what a failed write has left; the error to raise."""
        self._trim()
        return self._describe(error)

    def _trim(self) -> OSError | None:
        """Cut the file to what memory knows of it. If that fails, no frame may follow, and the error is returned."""
        try:
            self._file.truncate(self._offset)  # type: ignore[union-attr]
        except OSError as error:
            self._refuse(f"{self._path(self._number)} cannot be truncated after a failed write: {reason_of(error)}")
            return error
        self._is_writing = False
        if self._must_mark:
            self._must_mark = False
            self._write_mark(self.place())
        return None

    def _refuse(self, reason: str) -> None:
        self._has_failed = True
        if not self._is_closing:
            self._refusal = partial(storage.LOG_READ_ONLY, reason=reason)

    def _describe(self, error: OSError) -> ServerError:
        row = storage.OUT_OF_DISK_SPACE if error.errno in FULL_DISK_ERRORS else storage.LOG_WRITE_FAILED
        return row(file=self._path(self._number), reason=reason_of(error))

    def _write_mark(self, place: Mark) -> None:
        """Say in the log that it is durable up to a place. A mark that cannot be written is left out.

        A mark repeats the sequence of the last commit and is not one itself.
        """
        if self._has_failed or (self._is_writing and self._trim() is not None):
            return
        payload = pack_mark(self.store_uuid, *place)
        frame = pack_frame(self.last_sequence, self._now_ms(), MARK, payload)
        self._is_writing = True
        try:
            self._file.write(frame)  # type: ignore[union-attr]
        except OSError:
            self._trim()
            return
        self._offset += len(frame)
        self._is_writing = False
        self._has_unsynced_mark = True

    # What the service asks

    def place(self) -> Mark:
        """Where the log ends now. Where `last_sequence` is to be its last commit, under the lock of who commits."""
        with self.guard:
            return Mark(self._number, self._offset)

    def _end(self) -> tuple[AppendFile, Mark, int]:
        assert self._file is not None
        return self._file, Mark(self._number, self._offset), self.last_sequence

    def _is_full(self) -> bool:
        return self._offset >= self._limit and not (self._has_failed or self._is_closing)

    def _current_path(self) -> str:
        return self._path(self._number)

    # Files

    def _prepare_next(self) -> AppendFile | None:
        """The next file, empty, its name durable; None if there is no place for it now."""
        number = self._number + 1
        try:
            file = self._row.open_empty(number)
        except OSError:
            self._postpone()
            return None
        try:
            self._row.sync_names()
        except OSError:
            self._discard(file, number)
            return None
        return file

    def _postpone(self) -> None:
        """Stay in the file for now, and try again some bytes later."""
        self._limit = self._offset + max(1, self._settings.log_file_bytes // 8)

    def _switch(self, file: AppendFile) -> bool:
        """Go on in the next file; False if its header cannot be written."""
        if self._has_failed or (self._is_writing and self._trim() is not None):
            return False
        number, first_sequence = self._number + 1, self.last_sequence + 1
        header = Header(FORMAT_VERSION, number, self.store_uuid, first_sequence, self._now_ms())
        try:
            file.write(pack_header(header))
        except OSError:
            return False
        self._row.add(header, file_bytes=self._offset)
        self._file, self._number, self._offset = file, number, HEADER_BYTES
        self._limit = self._settings.log_file_bytes
        return True

    def _discard(self, file: AppendFile, number: int) -> None:
        """Remove a next file that was not taken. It must not come back: the log goes on before it."""
        self._postpone()
        try:
            self._row.discard(file, number)
        except OSError as error:
            with self.guard:
                self._refuse(f"{self._path(number)} was begun and can be neither used nor removed: {reason_of(error)}")

    def close(self) -> None:
        """Make everything durable, end the service, close the file. A second call does nothing.

        errors   LOG_SYNC_FAILED, if it has not been told before
        """
        with self.guard, self._lock:
            if self._is_closing:
                return
            self._is_closing = True
            self._refusal = storage.LOG_CLOSED
            had_failed = self._has_failed
            self._rouse()
        file_is_open = self._file is not None
        if self._join is not None:
            self._join()
        elif file_is_open and not had_failed and self.last_sequence > self._synced_sequence:
            self._sync_pass()
        file = self._file
        if file is None:
            return
        try:
            if self._has_unsynced_mark and not self._has_failed:
                file.sync()  # the last mark: with it, damage to any commit is told from a torn tail
        except OSError:
            pass  # the commits were synced before, the mark is only a witness
        finally:
            file.close()
        if self._sync_error is not None and not had_failed:
            raise self._sync_error


def _checked_payload(payload: bytes | Sequence[bytes], kind: int) -> tuple[Sequence[bytes], int]:
    """The pieces of a payload and its length. errors: FRAME_TOO_LARGE; ValueError for a kind that is not appended."""
    pieces: Sequence[bytes] = (payload,) if isinstance(payload, bytes) else payload
    length = sum(map(len, pieces))
    if length > FRAME_BYTES:
        raise storage.FRAME_TOO_LARGE(actual_bytes=length, limit_bytes=FRAME_BYTES)
    if kind not in KINDS or kind == MARK:
        raise ValueError(f"no frame of kind {kind} is appended")
    return pieces, length


def _join(checked: bytes, pieces: Sequence[bytes]) -> bytes:
    """A frame of much: checksum and join let other threads run meanwhile, a sum does not.

    checked   what the checksum covers of the header
    """
    checksum = xxh3_64(checked)
    for piece in pieces:
        checksum.update(piece)
    return b"".join((checksum.digest(), checked, *pieces))
