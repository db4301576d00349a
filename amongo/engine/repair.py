"""Looking at a store at rest, and salvaging a damaged one.

`check` reads every log file and reports; `repair` writes every commit that still verifies into a new directory. Both
keep owners away while they read and change nothing in the store they look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from amongo.engine.files import LOCK_NAME, DiskFiles, Files
from amongo.engine.log.format import (
    COMMIT,
    FORMAT_VERSION,
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    LOG_DIRECTORY,
    MARK,
    Frame,
    Header,
    file_name,
    pack_frame,
    pack_header,
    pack_mark,
)
from amongo.engine.log.log import random_uuid
from amongo.engine.log.reader import Damage, FileReader, find_frame
from amongo.engine.log.recovery import Cut, Recovery, reason_of
from amongo.engine.settings import DEFAULT_SETTINGS, Settings
from amongo.errors import ErrorCode, ServerError, storage
from amongo.runtime.clock import SYSTEM_CLOCK, Clock


@dataclass(frozen=True, slots=True)
class FileReport:
    """What one log file holds.

    name             within the log directory
    file_bytes       its length
    frames           commits that verify, also behind damage
    entries          in those commits
    frame_bytes      of those commits, with their headers
    first_sequence   of the first and last of them; None without one
    last_sequence
    damage           the first place that does not verify; None if all does
    damaged_bytes    that belong to no frame that verifies
    """

    name: str
    file_bytes: int
    frames: int
    entries: int
    frame_bytes: int
    first_sequence: int | None
    last_sequence: int | None
    damage: Damage | None
    damaged_bytes: int


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `check` has found.

    path      the store
    files     a report for each log file, in order
    refusal   why the store does not open; None if it does
    cut       the torn tail that opening the store would cut off; None if there is none
    """

    path: str
    files: tuple[FileReport, ...]
    refusal: str | None
    cut: Cut | None

    @property
    def is_sound(self) -> bool:
        """Whether the store opens; a torn tail that is cut then is nothing that was promised."""
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class Loss:
    """A stretch of a log file that could not be salvaged; `offset` and `lost_bytes` in bytes."""

    file: str
    offset: int
    lost_bytes: int
    reason: str


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What `repair` has done.

    source, target   the damaged store and the new one
    frames           commits salvaged
    entries          in them
    frame_bytes      of them, with their headers
    losses           what was left behind, in order; a lost commit may have created what later ones write to
    not_copied       names in the store that are not of the log
    """

    source: str
    target: str
    frames: int
    entries: int
    frame_bytes: int
    losses: tuple[Loss, ...]
    not_copied: tuple[str, ...]


def check(path: str, *, files: Files | None = None) -> CheckReport:
    """Report on the store in a directory. Changes nothing.

    errors   STORE_NOT_FOUND, STORE_PATH_IS_FILE, STORE_IN_USE, STORE_FORMAT_NEWER, STORE_UNREADABLE
    """
    files = files or DiskFiles()
    lock = files.lock(path, shared=True)
    try:
        recovery = Recovery(path, files)
        if not recovery.numbers:
            raise storage.STORE_NOT_FOUND(path=path)
        refusal = None
        try:
            for frame in recovery.frames():
                for _ in frame.entries():
                    pass
        except ServerError as error:
            if error.code != ErrorCode.DataCorruptionDetected:
                raise
            refusal = error.message
        cut = recovery.ending.cut if recovery.ending else None
        return CheckReport(path, tuple(_report(recovery, number) for number in recovery.numbers), refusal, cut)
    finally:
        lock.release()


def _report(recovery: Recovery, number: int) -> FileReport:
    salvage = _Salvage(recovery, number, 0)
    sequences = [frame.sequence for frame in salvage]
    return FileReport(
        file_name(number),
        len(salvage.raw),
        salvage.frames,
        salvage.entries,
        salvage.frame_bytes,
        sequences[0] if sequences else None,
        sequences[-1] if sequences else None,
        salvage.damage,
        sum(loss.lost_bytes for loss in salvage.losses),
    )


def repair(
    source: str,
    target: str,
    *,
    files: Files | None = None,
    clock: Clock = SYSTEM_CLOCK,
    settings: Settings = DEFAULT_SETTINGS,
) -> RepairReport:
    """Write every commit of `source` that verifies into a new store in `target`; `source` is not touched.

    Commits keep their sequences, and the store its identity if a file header still tells it.

    errors   REPAIR_TARGET_NOT_EMPTY; what `check` raises; OUT_OF_DISK_SPACE, LOG_WRITE_FAILED
    """
    files = files or DiskFiles()
    lock = files.lock(source, shared=True)
    try:
        recovery = Recovery(source, files)
        if not recovery.numbers:
            raise storage.STORE_NOT_FOUND(path=source)
        files.make_directory(target)
        if files.list(target):
            raise storage.REPAIR_TARGET_NOT_EMPTY(path=target)
        target_lock = files.lock(target)
        try:
            return _repair(recovery, source, target, files, clock, settings)
        finally:
            target_lock.release()
    finally:
        lock.release()


def _repair(
    recovery: Recovery, source: str, target: str, files: Files, clock: Clock, settings: Settings
) -> RepairReport:
    losses: list[Loss] = []
    frames = entries = frame_bytes = last_sequence = 0
    headers = [FileReader("", recovery.read(number, HEADER_BYTES), number).header for number in recovery.numbers]
    store_uuid = next((header.store_uuid for header in headers if header), None) or random_uuid()
    writer = _Writer(os.path.join(target, LOG_DIRECTORY), files, clock, settings, store_uuid)
    if headers[0] is not None:
        writer.last_sequence = last_sequence = headers[0].first_sequence - 1
    try:
        writer.begin()
        before: _Salvage | None = None
        for index, number in enumerate(recovery.numbers):
            header = headers[index]
            if before is not None and number > before.number + 1:
                losses += _missing_files(before.number, number)
            elif before is not None and not before.losses and header and header.first_sequence > last_sequence + 1:
                losses.append(before.early_end())
            before = salvage = _Salvage(recovery, number, last_sequence)
            for frame in salvage:
                writer.write(frame)
                last_sequence = frame.sequence
            frames += salvage.frames
            entries += salvage.entries
            frame_bytes += salvage.frame_bytes
            losses += salvage.losses
        writer.end()
    except OSError as error:
        raise storage.LOG_WRITE_FAILED(file=writer.path, reason=reason_of(error)) from error
    not_copied = tuple(name for name in files.list(source) if name not in (LOCK_NAME, LOG_DIRECTORY))
    return RepairReport(source, target, frames, entries, frame_bytes, tuple(losses), not_copied)


def _missing_files(before: int, number: int) -> Iterator[Loss]:
    """A loss for each file that should stand between two."""
    for missing in range(before + 1, number):
        yield Loss(file_name(missing), 0, 0, "the file is missing")


class _Salvage:
    """The commits of one log file that verify, also behind bad places, and an account of both."""

    def __init__(self, recovery: Recovery, number: int, last_sequence: int) -> None:
        self.name = file_name(number)
        self.raw = recovery.read(number)
        self.damage: Damage | None = None
        self.losses: list[Loss] = []
        self.frames = 0
        self.entries = 0
        self.frame_bytes = 0
        self.number = number
        self._end = 0
        self._last_sequence = last_sequence

    def __iter__(self) -> Iterator[Frame]:
        reader = FileReader(self.name, self.raw, self.number, self._last_sequence)
        if reader.header is None:
            reader.position = min(HEADER_BYTES, reader.end)  # the frames may verify all the same
            self._lose(reader.damage, reader.position)
            reader.damage = None
        while True:
            for frame in reader:
                if frame.kind == COMMIT and self._take(frame, reader.position):
                    yield frame
            if reader.damage is None:
                self._end = reader.position
                return
            found = find_frame(self.raw, reader.position + 1, reader.last_sequence)
            reader.position = reader.end if found is None else found[0]
            self._lose(reader.damage, reader.position)
            reader.damage = None

    def early_end(self) -> Loss:
        """The loss of frames that the next file follows on, with nothing but zeros, or nothing, in their place."""
        return Loss(self.name, self._end, len(self.raw) - self._end, "the file ends early, frames are missing")

    def _lose(self, damage: Damage | None, end: int) -> None:
        """Account for the bytes from a bad place up to where reading goes on."""
        if damage is not None:
            self.damage = self.damage or damage
            self.losses.append(Loss(damage.file, damage.offset, end - damage.offset, damage.reason))

    def _take(self, frame: Frame, end: int) -> bool:
        """Whether a commit's entries parse; counts it then, and its loss otherwise."""
        frame_bytes = FRAME_HEADER_BYTES + len(frame.payload)
        try:
            entries = sum(1 for _ in frame.entries())
        except ServerError as error:
            self._lose(Damage(self.name, end - frame_bytes, error.message), end)
            return False
        self.frames += 1
        self.entries += entries
        self.frame_bytes += frame_bytes
        return True


