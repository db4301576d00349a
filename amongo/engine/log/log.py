"""The append log of a store: one frame a commit, group fsync, files of bounded size.

A commit is one `write`: when `append` returns, the operating system has the frame, and it survives the death of the
process. `durable` waits for the next fsync, which one service thread makes for all who wait, and anyway every
`sync_interval_s` while something is unsynced.

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
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from xxhash import xxh3_64, xxh3_64_intdigest

from amongo.engine.files.interface import AppendFile, Files
from amongo.engine.log.format import (
    COMMIT,
    FORMAT_VERSION,
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    KINDS,
    MARK,
    MARK_FRAME_BYTES,
    Frame,
    Header,
    Mark,
    file_name,
    pack_checked,
    pack_checksum,
    pack_frame,
    pack_header,
    pack_mark,
)
from amongo.engine.log.recovery import Cut, Ending, Recovery, reason_of
from amongo.engine.settings import DEFAULT_SETTINGS, Settings
from amongo.errors import ServerError, storage
from amongo.runtime.clock import Clock
from amongo.runtime.limits import FRAME_BYTES
from amongo.runtime.workers import Completion, Condition, Lock, start_service

FULL_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT})
Refusal = Callable[[], ServerError]

_SMALL_BYTES = 64 * 1024  # a payload up to here is copied twice, which is faster than joining pieces


def random_uuid() -> bytes:
    """The identity of a new store: 16 bytes."""
    return uuid.uuid4().bytes


class Log:
    """The log of one store. It takes no lock on the directory; the store has done so.

    last_sequence   cluster time of the last commit; 0 before the first
    store_uuid      the store's 16 bytes, once replayed
    cut             the torn tail that replay has cut off; None if there was none
    """

    __slots__ = (
        "_changed",
        "_directory",
        "_file",
        "_files",
        "_first_sequences",
        "_group",
        "_has_failed",
        "_has_service",
        "_has_unsynced_mark",
        "_is_asked",
        "_is_closing",
        "_is_idle",
        "_is_writing",
        "_join",
        "_limit",
        "_lock",
        "_must_mark",
        "_new_uuid",
        "_next_second_ms",
        "_now_ms",
        "_number",
        "_offset",
        "_recovery",
        "_refusal",
        "_second_sequence",
        "_settings",
        "_sync_error",
        "_synced_sequence",
        "cut",
        "last_sequence",
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
        self.last_sequence = 0
        self.store_uuid = b""
        self.cut: Cut | None = None
        self._recovery: Recovery | None = Recovery(directory, files)
        self._directory = self._recovery.directory
        self._files = files
        self._now_ms = clock.now_ms
        self._settings = settings
        self._has_service = has_service
        self._new_uuid = new_uuid
        self._join: Callable[[], None] | None = None
        self._lock = Lock()
        self._changed = Condition(self._lock)
        # All below belongs to the lock.
        self._file: AppendFile | None = None
        self._number = 0
        self._offset = 0  # end of the file as memory knows it
        self._limit = settings.log_file_bytes  # past it, the next file
        self._first_sequences: dict[int, int] = {}
        self._synced_sequence = 0
        self._second_sequence = 0  # the first sequence of the second that the clock has reached
        self._next_second_ms = 0  # when the next one begins
        self._group: Completion | None = None  # of all who wait for the next fsync
        self._is_asked = False  # whether somebody does wait for it
        self._refusal: Refusal | None = storage.LOG_NOT_REPLAYED  # why no frame is taken
        self._has_failed = False  # no frame, not even a mark, may follow
        self._sync_error: ServerError | None = None
        self._is_writing = False  # still set when the next write begins: an exception came in between
        self._must_mark = False  # the next trim is to write the mark of recovery again
        self._is_idle = False
        self._is_closing = False
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

    # Replay

    def replay(self, after: int = 0) -> Iterator[Frame]:
        """Every commit with a sequence over `after`, in order; then the log takes frames. Once, and to its end.

        A torn tail is cut off when the iterator is exhausted; see `cut`.

        errors   LOG_CORRUPT, LOG_FILE_MISSING, LOG_BEGINS_LATE, STORE_UNREADABLE; what `append` raises
        """
        recovery, self._recovery = self._recovery, None
        if recovery is None:
            raise RuntimeError("a log is replayed once")
        yield from recovery.frames(after)
        assert recovery.ending is not None
        self._begin(recovery.ending)

    def _begin(self, ending: Ending) -> None:
        """Cut what recovery wants cut, make durable what is left, and take frames from here on."""
        self.cut = ending.cut
        self._number = ending.number
        try:
            for name in ending.obsolete:
                self._files.remove(os.path.join(self._directory, name))
                self._files.sync_directory(self._directory)
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
        self._files.make_directory(self._directory)
        header = self._open_empty(1, may_reserve=False)  # nothing may stand behind it before it is durable
        header.write(pack_header(Header(FORMAT_VERSION, 1, self.store_uuid, 1, self._now_ms())))
        header.sync()
        header.close()
        self._files.sync_directory(self._directory)
        self._file = self._files.open_append(self._path(1), may_reserve=True)
        self._number, self._offset = 1, HEADER_BYTES
        self._first_sequences = {1: 1}

    def _continue(self, ending: Ending) -> None:
        assert ending.store_uuid is not None
        self.store_uuid = ending.store_uuid
        self.last_sequence = self._synced_sequence = ending.last_sequence
        self._first_sequences = {
            number: sequence for number, sequence in ending.first_sequences.items() if number <= ending.number
        }
        file = self._file = self._files.open_append(self._path(ending.number), may_reserve=True)
        self._offset = ending.size
        if file.size > ending.size:
            file.truncate(ending.size)
        if ending.is_synced:
            # The last mark proves what stands before it, but not itself: its own sync may have failed. So it counts as
            # an interrupted write, to be trimmed and written again before the next frame.
            self._offset -= MARK_FRAME_BYTES
            self._is_writing = self._must_mark = True
        else:
            self._renew(ending.mark or Mark(0, 0))
            self._write_mark(self._number, self._offset)

    def _renew(self, mark: Mark) -> None:
        """Make durable what the last process may have left unsynced: everything behind the furthest mark.

        It may have stopped over a failed fsync, or before the names of its files were durable, so that an fsync alone
        proves nothing.
        """
        for number in sorted(self._first_sequences)[-2:]:  # earlier files were synced before the last was begun
            if number >= mark.file_number:
                self._files.renew(self._path(number), mark.offset if number == mark.file_number else 0)
        self._files.sync_directory(self._directory)
        self._files.sync_directory(os.path.dirname(self._directory) or os.curdir)

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
        with self._lock:
            if self._refusal is not None or self._is_writing:
                self._check_writable()
            now_ms, file = self._now_ms, self._file  # CPython is slow at calling what a slot holds, not at loading it
            wall_ms = now_ms()
            if wall_ms >= self._next_second_ms:
                self._begin_second(wall_ms)
            sequence = self.last_sequence + 1
            if sequence < self._second_sequence:
                sequence = self._second_sequence
            if is_small:
                checked = pack_checked(length, sequence, wall_ms, kind) + payload  # type: ignore[operator]
                frame = pack_checksum(xxh3_64_intdigest(checked)) + checked
            else:
                frame = _join(pack_checked(length, sequence, wall_ms, kind), pieces)
            self._is_writing = True
            try:
                file.write(frame)  # type: ignore[union-attr]
            except OSError as error:
                raise self._undo(error) from error
            end = self._offset + FRAME_HEADER_BYTES + length
            # One statement without a call, in which Python takes no signal: the frame counts as a whole or not at all.
            self.last_sequence, self._offset, self._is_writing = sequence, end, False
            if self._is_idle or self._offset >= self._limit:
                self._wake()
        return sequence

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
            self._write_mark(self._number, self._offset)
        return None

    def _refuse(self, reason: str) -> None:
        self._has_failed = True
        if not self._is_closing:
            self._refusal = partial(storage.LOG_READ_ONLY, reason=reason)

    def _describe(self, error: OSError) -> ServerError:
        row = storage.OUT_OF_DISK_SPACE if error.errno in FULL_DISK_ERRORS else storage.LOG_WRITE_FAILED
        return row(file=self._path(self._number), reason=reason_of(error))

    def _write_mark(self, number: int, offset: int) -> None:
        """Say in the log that it is durable up to a place. A mark that cannot be written is left out.

        A mark repeats the sequence of the last commit and is not one itself.
        """
        if self._has_failed or (self._is_writing and self._trim() is not None):
            return
        payload = pack_mark(self.store_uuid, number, offset)
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

    # Durability

    def durable(self, sequence: int) -> Completion:
        """Settled when the commit `sequence` and all before it would survive a power loss.

        All who wait share one fsync: the next to begin, after at most one that is under way. It begins when somebody
        waits, or when it is due anyway. Its failure fails them all with LOG_SYNC_FAILED, and every later call for what
        is not durable by then.
        """
        if sequence > self.last_sequence:
            raise ValueError(f"sequence {sequence} has not been handed out")
        group = self._group
        if group is not None:  # without the lock: whenever it is taken from here on, its fsync covers `sequence`
            return group
        with self._lock:
            is_durable = sequence <= self._synced_sequence
            if is_durable or self._sync_error is not None:
                completion = Completion()
            else:
                completion = self._group = self._group or Completion(self._ask)
        if is_durable:
            completion.set_result()
        elif self._sync_error is not None:
            completion.set_exception(self._sync_error)
        elif not self._has_service:
            self._sync_pass()
        return completion

    def sync_now(self) -> None:
        """Block until everything appended so far is durable. errors: LOG_SYNC_FAILED."""
        self.durable(self.last_sequence).wait_blocking()

    def _ask(self) -> None:
        """Somebody waits for the group."""
        with self._lock:
            if self._group is not None:
                self._is_asked = True
                self._wake()

    def _wake(self) -> None:
        self._is_idle = False
        self._changed.notify()

    def _serve(self) -> None:
        """The service thread: fsync when someone waits, or when something has been unsynced for the interval."""
        try:
            while self._wait_for_work():
                self._sync_pass()
        except BaseException as error:  # who waits must hear of it, whatever it is
            self._fail_sync(repr(error), None)

    def _wait_for_work(self) -> bool:
        """Whether there is something to sync; False when the service is to end."""
        with self._changed:
            while True:
                if self._sync_error is not None:
                    return False
                if self._is_asked and self._group is not None:
                    return True
                if self._is_closing:
                    return self._has_work()
                if self._has_work() and self._offset >= self._limit:
                    return True
                # As long as there is work now and then, the service looks for it by itself: no append has to wake it.
                if self._changed.wait(self._settings.sync_interval_s):
                    continue
                if self._has_work():
                    return True
                self._is_idle = True
                self._changed.wait()
                self._is_idle = False

    def _has_work(self) -> bool:
        return self.last_sequence > self._synced_sequence or self._group is not None

    def _sync_pass(self) -> None:
        """One fsync for all who wait, and the next file if this one is full."""
        is_full = self._offset >= self._limit and not (self._has_failed or self._is_closing)
        upcoming = self._prepare_next() if is_full else None
        with self._lock:
            file, number, offset = self._file, self._number, self._offset
            target, is_dirty = self.last_sequence, self.last_sequence > self._synced_sequence
            group, self._group, self._is_asked = self._group, None, False
            has_switched = upcoming is not None and self._switch(upcoming)
        if upcoming is not None and not has_switched:
            self._discard(upcoming, number + 1)
        assert file is not None
        try:
            file.sync()
        except OSError as error:
            self._fail_sync(reason_of(error), group)
            return
        except BaseException as error:
            self._fail_sync(repr(error), group)
            raise
        finally:
            if has_switched:
                file.close()
        with self._lock:
            self._synced_sequence = target
            if has_switched:
                self._write_mark(number + 1, 0)
            elif is_dirty:
                self._write_mark(number, offset)
        if group is not None:
            group.set_result()

    def _fail_sync(self, reason: str, group: Completion | None) -> None:
        """Nothing can be said of the unsynced bytes any more: fail who waits, take no more frames."""
        with self._lock:
            error = self._sync_error = storage.LOG_SYNC_FAILED(file=self._path(self._number), reason=reason)
            self._refuse(error.message)
            later, self._group = self._group, None
        for each in (group, later):
            if each is not None:
                each.set_exception(error)

    # Files

    def _path(self, number: int) -> str:
        return os.path.join(self._directory, file_name(number))

    def _open_empty(self, number: int, may_reserve: bool) -> AppendFile:
        file = self._files.open_append(self._path(number), create=True, may_reserve=may_reserve)
        if file.size:  # left by an attempt that failed
            file.truncate(0)
        return file

    def _prepare_next(self) -> AppendFile | None:
        """The next file, empty, its name durable; None if there is no place for it now."""
        number = self._number + 1
        try:
            file = self._open_empty(number, may_reserve=True)
        except OSError:
            self._postpone()
            return None
        try:
            self._files.sync_directory(self._directory)
        except OSError:
            self._discard(file, number)
            return None
        return file

    def _postpone(self) -> None:
        """Stay in the file for now, and try again some bytes later."""
        self._limit = self._offset + max(1, self._settings.log_file_bytes // 8)

    def _switch(self, file: AppendFile) -> bool:
        """Go on in the next file; False if its header cannot be written. Under the lock."""
        if self._has_failed or (self._is_writing and self._trim() is not None):
            return False
        number, first_sequence = self._number + 1, self.last_sequence + 1
        header = Header(FORMAT_VERSION, number, self.store_uuid, first_sequence, self._now_ms())
        try:
            file.write(pack_header(header))
        except OSError:
            return False
        self._file, self._number, self._offset = file, number, HEADER_BYTES
        self._first_sequences[number] = first_sequence
        self._limit = self._settings.log_file_bytes
        return True

    def _discard(self, file: AppendFile, number: int) -> None:
        """Remove a next file that was not taken. It must not come back: the log goes on before it."""
        self._postpone()
        try:
            file.truncate(0)
            file.close()
            self._files.remove(self._path(number))
            self._files.sync_directory(self._directory)
        except OSError as error:
            with self._lock:
                self._refuse(f"{self._path(number)} was begun and can be neither used nor removed: {reason_of(error)}")

    def drop_before(self, sequence: int) -> int:
        """Remove the files that hold only commits before `sequence`; how many. The current file always stays.

        Nothing calls this before there are checkpoints: until then, the log is the database.

        errors   LOG_WRITE_FAILED
        """
        dropped = 0
        with self._lock:
            numbers = sorted(self._first_sequences)
            obsolete = [
                number
                for number, following in pairwise(numbers)
                if self._first_sequences[following] <= min(sequence, self._synced_sequence)
            ]
        for number in obsolete:
            try:
                self._files.remove(self._path(number))
                self._files.sync_directory(self._directory)  # each for itself: a hole would look like a lost file
            except OSError as error:
                raise storage.LOG_WRITE_FAILED(file=self._path(number), reason=reason_of(error)) from error
            with self._lock:
                del self._first_sequences[number]
            dropped += 1
        return dropped

    def close(self) -> None:
        """Make everything durable, end the service, close the file. A second call does nothing.

        errors   LOG_SYNC_FAILED, if it has not been told before
        """
        with self._lock:
            if self._is_closing:
                return
            self._is_closing = True
            self._refusal = storage.LOG_CLOSED
            had_failed = self._has_failed
            self._changed.notify_all()
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
    return b"".join((pack_checksum(checksum.intdigest()), checked, *pieces))