class _Writer:
    """Writes commits that have their sequences already, as a log's files, each synced when it is full."""

    def __init__(self, directory: str, files: Files, clock: Clock, settings: Settings, store_uuid: bytes) -> None:
        self.last_sequence = 0
        self.path = directory
        self._directory = directory
        self._files = files
        self._clock = clock
        self._settings = settings
        self._store_uuid = store_uuid
        self._number = 0

    def begin(self) -> None:
        """Begin the next file."""
        if self._number == 0:
            self._files.make_directory(self._directory)
        self._number += 1
        self.path = os.path.join(self._directory, file_name(self._number))
        self._file = self._files.open_append(self.path, create=True)
        self._offset = HEADER_BYTES
        self._file.write(
            pack_header(
                Header(FORMAT_VERSION, self._number, self._store_uuid, self.last_sequence + 1, self._clock.now_ms())
            )
        )

    def write(self, frame: Frame) -> None:
        """Append one commit."""
        if self._offset >= self._settings.log_file_bytes:
            self.end()
            self.begin()
        block = pack_frame(frame.sequence, frame.wall_ms, frame.kind, bytes(frame.payload))
        self._file.write(block)
        self._offset += len(block)
        self.last_sequence = frame.sequence

    def end(self) -> None:
        """Make the file durable and close it with a mark that says so."""
        self._file.sync()
        mark = pack_mark(self._store_uuid, self._number, self._offset)
        self._file.write(pack_frame(self.last_sequence, self._clock.now_ms(), MARK, mark))
        self._file.sync()
        self._file.close()
        self._files.sync_directory(self._directory)
